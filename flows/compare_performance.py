"""Tell which of an environment's pages load slower than production's."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.measure import choose_measured, judge_loads, run_lighthouse, time_loads, write_report
from tasks.notifying import tell_people
from tasks.telling import tell_forge_findings
from tasks.timing import machine_alone, measuring, report_measurement
from tasks.values import MeasureRequest


@flow(name="compare_performance", flow_run_name="performance-{request.environment}")
def compare_performance(request: MeasureRequest) -> Any:
    """Measure ``request.environment`` and production in turns, as both are now."""
    with measuring(request) as sides:  # records the end, whatever it is
        chosen = choose_measured(sides)  # those asked for, else what the front page links to
        with machine_alone(chosen):  # waits for its turn: two browsers make each other late
            time_loads(chosen)  # in pairs, until the answer is clear
            run_lighthouse(chosen)  # where it was asked for: scores and advice
        judge_loads(chosen)  # all pages together
        write_report(chosen)
    tell_forge_findings(request)  # a line of the comment, and a status of its own
    tell_people()
    return report_measurement(request)
