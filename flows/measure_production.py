"""Measure how fast production's pages load."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.measure import choose_measured, judge_loads, run_lighthouse, time_loads, write_report
from tasks.notifying import tell_people
from tasks.timing import machine_alone, measuring, order_productions, report_measurement
from tasks.values import MeasureRequest


@flow(name="measure_production", flow_run_name="measure-production")
def measure_production(
    request: MeasureRequest | None = None, projects: list[str] | None = None
) -> Any:
    """Measure one production; without ``request``, order that of all projects, or of those named.

    The calendar asks for all; each is then a run of its own.
    """
    if request is None:
        return order_productions(projects or [])
    with measuring(request) as sides:  # records the end, whatever it is
        chosen = choose_measured(sides)
        with machine_alone(chosen):  # waits for its turn
            time_loads(chosen)
            run_lighthouse(chosen)
        judge_loads(chosen)  # by the budgets alone
        write_report(chosen)
    tell_people()
    return report_measurement(request)
