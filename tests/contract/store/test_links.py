"""Preview links in the store: numbers, passwords that rest, views, what the gateway reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from greenroom import promotions
from greenroom.errors import InvalidInput, NotAllowed, NotFound
from greenroom.gateway import verdicts
from greenroom.gateway.visitors import Visitor
from greenroom.secrets import hash_token
from greenroom.store import environments, links, projects
from greenroom.store.models import AuditEvent, PreviewLink, Release, now
from greenroom.store.states import PreviewAccess, Verdict
from greenroom.store.work import Work, unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


@pytest.fixture
def shop(store_url: str) -> str:
    with unit_of_work() as work:
        project = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
        environments.ensure_environment(work, project, "main", actor="ada")
        environments.ensure_environment(work, project, "cart", actor="ada")
    return "shop/cart"


def show(commit: str) -> None:
    """Let the environment show a release."""
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/cart")
        made = Release(
            project_id=found.project_id, commit_hash=commit * 40, runtime="static",
            artifact=f"sha256:{commit}", location="/x", manifest={}, manifest_digest=commit,
            author="Ada Berg <ada@x.test>",
        )  # fmt: skip
        work.add(made)
        work.flush()
        found.release_id, found.last_deployed_commit = made.id, made.commit_hash


def add(work: Work, **more: object) -> tuple[PreviewLink, str]:
    found = environments.get_environment(work, "shop/cart")
    return links.create_link(work, found, "Anna", by="ada", **more)  # type: ignore[arg-type]


def test_a_link_is_kept_without_its_token(shop: str) -> None:
    with unit_of_work() as work:
        first, token = add(work, password="let me in")
        second, other = add(work)
        assert (first.number, second.number) == (1, 2)
        assert len({token, other}) == 2
        assert len(token) >= 32  # 192 bits
        assert first.token_hash == hash_token(token)
        assert first.password_hash.startswith("$argon2id$")
        told = str([event.detail for event in work.query(AuditEvent)])
        assert token not in told
        assert "let me in" not in told
        doors = links.list_doors(work)
        assert {(d.token_hash, d.has_password) for d in doors} == {
            (hash_token(token), True), (hash_token(other), False)
        }  # fmt: skip


def test_production_and_nothing_cannot_be_shared(shop: str) -> None:
    with unit_of_work() as work:
        live = environments.get_environment(work, "shop/production")
        with pytest.raises(InvalidInput, match="open to everybody"):
            links.create_link(work, live, "Anna", by="ada")
        with pytest.raises(InvalidInput, match="shows nothing yet"):
            add(work, is_pinned=True)
        with pytest.raises(NotFound):
            links.get_link(work, live, 7)


def test_a_link_rests_after_wrong_passwords_whoever_tried(shop: str) -> None:
    with unit_of_work() as work:
        made, _ = add(work, password="let me in")
        number = made.id
    for _ in range(links.LOCK_AFTER):
        with unit_of_work() as work:
            assert not links.check_link_password(work, number, "guess")
    with pytest.raises(NotAllowed), unit_of_work() as work:
        links.check_link_password(work, number, "let me in")
    with unit_of_work() as work:
        row = work.get_one(PreviewLink, number)
        row.locked_until = now() - timedelta(seconds=1)
    with unit_of_work() as work:
        assert links.check_link_password(work, number, "let me in")
        assert work.get_one(PreviewLink, number).failed_passwords == 0


def test_a_revoked_link_stays_revoked_and_an_expired_one_can_be_extended(shop: str) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    with unit_of_work() as work:
        made, _ = add(work, expires_at=past)
        links.extend_link(work, made, None, by="ada")
        assert made.expires_at is None
        links.revoke_link(work, made, by="ada")
        at = made.revoked_at
        links.revoke_link(work, made, by="ada")
        assert made.revoked_at == at
        with pytest.raises(InvalidInput, match="taken back"):
            links.extend_link(work, made, None, by="ada")


def test_views_are_counted_and_forgotten(shop: str) -> None:
    with unit_of_work() as work:
        made, _ = add(work)
        for client in ("Safari on iPhone", "Chrome on Windows"):
            links.record_view(work, made.id, client)
        work.flush()
        links.list_views(work, made)[1].at = now() - timedelta(days=links.VIEWS_KEPT_DAYS + 1)
        work.flush()
        links.record_view(work, made.id, "Firefox on Linux")
        work.flush()
        assert [view.client for view in links.list_views(work, made)] == [
            "Firefox on Linux", "Chrome on Windows"
        ]  # fmt: skip
        assert links.count_views(work, made.environment)[made.id][0] == 2


def test_the_gateway_reads_who_sees_a_project(shop: str) -> None:
    with unit_of_work() as work:
        found = projects.get_project(work, "shop")
        projects.set_preview_access(work, found, PreviewAccess.CLOSED, actor="ada")
    with unit_of_work() as work:
        assert {route.access for route in environments.list_routes(work)} == {"closed"}


def visitor(label: str = "Anna") -> Visitor:
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/cart")
        return Visitor(None, found.id, "shop", "cart", label, True, True, found.release_id)


def shown() -> str:
    with unit_of_work() as work:
        return str(environments.get_environment(work, "shop/cart").release_id)


def test_a_clients_word_counts_for_what_they_saw_and_as_a_clients(shop: str) -> None:
    promotions.set_rule("shop", needed=0, clients=1, actor="ada")
    show("a")
    anna, seen = visitor(), shown()
    assert verdicts._record(anna, seen, Verdict.APPROVED, "")
    with unit_of_work() as work:
        judgement = promotions.judge_environment(
            work, environments.get_environment(work, "shop/cart")
        )
        assert judgement is not None
        assert (judgement.is_open, judgement.words) == (True, "approved by Anna (client)")
    show("b")
    assert not verdicts._record(anna, seen, Verdict.APPROVED, "")  # they saw another version
    with unit_of_work() as work:
        judgement = promotions.judge_environment(
            work, environments.get_environment(work, "shop/cart")
        )
        assert judgement is not None
        assert judgement.words == "1 client's approval is missing"


def test_a_client_approves_page_by_page(shop: str) -> None:
    promotions.set_rule("shop", needed=0, clients=1, pages=["/", "/shop"], actor="ada")
    show("a")
    anna, seen = visitor(), shown()
    assert verdicts._record(anna, seen, Verdict.APPROVED, "", "/shop")
    with pytest.raises(InvalidInput, match="/about is none of the pages"):
        verdicts._record(anna, seen, Verdict.APPROVED, "", "/about")
    words = "1 client's approval is missing; Anna (client) approved 1 of 2 pages"
    assert verdicts._standing(verdicts._read(anna), verdicts._WORDS["en"]) == (
        "You approved 1 of 2 pages so far."
    )
    for page, then in (("/", "approved by Anna (client)"), ("", "approved by Anna (client)")):
        with unit_of_work() as work:
            found = environments.get_environment(work, "shop/cart")
            judgement = promotions.judge_environment(work, found)
            assert judgement is not None
            assert judgement.words == words
            judgement = promotions.record_verdict(
                work, found, Verdict.APPROVED, "", by="client:Anna", page=page
            )
            assert judgement.words == then
        words = then
    with unit_of_work() as work:
        found = environments.get_environment(work, "shop/cart")
        late = promotions.record_verdict(
            work, found, Verdict.CHANGES, "too loud", by="client:Anna", page="/about?x"
        )
    assert late.words == "Anna (client) asked for changes"


def test_a_client_named_as_an_approver_is_none(shop: str) -> None:
    promotions.set_rule("shop", needed=1, approvers=["eve"], actor="ada")
    show("a")
    assert verdicts._record(visitor("eve"), shown(), Verdict.APPROVED, "")
    with unit_of_work() as work:
        judgement = promotions.judge_environment(
            work, environments.get_environment(work, "shop/cart")
        )
        assert judgement is not None
        assert not judgement.is_open
