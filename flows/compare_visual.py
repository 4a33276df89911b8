"""Tell what differs between an environment's pages and production's."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.compare import choose_pages, compare_pages, wake_sides
from tasks.compare_report import write_report
from tasks.comparing import comparing, find_baseline, report_comparison
from tasks.notifying import tell_people
from tasks.telling import tell_forge_findings
from tasks.values import CompareRequest


@flow(name="compare_visual", flow_run_name="compare-{request.environment}")
def compare_visual(request: CompareRequest) -> Any:
    """Compare ``request.environment`` with production as both are now; again is the same."""
    with comparing(request) as sides:  # records the end, whatever it is
        wake_sides(sides)  # one that sleeps is not measured cold
        based = find_baseline(sides)  # production as it is now, or pictures of earlier
        chosen = choose_pages(based)  # those asked for, else what the project's rules find
        compare_pages(chosen)  # each page and width alone; one that fails leaves the others
        write_report(chosen)
    tell_forge_findings(request)  # a line of the comment, and a status of its own
    tell_people()
    return report_comparison(request)
