"""Vercel: a project takes deployments by the digests of their files.

Source: Vercel's SDK (npm ``@vercel/sdk``), which is made from its API's description; Vercel Docs,
"REST API", "Deployments".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from greenroom.errors import GreenroomError, HostingError
from greenroom.hosting.base import Check
from greenroom.hosting.vendors import File, HostClient, Sent, SentState
from greenroom.services import PAGE_SIZE

ROUNDS = 3
"""How often a deployment is asked for anew while Vercel says that files are missing."""
META = "greenroom"
_ENDED = {
    "READY": SentState.READY, "ERROR": SentState.FAILED, "CANCELED": SentState.FAILED,
    "BLOCKED": SentState.FAILED,
}  # fmt: skip
AS_IT_IS = {
    "framework": None, "buildCommand": "", "installCommand": "", "devCommand": "",
    "outputDirectory": "",
}  # fmt: skip
"""Nothing is built there: the files are what our build made."""


class MissingFiles(HostingError):
    """Vercel lacks files of a deployment."""


class Vercel(HostClient):
    """A Vercel project. Deployments are previews until one is promoted; each has its own address.

    Vercel makes a deployment only once it has all files: nothing is there before.
    """

    usual_url = "https://api.vercel.com"
    name = "Vercel"

    @property
    def _team(self) -> dict[str, str]:
        if not self.team:
            return {}
        return {"teamId" if self.team.startswith("team_") else "slug": self.team}

    def look_at_site(self) -> str:
        """Give the project's own address, where it has one already."""
        found = self._object(self._ask("GET", f"v9/projects/{quote(self.site)}", **self._team))
        production = (found.get("targets") or {}).get("production") or {}
        names = production.get("alias") or []
        return f"https://{names[0]}" if names else ""

    def find_sent(self, mark: str) -> Sent | None:
        """Find the newest deployment whose note is the mark."""
        found = self._object(
            self._ask("GET", "v7/deployments", app=self.site, limit=PAGE_SIZE, **self._team)
        )
        for one in found.get("deployments") or ():
            if isinstance(one, dict) and (one.get("meta") or {}).get(META) == mark:
                sent = self._sent({**one, "id": one.get("uid")})
                if sent.state != SentState.FAILED:
                    return sent
        return None

    def send(
        self, mark: str, files: Mapping[str, File], record: Callable[[str], None], check: Check
    ) -> Sent:
        """Ask for a deployment; send what is missing, and ask again."""
        body = {
            "name": self.site, "project": self.site, "meta": {META: mark},
            "projectSettings": AS_IT_IS,
            "files": [
                {"file": place, "sha": file.sha1, "size": file.size_bytes}
                for place, file in files.items()
            ],
        }  # fmt: skip
        by_digest = {file.sha1: file for file in files.values()}
        query = {"skipAutoDetectionConfirmation": "1", **self._team}
        for _ in range(ROUNDS):
            check()
            try:
                made = self._sent(self._ask("POST", "v13/deployments", body=body, **query))
            except MissingFiles as error:
                for digest in error.details["missing"]:
                    if digest not in by_digest:
                        raise HostingError("Vercel lacks a file that is not in the release") from (
                            error
                        )
                    headers = {"x-vercel-digest": digest}
                    self._upload(
                        "POST", "v2/files", by_digest[digest], check, headers, **self._team
                    )
                continue
            record(made.id)
            return made
        raise HostingError("Vercel says that it lacks files, but takes none")

    def send_rest(self, sent: Sent, files: Mapping[str, File], check: Check) -> None:
        """Nothing to do: a deployment that is there has its files."""

    def look(self, vendor_id: str) -> Sent:
        """Tell how far a deployment is."""
        try:
            return self._sent(self._ask("GET", f"v13/deployments/{quote(vendor_id)}", **self._team))
        except HostingError as error:
            if error.details.get("status") in (404, 410):
                return Sent(vendor_id, SentState.GONE)
            raise

    def read_log(self, vendor_id: str) -> list[str]:
        """Give the lines that its build wrote there."""
        found = self._ask(
            "GET", f"v3/deployments/{quote(vendor_id)}/events", limit=1000, builds=1, **self._team
        )
        lines = []
        for event in found if isinstance(found, list) else ():
            payload = event.get("payload") if isinstance(event, dict) else None
            text = (payload or {}).get("text") or (event or {}).get("text")
            if isinstance(text, str):
                lines += [f"{self.name}: {line}" for line in self._redact(text).splitlines()]
        return lines

    def cancel(self, vendor_id: str) -> None:
        """End a deployment that is under way; one that has ended is refused, which is as good."""
        path = f"v12/deployments/{quote(vendor_id)}/cancel"
        try:
            self._gone_is_fine(lambda: self._ask("PATCH", path, **self._team))
        except HostingError as error:
            if error.details.get("status") != 400:
                raise

    def publish(self, vendor_id: str, *, again: bool) -> None:
        """Promote a deployment, without a build; one that was in production before, roll back."""
        version, act = ("v1", "rollback") if again else ("v10", "promote")
        path = f"{version}/projects/{quote(self.site)}/{act}/{quote(vendor_id)}"
        try:
            self._ask("POST", path, **self._team)
        except HostingError as error:
            if error.details.get("status") != 409:  # it is what is shown already
                raise

    def delete(self, vendor_id: str) -> None:
        """Delete a deployment."""
        path = f"v13/deployments/{quote(vendor_id)}"
        self._gone_is_fine(lambda: self._ask("DELETE", path, **self._team))

    def _refusal(
        self, method: str, path: str, answer: httpx.Response, content: bytes
    ) -> GreenroomError:
        if answer.status_code == 400 and b"missing_files" in content:
            try:
                told = json.loads(content)["error"]
                if told["code"] == "missing_files":
                    missing = [str(one) for one in told["missing"]]
                    return MissingFiles("Vercel lacks files", missing=missing, status=400)
            except (ValueError, KeyError, TypeError):
                pass
        return super()._refusal(method, path, answer, content)

    def _sent(self, answer: Any) -> Sent:
        found = self._object(answer)
        if not isinstance(found.get("id"), str) or not found["id"]:
            raise HostingError(f"{self.name} gave a deployment without a name")
        said = str(found.get("readyState") or found.get("state"))
        state = _ENDED.get(said, SentState.UNDER_WAY)
        url, reason = found.get("url"), str(found.get("errorMessage") or "")
        if said == "CANCELED":
            reason = reason or "it was cancelled there"
        if isinstance(url, str) and "://" not in url:
            url = f"https://{url}"
        return Sent(
            found["id"], state, self._address(url) if state == SentState.READY else "",
            self._redact(reason[:2000]),
        )  # fmt: skip
