"""How the certificate of an https:// target is verified."""

import ssl
from dataclasses import dataclass


@dataclass(frozen=True)
class TlsOptions:
    """Verification of a target's certificate.

    Args:
        ca_file: A PEM file of the authority that signed it, in place of the system's; empty for the system's.
        is_verified: Whether it is verified at all.
    """

    ca_file: str = ""
    is_verified: bool = True

    def context(self) -> ssl.SSLContext:
        """Return the context of a client.

        Raises:
            OSError: The file cannot be read, or holds no certificate.
        """
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


SYSTEM_TLS = TlsOptions()
