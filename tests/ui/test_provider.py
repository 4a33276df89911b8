"""Logins at an identity provider: a real one of the tests' own, before the served console."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from greenroom.errors import InvalidInput, NotAllowed
from greenroom.rights import Role
from greenroom.settings import Settings
from greenroom.store import users
from greenroom.store.oidc import FRESH_SECONDS, Claims, admit_by_provider, read_claims, role_of
from greenroom.store.work import unit_of_work
from tests.ui.conftest import _served
from tests.ui.oidc_server import CLIENT, SECRET, Provider, serve
from ui import provider as ours
from ui import who

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
NOW = 1_800_000_000.0
GOOD = {"email": "bea@agency.example", "iat": NOW - 5, "exp": NOW + 300}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serve() as served:
        yield served


@pytest.fixture
def console(store_url, home, token, provider, monkeypatch) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    address = f"{provider.url}/.well-known/openid-configuration"
    monkeypatch.setenv("GREENROOM_OIDC_DISCOVERY_URL", address)
    monkeypatch.setenv("GREENROOM_OIDC_NAME", "Agency ID")
    monkeypatch.setenv("GREENROOM_OIDC_CLIENT_ID", CLIENT)
    monkeypatch.setenv("GREENROOM_OIDC_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("GREENROOM_OIDC_GROUPS", '{"agency-devs": "developer"}')
    with _served(store_url, home, port) as served:
        yield served.replace("127.0.0.1", "localhost")


def log_in(console: str) -> tuple[dict[str, str], httpx.Response]:
    """Go to the provider and back; give the cookies that are left, and the last page."""
    with httpx.Client(follow_redirects=True, timeout=30, trust_env=False) as client:
        assert "Log in with Agency ID" in client.get(f"{console}/login").text
        page = client.get(f"{console}/login/provider", headers={"accept": "text/html"})
        return dict(client.cookies), page


def test_a_person_comes_in_by_their_provider(console, provider, home):
    with unit_of_work() as work:
        users.add_user(work, "bea", email="Bea@agency.example", with_password=False, actor="admin")
    provider.person = {"email": "bea@agency.example", "groups": ["agency-devs", "others"]}
    cookies, page = log_in(console)
    assert page.status_code == 200, page.text
    assert "<title>Streamlit" in page.text
    assert cookies.get(who.COOKIE)
    assert not [name for name in cookies if name.startswith("_streamlit_user")]
    assert provider.redirects == [f"{console}/oauth2callback"]
    with unit_of_work() as work:
        user = users.find_session_user(work, cookies[who.COOKIE])
        assert user is not None
        assert (user.name, user.role) == ("bea", "developer")
        assert users.check_password(work, "bea", "") is None
    file = home / "run" / "streamlit-secrets.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    provider.person = {"email": "stranger@elsewhere.example"}
    cookies, page = log_in(console)
    assert page.status_code == 403
    assert "There is no account for stranger@elsewhere.example" in page.text
    assert who.COOKIE not in cookies
    provider.person = {"email": "bea@agency.example", "email_verified": False}
    assert log_in(console)[1].status_code == 403
    with unit_of_work() as work:
        users.deactivate(work, "bea", actor="admin")
    provider.person = {"email": "bea@agency.example"}
    assert "This account is shut" in log_in(console)[1].text
    with httpx.Client(timeout=30, trust_env=False, follow_redirects=True) as stranger:
        headers = {"accept": "text/html"}
        forged = {"cookie": "_streamlit_user=eyJlbWFpbCI6ICJiZWEifQ.x.y", **headers}
        answer = stranger.get(f"{console}/", headers=forged)
        assert answer.status_code in (200, 403)
        assert "<title>Streamlit" not in answer.text
        for path in ("/auth/login?provider=x", "/oauth2callback?code=x&state=y"):
            answer = stranger.get(console + path, headers=headers)
            assert "<title>Streamlit" not in answer.text
            assert who.COOKIE not in stranger.cookies


@pytest.mark.parametrize(
    "wrong",
    [
        {"iat": NOW - FRESH_SECONDS - 1}, {"iat": None}, {"exp": NOW - 1}, {"exp": "x"},
        {"email": ""}, {"email": None}, {"email": ["a"]}, {"email_verified": False},
        {"email_verified": "false"},
    ],
)  # fmt: skip
def test_what_is_old_or_not_verified_is_refused(wrong: dict[str, Any]):
    with pytest.raises(NotAllowed):
        read_claims({**GOOD, **wrong}, "groups", NOW)


def test_claims_become_a_name_and_a_role():
    assert read_claims(GOOD, "groups", NOW) == Claims("bea@agency.example", "bea", ())
    told = {**GOOD, "preferred_username": "b", "roles": "one"}
    assert read_claims(told, "roles", NOW) == Claims("bea@agency.example", "b", ("one",))
    table = {"a": "viewer", "b": "admin"}
    assert role_of(["a", "b", "c"], table) is Role.ADMIN
    assert role_of(["c"], table) is None


def test_newcomers_get_an_account_where_that_is_wanted(store_url):
    claims = Claims("new@agency.example", "ad:min<b>", ())
    with pytest.raises(NotAllowed, match="no account"), unit_of_work() as work:
        admit_by_provider(work, claims, {}, None)
    with unit_of_work() as work:
        users.ensure_admin(work)
        users.add_user(work, "ad min b", actor="admin")
        token = admit_by_provider(work, claims, {}, Role.VIEWER)
        user = users.find_session_user(work, token)
        assert user is not None
        assert (user.name, user.role) == ("ad min b 2", "viewer")
    with unit_of_work() as work:  # their groups cannot take the last administrator away
        users.set_email(work, "admin", "root@agency.example", actor="admin")
        root = Claims("root@agency.example", "root", ("a",))
        admit_by_provider(work, root, {"a": "viewer"}, None)
        assert users.get_user(work, "admin").role == "admin"


def test_half_a_configuration_is_refused(home):
    settings = Settings(home=home, oidc_discovery_url="https://id.example/x")
    with pytest.raises(InvalidInput, match="id and secret"):
        ours.write_secrets(settings)
    assert ours.write_secrets(Settings(home=home)) is None
