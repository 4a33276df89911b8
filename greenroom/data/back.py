"""Returning a project to the anonymized data before its last sync."""

from __future__ import annotations

from greenroom.data.clones import Template, protect
from greenroom.data.place import Place
from greenroom.data.sync import go_back
from greenroom.errors import InvalidInput
from greenroom.names import template_name
from greenroom.store import projects, syncs
from greenroom.store.audit import record_audit
from greenroom.store.work import database_url, unit_of_work


def return_data(project: str, *, actor: str) -> None:
    """Return to the data before the last sync; done again, to the newer one.

    Errors: NotFound, InvalidInput while a sync is under way, SyncFailed when none is kept.
    """
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        syncs.lock_project(work, found.id)  # no sync begins before this is through
        name = template_name(found.name, str(found.id))
        if any(row.project_id == found.id for row in syncs.list_unfinished(work)):
            raise InvalidInput("a sync is under way", hint=f"greenroom data stop {project}")
        record_audit(work, actor, "sync.back", project=found)
        place = Place(database_url(), name)
        go_back(place)
        with place.server() as server:
            protect(server, Template(name, name))
