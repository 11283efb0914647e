"""Settings that all services have, read once from the environment and frozen."""

import os
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import AliasChoices, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from seatrial_core import redaction
from seatrial_core.addresses import is_own_host
from seatrial_core.errors import SettingsError
from seatrial_service.auth import Tokens


class ServiceSettings(BaseSettings):
    """The settings of one service; a subclass sets the prefix `SEATRIAL_<SERVICE>_`, the port, and adds its own.

    The fields with an alias are shared by all services under one name. Nothing is read from files. An empty variable
    is one that is not set.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_prefix="SEATRIAL_", populate_by_name=True, env_ignore_empty=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on; beyond this machine only with SEATRIAL_TOKENS.")
    port: int = Field(0, description="Port to listen on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Lowest level that is logged.")
    database_url: str = Field(
        "",
        validation_alias="SEATRIAL_DATABASE_URL",
        repr=False,
        description="The PostgreSQL to use, postgresql://USER:PASSWORD@HOST:PORT/NAME; `seatrial up` starts one.",
    )
    database_direct_url: str = Field(
        "",
        validation_alias="SEATRIAL_DATABASE_DIRECT_URL",
        repr=False,
        description="The same database around a pooler, for LISTEN and locks; empty takes SEATRIAL_DATABASE_URL.",
    )
    tokens: str = Field(
        "",
        validation_alias="SEATRIAL_TOKENS",
        repr=False,
        description="Tokens that services accept and their scopes: `token=scope,scope,name:ops;token=admin`.",
    )
    token: str = Field(
        "", validation_alias="SEATRIAL_TOKEN", repr=False, description="The token to call other services with."
    )
    metrics_open: bool = Field(
        False,
        validation_alias="SEATRIAL_METRICS_OPEN",
        description="1 lets Prometheus read /metrics without a token where tokens are set.",
    )
    allowed_hosts: str = Field(
        "",
        validation_alias="SEATRIAL_ALLOWED_HOSTS",
        description="Names this service is called by besides localhost and IP addresses: `name,*.example.com`.",
    )
    allowed_origins: str = Field(
        "",
        validation_alias="SEATRIAL_ALLOWED_ORIGINS",
        description="Origins whose web pages may send more than reads: `https://console.example.com,...`.",
    )
    trusted_proxies: str = Field(
        "",
        validation_alias="SEATRIAL_TRUSTED_PROXIES",
        description="Addresses or networks of proxies whose X-Forwarded-For and -Proto are believed; none if empty.",
    )
    console_url: str = Field(
        "",
        validation_alias="SEATRIAL_CONSOLE_URL",
        description="Where the console or dashboard is; the first page of each service links to it.",
    )
    stop_with_parent: bool = Field(
        False,
        validation_alias="SEATRIAL_STOP_WITH_PARENT",
        description="1 ends the service when its standard input ends, so that it does not outlive a killed parent.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the environment; never a .env file."""
        return init_settings, env_settings

    @classmethod
    def load(cls, **values: Any) -> Self:  # Any: the settings differ in type
        """Read the settings, or raise SettingsError naming the variable, the value found and what is allowed."""
        redaction.remember_environment({name: os.environ[name] for name in variables(cls) if name in os.environ})
        _check_direct_url(os.environ, str(cls.model_config.get("env_prefix", "")))
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsError(describe(error, cls)) from None  # the cause quotes secrets

    @property
    def direct_url(self) -> str:
        """Return the address for LISTEN and advisory locks, which a pooler would break."""
        return self.database_direct_url or self.database_url

    @property
    def accepted_tokens(self) -> Tokens:
        """Return the tokens this service accepts."""
        return Tokens.parse(self.tokens)

    def require_database(self) -> None:
        """Raise SettingsError without a usable database address."""
        if not self.database_url:
            raise SettingsError(
                "SEATRIAL_DATABASE_URL is not set; give a plain postgresql:// address, or start with `seatrial up`, "
                "which starts an embedded database"
            )
        if not self.database_url.startswith(("postgresql://", "postgres://")):
            raise SettingsError(
                "SEATRIAL_DATABASE_URL must begin with postgresql://, "
                f"found {self.database_url.split(':', 1)[0]!r} before the colon"
            )


