"""Removes secrets from texts that leave the process: addresses, headers, assignments and known values."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from seatrial_core.addresses import is_internal_host

HIDDEN = "***"
MIN_SECRET_LENGTH = 8
# A user name of these addresses is no secret; elsewhere it may be a token (https://TOKEN@host).
_DATABASE_SCHEMES = ("postgresql", "postgres")
_ADDRESS = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s\"'<>`\\]{1,4096}")
_DATABASE_PASSWORD = re.compile(r"(?i)\b(postgres(?:ql)?(?:\+\w+)?://[^\s:/@]*:)[^@\n]{1,512}(?:@[^@\s/]*(?=@))*@")
_SECRET_NAME = (
    r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization"
    r"|credential|cookie|signature)s?"
)
# NAME=value, "NAME": "value", and a header; `token: some prose` is none of these.
_ASSIGNMENT = re.compile(
    rf"(?i)(?<![\w.-])({_SECRET_NAME}(?:\s?=\s?|[\"']\s*:\s*))"
    r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"'})\]<`][^\s,;&\"'})\]`]*)"
)
# It begins where a word begins: at every hyphen of `a-a-a-...` it would read the rest of the text again.
_HEADER = re.compile(
    r"(?i)(?<![\w-])((?:[\w-]+-)?(?:authorization|cookie)|[\w-]+-signature)(:\s*)(?!\s|\w+ <)([^\n\"'`]+)"
)
_AUTHORIZATION = re.compile(r"(?i)\b(bearer|basic)(\s+)(?=\S*[0-9=_-])[A-Za-z0-9._~+/=-]{8,}")
_IS_SECRET_NAME = re.compile(rf"(?i){_SECRET_NAME}")
# The form of SEATRIAL_TOKENS, as messages show it: token=scope,scope;token=admin.
_PLACEHOLDER = re.compile(r"token\d*=(?:scope|admin|[a-z]+:(?:read|write|run|trade|control))")
_MARKS = ("://", "=", ":", "earer", "asic", "EARER", "ASIC")
_TELEGRAM_BOT = re.compile(r"(?i)^bot\d+:")
_TOKEN_LIKE = re.compile(r"^(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_~.:@=+%-]{16,}$")
_WEBHOOK_FOLDERS = ("/services/", "/api/webhooks/", "/webhookb2/", "/webhook/", "/workflows/", "/hooks/")

# Values that this process knows to be secret, such as its tokens; they are removed wherever they occur.
_known: set[str] = set()


def remember(*secrets: str) -> None:
    """Remove these values from every text that `redact` returns from now on; short ones are ignored."""
    _known.update(secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH)


def remember_environment(environment: Mapping[str, str]) -> None:
    """Remember the values of all variables whose names say that they are secret, and the passwords in addresses."""
    for name, value in environment.items():
        if name.upper().endswith("_URL"):
            remember_url(value)
        elif is_secret_name(name):
            remember(value, *(entry.rpartition("=")[0].strip() for entry in value.split(";")))


def remember_url(url: str) -> None:
    """Remember the password of an address and the path of a webhook, so that no part of an error repeats them."""
    authority, separator, rest = url.partition("://")[2].rpartition("@")
    if separator:
        password = authority.partition(":")[2]
        remember(password, unquote(password))
    shown = redact_url(url)
    if "://" in url and not separator and shown != url:
        path = rest.partition("/")[2]
        remember(f"/{path}", path.rpartition("/")[2])


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without the secrets in it.

    Args:
        text: An error message, a line of a log, or any other text that leaves the process.
        secrets: Values to remove in addition to those that were remembered.
    """
    hidden = {*_known, *(secret for secret in secrets if len(secret) >= MIN_SECRET_LENGTH)}
    for secret in sorted(hidden, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    if not any(mark in text for mark in _MARKS):
        return text
    if "://" in text:
        text = _DATABASE_PASSWORD.sub(rf"\1{HIDDEN}@", text)
        text = _ADDRESS.sub(lambda match: redact_url(match.group()), text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _ASSIGNMENT.sub(_hide_assigned, text)
    return _AUTHORIZATION.sub(rf"\1\2{HIDDEN}", text)


def redact_value(value: object) -> object:
    """Return a JSON-like value with every text redacted; the values of fields with a secret's name are hidden."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {name: _redact_field(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(item) for item in value]
    return value


def is_secret_name(name: str) -> bool:
    """Return whether a field or variable of this name usually contains a secret."""
    return _IS_SECRET_NAME.fullmatch(name) is not None


def redact_url(url: str) -> str:
    """Return an address without password, query values that may be secret, and the tokens in a webhook's path."""
    try:
        parts = urlsplit(url)
        database = parts.scheme.lower().partition("+")[0] in _DATABASE_SCHEMES
        _ = parts.port  # raises for a password with a slash, which looks like a port
        host = parts.netloc.rpartition("@")[2]
        path = parts.path if database else _path(parts)
        query = "&".join(_query_item(item, parts) for item in parts.query.split("&") if item)
        fragment = HIDDEN if parts.fragment else ""
        return urlunsplit((parts.scheme, _user(parts, keeps_name=database) + host, path, query, fragment))
    except ValueError:  # not an address after all, or one that is broken where the password is
        return f"{url.partition('://')[0]}://{HIDDEN}"


def _redact_field(name: str, value: object) -> object:
    if is_secret_name(name) and isinstance(value, str | bytes) and value:
        return HIDDEN
    return redact_value(value)


def _hide_assigned(match: re.Match[str]) -> str:
    value = match.group(2)
    if _PLACEHOLDER.fullmatch(match.group()) or value.strip("\"'") in {
        "",
        HIDDEN,
        "None",
        "null",
        "true",
        "false",
        "True",
        "False",
    }:
        return match.group()
    return f"{match.group(1)}{HIDDEN}"


def _user(parts: SplitResult, *, keeps_name: bool) -> str:
    user, separator, _ = parts.netloc.rpartition("@")
    if not separator:
        return ""
    name, has_password, _ = user.partition(":")
    if not keeps_name:
        return f"{HIDDEN}@"
    return f"{name}:{HIDDEN}@" if has_password else f"{name}@"


def _path(parts: SplitResult) -> str:
    for folder in _WEBHOOK_FOLDERS:
        before, marker, after = parts.path.partition(folder)
        if marker and after and not is_internal_host(parts.hostname or ""):
            return f"{before}{folder}{HIDDEN}"
    return "/".join(_segment(segment, parts) for segment in parts.path.split("/"))


def _segment(segment: str, parts: SplitResult) -> str:
    if _TELEGRAM_BOT.match(segment):
        return HIDDEN
    is_foreign = not is_internal_host(parts.hostname or "")
    return HIDDEN if is_foreign and _TOKEN_LIKE.match(segment) else segment


def _query_item(item: str, parts: SplitResult) -> str:
    name, separator, value = item.partition("=")
    if not separator:
        return HIDDEN if _TOKEN_LIKE.match(name) else name
    is_foreign = parts.scheme.lower() in ("http", "https") and not is_internal_host(parts.hostname or "")
    if is_foreign or is_secret_name(name) or (_TOKEN_LIKE.match(value) and name.lower() in ("key", "sig", "code")):
        return f"{name}={HIDDEN}"
    return item
