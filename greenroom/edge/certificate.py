"""A host's certificate, as a visitor's browser gets it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from greenroom.errors import PlatformError

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True)
class Certificate:
    """What was measured."""

    issuer: str
    names: tuple[str, ...]
    not_after: datetime
    fingerprint: str
    """SHA-256 of the certificate."""


def measure_certificate(
    host: str, port: int, address: str = "127.0.0.1", timeout: float = TIMEOUT_SECONDS
) -> Certificate:
    """Shake hands for ``host`` and give the certificate that is shown, whoever signed it.

    Errors: PlatformError when nobody answers, or the handshake is refused.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is looked at, not used
    try:
        with (
            socket.create_connection((address, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as shown,
        ):
            octets = shown.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:
        raise PlatformError(
            f"there is no certificate for {host}: {type(error).__name__}",
            hint="Does its name resolve to this machine, and do ports 80 and 443 reach it?",
        ) from error
    return read_certificate(octets or b"")


def read_certificate(octets: bytes) -> Certificate:
    """Read a certificate. Pure. Shapes: DER."""
    found = x509.load_der_x509_certificate(octets)
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = tuple(names.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        hosts = ()
    return Certificate(
        _name(found.issuer), hosts, found.not_valid_after_utc,
        found.fingerprint(hashes.SHA256()).hex(),
    )  # fmt: skip


def _name(name: x509.Name) -> str:
    parts = [
        str(part.value)
        for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        for part in name.get_attributes_for_oid(kind)
    ]
    return " ".join(dict.fromkeys(parts)) or name.rfc4514_string()
