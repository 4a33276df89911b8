"""Sealing of column values with the platform's secret key."""

from __future__ import annotations

import os
from functools import lru_cache

from greenroom.errors import SecretsError
from greenroom.secrets import decrypt, encrypt, generate_key
from greenroom.settings import Settings, load_settings


def ensure_secret_key(settings: Settings | None = None) -> str:
    """Give the platform's secret key, making ``<home>/secret.key`` (mode 0600) on first use.

    Idempotent: of two processes that make it at once, both return the one that was first.
    """
    settings = settings or load_settings()
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    file = settings.path("secret.key")
    file.parent.mkdir(parents=True, exist_ok=True)
    made = file.with_name(f"{file.name}.{os.getpid()}")
    if not file.exists():
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(generate_key())
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(made, file)
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return file.read_text().strip()


@lru_cache(maxsize=1)
def _key() -> str:
    settings = load_settings()
    if settings.secret_key is None and not settings.path("secret.key").exists():
        raise SecretsError(
            "there is no secret key",
            hint="Start the platform once with `greenroom up`, or set GREENROOM_SECRET_KEY.",
        )
    return ensure_secret_key(settings)


def seal(plain: str, purpose: str) -> bytes:
    """Encrypt a column value; ``purpose`` is ``<table>.<column>``."""
    return encrypt(plain, _key(), purpose=purpose)


def unseal(sealed: bytes, purpose: str) -> str:
    """Decrypt a column value.

    Errors: SecretsError.
    """
    return decrypt(sealed, _key(), purpose=purpose)
