"""What the buttons do: each order is the viewer's own, and each refusal is a panel."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from greenroom.errors import InvalidInput, NotAllowed, OrchestratorUnavailable
from greenroom.runs import Runs
from greenroom.sources.rules import Forks
from greenroom.store import audit, deployments, environments, projects, users
from greenroom.store.life import Wishes
from greenroom.store.work import unit_of_work
from tests.contract.host_server import SITE, TOKEN, NetlifyServer
from ui import acts, reads, setting_acts, site_acts, who

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]


@pytest.fixture
def started(monkeypatch):
    """Keep Prefect out, and remember what would have been started."""
    calls = []

    def start(self, deployment, parameters, **options):
        calls.append((deployment, parameters["request"]))
        return uuid.uuid4()

    monkeypatch.setattr(Runs, "start", start)
    return calls


def press(test, label):
    next(b for b in test.button if b.label == label).click()
    return test.run()


def newest(reference):
    with unit_of_work() as work:
        found = environments.get_environment(work, reference)
        return deployments.list_deployments(work, found.id, limit=1)[0]


def test_deploy_from_the_dialog(seeded, open_page, started):
    before = reads.board()
    test = press(open_page("environment", env="shop/fix-tax"), "Deploy")
    assert test.selectbox(key="ref-shop/fix-tax").value == "fix/tax"
    [button] = [b for b in test.button if b.label == "Deploy" and b.key is None]
    button.click().run()
    row = newest("shop/fix-tax")
    assert (row.number, row.deployed_by, row.ref, row.status) == (2, "admin", "fix/tax", "queued")
    assert started[0][0] == "deploy/on-demand"
    assert reads.board() != before


def test_roll_back_from_the_dashboard(seeded, open_page, started):
    test = open_page("environment", env="shop/production")
    test = press(test, "Roll back")
    press(test, "Roll back to #1")
    row = newest("shop/production")
    assert (row.kind, row.ref, row.deployed_by) == ("rollback", "#1", "admin")
    assert started[0][0] == "rollback/on-demand"


def test_destroy_needs_the_name_typed(seeded, open_page, started):
    test = press(open_page("environment", env="shop/fix-tax"), "Destroy")
    [button] = [b for b in test.button if b.label == "Destroy" and b.key is None]
    assert button.disabled
    [field] = [f for f in test.text_input if f.label.startswith("Type")]
    field.set_value("fix-tax").run()
    press_last = next(b for b in test.button if b.label == "Destroy" and b.key is None)
    assert not press_last.disabled
    press_last.click().run()
    assert started == [("teardown/on-demand", started[0][1])]
    assert reads.environment("shop/fix-tax").is_leaving


def test_cancel_a_running_deployment(seeded, open_page, started):
    press(open_page("environment", env="shop/feature-cart"), "Cancel #1")
    assert newest("shop/feature-cart").cancel_requested_at is not None


def test_an_order_is_kept_when_prefect_is_down(seeded, open_page, shown, monkeypatch):
    def start(self, *_, **__):
        raise OrchestratorUnavailable("Prefect's API does not answer", hint="`greenroom doctor`.")

    monkeypatch.setattr(Runs, "start", start)
    test = press(open_page("environment", env="shop/fix-tax"), "Deploy")
    [button] = [b for b in test.button if b.label == "Deploy" and b.key is None]
    text = shown(button.click().run())
    assert "does not answer" in text
    assert acts.RECORDED in text
    assert newest("shop/fix-tax").number == 2


def test_nothing_is_done_for_a_session_that_ended(seeded, open_page, monkeypatch, started):
    monkeypatch.setattr(who, "current_token", lambda: seeded)
    with unit_of_work() as work:
        users.log_out(work, seeded)
    with pytest.raises(NotAllowed):
        who.require_viewer()
    assert not started


def test_variables_are_set_and_removed_in_their_scope(seeded):
    said = acts.set_variable("shop/fix-tax", "environment", "TOKEN", "t0p", True, "run", "admin")
    assert "t0p" not in said
    acts.set_variable("shop/fix-tax", "staging", "MODE", "loud", False, "build", "admin")
    found = {v.name: v for v in reads.variables("shop/fix-tax")}
    assert (found["TOKEN"].scope, found["TOKEN"].value) == ("environment", None)
    assert (found["MODE"].scope, found["MODE"].value) == ("staging", "loud")
    assert (found["TOKEN"].given_at, found["MODE"].given_at) == ("run", "build")
    assert (found["GREENROOM_BRANCH"].scope, found["GREENROOM_BRANCH"].value) == (
        "built in",
        "fix/tax",
    )
    assert "TOKEN" not in {v.name for v in reads.variables("shop/production")}
    acts.unset_variable("shop/fix-tax", "staging", "MODE", "admin")
    assert "MODE" not in {v.name for v in reads.variables("shop/feature-cart")}


def test_a_project_is_added_by_the_form(open_page, git_repository, token):
    repository = git_repository("My Shop")
    repository.commit({"index.html": "hello"})
    test = open_page("projects")
    test.text_input[0].set_value(repository.url)
    press(test, "Add project")
    with unit_of_work() as work:
        found = projects.get_project(work, "my-shop")
        assert found.production_branch == "main"
        assert audit.list_audit(work)[0].actor == "admin"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "no git URL"),
        ("https://u:p@ss@git.example.org/x", "holds a password"),
        ("ext::sh -c id", "not allowed"),
        ("/no/such/folder", "is no folder"),
    ],
)
def test_a_wrong_source_is_refused_with_a_panel(open_page, shown, source, says):
    test = open_page("projects")
    test.text_input[0].set_value(source)
    text = shown(press(test, "Add project"))
    assert says in text
    assert "p@ss" not in text.replace(source, "")


def test_the_webhook_secret_is_shown_on_demand_and_told(seeded, open_page, shown):
    secret = reads.webhook_secret("shop")
    test = open_page("projects")
    assert secret not in shown(test)
    test.button(key="secret-shop").click().run()
    assert secret in shown(test)
    assert reads.events()[0].action == "project.show_webhook_secret"
    assert secret not in shown(test.run())


def test_the_production_database_is_kept_and_not_shown(seeded, open_page, shown):
    said = acts.set_production_database("bare", "postgresql://r:hush@db/x", "admin")
    assert "hush" not in said
    text = shown(open_page("projects"))
    assert "hush" not in text
    assert text.count("set, kept encrypted") == 2


def test_a_site_at_a_vendor_is_named_by_the_form_and_forgotten(seeded, open_page, token):
    with NetlifyServer() as vendor:
        test = open_page("projects")
        fields = {one.key or one.label: one for one in test.text_input}
        assert {"Site", "Team"} <= set(fields)
        with pytest.raises(InvalidInput, match="a site and a token"):
            site_acts.save("shop", "netlify", SITE, "", vendor.url, " ", "admin")
        said = site_acts.save("shop", "netlify", SITE, "", vendor.url, TOKEN, "admin")
        assert "is shown at" in said
    assert [row.site for row in site_acts.sites_of("shop")] == [SITE]
    test = open_page("projects")
    assert TOKEN not in str(test)
    [button] = [one for one in test.button if one.label == "Forget Netlify"]
    button.click().run()
    assert site_acts.sites_of("shop") == ()


def test_what_was_taken_back_says_so(seeded, open_page, shown):
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/production")
        newest = deployments.list_deployments(work, found.id)[0]
        newest.error = {"error": "HealthCheckFailed", "detail": "it was taken back: 5 of 9"}
        found.held_by, found.held_at = "watch", newest.requested_at
    text = shown(open_page("environment", env="shop/production"))
    assert "taken back, held" in text
    assert text.count("taken back") >= 2


def test_a_projects_settings_are_shown_and_changed(seeded, open_page, shown):
    with unit_of_work() as work:
        projects.get_project(work, "shop").previews = {"include": ["feature/*"], "limit": 3}
    test = open_page("projects")
    fields = {one.label: one.value for one in (*test.text_input, *test.number_input)}
    assert fields["Most beside production (0: no limit)"] in (0, 3)
    row = setting_acts.read("shop")
    rules = replace(row.rules, include=setting_acts.words("a, b/*\n c"), forks=Forks.ASK)
    setting_acts.set_previews("shop", rules, "closed", "admin")
    with pytest.raises(InvalidInput):
        setting_acts.set_forge("shop", "github", "no repository", "", "t0p", "admin")
    assert "github" in setting_acts.set_forge("shop", "github", "a/b", "", "t0p", "admin")
    setting_acts.set_life("shop", Wishes(60, None, 7, None), "admin")
    setting_acts.set_mail("shop", ["@agency.example"], "smtp://u:t0p@mail.test:587", "admin")
    row = setting_acts.read("shop")
    assert (row.rules.include, row.rules.limit) == (("a", "b/*", "c"), 3)
    assert (row.rules.forks, row.access, row.reports) == (Forks.ASK, "closed", True)
    assert (row.wishes.pause_seconds, row.wishes.days) == (60, 7)
    assert row.has_server
    assert "t0p" not in repr(row) + shown(open_page("projects"))
    setting_acts.forget_server("shop", "admin")
    setting_acts.set_forge("shop", "github", "a/b", "", "", "admin")
    row = setting_acts.read("shop")
    assert (row.reports, row.has_server) == (False, False)
