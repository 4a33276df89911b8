"""Reconcile's step for sites at vendors: their own address shows what serves."""

from __future__ import annotations

from prefect import get_run_logger

from greenroom.errors import GreenroomError
from greenroom.hosting.registry import runtime_for
from greenroom.store import hosts
from tasks.policies import step


@step
def publish_what_serves() -> int:
    """Publish again what serves, where a killed run has published another; give how often.

    Idempotent. A vendor that does not answer is asked again next time.
    """
    log, done = get_run_logger(), 0
    for kind, name in hosts.list_outshone():
        log.info("%s: its site shows another release", name)
        try:
            runtime_for(kind).settle(name)
        except GreenroomError as error:
            log.warning("%s: %s", name, error.message)
        else:
            done += 1
    return done
