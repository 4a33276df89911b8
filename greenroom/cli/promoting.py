"""The demo's last act: what was looked at is approved, goes live, and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from greenroom import orders, promotions
from greenroom.cli.stagehands import PROJECT, STAGING
from greenroom.demo.repository import SampleRepository
from greenroom.errors import NotAllowed
from greenroom.store import approvals, projects
from greenroom.store.models import DeploymentStatus
from greenroom.store.states import ProductionBy, Verdict
from greenroom.store.work import unit_of_work

if TYPE_CHECKING:
    from greenroom.cli.play import Play

CLIENT = "mira"
"""Who approves; not the commit's author."""


def promote(play: Play, repository: SampleRepository) -> None:
    """Refuse what nobody approved, promote what somebody did, and return.

    Errors: CheckFailed.
    """
    hands, staging = play.hands, f"{PROJECT}/{STAGING}"
    play.tell.act(8, "The client approves what it shows: that very artifact goes live, and back")
    with play.step("promotion") as checks:
        promotions.set_rule(PROJECT, by=ProductionBy.PROMOTION, needed=1, actor="demo")
        before = hands.health("production")["commit"]
        try:
            promotions.place_promotion(staging, actor="demo")
        except NotAllowed as refused:
            play.check(checks, True, f"unasked it is refused: {refused.message}")
        else:
            play.check(checks, False, "unasked it is refused")
        standing = promotions.place_verdict(
            staging, Verdict.APPROVED, "looked at on a phone", actor=CLIENT
        )
        order = promotions.place_promotion(staging, actor="demo")
        ended = hands.watch(order.deployment_id)
        health = hands.health("production")
        play.check(
            checks,
            ended.status == DeploymentStatus.LIVE
            and ended.release_id == hands.environment(STAGING).release_id
            and health["commit"] == repository.feature_commit
            and "spring sale" in hands.get("production", "/").text.lower(),
            f"{standing.words}: production shows the spring sale, by the artifact of the preview",
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
