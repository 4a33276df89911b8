"""Telling people what was written down for them. Nobody who is away holds anything up."""

from __future__ import annotations

from prefect import get_run_logger

from greenroom.errors import GreenroomError
from greenroom.notify.sending import compose, send
from greenroom.promotions import remind
from greenroom.store import notices
from greenroom.store.work import unit_of_work
from tasks.policies import step

MOST_TARGETS = 100


@step
def remind_people() -> int:
    """Write down reminders of what has waited for approval for long; give how many. Idempotent."""
    with unit_of_work() as work:
        return remind(work)


@step
def tell_people() -> int:
    """Send what is due, one message a target; give how many were taken.

    Idempotent but for a process that is killed between a service's yes and our note of it: then
    the message comes a second time.
    """
    told = 0
    for _ in range(MOST_TARGETS):
        with unit_of_work() as work:
            claim = notices.claim_due(work)
        if claim is None:
            break
        refused = ""
        try:
            send(claim.address, *compose([(title, body) for _, title, body in claim.notices]))
            told += 1
        except GreenroomError as error:
            refused = error.message
            get_run_logger().warning("somebody was not told: %s", refused)
        with unit_of_work() as work:
            notices.record_told(work, claim, refused)
    with unit_of_work() as work:
        notices.prune_notices(work)
    return told
