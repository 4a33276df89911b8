"""What was tried to get out of an environment, in the console."""

from __future__ import annotations

import pytest

from greenroom.store import environments, isolation, networks
from greenroom.store.models import IsolationCheck
from greenroom.store.work import Work, unit_of_work
from tests.ui.conftest import HOSTILE

pytestmark = [pytest.mark.ui, pytest.mark.needs_postgres]
REFERENCE = "shop/fix-tax"


def add_check(work: Work, outcome: str, packets: int | None, verdict: str) -> None:
    found = environments.get_environment(work, REFERENCE)
    row = IsolationCheck(environment_id=found.id, requested_by="ada", runtime="docker")
    work.add(row)
    work.flush()
    probes = [
        {"group": "mail", "what": "port 25", "outcome": "captured", "detail": "kept here"},
        {"group": "web", "what": f"{HOSTILE}", "outcome": outcome, "detail": HOSTILE},
    ]
    isolation.finish_check(row, verdict, probes, packets)


def test_never_tried_proved_open_and_refusals(seeded, open_page, shown):
    page = {"env": REFERENCE, "part": "isolation"}
    assert "It was never tried" in shown(open_page("environment", **page))
    production = {"env": "shop/production", "part": "isolation"}
    assert "This is production" in shown(open_page("environment", **production))
    with unit_of_work() as work:
        add_check(work, "blocked", 0, "proved")
    text = shown(open_page("environment", **page))
    assert "Nothing gets out: 2 attempts, 0 packets on the wire." in text
    assert HOSTILE not in text
    with unit_of_work() as work:
        add_check(work, "got out", 3, "open")
        found = environments.get_environment(work, REFERENCE)
        networks.record_network(
            work, found.id, "172.30.0.0/16", "172.30.0.1", "gvx", is_guarded=True
        )
        networks.record_refusals(work, found.id, {(f"api.x.test:443{HOSTILE}", "not named"): 4})
    text = shown(open_page("environment", **page))
    assert "It is open" in text
    assert "api.x.test:443" in text
    assert "No egress guard" not in text
    assert HOSTILE not in text
