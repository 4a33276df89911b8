"""Each page as each role sees it: a button that is offered is one that they may press."""

from __future__ import annotations

import pytest

from greenroom.rights import RIGHTS, Role, can
from greenroom.store import comments, domains, environments, links, notices, trackers
from greenroom.store.comments import Author, Pin
from greenroom.store.work import unit_of_work
from ui import nav
from ui.views.environment import PARTS

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
FREE = {"Logs", "Log", "Download", "Filter", "Search"}
"""They show what the page's reader may see already."""
BUTTONS = {
    "Deploy": "deployment.deploy", "Roll back": "deployment.rollback",
    "Destroy": "environment.destroy", "New environment": "environment.create",
    "Promote to production": "deployment.promote", "Free it": "environment.free",
    "Approve": "release.approved", "Request changes": "release.changes",
    "Take back": "release.withdrawn", "Make the link": "link.create",
    "Two weeks more": "link.extend", "share/Take back": "link.revoke",
    "Answer": "comment.reply", "Resolve": "comment.resolve",
    "Make an issue": "comment.want_issue", "Compare": "comparison.request",
    "Measure": "measurement.request", "Try to get out": "isolation.check",
    "Keep it": "environment.extend", "Verify": "domain.verify", "Add": "domain.add",
    "Remove": "domain.remove", "Set": "variable.set", "variables/Remove": "variable.unset",
    "Sync now": "sync.request", "Sync it": "sync.request",
    "Look at production's columns": "data.look", "Back to the data before": "sync.back",
    "Make a new key": "key.rotate",
    "Add project": "project.add", "Show webhook secret": "project.show_webhook_secret",
    "Save": "project.set_production", "Save the secret": "project.set_tracker_secret",
    "Forget": "project.forget_tracker", "notifications/Add": "notice_target.add",
    "Send a test": "notice_target.test", "notifications/Remove": "notice_target.remove",
    "people/Add": "user.add", "Save role": "user.set_role",
    "New one-time password": "user.reset_password", "Let in no more": "user.deactivate",
    "Set role": "member.set", "Plan": "cleanup.request", "Clear it": "cleanup.request",
    "Set up an app": "account.set_totp", "Make a token": "account.add_token",
    "Take it back": "account.revoke_token",
}  # fmt: skip
"""A button's label, where needed with its page, and the act that it is for."""
PAGES = [
    *((entry.name, {}) for entry in nav.ENTRIES if entry.name not in ("environment", "data")),
    *(("environment", {"env": "shop/fix-tax", "part": part}) for part in PARTS),
    ("environment", {"env": "shop/production", "part": "review"}),
    ("environment", {"env": "shop/production", "part": "life"}),
    ("data", {"project": "shop", "part": "syncs"}),
    ("data", {"project": "shop", "part": "decisions"}),
]


@pytest.fixture
def peopled(seeded):
    """Fill what the pages show with something to press on."""
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/fix-tax")
        links.create_link(work, found, "Anna", by="ada")
        pin = Pin("/cart", "Cart", {"tag": "h1", "text": "Basket"}, 390, 844, "Chrome on Android")
        comments.add_thread(work, found, pin, "too long", Author("Anna"), None)
        domains.add_domain(work, found, "new.example.org", actor="ada")
        trackers.set_tracker(
            work, found.project, "gitlab", "acme/shop", "https://git.example.org/api/v4", "t0ken",
            "click", "ada",
        )  # fmt: skip
        notices.add_target(
            work, "team", "json", "json://127.0.0.1/x", project=found.project, actor="ada"
        )
        live = environments.get_environment(work, "shop/production")
        live.held_by, live.held_at = "ada", live.created_at
    return seeded


def offered(test):
    """Give the labels of the buttons that can be pressed."""
    found = [*test.get("button"), *test.get("form_submit_button")]
    return {one.label for one in found if not one.disabled}


def act_of(where, label):
    """Give the act that a button is for; every button has one."""
    act = BUTTONS.get(f"{where}/{label}") or BUTTONS.get(label)
    assert act is not None, f"which right does {label!r} on {where} take?"
    assert act in RIGHTS
    return act


def where_of(name, parameters):
    return parameters.get("part", name)


def test_nobody_is_offered_what_they_may_not(peopled, session_of, open_page):
    shown: dict[str, set[str]] = {}
    walked = (Role.VIEWER, Role.REVIEWER, Role.DEVELOPER)
    for role in walked:
        session = session_of(f"one-{role}", shop=role)
        for name, parameters in PAGES:
            test = open_page(name, session=session, **parameters)
            assert not test.exception, (name, parameters)
            where = where_of(name, parameters)
            for label in offered(test) - FREE:
                act = act_of(where, label)
                shown.setdefault(act, set()).add(role)
                right = RIGHTS[act]
                assert right.is_own or can(role, act), f"{role} is offered {label!r} on {where}"
    # And the other way round: whoever may, is offered it. (Some need what is not there to press.)
    for act, roles in shown.items():
        if not RIGHTS[act].is_own:
            assert roles == {role for role in walked if can(role, act)}, act
    assert len(shown) >= 18, sorted(set(BUTTONS.values()) - set(shown))
