"""Comments on an environment's pages."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from greenroom import talking
from greenroom.api.noun import Done, Environment, Given, Noun, Number, Project, reference
from greenroom.approving import person
from greenroom.rights import current_actor
from greenroom.store import comments as store
from greenroom.store import environments
from greenroom.store.work import unit_of_work

router = Noun("comments")
_OF = "/projects/{project}/environments/{environment}/comments"


def _author() -> store.Author:
    return store.Author(person(current_actor().name))


@router.reads(_OF)
def list_threads(
    project: Project, environment: Environment, everything: bool = False
) -> list[dict[str, Any]]:
    """List the threads that wait for an answer; with `everything` the resolved ones, too."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        return [
            store.as_told(thread)
            for thread in store.list_threads(work, found.id)
            if everything or thread.state != store.ThreadState.RESOLVED
        ]


class Answer(Given):
    """What is answered."""

    text: Annotated[str, Field(min_length=1, max_length=store.LONGEST_TEXT)]


@router.writes("POST", _OF + "/{number}/replies", "comment.reply", status_code=201)
def reply(project: Project, environment: Environment, number: Number, given: Answer) -> Done:
    """Answer a thread."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        thread = store.get_thread(work, found, number)
        talking.reply(work, found, thread, given.text, _author())
    return Done(done=f"Thread #{number} is answered.")


class State(Given):
    """Whether it is done."""

    is_resolved: bool


@router.writes("PUT", _OF + "/{number}/state", "comment.resolve")
def set_resolved(project: Project, environment: Environment, number: Number, given: State) -> Done:
    """Say that a thread is done, or open it again."""
    with unit_of_work() as work:
        found = environments.get_environment(work, reference(project, environment))
        thread = store.get_thread(work, found, number)
        talking.resolve(work, thread, given.is_resolved, _author())
    return Done(done=f"Thread #{number} is {'resolved' if given.is_resolved else 'open again'}.")
