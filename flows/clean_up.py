"""Clear what nobody needs any more."""

from __future__ import annotations

from prefect import flow

from tasks.cleanup import (
    clearing,
    is_only_plan,
    is_room_short,
    plan_removals,
    record_own_cleanup,
    remove_all,
    report_cleanup,
)
from tasks.remarks import forget_pictures


@flow(name="clean_up", flow_run_name="clean-up-{number}")
def clean_up(number: int = 0) -> int:
    """Carry out the clearing ``number``, by default one of its own; give the bytes it freed."""
    if not number:
        number = record_own_cleanup("every night")
    with clearing(number):  # records a failure
        removals = plan_removals(number)  # what any rollback needs is not among them
        outcomes = {}
        if not is_only_plan(number):
            outcomes = remove_all(number, removals)  # each is asked again whether it is needed
            forget_pictures()  # of comments, with their environments
        return report_cleanup(number, removals, outcomes)


@flow(name="clean_when_full", flow_run_name="clean-when-full")
def clean_when_full() -> int:
    """Clear when the disk has less room than the settings want; give the bytes it freed."""
    if not is_room_short():
        return 0
    return clean_up(record_own_cleanup("the disk was nearly full"))
