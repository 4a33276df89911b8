"""The demo's look at what changed: the comparison that followed the deployment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from greenroom.cli.stagehands import PROJECT, STAGING
from greenroom.compare.installed import has_browser
from greenroom.compare.words import count_verdicts, describe_change
from greenroom.comparing import place_comparison
from greenroom.measuring import place_measurement
from greenroom.store import comparisons, environments, measurements
from greenroom.store.models import Comparison
from greenroom.store.work import unit_of_work

if TYPE_CHECKING:
    from greenroom.cli.play import Play

REFERENCE = f"{PROJECT}/{STAGING}"
ORDER_SECONDS, END_SECONDS = 20.0, 120.0


def look_at_changes(play: Play, checks: list[str]) -> None:
    """Wait for the comparison that followed the deployment; tell what differs, and where to look.

    Without a browser on this machine there is none, and that is said.
    """
    if not has_browser():
        play.tell.say("no browser on this machine: pages are not compared", "yellow")
        return
    play.tell.busy("comparing its pages with production's")
    row = _newest(ORDER_SECONDS)
    if row is None:
        place_comparison(REFERENCE, actor="demo")
    deadline = time.monotonic() + END_SECONDS
    while row is None or row.status not in comparisons.FINAL:
        if time.monotonic() > deadline:
            break
        time.sleep(0.3)
        row = _newest(0)
    play.tell.end()
    address = f"{play.platform.console_url}/environment?env={REFERENCE}&part=compare"
    if row is None or row.status not in comparisons.FINAL:
        play.tell.say(f"the comparison takes longer here; it will be at {address}", "yellow")
        return
    pages = row.pages
    differ = [page for page in pages if page["verdict"] == "changed"]
    if row.status != "done" or not differ:
        play.tell.say(f"nothing to see by a browser here: {count_verdicts(pages)}", "yellow")
        return
    play.check(checks, True, f"its pages were compared: {count_verdicts(pages)}")
    for change in differ[0]["changes"][:3]:
        play.tell.say(f"│ {describe_change(change)[:100]}", "bright_black")
    play.tell.say(f"side by side: {address}")


def have_speed_measured(play: Play) -> None:
    """Order a measurement of load times, unless there is one, and say where it is shown.

    Only of a demo that stays: it is made alone on the machine, and nothing here waits for it.
    """
    if not has_browser():
        return
    with unit_of_work() as work:
        environment = environments.get_environment(work, REFERENCE)
        made = measurements.list_measurements(work, environment)
    if all(row.status == "failed" for row in made):
        place_measurement(REFERENCE, actor="demo")
    address = f"{play.platform.console_url}/environment?env={REFERENCE}&part=performance"
    play.tell.say(f"load times beside production's, as they are measured: {address}")


def _newest(seconds: float) -> Comparison | None:
    """Give the newest comparison, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while True:
        with unit_of_work() as work:
            environment = environments.get_environment(work, REFERENCE)
            found = comparisons.list_comparisons(work, environment, limit=1)
        if found or time.monotonic() > deadline:
            return found[0] if found else None
        time.sleep(0.2)
