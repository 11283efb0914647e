"""The tokens of a stack: one for each service that calls another, with no scope that it does not need."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

# Which service calls which, and the scope that the called one requires.
CALLS: Mapping[str, Mapping[str, str]] = {
    "alerts": {"metrics": "metrics:read", "engine": "engine:control"},
    "engine": {"metrics": "events:write"},
    "stress": {"engine": "engine:trade"},
}
SHORTEST = 16  # shorter ones are left for the service to refuse


def _made() -> dict[str, str]:
    return {caller: secrets.token_hex(24) for caller in CALLS}


@dataclass(frozen=True)
class CallerTokens:
    """The owner's token, which may do everything, and that of each calling service, made at every start."""

    owner: str = field(repr=False)
    by_caller: Mapping[str, str] = field(default_factory=_made, repr=False)

    def sent_by(self, service: str, inherited: Mapping[str, str]) -> str:
        """Return the token that a service sends, or an empty text if it calls none.

        A service that the user points at another stack sends the owner's token, which that stack may
        accept by its SEATRIAL_TOKENS.
        """
        called = CALLS.get(service, {})
        if any(inherited.get(f"SEATRIAL_{name.upper()}_URL") for name in called):
            return self.owner
        return self.by_caller.get(service, "")

    def accepted_by(self, service: str, inherited: Mapping[str, str]) -> str:
        """Return the accepted tokens as hashes: the user's, the owner's, and those of the services that call this one.

        So a service that is taken over cannot read a token that another one accepts.
        """
        entries = [entry for entry in inherited.get("SEATRIAL_TOKENS", "").split(";") if entry.strip()]
        entries.append(f"{self.owner}=admin,name:stack")
        sent = inherited.get("SEATRIAL_TOKEN", "")
        if sent and not any(entry.rpartition("=")[0].strip() == sent for entry in entries):
            entries.append(f"{sent}=admin")
        entries += [
            f"{self.by_caller[caller]}={called[service]},name:{caller}"
            for caller, called in CALLS.items()
            if service in called
        ]
        return ";".join(map(_hashed, entries))


def _hashed(entry: str) -> str:
    token, separator, scopes = entry.strip().rpartition("=")
    if not separator or len(token) < SHORTEST or token.startswith("sha256:"):
        return entry
    return f"sha256:{sha256(token.encode()).hexdigest()}={scopes}"
