"""People, accounts and tokens in the console; what one may not do is not offered, and refused."""

from __future__ import annotations

import pyotp
import pytest

from greenroom.errors import NotAllowed
from greenroom.rights import Role, Scope
from greenroom.store import factors, tokens, users
from greenroom.store.work import unit_of_work
from ui import acts, who

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]


def test_what_is_not_offered_is_refused_all_the_same(session_of, monkeypatch):
    vera = session_of("vera", shop=Role.VIEWER)
    monkeypatch.setattr(who, "current_token", lambda: vera)
    viewer = who.require_viewer()
    from greenroom.rights import acting_as

    for do in (
        lambda: acts.deploy("shop/fix-tax", "", viewer.name),
        lambda: acts.set_variable(
            "shop/fix-tax", "environment", "A", "b", True, "both", viewer.name
        ),
        lambda: acts.destroy("shop/fix-tax", viewer.name),
        lambda: acts.record_secret_shown("shop", viewer.name),
    ):
        with acting_as(viewer.actor), pytest.raises(NotAllowed, match="vera is viewer"):
            do()


def test_an_administrator_adds_limits_and_shuts_out(seeded, open_page, shown):
    test = open_page("people")
    by_label = {field.label: field for field in test.text_input}
    by_label["Name"].set_value("bea")
    by_label["E-mail"].set_value("bea@example.org")
    test = press(test, "Add")
    with unit_of_work() as work:
        bea = users.get_user(work, "bea")
        assert (bea.email, bea.role, bea.must_change_password) == ("bea@example.org", "", True)
    assert "One-time password of bea" in shown(test)
    assert "One-time password" not in shown(test.run())
    test = open_page("people")
    next(f for f in test.text_input if f.label == "Account").set_value("bea")
    press(test, "Set role")
    with unit_of_work() as work:
        assert len(users.get_user(work, "bea").memberships) == 1


def press(test, label):
    next(b for b in test.button if b.label == label).click()
    return test.run()


def test_ones_own_code_sessions_and_tokens(seeded, open_page, shown):
    test = press(open_page("account"), "Set up an app")
    with unit_of_work() as work:
        address = factors.pending_address(users.get_user(work, "admin"))
    assert address is not None
    code = pyotp.parse_uri(address).now()
    next(f for f in test.text_input if f.label == "Code").set_value(code)
    text = shown(press(test, "Ask for it from now on"))
    assert "Recovery codes" in text
    with unit_of_work() as work:
        assert users.get_user(work, "admin").totp_since is not None
    test = open_page("account")
    assert "Recovery codes, each" not in shown(test)
    next(f for f in test.text_input if f.label == "What for").set_value("deploy from CI")
    test = press(test, "Make a token")
    assert tokens.PREFIX in shown(test)
    assert tokens.PREFIX not in shown(open_page("account"))
    with unit_of_work() as work:
        [made] = tokens.list_tokens(work)
        assert made.user is not None
        assert (made.user.name, made.scopes) == ("admin", [Scope.READ])


def test_the_audit_trail_is_filtered(seeded, open_page, shown):
    test = open_page("audit")
    assert "project.add" in shown(test)
    next(s for s in test.selectbox if s.label == "What").set_value("variable")
    text = shown(test.run())
    assert "variable.set" in text
    assert "project.add" not in text
