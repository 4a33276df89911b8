"""A noun of the API: its routes. Each names the act it is, by which it is refused early.

The store asks again, in the transaction: this only makes a refusal come before anything is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from greenroom.errors import NotAllowed
from greenroom.rights import RIGHTS, Right, current_actor, who_may, words_of
from greenroom.store import projects
from greenroom.store.work import unit_of_work

Endpoint = Callable[..., Any]
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Project = Annotated[str, Path(max_length=100, pattern=NAME, examples=["shop"])]
Environment = Annotated[str, Path(max_length=100, pattern=NAME, examples=["feature-cart"])]
Number = Annotated[int, Path(ge=1, le=2_000_000_000, examples=[1])]
Limit = Annotated[int, Query(ge=1, le=200)]
Text = Annotated[str, Field(max_length=4000)]
Short = Annotated[str, Field(max_length=200)]


class Given(BaseModel):
    """What a request gives: nothing that is not known."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Shown(BaseModel):
    """What an answer shows, taken from a row."""

    model_config = ConfigDict(from_attributes=True)


class Problem(BaseModel):
    """Why a request was not carried out."""

    error: str = Field(description="The kind, like `NotAllowed`.", examples=["NotAllowed"])
    detail: str = Field(description="What happened.")
    hint: str = Field(description="What to do.")


class Done(BaseModel):
    """Something is done."""

    done: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": why}
    for status, why in (
        (400, "It cannot be carried out as asked."),
        (401, "There is no token, or it does not hold."),
        (403, "The token, or whose it is, may not."),
        (404, "There is no such thing, or it is not to be seen."),
        (409, "It exists already, or is held by somebody else."),
        (422, "The request is malformed."),
        (424, "A service of yours does not answer: a database, a forge, a room that is told."),
        (429, "A limit is reached."),
    )
}


class Noun(APIRouter):
    """Routes of one noun."""

    def __init__(self, name: str) -> None:
        super().__init__(prefix="/api", tags=[name], responses=PROBLEMS)

    def reads(self, path: str, act: str = "project.read", **more: Any) -> Callable[..., Any]:
        """Declare a route that shows something."""
        return self._route("GET", path, act, more)

    def writes(self, method: str, path: str, act: str, **more: Any) -> Callable[..., Any]:
        """Declare a route that changes something."""
        return self._route(method, path, act, more)

    def _route(self, method: str, path: str, act: str, more: dict[str, Any]) -> Endpoint:
        right = RIGHTS[act]
        extra = {
            "security": [{"token": []}],
            "x-greenroom-act": act,
            "x-greenroom-role": str(right.role),
            "x-greenroom-scope": str(right.scope),
        }

        def register(endpoint: Endpoint) -> Endpoint:
            self.add_api_route(
                path, endpoint, methods=[method], openapi_extra=extra,
                operation_id=endpoint.__name__, dependencies=[Depends(_early(act, right))], **more,
            )  # fmt: skip
            return endpoint

        return register


def _early(act: str, right: Right) -> Callable[[Request], None]:
    def check(request: Request) -> None:
        actor = current_actor()
        if right.is_own or "project" not in request.path_params:
            why = actor.why_not_scoped(right)
        else:
            why = actor.why_not_scoped(right) or actor.why_not(act, _project_id(request))
        if why:
            raise NotAllowed(f"{words_of(act)} is not allowed: {why}", hint=who_may(right))

    return check


def _project_id(request: Request) -> Any:
    with unit_of_work() as work:
        return projects.get_project(work, request.path_params["project"]).id


def reference(project: str, environment: str) -> str:
    """Give an environment's unambiguous name. Pure."""
    return f"{project}/{environment}"
