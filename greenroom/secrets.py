"""Secret values: encryption at rest, hashing of tokens, and the one redactor.

Pure: keys come in as arguments; nothing here reads a file or the environment.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets as _random
from collections.abc import Iterable
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from greenroom.errors import SecretsError

REDACTED = "[redacted]"
_VERSION = b"\x01"
_NONCE_OCTETS = 12
"""Source: NIST SP 800-38D section 8.2, 96-bit nonces."""


def generate_key() -> str:
    """Make a new 256-bit key, as URL-safe base64."""
    return base64.urlsafe_b64encode(_random.token_bytes(32)).decode()


def generate_token(octets: int = 32) -> str:
    """Make an unguessable URL-safe token of ``octets`` random octets."""
    return _random.token_urlsafe(octets)


def hash_token(token: str) -> str:
    """Fingerprint a random token for storage; only for tokens of 128 bits and more."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_same(a: str | bytes, b: str | bytes) -> bool:
    """Compare in constant time."""
    left = a.encode() if isinstance(a, str) else a
    right = b.encode() if isinstance(b, str) else b
    return hmac.compare_digest(left, right)


def sign(text: str, key: str, purpose: str) -> str:
    """Give the signature of ``text`` under a key derived for ``purpose``, URL-safe.

    Source: RFC 2104 (HMAC), with SHA-256.
    """
    derived = hmac.digest(key.encode(), purpose.encode(), "sha256")
    made = hmac.digest(derived, text.encode(), "sha256")
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def cipher(key: str, purpose: str) -> AESGCM:
    """Give the cipher of one purpose.

    Errors: SecretsError for a malformed key.
    """
    try:
        raw = base64.urlsafe_b64decode(key)
    except ValueError as error:
        raise SecretsError("the secret key is not valid base64") from error
    if len(raw) != 32:
        raise SecretsError("the secret key must be 32 octets of URL-safe base64")
    return AESGCM(hmac.digest(raw, purpose.encode(), "sha256"))


def encrypt(plain: str, key: str, *, purpose: str) -> bytes:
    """Encrypt ``plain`` with AES-256-GCM under a key derived for ``purpose``.

    ``purpose`` names table and column (and row, where known), so that a ciphertext moved
    elsewhere does not open there.
    """
    nonce = _random.token_bytes(_NONCE_OCTETS)
    sealed = cipher(key, purpose).encrypt(nonce, plain.encode(), purpose.encode())
    return _VERSION + nonce + sealed


def decrypt(sealed: bytes, key: str, *, purpose: str) -> str:
    """Undo :func:`encrypt`.

    Errors: SecretsError when the key or the purpose differs, or the value was altered.
    """
    if sealed[:1] != _VERSION:
        raise SecretsError("the stored secret has an unknown format")
    nonce, body = sealed[1 : 1 + _NONCE_OCTETS], sealed[1 + _NONCE_OCTETS :]
    try:
        return cipher(key, purpose).decrypt(nonce, body, purpose.encode()).decode()
    except (InvalidTag, ValueError) as error:  # ValueError: it was cut short
        raise SecretsError(
            "a stored secret does not open with this key",
            hint="Was the secret key changed? Put the old key back, or enter the secret anew.",
        ) from error


_URL_PASSWORD = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)")
_URL_TOKEN = re.compile(r"(https?://)[^\s/:@]+(?=@)")
"""Forges take a token in place of the user's name."""


class Redactor:
    """Replaces known secrets, and passwords in URLs, by ``[redacted]``.

    Knows each secret plain, URL-quoted and base64-encoded. Secrets under four characters are
    ignored: they would blank ordinary words.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self.learn(known)

    def learn(self, known: Iterable[str]) -> None:
        """Replace these secrets, too, from now on."""
        forms = self._forms
        for secret in known:
            for line in {secret, *secret.splitlines()}:
                if len(line) >= 4:
                    encoded = base64.b64encode(line.encode()).decode().rstrip("=")
                    forms |= {line, quote(line, safe=""), encoded}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        """Give ``text`` without its secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(REDACTED, text)
        return _URL_TOKEN.sub(rf"\1{REDACTED}", _URL_PASSWORD.sub(rf"\1{REDACTED}", text))
