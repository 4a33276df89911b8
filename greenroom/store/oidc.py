"""Logins at an identity provider: which account is meant, and what it may."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from greenroom.errors import NotAllowed
from greenroom.rights import Role
from greenroom.store import users
from greenroom.store.audit import record_audit
from greenroom.store.models import User
from greenroom.store.work import Work

FRESH_SECONDS = 600
"""How old what a provider says may be when it is shown to us."""
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f:/\\<>\"']+")


@dataclass(frozen=True)
class Claims:
    """What a provider says of somebody."""

    email: str
    name: str
    groups: tuple[str, ...]


def read_claims(told: Mapping[str, Any], groups_claim: str, now_seconds: float) -> Claims:
    """Read what a provider says. Pure.

    Errors: NotAllowed where it is old, or names no address that the provider has verified.
    Source: OpenID Connect Core 1.0 sections 2 (ID Token) and 5.1 (standard claims).
    """
    issued, ends = told.get("iat"), told.get("exp")
    is_fresh = isinstance(issued, int | float) and now_seconds - issued < FRESH_SECONDS
    if not is_fresh or not isinstance(ends, int | float) or ends < now_seconds:
        raise NotAllowed("what the identity provider said is too old", hint="Log in again.")
    email = told.get("email")
    if not isinstance(email, str) or not email:
        raise NotAllowed(
            "the identity provider names no e-mail address",
            hint="An administrator adds the scope `email` to GREENROOM_OIDC_SCOPE.",
        )
    if told.get("email_verified", True) not in (True, "true"):
        raise NotAllowed("the identity provider has not verified your e-mail address")
    found = told.get(groups_claim, ())
    groups: Sequence[Any] = [found] if isinstance(found, str) else found
    name = str(told.get("preferred_username") or told.get("name") or email.partition("@")[0])
    kept = tuple(one for one in groups if isinstance(one, str)) if groups else ()
    return Claims(email, name, kept)


def role_of(groups: Sequence[str], table: Mapping[str, str]) -> Role | None:
    """Give the greatest role that somebody's groups give; None: they say nothing. Pure."""
    roles = [Role(table[group]) for group in groups if group in table]
    return max(roles, key=lambda role: role.rank, default=None)


def admit_by_provider(
    work: Work, claims: Claims, table: Mapping[str, str], newcomer: Role | None, *, client: str = ""
) -> str:
    """Let somebody in whom a provider vouches for; give a new session's token.

    Errors: NotAllowed without an account, unless newcomers get one; with one that was deactivated.
    """
    role = role_of(claims.groups, table)
    user = users.find_by_email(work, claims.email)
    if user is None:
        if role is None and newcomer is None:
            raise NotAllowed(
                f"there is no account for {claims.email}",
                hint="An administrator adds it: `greenroom user add <name> --email …`.",
            )
        user, _ = users.add_user(
            work, _free_name(work, claims), role=role or newcomer, email=claims.email,
            with_password=False, actor="identity provider",
        )  # fmt: skip
    if user.deactivated_at is not None:
        raise NotAllowed("this account is shut", hint="An administrator can open it again.")
    if role is not None and user.role != role:
        _give_role(work, user, role)
    return users.admit(work, user, "identity provider", client=client)


def _give_role(work: Work, user: User, role: Role) -> None:
    """Give somebody the role of their groups; the last administrator stays one."""
    try:
        users.set_role(work, user.name, role, actor="identity provider")
    except NotAllowed:
        record_audit(work, "identity provider", "user.log_in_refused", subject=user.name, role=role)


def _free_name(work: Work, claims: Claims) -> str:
    """Give a name for a new account that nobody has."""
    name = " ".join(_NOT_IN_NAMES.sub(" ", claims.name).split())[:50] or "somebody"
    taken = {user.name.lower() for user in users.list_users(work)}
    if name.lower() not in taken:
        return name
    return next(f"{name} {n}" for n in range(2, 10_000) if f"{name} {n}".lower() not in taken)
