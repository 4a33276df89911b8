"""Logins at an identity provider: by Streamlit's own login, whose answer becomes our session.

Streamlit speaks OpenID Connect and signs what the provider said into a cookie; this reads that
cookie once, opens a session for the account that is meant, and deletes it.
"""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from streamlit.auth_util import encode_provider_token, get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from greenroom.clients import coarse_client
from greenroom.errors import InvalidInput, NotAllowed
from greenroom.rights import Role
from greenroom.secrets import sign
from greenroom.settings import Settings, load_settings
from greenroom.store import oidc
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.work import platform_work
from ui import entry, papers

BEGIN = "/login/provider"
STREAMLIT = frozenset({"/auth/login", "/oauth2callback"})
"""Streamlit's own paths of this login. Source: its manual, `st.login`."""
_COOKIE = "_streamlit_user"
"""What begins so is Streamlit's: claims, tokens, and the parts of long ones."""


def is_on(settings: Settings | None = None) -> bool:
    """Whether logins go to a provider, too."""
    return bool((settings or load_settings()).oidc_discovery_url)


def write_secrets(settings: Settings) -> Path | None:
    """Write what Streamlit's login reads, with mode 0600; give the file, None where there is none.

    Errors: InvalidInput.
    """
    file = settings.path("run", "streamlit-secrets.toml")
    if not is_on(settings):
        file.unlink(missing_ok=True)
        return None
    if not settings.oidc_client_id or settings.oidc_client_secret is None:
        raise InvalidInput(
            "an identity provider needs a client's id and secret",
            hint="Set GREENROOM_OIDC_CLIENT_ID and GREENROOM_OIDC_CLIENT_SECRET.",
        )
    values = {
        "redirect_uri": f"{settings.console_url}/oauth2callback",
        "cookie_secret": sign("streamlit", ensure_secret_key(settings), "console cookies"),
        "client_id": settings.oidc_client_id,
        "client_secret": settings.oidc_client_secret.get_secret_value(),
        "server_metadata_url": settings.oidc_discovery_url,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    kwargs = f"client_kwargs = {{ scope = {json.dumps(settings.oidc_scope)} }}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text("\n".join(["[auth]", *lines, kwargs]) + "\n")
    return file


def begin() -> Response:
    """Send a browser to the provider."""
    return RedirectResponse(f"/auth/login?provider={encode_provider_token('default')}", 303)


def has_answer(request: Request) -> bool:
    """Whether a browser comes back from the provider."""
    return _COOKIE in request.cookies


def _claims(request: Request) -> dict[str, Any]:
    """Read what the provider said, if Streamlit signed it."""

    def one(name: str) -> bytes | None:
        value = request.cookies.get(name)
        if value is None:
            return None
        found: bytes | None = decode_signed_value(get_cookie_secret(), name, value.encode())
        return found

    raw = get_cookie_with_chunks(one, _COOKIE)
    told = json.loads(raw) if raw else {}
    return told if isinstance(told, dict) else {}


def _admit(claims: oidc.Claims, client: str) -> str:
    settings = load_settings()
    newcomer = Role(settings.oidc_add_users) if settings.oidc_add_users else None
    with platform_work() as work:
        return oidc.admit_by_provider(work, claims, settings.oidc_groups, newcomer, client=client)


async def finish(request: Request) -> Response:
    """Open a session for whoever comes back from the provider, or say why not."""
    client = coarse_client(request.headers.get("user-agent", ""))
    answer: Response
    try:
        claims = oidc.read_claims(_claims(request), load_settings().oidc_groups_claim, time.time())
        token = await anyio.to_thread.run_sync(partial(_admit, claims, client))
    except NotAllowed as error:
        answer = papers.login_page(
            "/", "", error.message, error.hint, status=403, provider=entry.provider_name()
        )
    else:
        answer = entry.let_in(request, token, "/")
    for name in request.cookies:
        if name == _COOKIE or name.startswith(f"{_COOKIE}_"):
            answer.delete_cookie(name, path="/")
    return answer