def own_database_url(service: str) -> Any:  # Any: what pydantic's Field returns
    """Return the field of a database address that one service has for itself, with the shared one as second choice."""
    return Field(
        "",
        validation_alias=AliasChoices(f"SEATRIAL_{service}_DATABASE_URL", "SEATRIAL_DATABASE_URL"),
        repr=False,
        description="The database as this service's own role; without it SEATRIAL_DATABASE_URL is used.",
    )


def own_direct_url(service: str) -> Any:  # Any: what pydantic's Field returns
    """Return the field of a direct address that one service has for itself, with the shared one as second choice."""
    return Field(
        "",
        validation_alias=AliasChoices(f"SEATRIAL_{service}_DATABASE_DIRECT_URL", "SEATRIAL_DATABASE_DIRECT_URL"),
        repr=False,
        description="The same around a pooler, for LISTEN and locks; without it the address above is used.",
    )


def _check_direct_url(environment: Mapping[str, str], prefix: str) -> None:
    # Half of the statements of a service would otherwise run as another user.
    own, own_direct = f"{prefix}DATABASE_URL", f"{prefix}DATABASE_DIRECT_URL"
    shared = "SEATRIAL_DATABASE_DIRECT_URL"
    if own_direct != shared and environment.get(own) and environment.get(shared) and not environment.get(own_direct):
        raise SettingsError(
            f"{own} is set, but the direct address is that of another user: {shared}; set {own_direct} too, or unset it"
        )


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    return is_own_host(host)


def require_safe_binding(host: str, tokens: Tokens, service: str) -> None:
    """Check that a service that other machines can reach has tokens.

    Raises:
        SettingsError: The address is not loopback and no token is configured.
    """
    if not is_loopback(host) and not tokens.configured:
        raise SettingsError(
            f"the {service} service would listen on {host}, which other machines can reach, but SEATRIAL_TOKENS is not "
            "set; set it (token=scope,scope;...) or bind to 127.0.0.1"
        )


def describe(error: ValidationError, cls: type[BaseSettings]) -> str:
    """Return one sentence that names every refused variable, its value and what is allowed."""
    prefix = str(cls.model_config.get("env_prefix", ""))
    parts = []
    for problem in error.errors():
        field = str(problem["loc"][0]) if problem["loc"] else ""
        name = variable_name(cls, field, prefix)
        # A broken address may be broken where its password is, so none is shown.
        is_secret = redaction.is_secret_name(name) or name.upper().endswith("_URL")
        value: object = "a secret" if is_secret else problem.get("input")
        parts.append(f"{name}: {problem['msg']} (found {value!r})" if field else str(problem["msg"]))
    return "bad settings: " + "; ".join(parts)


def variable_name(cls: type[BaseSettings], field: str, prefix: str) -> str:
    """Return the environment variable a setting is read from."""
    info = cls.model_fields.get(field)
    alias = info.validation_alias if info is not None else None
    if isinstance(alias, str):
        return alias
    choices = getattr(alias, "choices", None)
    if choices:
        return str(choices[0])
    return field if field.isupper() else f"{prefix}{field}".upper()


def variables(cls: type[BaseSettings]) -> dict[str, FieldInfo]:
    """Return the variables that a Settings class reads, with their fields; a field with two names is listed twice."""
    prefix = str(cls.model_config.get("env_prefix", ""))
    fields: dict[str, FieldInfo] = {}
    for name, field in cls.model_fields.items():
        alias = field.validation_alias
        names = alias.choices if isinstance(alias, AliasChoices) else [alias or f"{prefix}{name}".upper()]
        fields.update({str(variable): field for variable in names})
    return fields


def clash(environment: Mapping[str, str], first: str, second: str) -> None:
    """Raise SettingsError if two names of one setting are both set and differ."""
    if environment.get(first) and environment.get(second) and environment[first] != environment[second]:
        raise SettingsError(
            f"{first}={environment[first]} and {second}={environment[second]} name the same setting but differ; "
            "set one of them"
        )
