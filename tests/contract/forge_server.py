"""Stand-ins for the four forges on loopback: ours, small, stateful, with the forges' paths.

They are not the real thing. They keep what is reported to them, refuse what the forges are known
to refuse, page their lists as each forge does, and fail on demand.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "forge-token-s3cr3t-0123456789"
REPOSITORY = "acme/shop"


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class Fault:
    """An answer that is given instead of the right one."""

    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"message": "out of order"}'
    delay_seconds: float = 0.0
    on: str = ""
    """Only for requests whose path ends so."""


Handler = Callable[[web.Request, Any], Awaitable[web.Response]]


class ForgeServer:
    """One forge with one repository."""

    prefix = ""
    page_key, has_pages = "per_page", True
    authorization = f"Bearer {TOKEN}"

    def __init__(self) -> None:
        self.statuses: dict[tuple[str, str], dict[str, Any]] = {}
        self.comments: dict[int, dict[int, dict[str, Any]]] = {}
        self.deployments: list[dict[str, Any]] = []
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self._ids = iter(range(1, 10**6))
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    # Running

    def __enter__(self) -> ForgeServer:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        path = request.raw_path.partition("?")[0].removeprefix(self.prefix)
        self.asked.append(Asked(request.method, path, dict(request.query), body))
        fault = next((f for f in self.faults if path.endswith(f.on)), None)
        if fault is not None:
            self.faults.remove(fault)
            if fault.delay_seconds:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), fault.delay_seconds)
            return web.Response(status=fault.status, headers=fault.headers, body=fault.body)
        if request.headers.get("authorization") != self.authorization:
            return _json({"message": "Bad credentials"}, 401)
        parts = path.strip("/").split("/")
        return self.route(request.method, parts, dict(request.query), body)

    # What each forge says for itself

    def route(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> web.Response:
        raise NotImplementedError

    def worded(self, comment: dict[str, Any]) -> dict[str, Any]:
        """Give a comment as this forge words it."""
        return {"id": comment["id"], "body": comment["text"]}

    def text_of(self, body: Any) -> str:
        return str(body["body"])

    # What they have in common

    def write(self, number: int, text: str) -> int:
        """Write a comment, as somebody would by hand."""
        made = {"id": next(self._ids), "text": text}
        self.comments.setdefault(number, {})[made["id"]] = made
        return int(made["id"])

    def texts(self, number: int) -> list[str]:
        return [comment["text"] for comment in self.comments.get(number, {}).values()]

    def listed(self, items: list[Any], query: dict[str, str]) -> Any:
        if not self.has_pages:
            return items
        size, page = int(query.get(self.page_key, 30)), int(query.get("page", 1))
        return items[(page - 1) * size : page * size]

    def on_comments(
        self, method: str, number: int, query: dict[str, str], body: Any
    ) -> web.Response:
        if method == "POST":
            made = self.comments.setdefault(number, {})[self.write(number, self.text_of(body))]
            return _json(self.worded(made), 201)
        items = [self.worded(comment) for comment in self.comments.get(number, {}).values()]
        return _json(self.listed(items, query))

    def on_comment(self, method: str, wanted: int, body: Any, edit: str) -> web.Response:
        for thread in self.comments.values():
            if wanted in thread and method == "DELETE":
                del thread[wanted]
                return web.Response(status=204)
            if wanted in thread and method == edit:
                thread[wanted]["text"] = self.text_of(body)
                return _json(self.worded(thread[wanted]))
        return _json({"message": "Not Found"}, 404)


def _json(data: Any, status: int = 200) -> web.Response:
    return web.json_response(data, status=status)


def _missing() -> web.Response:
    return _json({"message": "Not Found"}, 404)


class HubServer(ForgeServer):
    """Speaks as GitHub does."""

    def route(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> web.Response:
        match parts:
            case ["repos", "acme", "shop", *rest]:
                return self.in_repository(method, rest, query, body)
        return _missing()

    def in_repository(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> web.Response:
        match [method, *parts]:
            case ["POST", "statuses", commit]:
                if len(body["description"]) > 140:
                    return _json({"message": "Validation Failed"}, 422)
                self.statuses[commit, body["context"]] = body
                return _json({"id": next(self._ids), **body}, 201)
            case [_, "issues", "comments", wanted]:
                return self.on_comment(method, int(wanted), body, "PATCH")
            case [_, "issues", number, "comments"]:
                return self.on_comments(method, int(number), query, body)
            case ["GET", "deployments"]:
                fits = [d for d in self.deployments if _fits(d, query)]
                return _json(self.listed(fits[::-1], query))
            case ["POST", "deployments"]:
                if body.get("required_contexts") != [] or body.get("auto_merge") is not False:
                    return _json({"message": "Conflict: Commit status checks failed"}, 409)
                made = {"id": next(self._ids), **body, "sha": body["ref"], "states": []}
                self.deployments.append(made)
                return _json({**made, "states": None}, 201)
            case [_, "deployments", wanted, "statuses"]:
                return self.on_states(method, int(wanted), body)
        return _missing()

    def on_states(self, method: str, wanted: int, body: Any) -> web.Response:
        one = next(d for d in self.deployments if d["id"] == wanted)
        if method == "GET":
            return _json([{"id": n, "state": s} for n, s in enumerate(one["states"])][::-1])
        if body["state"] == "success" and body.get("auto_inactive"):
            for other in self.deployments:
                same = other["environment"] == one["environment"] and other is not one
                if same and other["states"][-1:] == ["success"]:
                    other["states"].append("inactive")
        one["states"].append(body["state"])
        return _json({"id": next(self._ids), **body}, 201)


def _fits(deployment: dict[str, Any], query: dict[str, str]) -> bool:
    return all(
        str(deployment[key]) == query[key] for key in ("environment", "sha", "task") if key in query
    )


class GiteaServer(HubServer):
    """Speaks as Gitea does: GitHub's paths, but no pages of comments and no deployments."""

    prefix, has_pages = "/api/v1", False
    authorization = f"token {TOKEN}"

    def in_repository(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> web.Response:
        if parts[0] == "deployments":
            return _missing()
        return super().in_repository(method, parts, query, body)


class GitLabServer(ForgeServer):
    """Speaks as GitLab does."""

    prefix = "/api/v4"

    def route(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> web.Response:
        match [method, *parts]:
            case ["POST", "projects", "acme%2Fshop", "statuses", commit]:
                states = {"pending", "running", "success", "failed", "canceled"}
                if body["state"] not in states:
                    return _json({"error": "state does not have a valid value"}, 400)
                before = self.statuses.get((commit, body["name"]), {}).get("state")
                if before == body["state"]:
                    why = f"Cannot transition status via :run from :{before}"
                    return _json({"message": {"state": [why]}}, 400)
                self.statuses[commit, body["name"]] = body
                return _json({"id": next(self._ids), **body}, 201)
            case [_, "projects", "acme%2Fshop", "merge_requests", number, "notes"]:
                return self.on_comments(method, int(number), query, body)
            case [_, "projects", "acme%2Fshop", "merge_requests", _, "notes", wanted]:
                return self.on_comment(method, int(wanted), body, "PUT")
        return _missing()

    def worded(self, comment: dict[str, Any]) -> dict[str, Any]:
        return {"id": comment["id"], "body": comment["text"], "system": False}


class BitbucketServer(ForgeServer):
    """Speaks as Bitbucket does: pages with a link to the next, a limit on a status's key."""

    prefix, page_key = "/2.0", "pagelen"

    def route(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> web.Response:
        match [method, *parts]:
            case ["POST", "repositories", "acme", "shop", "commit", commit, "statuses", "build"]:
                states = {"SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED"}
                if len(body["key"]) > 40 or not body["url"] or body["state"] not in states:
                    return _json({"type": "error", "error": {"message": "Bad request"}}, 400)
                self.statuses[commit, body["key"]] = body
                return _json(body, 201)
            case [_, "repositories", "acme", "shop", "pullrequests", number, "comments"]:
                return self.on_comments(method, int(number), query, body)
            case [_, "repositories", "acme", "shop", "pullrequests", _, "comments", wanted]:
                return self.on_comment(method, int(wanted), body, "PUT")
        return _missing()

    def worded(self, comment: dict[str, Any]) -> dict[str, Any]:
        return {"id": comment["id"], "content": {"raw": comment["text"]}, "deleted": False}

    def text_of(self, body: Any) -> str:
        return str(body["content"]["raw"])

    def listed(self, items: list[Any], query: dict[str, str]) -> Any:
        query = {**query, "pagelen": str(min(int(query["pagelen"]), 50))}
        values = super().listed(items, query)
        has_next = int(query["page"]) * int(query["pagelen"]) < len(items)
        link = {"next": "http://elsewhere.invalid/next"} if has_next else {}
        return {"values": values, "pagelen": 50, **link}


SERVERS: dict[str, type[ForgeServer]] = {
    "github": HubServer,
    "gitlab": GitLabServer,
    "bitbucket": BitbucketServer,
    "gitea": GiteaServer,
    "forgejo": GiteaServer,
}
