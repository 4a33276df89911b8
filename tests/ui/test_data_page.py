"""The page about data: empty, full, live, broken; decisions are made and approved on it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from greenroom.data.policy import dump_policy, load_policy
from greenroom.data.report import make_report, sign
from greenroom.secrets import generate_key
from greenroom.store import environments, policies, projects, syncs
from greenroom.store.models import SyncStatus
from greenroom.store.work import unit_of_work
from tests.unit.test_data_report import FACTS, POLICY

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
HOSTILE = "<img src=x onerror=alert(1)>"


def add_syncs() -> None:
    """A finished sync with its report, one that failed, one that runs."""
    with unit_of_work() as work:
        shop = projects.get_project(work, "shop")
        policies.record_policy(work, shop, dump_policy(POLICY), POLICY.fingerprint(), by="ada")
        done = syncs.create_sync(work, shop, None, requested_by="ada")
        report = make_report(replace(FACTS, project="shop", warnings=(HOSTILE,)))
        done.report, done.signature = report, dict(sign(report, generate_key()))
        done.status, done.snapshot_at = SyncStatus.DONE, datetime.now(UTC)
        done.started_at = done.completed_at = datetime.now(UTC)
        done.progress = {HOSTILE: {"rows": 12, "octets": 5_000_000, "estimated_rows": 12,
                                   "size_bytes": 9000, "chunks": 1, "of_chunks": 1}}  # fmt: skip
        broken = syncs.create_sync(work, shop, None, requested_by=HOSTILE)
        broken.status, broken.completed_at = SyncStatus.FAILED, datetime.now(UTC)
        broken.error = {"error": "LeakFound", "detail": f"found in {HOSTILE}", "hint": "Decide."}


def add_running() -> None:
    with unit_of_work() as work:
        shop = projects.get_project(work, "shop")
        feature = environments.find_environment(work, shop, "feature-cart")
        running = syncs.create_sync(work, shop, feature, requested_by="ada")
        running.status, running.phase = SyncStatus.RUNNING, "data"
        running.started_at = datetime.now(UTC)
        running.phases = {"data": 30.0}
        running.progress = {
            "public.people": {"rows": 50, "octets": 100, "estimated_rows": 100,
                              "size_bytes": 1000, "chunks": 1, "of_chunks": 2},
        }  # fmt: skip
        syncs.append_log(work, running.id, ["the tables are made"])


def test_nothing_decided_yet(seeded, open_page, shown):
    text = shown(open_page("data", project="shop"))
    assert "Nobody has decided yet" in text
    assert "never synced" in text


def test_syncs_with_what_went_wrong(seeded, open_page, shown):
    add_syncs()
    text = shown(open_page("data", project="shop"))
    assert "Sync #2 failed" in text
    assert "Staging stays as it was" in text
    assert "version 1" in text
    assert "<img" not in text.replace("&lt;img", "")


def test_progress_of_one_that_runs(seeded, open_page, shown):
    add_syncs()
    add_running()
    page = open_page("data", project="shop")
    text = shown(page)
    assert "50 rows" in text
    assert "30 s left" in text
    assert "the tables are made" in text
    assert any(button.label == "Stop #3" for button in page.button)
    assert next(b for b in page.button if b.label == "Sync now").disabled


def test_the_decisions_in_force(seeded, open_page, shown):
    add_syncs()
    text = shown(open_page("data", project="shop", part="decisions"))
    assert "public.people.email" in text
    assert "an address that nobody reads" in text


def test_the_report_is_shown_and_can_be_taken_away(seeded, open_page, shown):
    add_syncs()
    page = open_page("data", project="shop", part="report", n="1")
    text = shown(page)
    assert "No original was found" in text
    assert "pseudonymized" in text
    assert "<img" not in text


def test_stopping_one(seeded, open_page, shown):
    add_running()
    page = open_page("data", project="shop")
    next(b for b in page.button if b.label == "Stop #1").click().run()
    assert "stops at its next step" in shown(page)
    with unit_of_work() as work:
        found = syncs.find_sync(work, projects.get_project(work, "shop"))
        assert found.cancel_requested_at is not None


def test_columns_are_looked_at_and_approved(seeded, open_page, shown, postgres_dsn):
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table people (id int primary key, email text, remark text)")
        connection.execute("insert into people select g, 'a' || g || '@mail.test', 'x y z'"
                           " from generate_series(1, 30) g")  # fmt: skip
    with unit_of_work() as work:
        shop = projects.get_project(work, "shop")
        projects.set_production_database_url(work, shop, postgres_dsn, actor="ada")
    page = open_page("data", project="shop", part="decisions")
    next(b for b in page.button if b.label.startswith("Look at production")).click().run()
    text = shown(page)
    assert "3 columns" in text
    assert "mail.test" not in text
    next(b for b in page.button if b.label == "Approve").click().run()
    assert "Policy 1 is in force" in shown(page)
    with unit_of_work() as work:
        found = policies.current_policy(work, projects.get_project(work, "shop"))
    assert found is not None
    assert "email: {method: email" in found
    assert "mail.test" not in found

    # Somebody else decides while a proposal is looked at: theirs is not written over.
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("alter table people add column phone text")
    next(b for b in page.button if b.label.startswith("Look at production")).click().run()
    with unit_of_work() as work:
        project = projects.get_project(work, "shop")
        theirs = found.replace("{method: email", "{method: null")
        digest = load_policy(theirs).fingerprint()
        policies.record_policy(work, project, theirs, digest, by="bob")
    next(b for b in page.button if b.label == "Approve").click().run()
    assert "Another policy was approved meanwhile" in shown(page)
    with unit_of_work() as work:
        assert policies.current_policy(work, projects.get_project(work, "shop")) == theirs


def test_production_that_is_away_is_told(seeded, open_page, shown):
    page = open_page("data", project="shop", part="decisions")
    next(b for b in page.button if b.label.startswith("Look at production")).click().run()
    text = shown(page)
    assert "does not answer" in text
    assert "sentinel-d41d8cd98f" not in text
