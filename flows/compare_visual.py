"""Tell what differs between an environment's pages and production's."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks.compare import choose_pages, compare_pages, write_page
from tasks.comparing import comparing, report_comparison
from tasks.values import CompareRequest


@flow(name="compare_visual", flow_run_name="compare-{request.environment}")
def compare_visual(request: CompareRequest) -> Any:
    """Compare ``request.environment`` with production as both are now; again is the same."""
    with comparing(request) as sides:  # records the end, whatever it is
        chosen = choose_pages(sides)  # those asked for, else what the front page links to
        compare_pages(chosen)  # each page and width alone; one that fails leaves the others
        write_page(chosen)
    return report_comparison(request)
