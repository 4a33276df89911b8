"""The review of an environment: what is said counts, and what is open goes live."""

from __future__ import annotations

import uuid

import pytest

from greenroom import orders, promotions
from greenroom.runs import Runs
from greenroom.store import deployments, environments, projects
from greenroom.store.states import ProductionBy
from greenroom.store.work import unit_of_work
from tests.ui.conftest import HOSTILE

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]


@pytest.fixture
def started(monkeypatch):
    """Keep Prefect out, and remember what would have been started."""
    calls = []

    def start(self, deployment, parameters, **options):
        calls.append(deployment)
        return uuid.uuid4()

    monkeypatch.setattr(Runs, "start", start)
    return calls


def press(test, label):
    next(b for b in test.button if b.label == label).click()
    return test.run()


def words(test):
    return " ".join(str(part.proto.body) for part in test.get("html"))


def test_what_nobody_approved_does_not_go_live(seeded, open_page):
    test = open_page("environment", env="shop/fix-tax", part="review")
    assert "1 approval is missing" in words(test)
    assert next(b for b in test.button if b.label == "Promote to production").disabled


def test_an_approval_opens_the_way_and_the_dialog_promotes(seeded, open_page, started):
    test = open_page("environment", env="shop/fix-tax", part="review")
    test.text_area[0].set_value(f"fine {HOSTILE}")
    test = press(test, "Approve")
    assert "approved by admin" in words(test)
    assert HOSTILE not in words(test)
    test = press(test, "Promote to production")
    press(test, "Promote")
    assert started == ["promote/on-demand"]
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/production")
        newest = deployments.list_deployments(work, found.id, limit=1)[0]
    assert (newest.kind, newest.ref, newest.deployed_by) == ("promote", "fix-tax", "admin")


def test_a_page_is_approved_by_itself(seeded, open_page):
    promotions.set_rule("shop", pages=["/", "/shop"], actor="ada")
    test = open_page("environment", env="shop/fix-tax", part="review")
    about = next(s for s in test.selectbox if s.label == "About")
    about.set_value("/shop")
    test = press(test, "Approve")
    assert "admin approved 1 of 2 pages" in words(test)
    assert next(b for b in test.button if b.label == "Promote to production").disabled
    about = next(s for s in test.selectbox if s.label == "About")
    about.set_value("/")
    test = press(test, "Approve")
    assert "approved by admin" in words(test)


def test_an_objection_needs_a_note(seeded, open_page):
    test = press(open_page("environment", env="shop/fix-tax", part="review"), "Request changes")
    assert "Say what shall change" in words(test)


def test_an_environment_that_shows_nothing(seeded, open_page):
    test = open_page("environment", env="shop/feature-cart", part="review")
    assert "Nothing to look at yet" in words(test)


def test_production_tells_that_it_is_held_and_is_freed(seeded, open_page, started):
    orders.place_rollback("shop/production", actor=HOSTILE)
    test = open_page("environment", env="shop/production", part="review")
    assert "rolled it back" in words(test)
    assert HOSTILE not in words(test)
    assert "No backup yet" in words(test)
    press(test, "Free it")
    with unit_of_work() as work:
        assert environments.get_environment(work, "shop/production").held_at is None


def test_the_rule_of_production_is_set(seeded, open_page):
    test = open_page("projects")
    form = next(r for r in test.radio if r.label == "Production changes by")
    form.set_value(ProductionBy.PROMOTION)
    test.number_input[0].set_value(2)
    next(t for t in test.text_input if t.label == "Approvers").set_value("eve, bob")
    first = next(p.name for p in _projects())
    next(b for b in test.button if b.label == "Save").click().run()
    with unit_of_work() as work:
        found = projects.get_project(work, first)
        assert promotions.rule_of(found) == promotions.Rule(2, ("bob", "eve"))
        assert found.production_by == "promotion"


def _projects():
    with unit_of_work() as work:
        return projects.list_projects(work)
