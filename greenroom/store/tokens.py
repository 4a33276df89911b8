"""Queries about API tokens: made, found by what a program shows, taken back."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.rights import Actor, Role, Scope
from greenroom.secrets import generate_token, hash_token
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import ApiReply, ApiToken, Project, User, now
from greenroom.store.users import actor_for
from greenroom.store.work import Work, actor_of, ask_right, take_turn

PREFIX = "grt_"
"""By which people, and scanners of leaked secrets, know one."""
TOKEN_OCTETS = 32
LONGEST_NAME = 60
USED_SECONDS = 60
"""How exact it is known when a token was last used."""
REPLY_HOURS = 24
"""How long a repetition gets the first answer."""
STUCK_SECONDS = 120
"""After which a request that never ended is believed dead."""
_BODY, _SEALED = "api_replies.body", "sealed"


def add_token(
    work: Work, name: str, scopes: Collection[Scope], *, user: User | None = None,
    project: Project | None = None, expires_at: datetime | None = None, actor: str,
) -> tuple[ApiToken, str]:  # fmt: skip
    """Make a token; give it and its secret, which is kept nowhere.

    Of a user it never may more than they do; without one it is a program's own.

    Errors: InvalidInput, NotAllowed.
    """
    name = " ".join(name.split())
    is_own = user is not None and actor_of(work).user_id == user.id
    act = "account.add_token" if is_own else "token.add"
    ask_right(work, act, project.id if project and not is_own else None)
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"a token says what it is for, in 1 to {LONGEST_NAME} characters")
    if not scopes:
        raise InvalidInput("a token without a scope may nothing", hint=f"Of {', '.join(Scope)}.")
    if expires_at is not None and expires_at <= now():
        raise InvalidInput("a token ends after it begins")
    take_turn(work, "tokens")
    last = work.scalar(select(func.max(ApiToken.number)))
    secret = PREFIX + generate_token(TOKEN_OCTETS)
    made = ApiToken(
        number=(last or 0) + 1, name=name, user=user, project_id=project and project.id,
        token_hash=hash_token(secret), scopes=[str(one) for one in Scope if one in scopes],
        expires_at=expires_at, created_by=actor,
    )  # fmt: skip
    work.add(made)
    work.flush()
    record_audit(
        work, actor, act, project=None if is_own else project, subject=name, number=made.number,
        scopes=made.scopes, only=project.name if project else "every project",
        expires_at=str(expires_at or "never"),
    )  # fmt: skip
    return made, secret


def list_tokens(work: Work, user: User | None = None) -> list[ApiToken]:
    """List tokens, newest first: somebody's, or all."""
    if user is None or actor_of(work).user_id != user.id:
        ask_right(work, "user.read")
    query = select(ApiToken).order_by(ApiToken.number.desc())
    return list(work.scalars(query.where(ApiToken.user_id == user.id) if user else query))


def get_token(work: Work, number: int) -> ApiToken:
    """Get a token by its number.

    Errors: NotFound.
    """
    found = work.scalar(select(ApiToken).where(ApiToken.number == number))
    if found is None:
        raise NotFound(f"there is no token #{number}", hint="`greenroom token list` lists them.")
    return found


def revoke_token(work: Work, number: int, *, actor: str) -> None:
    """Take a token back, at once and for good. Idempotent.

    Errors: NotFound.
    """
    asks = actor_of(work)
    found = work.scalar(select(ApiToken).where(ApiToken.number == number))
    is_own = found is not None and asks.user_id is not None and asks.user_id == found.user_id
    act = "account.revoke_token" if is_own else "token.revoke"
    ask_right(work, act)
    token = get_token(work, number)
    if token.revoked_at is None:
        token.revoked_at = now()
        record_audit(work, actor, act, subject=token.name, number=number)


def find_actor(work: Work, secret: str) -> Actor | None:
    """Give who a token acts for, with the rights of now; note that it was used."""
    if not secret.startswith(PREFIX) or len(secret) > 200 or not secret.isascii():
        return None
    token = work.scalar(select(ApiToken).where(ApiToken.token_hash == hash_token(secret)))
    if token is None or token.revoked_at is not None:
        return None
    if token.expires_at is not None and token.expires_at <= now():
        return None
    if token.user is not None and token.user.deactivated_at is not None:
        return None
    if token.used_at is None or (now() - token.used_at).total_seconds() > USED_SECONDS:
        token.used_at = now()
    return actor_of_token(token)


def actor_of_token(token: ApiToken) -> Actor:
    """Give a token as an actor. Pure."""
    scopes = frozenset(map(Scope, token.scopes))
    only = frozenset({token.project_id}) if token.project_id is not None else None
    if token.user is None:
        return Actor(f"token:{token.name}", Role.ADMIN, scopes=scopes, only=only, token_id=token.id)
    person = actor_for(token.user)
    return Actor(
        f"api:{person.name}", person.role, person.roles, scopes, only, user_id=person.user_id,
        token_id=token.id,
    )  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """What the first of equal requests was answered."""

    status: int
    body: dict[str, Any] | None


def claim_reply(work: Work, token_id: uuid.UUID, key: str, fingerprint: str) -> Reply | None:
    """Take an idempotency key for the first request of its kind; give a repetition's answer.

    Errors: InvalidInput (the key was used for something else), AlreadyExists (still at work).
    Source: IETF draft "The Idempotency-Key HTTP Header Field".
    """
    work.execute(delete(ApiReply).where(ApiReply.at < now() - timedelta(hours=REPLY_HOURS)))
    dead = now() - timedelta(seconds=STUCK_SECONDS)
    work.execute(delete(ApiReply).where(ApiReply.status.is_(None), ApiReply.at < dead))
    made = work.execute(
        insert(ApiReply)
        .values(token_id=token_id, key=key, fingerprint=fingerprint, at=now())
        .on_conflict_do_nothing()
        .returning(ApiReply.key)
    ).first()
    if made is not None:
        return None
    found = work.get_one(ApiReply, (token_id, key), populate_existing=True)
    if found.fingerprint != fingerprint:
        raise InvalidInput(
            "this idempotency key was used for another request", hint="Make a new key."
        )
    if found.status is None:
        raise AlreadyExists("the first request with this key is still at work")
    return Reply(int(found.status), _opened(found.body))


def keep_reply(
    work: Work, token_id: uuid.UUID, key: str, status: int, body: dict[str, Any] | None
) -> None:
    """Keep what a request was answered, sealed: it may show a new secret, which is shown once."""
    found = work.get(ApiReply, (token_id, key))
    if found is not None:
        sealed = base64.b64encode(seal(json.dumps(body), _BODY)).decode()
        found.status, found.body = status, {_SEALED: sealed}


def _opened(body: dict[str, Any] | None) -> dict[str, Any] | None:
    """Give an answer that is kept; those of before are not sealed, and gone after a day."""
    if body is None or set(body) != {_SEALED}:
        return body
    told: dict[str, Any] | None = json.loads(unseal(base64.b64decode(body[_SEALED]), _BODY))
    return told


def drop_reply(work: Work, token_id: uuid.UUID, key: str) -> None:
    """Let a key be used again: its request came to nothing. Idempotent."""
    mine = (ApiReply.token_id == token_id, ApiReply.key == key)
    work.execute(delete(ApiReply).where(*mine))
