"""What is to be told survives whoever tells it, and nobody hears what is not for them."""

from __future__ import annotations

import pytest

from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.store import notices, projects
from greenroom.store.models import Notice, NoticeTarget
from greenroom.store.states import NoticeKind
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
    for _ in range(len(notices.DELAYS_SECONDS) + 1):
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
