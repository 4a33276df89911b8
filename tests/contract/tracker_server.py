"""Stand-ins for the four trackers on loopback: ours, small, stateful, with the trackers' paths.

They are not the real thing: they keep what is brought to them, and fail on demand.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.contract.forge_server import TOKEN, Asked, ForgeServer

Told = tuple[Asked, Any]
"""A request, and the JSON that answered it, if any did."""


@dataclass
class Kept:
    """An issue."""

    number: int
    title: str
    text: str
    labels: list[str]
    is_done: bool = False
    said: list[str] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)


class TrackerServer(ForgeServer):
    """One place in one tracker."""

    kind = place = ""
    token = TOKEN

    def __init__(self) -> None:
        super().__init__()
        self.issues: dict[int, Kept] = {}
        self.uploads: list[bytes] = []
        self.told: list[Told] = []

    async def _answer(self, request: web.Request) -> web.Response:
        body: Any = None
        if request.content_type == "multipart/form-data":
            part = (await request.post())["file"]
            assert isinstance(part, web.FileField)
            body = part.file.read()
        elif request.content_type == "application/json" and request.can_read_body:
            body = await request.json()
        elif request.can_read_body:
            body = await request.read()
        path = request.raw_path.partition("?")[0].removeprefix(self.prefix)
        self.asked.append(Asked(request.method, path, dict(request.query), body))
        if self.faults:
            fault = self.faults.pop(0)
            return web.Response(status=fault.status, headers=fault.headers, body=fault.body)
        if path.startswith("/put/"):
            assert "authorization" not in request.headers
            self.uploads.append(body)
            return web.Response()
        if request.headers.get("authorization") != self.authorization:
            return web.json_response({"message": f"Bad credentials {self.token}"}, status=401)
        with contextlib.suppress(LookupError):
            found = self.answer(request.method, path, dict(request.query), body)
            known = json.loads(found.text) if found.text else None
            self.told.append((self.asked[-1], known))
            return found
        self.told.append((self.asked[-1], None))
        return web.json_response({"message": "Not Found"}, status=404)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> web.Response:
        raise NotImplementedError

    def create(self, title: str, text: str, labels: list[str]) -> Kept:
        made = Kept(len(self.issues) + 1, title, text, labels)
        self.issues[made.number] = made
        return made


class HubTracker(TrackerServer):
    kind, place = "github", "acme/shop"

    def worded_issue(self, one: Kept) -> dict[str, Any]:
        return {"id": one.number + 1000, "number": one.number, "body": one.text,
                "html_url": f"https://github.com/acme/shop/issues/{one.number}"}  # fmt: skip

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> web.Response:
        match method, path.removeprefix("/repos/acme/shop/issues").strip("/").split("/"):
            case "GET", [""]:
                found = [self.worded_issue(one) for one in reversed(self.issues.values())]
                return web.json_response(self.listed(found, query))
            case "POST", [""]:
                made = self.create(body["title"], body["body"], body["labels"])
                return web.json_response(self.worded_issue(made), status=201)
            case "POST", [number, "comments"]:
                self.issues[int(number)].said.append(body["body"])
                return web.json_response({"id": 1}, status=201)
            case "PATCH", [number]:
                self.issues[int(number)].is_done = body["state"] == "closed"
                return web.json_response(self.worded_issue(self.issues[int(number)]))
        raise LookupError


class LabTracker(TrackerServer):
    kind, place = "gitlab", "acme/shop"

    def worded_issue(self, one: Kept) -> dict[str, Any]:
        return {"iid": one.number, "description": one.text,
                "web_url": f"https://gitlab.com/acme/shop/-/issues/{one.number}"}  # fmt: skip

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> web.Response:
        match method, path.removeprefix("/projects/acme%2Fshop/").split("/"):
            case "GET", ["issues"]:
                fits = [one for one in self.issues.values() if query["search"] in one.text]
                return web.json_response([self.worded_issue(one) for one in fits])
            case "POST", ["uploads"]:
                self.uploads.append(body)
                return web.json_response({"url": "/uploads/1/comment.png"}, status=201)
            case "POST", ["issues"]:
                made = self.create(body["title"], body["description"], [body["labels"]])
                made.files = list(self.uploads)
                return web.json_response(self.worded_issue(made), status=201)
            case "POST", ["issues", number, "notes"]:
                self.issues[int(number)].said.append(body["body"])
                return web.json_response({"id": 1}, status=201)
            case "PUT", ["issues", number]:
                self.issues[int(number)].is_done = body["state_event"] == "close"
                return web.json_response(self.worded_issue(self.issues[int(number)]))
        raise LookupError


class JiraTracker(TrackerServer):
    """A Data Center: it has no ``search/jql``; its login is that of the cloud."""

    kind, place = "jira", "SHOP/Bug"
    token = f"anna@example.org:{TOKEN}"
    authorization = f"Basic {base64.b64encode(token.encode()).decode()}"

    def worded_issue(self, one: Kept) -> dict[str, Any]:
        return {"id": str(one.number + 1000), "key": f"SHOP-{one.number}"}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> web.Response:
        match method, path.removeprefix("/rest/api/2/").split("/"):
            case "GET", ["search"]:
                found = re.fullmatch(r'project = "SHOP" and labels = "(.+)"', query["jql"])
                assert found
                fits = [one for one in self.issues.values() if found[1] in one.labels]
                return web.json_response({"issues": [self.worded_issue(one) for one in fits]})
            case "POST", ["issue"]:
                fields = body["fields"]
                assert fields["issuetype"] == {"name": "Bug"}
                made = self.create(fields["summary"], fields["description"], fields["labels"])
                return web.json_response(self.worded_issue(made), status=201)
            case "POST", ["issue", key, "attachments"]:
                self.of(key).files.append(body)
                return web.json_response([{"id": "1"}])
            case "POST", ["issue", key, "comment"]:
                self.of(key).said.append(body["body"])
                return web.json_response({"id": "1"}, status=201)
            case "GET", ["issue", key]:
                category = {"key": "done" if self.of(key).is_done else "new"}
                return web.json_response({"fields": {"status": {"statusCategory": category}}})
            case "GET", ["issue", _, "transitions"]:
                kinds = (("11", "new"), ("31", "done"))
                steps = [{"id": i, "to": {"statusCategory": {"key": k}}} for i, k in kinds]
                return web.json_response({"transitions": steps})
            case "POST", ["issue", key, "transitions"]:
                self.of(key).is_done = body["transition"]["id"] == "31"
                return web.Response(status=204)
        raise LookupError

    def of(self, key: str) -> Kept:
        return self.issues[int(key.removeprefix("SHOP-"))]


class LinearTracker(TrackerServer):
    kind, place = "linear", "SHOP"
    authorization = TOKEN

    def worded_issue(self, one: Kept) -> dict[str, Any]:
        return {"id": f"id-{one.number}", "identifier": f"SHOP-{one.number}",
                "url": f"https://linear.app/acme/issue/SHOP-{one.number}"}  # fmt: skip

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> web.Response:
        given, (verb,) = body["variables"], re.findall(r"\b(\w+)\(", body["query"])[1:2] or [""]
        return web.json_response({"data": {verb: self.say(verb, given)}})

    def say(self, verb: str, given: dict[str, Any]) -> Any:
        match verb:
            case "teams":
                return {"nodes": [{"id": "team-1"}] if given["key"] == "SHOP" else []}
            case "issues":
                mark = given["filter"]["description"]["contains"]
                fits = [one for one in self.issues.values() if mark in one.text]
                return {"nodes": [self.worded_issue(one) for one in fits]}
            case "fileUpload":
                file = {"uploadUrl": f"{self.url}/put/1", "assetUrl": "https://uploads/1"}
                return {"uploadFile": {**file, "headers": [{"key": "x-a", "value": "b"}]}}
            case "issueCreate":
                wanted = given["input"]
                made = self.create(wanted["title"], wanted["description"], [])
                made.files = list(self.uploads)
                return {"issue": self.worded_issue(made)}
            case "commentCreate":
                self.of(given["input"]["issueId"]).said.append(given["input"]["body"])
                return {"success": True}
            case "issue":
                kinds = (("s1", "unstarted", 1), ("s3", "completed", 3), ("s2", "completed", 2))
                states = [{"id": i, "type": k, "position": p} for i, k, p in kinds]
                now = "completed" if self.of(given["id"]).is_done else "started"
                return {"state": {"type": now}, "team": {"states": {"nodes": states}}}
            case "issueUpdate":
                self.of(given["id"]).is_done = given["input"]["stateId"] == "s2"
                return {"success": True}
        raise LookupError(verb)

    def of(self, key: str) -> Kept:
        return self.issues[int(key.removeprefix("id-"))]


SERVERS = (HubTracker, LabTracker, JiraTracker, LinearTracker)
