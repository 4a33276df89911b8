"""Stand-ins for Netlify and Vercel on loopback: ours, small, stateful, with the vendors' paths.

They are not the real thing: a deployment is shown on a port of its own, and the site's own address
on another; they refuse what the vendors are known to refuse, and fail on demand.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.contract.forge_server import Asked, Fault

TOKEN = "host-token-s3cr3t-0123456789"
SITE = "acme-shop"


@dataclass
class Kept:
    """A deployment."""

    id: str
    mark: str
    files: dict[str, str]
    """Paths, without ``/`` in front, and digests."""
    state: str = "new"
    url: str = ""
    error: str = ""
    looks: int = 0


@dataclass
class HostServer:
    """One vendor with one site."""

    deploys: dict[str, Kept] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    """What the site's own address showed, the latest last."""
    fails_with: str = ""
    """Every deployment fails there, with these words."""
    looks_needed: int = 1
    """How often it is asked before it is ready."""
    cut_after: int = 0
    """Uploads break off after so many octets, once."""

    site: str = SITE

    kind = prefix = ""

    def __enter__(self) -> HostServer:
        self._ready, self._ids = threading.Event(), iter(range(1, 10**6))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._runners: list[web.AppRunner] = []
        self.port = await self._listen(self._answer)
        self.site_port = await self._listen(self._show_site)
        self._ready.set()
        await self._stop.wait()
        for runner in self._runners:
            await runner.cleanup()

    async def _listen(self, answer: Any) -> int:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._runners.append(runner)
        return int(runner.addresses[0][1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    async def _show_site(self, request: web.Request) -> web.Response:
        return self._page(self.published[-1], request)

    def _page(self, deploy: str, request: web.Request) -> web.Response:
        kept, path = self.deploys.get(deploy), request.path.lstrip("/") or "index.html"
        if kept is None or kept.state != "ready" or path not in kept.files:
            return web.Response(status=404, text="Not found")
        kind = "text/html" if path.endswith(".html") else "text/plain"
        return web.Response(body=self.blobs[kept.files[path]], content_type=kind)

    async def _answer(self, request: web.Request) -> web.Response:
        path = request.raw_path.partition("?")[0].removeprefix(self.prefix)
        if self.cut_after and request.content_type == "application/octet-stream":
            await request.content.readexactly(self.cut_after)
            self.cut_after = 0
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        content = await request.read()
        body = json.loads(content) if request.content_type == "application/json" else content
        self.asked.append(Asked(request.method, path, dict(request.query), body))
        fault = next((f for f in self.faults if path.endswith(f.on)), None)
        if fault is not None:
            self.faults.remove(fault)
            return web.Response(status=fault.status, headers=fault.headers, body=fault.body)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": f"Bad token {TOKEN}"}, status=401)
        parts = [unquote(one) for one in path.strip("/").split("/")]
        return await self.answer(request, parts, body)

    async def answer(self, request: web.Request, parts: list[str], body: Any) -> web.Response:
        raise NotImplementedError

    async def make(self, mark: str, files: dict[str, str]) -> Kept:
        made = Kept(self.name_one(next(self._ids)), mark, files)
        self.deploys[made.id] = made

        async def show(request: web.Request) -> web.Response:
            return self._page(made.id, request)

        port = await self._listen(show)
        made.url = f"http://127.0.0.1:{port}"
        return made

    def name_one(self, number: int) -> str:
        return f"{number:024x}"

    def missing(self, files: dict[str, str]) -> list[str]:
        return sorted(set(files.values()) - set(self.blobs))

    def take(self, content: bytes) -> str:
        digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        self.blobs[digest] = content
        return digest

    def advance(self, kept: Kept) -> None:
        """Build a little, where all files are there."""
        if kept.state not in ("new", "building") or self.missing(kept.files):
            return
        kept.looks, kept.state = kept.looks + 1, "building"
        if kept.looks >= self.looks_needed:
            kept.state, kept.error = (
                ("error", self.fails_with) if self.fails_with else ("ready", "")
            )

    def uploads(self) -> list[Asked]:
        return [one for one in self.asked if isinstance(one.body, bytes) and one.body]


class NetlifyServer(HostServer):
    kind, prefix = "netlify", "/api/v1"

    def worded(self, kept: Kept) -> dict[str, Any]:
        lacking = self.missing(kept.files) if kept.state == "new" else []
        state = "uploading" if lacking else kept.state
        return {
            "id": kept.id, "site_id": self.site, "title": kept.mark, "required": lacking,
            "state": {"cancelled": "error", "building": "processing"}.get(state, state),
            "deploy_ssl_url": kept.url, "draft": True,
            "error_message": "Canceled" if state == "cancelled" else kept.error,
        }  # fmt: skip

    async def answer(self, request: web.Request, parts: list[str], body: Any) -> web.Response:
        match request.method, parts:
            case "GET", ["sites", site] if site == self.site:
                return web.json_response({"id": self.site, "ssl_url": f"http://x:{self.site_port}"})
            case "POST", ["sites", site, "deploys"] if site == self.site:
                assert body["draft"] is True
                files = {path.lstrip("/"): digest for path, digest in body["files"].items()}
                return web.json_response(
                    self.worded(await self.make(request.query["title"], files))
                )
            case "GET", ["sites", site, "deploys"] if site == self.site:
                page, size = int(request.query["page"]), int(request.query["per_page"])
                found = [self.worded(one) for one in reversed(self.deploys.values())]
                return web.json_response(found[(page - 1) * size : page * size])
            case "PUT", ["deploys", deploy, "files", *path] if deploy in self.deploys:
                wanted = self.deploys[deploy].files["/".join(path)]
                if self.take(body) != wanted:
                    return web.json_response({"message": "wrong digest"}, status=422)
                return web.json_response({"id": "/".join(path), "sha": wanted, "size": len(body)})
            case "POST", ["deploys", deploy, "cancel"] if deploy in self.deploys:
                if self.deploys[deploy].state != "ready":
                    self.deploys[deploy].state = "cancelled"
                return web.json_response(self.worded(self.deploys[deploy]), status=201)
            case "POST", ["sites", _, "deploys", deploy, "restore"] if deploy in self.deploys:
                self.published.append(deploy)
                return web.json_response(self.worded(self.deploys[deploy]), status=201)
            case "GET", ["sites", _, "deploys", deploy] if deploy in self.deploys:
                self.advance(self.deploys[deploy])
                return web.json_response(self.worded(self.deploys[deploy]))
            case "DELETE", ["sites", _, "deploys", deploy] if deploy in self.deploys:
                del self.deploys[deploy]
                return web.Response(status=204)
        return web.json_response({"code": 404, "message": "Not Found"}, status=404)


class VercelServer(HostServer):
    kind = "vercel"

    def name_one(self, number: int) -> str:
        return f"dpl_{number:024x}"

    def worded(self, kept: Kept) -> dict[str, Any]:
        words = {"new": "QUEUED", "building": "BUILDING", "error": "ERROR", "ready": "READY",
                 "cancelled": "CANCELED"}  # fmt: skip
        return {
            "id": kept.id, "name": self.site, "url": kept.url, "readyState": words[kept.state],
            "meta": {"greenroom": kept.mark}, "errorMessage": kept.error or None,
        }  # fmt: skip

    async def answer(self, request: web.Request, parts: list[str], body: Any) -> web.Response:
        match request.method, parts:
            case "GET", ["v9", "projects", site] if site == self.site:
                return web.json_response({"id": "prj_1", "name": self.site})
            case "POST", ["v2", "files"]:
                if self.take(body) != request.headers["x-vercel-digest"]:
                    return web.json_response({"error": {"code": "bad_digest"}}, status=400)
                return web.json_response({"urls": []})
            case "POST", ["v13", "deployments"] if body["project"] == self.site:
                files = {one["file"]: one["sha"] for one in body["files"]}
                if lacking := self.missing(files):
                    error = {"code": "missing_files", "message": "Missing", "missing": lacking}
                    return web.json_response({"error": error}, status=400)
                made = await self.make(body["meta"]["greenroom"], files)
                return web.json_response(self.worded(made))
            case "GET", ["v7", "deployments"]:
                rows = [
                    {**self.worded(one), "uid": one.id} for one in reversed(self.deploys.values())
                ]
                for row in rows:
                    row["state"] = row.pop("readyState")
                    del row["id"]
                return web.json_response({"deployments": rows, "pagination": {}})
            case "GET", ["v13", "deployments", deploy] if deploy in self.deploys:
                self.advance(self.deploys[deploy])
                return web.json_response(self.worded(self.deploys[deploy]))
            case "GET", ["v3", "deployments", deploy, "events"] if deploy in self.deploys:
                text = self.deploys[deploy].error or "Build Completed"
                return web.json_response([{"type": "stdout", "payload": {"text": text}}])
            case "PATCH", ["v12", "deployments", deploy, "cancel"] if deploy in self.deploys:
                if self.deploys[deploy].state == "ready":
                    return web.json_response({"error": {"code": "bad_request"}}, status=400)
                self.deploys[deploy].state = "cancelled"
                return web.json_response(self.worded(self.deploys[deploy]))
            case "POST", [_, "projects", _, "promote" | "rollback" as act, deploy] if (
                deploy in self.deploys
            ):
                known = deploy in self.published
                assert (act == "rollback") == known
                self.published.append(deploy)
                return web.Response(status=201)
            case "DELETE", ["v13", "deployments", deploy] if deploy in self.deploys:
                del self.deploys[deploy]
                return web.json_response({"uid": deploy, "state": "DELETED"})
        return web.json_response({"error": {"code": "not_found"}}, status=404)


SERVERS = (NetlifyServer, VercelServer)
