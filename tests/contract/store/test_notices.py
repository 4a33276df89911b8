"""What is to be told survives whoever tells it, and nobody hears what is not for them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from greenroom import promotions
from greenroom.errors import AlreadyExists, InvalidInput, NotFound, NotificationRefused
from greenroom.notify.sending import send
from greenroom.store import environments, notices, projects
from greenroom.store.later import DELAYS_SECONDS
from greenroom.store.models import Deployment, Instance, Notice, NoticeTarget, Release, now
from greenroom.store.states import NoticeKind, ProductionBy
from greenroom.store.work import unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
ADDRESS = "json://team:s3cr3t@127.0.0.1:9/x"


@pytest.fixture
def team(store_url: str) -> str:
    with unit_of_work() as work:
        shop = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
        projects.add_project(work, "blog", "/srv/git/blog", actor="ada")
        notices.add_target(work, "team", "json", ADDRESS, project=shop, actor="ada")
    return "team"


def tell(project: str, kind: NoticeKind = NoticeKind.FAILED, title: str = "x") -> None:
    with unit_of_work() as work:
        notices.record_notice(work, kind, projects.get_project(work, project), "main", title)


def claim() -> notices.Claim | None:
    with unit_of_work() as work:
        return notices.claim_due(work)


def test_what_is_written_down_is_told_once(team: str) -> None:
    for title in ("first", "second"):
        tell("shop", title=title)
    tell("blog")
    tell("shop", NoticeKind.LIVE)
    taken = claim()
    assert taken is not None
    assert taken.address == ADDRESS
    assert [title for _, title, _ in taken.notices] == ["first", "second"]
    assert claim() is None  # nobody else tells it meanwhile
    with unit_of_work() as work:
        notices.record_told(work, taken)
        assert not notices.has_due(work)
        assert work.query(Notice).filter(Notice.told_at.is_not(None)).count() == 2


def test_what_a_killed_process_had_taken_is_told_at_the_next_attempt(team: str) -> None:
    tell("shop")
    assert claim() is not None
    with unit_of_work() as work:
        for row in work.query(Notice):
            assert row.next_at is not None
            row.next_at = row.at
    again = claim()
    assert again is not None
    assert len(again.notices) == 1


def test_what_is_refused_long_enough_is_given_up(team: str) -> None:
    tell("shop")
    with pytest.raises(NotificationRefused) as down:  # nobody listens at port 9
        send(ADDRESS, "x", "y")
    assert down.value.transient
    assert "s3cr3t" not in str(down.value.as_json())
    for _ in range(len(DELAYS_SECONDS) + 1):
        with unit_of_work() as work:
            for row in work.query(Notice):
                row.next_at = row.at
        taken = claim()
        assert taken is not None
        with unit_of_work() as work:
            notices.record_told(work, taken, "did not take it")
    with unit_of_work() as work:
        (row,) = work.query(Notice)
        assert (row.next_at, row.told_at) == (None, None)
        assert notices.get_target(work, team).refused == "did not take it"


def test_who_is_removed_hears_nothing_more(team: str) -> None:
    tell("shop")
    taken = claim()
    assert taken is not None
    with unit_of_work() as work:
        notices.remove_target(work, team, actor="ada")
    with unit_of_work() as work:
        notices.record_told(work, taken)
        assert not work.query(Notice).count()
        assert not notices.list_targets(work)
        with pytest.raises(NotFound):
            notices.get_target(work, team)


def test_an_address_is_kept_sealed_and_names_are_taken_once(team: str) -> None:
    with unit_of_work() as work:
        (row,) = work.query(NoticeTarget)
        assert b"s3cr3t" not in row.address
        assert notices.target_address(row) == ADDRESS
    with unit_of_work() as work, pytest.raises(AlreadyExists):
        notices.add_target(work, team, "json", ADDRESS, actor="ada")
    for name in ("", "x" * 61, "a\nb"):
        with unit_of_work() as work, pytest.raises(InvalidInput):
            notices.add_target(work, name, "json", ADDRESS, actor="ada")
    with unit_of_work() as work, pytest.raises(InvalidInput):
        notices.add_target(work, "other", "json", ADDRESS, kinds=(), actor="ada")


def test_what_is_not_urgent_waits_for_the_digest_and_who_is_called_hears_at_once(
    store_url: str,
) -> None:
    with unit_of_work() as work:
        shop = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
        with pytest.raises(InvalidInput):
            notices.add_target(work, "x", "json", ADDRESS, digest="week", actor="ada")
        notices.add_target(
            work, "Team", "json", ADDRESS, kinds=(NoticeKind.COMMENT, NoticeKind.FAILED),
            digest="day", actor="ada",
        )  # fmt: skip
        notices.add_target(work, "quiet", "json", ADDRESS, actor="ada")
        notices.record_notice(work, NoticeKind.COMMENT, shop, "main", "held")
        assert not notices.has_due(work)
        notices.record_notice(work, NoticeKind.FAILED, shop, "main", "urgent")
        called = frozenset({"team", "quiet", "nobody"})
        notices.record_notice(work, NoticeKind.COMMENT, shop, "main", "called", called=called)
    told = [claim(), claim()]
    assert claim() is None
    assert sorted(title for one in told if one for _, title, _ in one.notices) == [
        "called", "called", "urgent", "urgent",
    ]  # fmt: skip


def test_what_waits_is_told_again_after_a_day_three_times(store_url: str) -> None:
    with unit_of_work() as work:
        shop = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
        shop.production_by, shop.approvals_needed = ProductionBy.PROMOTION, 1
        notices.add_target(work, "team", "json", ADDRESS, actor="ada")
        found = environments.ensure_environment(work, shop, "cart", actor="ada")
        release = Release(
            project_id=shop.id, commit_hash="c" * 40, runtime="process", artifact="sha256:1",
            location="/nowhere", manifest={}, manifest_digest="1",
        )  # fmt: skip
        work.add(release)
        work.flush()
        deployment = Deployment(
            environment_id=found.id, number=1, ref="cart", commit_hash="c" * 40,
            release_id=release.id, status="live", deployed_by="ada", completed_at=now(),
        )  # fmt: skip
        work.add(deployment)
        work.flush()
        work.add(
            Instance(
                environment_id=found.id, deployment_id=deployment.id, release_id=release.id,
                runtime="process", name="cart-1", state="serving", address="http://127.0.0.1:9",
            )
        )  # fmt: skip
        found.release_id, found.status = release.id, "active"
        key = deployment.id
    told = []
    for _ in range(6):
        with unit_of_work() as work:
            told.append(promotions.remind(work))
        with unit_of_work() as work:
            assert promotions.remind(work) == 0
            one = work.get_one(Deployment, key)
            one.completed_at = one.completed_at - timedelta(days=1) if one.completed_at else None
            one.reminded_at = one.reminded_at and one.reminded_at - timedelta(days=1)
    assert told == [0, 1, 1, 1, 0, 0]
    taken = claim()
    assert taken is not None
    assert [title.rpartition(" for ")[2] for _, title, _ in taken.notices] == [
        "a day", "2 days", "3 days",
    ]  # fmt: skip
