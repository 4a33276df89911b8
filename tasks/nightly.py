"""What the calendar asks for: fresh data for every project that has an approved policy."""

from __future__ import annotations

from prefect import get_run_logger

from greenroom import data_orders
from greenroom.errors import GreenroomError
from greenroom.store import environments, policies, projects
from greenroom.store.work import unit_of_work
from tasks.policies import step


@step
def order_syncs(only: list[str], refreshed: list[str]) -> int:
    """Order a sync of each project, or of those named, and one for each environment named.

    An environment gets what its project's sync brought: it waits its turn. Give how many. One that
    cannot be ordered is told and does not stop the others.
    """
    log = get_run_logger()
    with unit_of_work() as work:
        known = [
            project.name
            for project in projects.list_projects(work)
            if project.production_database_url is not None
            and policies.find_policy(work, project) is not None
            and (not only or project.name in only)
        ]
        for name in refreshed:
            environment = environments.get_environment(work, name)
            if environment.project.name in known:
                known.remove(environment.project.name)  # the environment's brings the template, too
    count = 0
    for target in [*known, *refreshed]:
        try:
            data_orders.place_sync(target, actor="schedule")
        except GreenroomError as error:
            log.warning("%s: %s", target, error.message)
        else:
            count += 1
    return count
