"""The demo's last act: what was looked at is approved, goes live, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from greenroom import orders, promotions
from greenroom.cli.stagehands import PROJECT, STAGING
from greenroom.cli.visiting import Client
from greenroom.demo.repository import SampleRepository
from greenroom.errors import NotAllowed
from greenroom.previews import OVERLAY, link_url
from greenroom.store import approvals, comments, environments, links, projects
from greenroom.store.models import DeploymentStatus
from greenroom.store.states import ProductionBy
from greenroom.store.work import unit_of_work

if TYPE_CHECKING:
    from greenroom.cli.play import Play

CLIENT = "Mira"
"""For whom the link is."""


def _look_and_approve(play: Play, checks: list[str]) -> str:
    """Let the client open a link, comment and approve; say where that leaves it."""
    with unit_of_work() as work:
        found = environments.get_environment(work, f"{PROJECT}/{STAGING}")
        _, token = links.create_link(work, found, CLIENT, may_approve=True, by="demo")
        play.link = link_url(found.url, token)
    client = Client(play.settings, play.link)
    page = client.ask(client.first or "/")
    play.check(
        checks,
        page.status == 200 and OVERLAY in page.text
        and OVERLAY not in play.hands.get(STAGING, "/").text,
        "the link opens without an account, and its page can be commented on",
    )  # fmt: skip
    said = client.comment(page.text, "Could the headline be shorter?")
    with unit_of_work() as work:
        threads = comments.list_threads(work, found.id)
        seen = [one.text for thread in threads for one in thread.comments]
    play.check(checks, said == 201, f"{CLIENT} wrote on the page: “{seen[-1] if seen else ''}”")
    client.approve()
    with unit_of_work() as work:
        shown = environments.get_environment(work, f"{PROJECT}/{STAGING}")
        judgement = promotions.judge_environment(work, shown)
    return judgement.words if judgement is not None else ""


def promote(play: Play, repository: SampleRepository) -> None:
    """Refuse what nobody approved, promote what somebody did, and return.

    Errors: CheckFailed.
    """
    hands, staging = play.hands, f"{PROJECT}/{STAGING}"
    play.tell.act(
        8,
        "A client opens a link and approves: that very artifact goes live, and back",
    )
    with play.step("promotion") as checks:
        promotions.set_rule(PROJECT, by=ProductionBy.PROMOTION, needed=0, clients=1, actor="demo")
        before = hands.health("production")["commit"]
        try:
            promotions.place_promotion(staging, actor="demo")
        except NotAllowed as refused:
            play.check(checks, True, f"unasked it is refused: {refused.message}")
        else:
            play.check(checks, False, "unasked it is refused")
        standing = _look_and_approve(play, checks)
        order = promotions.place_promotion(staging, actor="demo")
        ended = hands.watch(order.deployment_id)
        health = hands.health("production")
        play.check(
            checks,
            ended.status == DeploymentStatus.LIVE
            and ended.release_id == hands.environment(STAGING).release_id
            and health["commit"] == repository.feature_commit
            and "spring sale" in hands.get("production", "/").text.lower(),
            f"{standing}: production shows the spring sale, by the artifact of the preview",
        )
        with unit_of_work() as work:
            (kept, *_) = approvals.list_backups(work, projects.get_project(work, PROJECT))
        play.check(
            checks, kept.tables > 0,
            f"its database was backed up first: {kept.tables} tables, {kept.size_bytes:,} bytes,"
            " encrypted and read back",
        )  # fmt: skip
        back = orders.place_rollback(f"{PROJECT}/production", actor="demo")
        ended = hands.watch(back.deployment_id)
        play.check(
            checks,
            ended.status == DeploymentStatus.LIVE
            and hands.health("production")["commit"] == before,
            f"and production is back on commit {before[:7]}, held until somebody promotes again",
        )
