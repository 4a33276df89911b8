"""Every page empty, full and broken; what it says and what it never says."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from greenroom.egress import MAIL_HOST
from greenroom.isolation.selfsigned import VALID_DAYS, ensure_certificate
from greenroom.settings import load_settings
from greenroom.store import crypto, users
from greenroom.store.work import unit_of_work
from ui import certificates, nav, reads, who

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
NAMES = [entry.name for entry in nav.ENTRIES]
PARTS = ["history", "compare", "logs", "variables", "activity"]
HOSTILE = "<img src=x onerror=alert(1)>"
SENTINEL = "sentinel-d41d8cd98f"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_of_an_empty_store_says_what_to_do(open_page, shown, name):
    text = shown(open_page(name))
    if name in ("dashboard", "projects"):
        assert "greenroom project add" in text
    elif name == "environment":
        assert "No environment yet" in text
    elif name == "platform":
        assert "process manager does not answer" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_page_without_the_database_shows_the_error_panel(open_page, shown, monkeypatch, name):
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://nobody:h1dd3n@127.0.0.1:9/none")
    load_settings.cache_clear()
    who._seen.clear()
    text = shown(open_page(name))
    assert "The database does not answer" in text
    assert "greenroom doctor" in text
    assert "Traceback" not in text
    assert "h1dd3n" not in text


def test_a_page_whose_secrets_do_not_open_shows_the_error_panel(seeded, open_page, shown):
    crypto._key.cache_clear()
    load_settings().path("secret.key").write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    text = shown(open_page("environment", env="shop/production", part="variables"))
    assert "does not open with this key" in text


@pytest.mark.parametrize("session", ["", "wrong", "x" * 5000])
def test_a_page_without_a_session_shows_nothing(seeded, open_page, shown, session):
    text = shown(open_page("dashboard", session=session))
    assert "You are logged out" in text
    assert "shop" not in text


def test_a_session_that_ended_shows_nothing(seeded, open_page, shown):
    with unit_of_work() as work:
        users.log_out(work, seeded)
    who.forget(seeded)
    assert "You are logged out" in shown(open_page("audit"))


def every_page(open_page, shown):
    for name in NAMES:
        yield name, shown(open_page(name))
    for env in ("production", "feature-cart", "fix-tax", "img-src-x-onerror-alert-1"):
        for part in PARTS:
            yield f"{env} {part}", shown(open_page("environment", env=f"shop/{env}", part=part))


def test_every_page_of_a_full_store(seeded, open_page, shown):
    """It says what is there, hostile names are text on it, and no secret is."""
    found, seen = 0, {}
    for where, text in every_page(open_page, shown):
        seen[where] = text
        assert where.partition(" ")[0] in text or " " not in where, where
        assert SENTINEL not in text, where
        assert "PAYMENT_KEY" in text or "variables" not in where
        bodies = re.findall(r'body: "(.*?)"\n', text, re.DOTALL)
        assert bodies, where
        for body in bodies:
            assert "<img" not in body, where
            found += HOSTILE in unescape(body)
    assert found >= 5
    for word in ("active", "building", "error", "sleeping", "feature-cart", "fix-tax", "bare"):
        assert word in seen["dashboard"]
    assert "project.add" in seen["audit"]
    assert "admin" in seen["account"]


def test_a_failed_deployment_stands_on_top(seeded, open_page, shown):
    text = shown(open_page("environment", env="shop/img-src-x-onerror-alert-1"))
    for word in ("Deployment #1 failed", "the build ended with 2", "make: the last line"):
        assert word in text
    assert "<code>make.log</code>" in text


def test_production_cannot_be_destroyed_from_here(seeded, open_page):
    labels = [b.label for b in open_page("environment", env="shop/production").button]
    assert "Deploy" in labels
    assert "Destroy" not in labels
    labels = [b.label for b in open_page("environment", env="shop/fix-tax").button]
    assert "Destroy" in labels


def test_an_unknown_environment_is_named_and_others_are_offered(seeded, open_page, shown):
    text = shown(open_page("environment", env="shop/<b>gone"))
    assert "There is no environment" in text
    assert "<b>gone" not in text


def test_many_dashboards_share_one_reading(seeded, monkeypatch):
    asked = []
    read = reads.overview
    monkeypatch.setattr(reads, "overview", lambda: (asked.append(1), read())[1])
    monkeypatch.setattr(reads, "BOARD_SECONDS", 3600.0)
    first = reads.board()
    assert [reads.board() for _ in range(50)] == [first] * 50
    assert len(asked) == 1
    reads.forget_board()
    again = reads.board()
    assert [row.name for row in again.environments] == [row.name for row in first.environments]
    assert len(asked) == 2


def test_the_certificate_is_told_as_it_is_measured(seeded, open_page, shown, monkeypatch, tmp_path):
    context = ensure_certificate(tmp_path / "mail.pem")  # any certificate: it is read, not trusted
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("GREENROOM_TLS", "internal")
        monkeypatch.setenv("GREENROOM_HTTPS_PORT", str(port))
        load_settings.cache_clear()
        certificates._measured.clear()

        def shake_hands():
            with contextlib.suppress(OSError), server.accept()[0] as client:
                context.wrap_socket(client, server_side=True).close()

        thread = threading.Thread(target=shake_hands)
        thread.start()
        page = shown(open_page("environment", env="shop/fix-tax"))
        thread.join(10)
    assert "Certificate" in page
    assert MAIL_HOST in page
    until = datetime.now(UTC) + timedelta(days=VALID_DAYS)
    assert f"until {until:%d %b %Y}" in page
    certificates._measured.clear()  # nobody listens any more
    assert "it comes with the first visit" in shown(open_page("environment", env="shop/fix-tax"))
