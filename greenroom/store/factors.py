"""Second factors: codes of an authenticator app, and recovery codes for when it is lost.

Source: RFC 6238 (TOTP: 30 seconds, 6 digits, SHA-1), RFC 4226 section 7.2 (no code twice).
"""

from __future__ import annotations

import secrets as _random
import time

import pyotp

from greenroom.errors import InvalidInput, NotAllowed
from greenroom.secrets import hash_token, is_same
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import User, now
from greenroom.store.work import Work, ask_right

PERIOD_SECONDS = 30
RECOVERY_CODES = 10
_PURPOSE = "users.totp_secret"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that looks like another. 16 of them are 79 bits: beyond guessing at 8 tries in 5 minutes."""


def begin_totp(work: Work, user: User, *, actor: str) -> str:
    """Make a new secret for an app; give the address that its camera reads. No login asks yet.

    Errors: InvalidInput when codes are asked for already.
    """
    ask_right(work, "account.set_totp")
    if user.totp_since is not None:
        raise InvalidInput("codes are asked for already", hint="Switch them off first.")
    secret = pyotp.random_base32()
    user.totp_secret, user.totp_step = seal(secret, _PURPOSE), 0
    return pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name="Greenroom")


def pending_address(user: User) -> str | None:
    """Give the address again that was begun and not yet proved."""
    if user.totp_secret is None or user.totp_since is not None:
        return None
    return pyotp.TOTP(unseal(user.totp_secret, _PURPOSE)).provisioning_uri(
        name=user.name, issuer_name="Greenroom"
    )


def prove_totp(work: Work, user: User, code: str, *, actor: str) -> list[str]:
    """Ask for codes from now on, if this one fits; give the recovery codes, kept as hashes.

    Errors: NotAllowed when it does not fit.
    """
    ask_right(work, "account.set_totp")
    if user.totp_secret is None or user.totp_since is not None or not _fits(user, code):
        raise NotAllowed("the code does not fit", hint="Is the telephone's clock right?")
    user.totp_since = now()
    codes = ["-".join(_part() for _ in range(4)) for _ in range(RECOVERY_CODES)]
    user.recovery_codes = [hash_token(_plain(one)) for one in codes]
    record_audit(work, actor, "account.set_totp", subject=user.name, on=True)
    return codes


def end_totp(work: Work, user: User, code: str, *, actor: str) -> None:
    """Ask for codes no more, if this one fits.

    Errors: NotAllowed when it does not fit.
    """
    ask_right(work, "account.set_totp")
    if user.totp_since is None or not take_code(user, code):
        raise NotAllowed("the code does not fit")
    forget(user)
    record_audit(work, actor, "account.set_totp", subject=user.name, on=False)


def forget(user: User) -> None:
    """Forget a user's app and recovery codes. Idempotent."""
    user.totp_secret, user.totp_since, user.totp_step = None, None, 0
    user.recovery_codes = []


def take_code(user: User, code: str) -> bool:
    """Whether a code fits: of the app, each once; or a recovery code, which is used up."""
    plain = _plain(code)
    if user.totp_secret is None or not plain.isascii() or len(plain) > 40:
        return False
    if plain.isdigit() and len(plain) == 6:
        return _fits(user, plain)
    digest = hash_token(plain)
    for kept in user.recovery_codes:
        if is_same(kept, digest):
            user.recovery_codes = [one for one in user.recovery_codes if one != kept]
            return True
    return False


def _fits(user: User, code: str) -> bool:
    """Whether a code is that of now, or of the period before or after, and newer than the last."""
    if user.totp_secret is None:
        return False
    maker, step = pyotp.TOTP(unseal(user.totp_secret, _PURPOSE)), int(time.time() // PERIOD_SECONDS)
    plain = _plain(code)
    for near in (step - 1, step, step + 1):
        if near > user.totp_step and is_same(maker.at(near * PERIOD_SECONDS), plain):
            user.totp_step = near
            return True
    return False


def _part() -> str:
    return "".join(_random.choice(_LETTERS) for _ in range(4))


def _plain(code: str) -> str:
    return "".join(code.split()).replace("-", "").lower()
