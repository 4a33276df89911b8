"""What the calendar asks for: compare every staging environment with production."""

from __future__ import annotations

from prefect import flow

from tasks.compare_orders import order_comparisons


@flow(name="compare_projects", flow_run_name="compare-projects")
def compare_projects(environments: list[str] | None = None) -> int:
    """Order a comparison of each living staging environment, or of those named; give how many."""
    return order_comparisons(environments or [])
