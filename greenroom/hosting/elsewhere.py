"""The runtimes ``netlify`` and ``vercel``: built here, shown there, reached through the gateway.

A release is one deployment at the vendor, whichever environments show it: a rollback and a
promotion find it there, and nothing is built or sent. The gateway sends an environment's requests
to that deployment's own address, so that doors, overlay and noindex are as everywhere; production
is published at the vendor besides.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from greenroom.errors import GreenroomError, HostingError, InvalidInput, Overtaken
from greenroom.hosting.base import Check, Copy, Liveness, Log, Usage, nothing, silent
from greenroom.hosting.folder import FolderBuilder
from greenroom.hosting.netlify import Netlify
from greenroom.hosting.vendors import (
    LOOKED_AT_SECONDS,
    HostClient,
    Sent,
    SentState,
    list_files,
    pause_checking,
)
from greenroom.hosting.vercel import Vercel
from greenroom.settings import Settings
from greenroom.store import hosts, projects
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.hosts import Place
from greenroom.store.work import unit_of_work

log_ = logging.getLogger("greenroom.hosting")
HOSTS: dict[str, type[HostClient]] = {"netlify": Netlify, "vercel": Vercel}
CHECK_SECONDS = 10.0
"""How long a look may take; more is for a deployment."""


def open_host(
    kind: str, site: str, token: str, *, team: str = "", api_url: str = "",
    timeout_seconds: float = 60.0,
) -> HostClient:  # fmt: skip
    """Give a vendor's client.

    Errors: InvalidInput.
    """
    if kind not in HOSTS:
        raise InvalidInput(f"there is no host {kind!r}", hint=f"One of: {', '.join(HOSTS)}.")
    client = HOSTS[kind]
    return client(api_url or client.usual_url, site, team, token, timeout_seconds=timeout_seconds)


def name_site(
    project: str, kind: str, site: str, token: str, *, team: str = "", api_url: str = "",
    actor: str,
) -> str:  # fmt: skip
    """Name a project's site at a vendor, once its token was tried; give the site's address.

    Errors: HostingError, InvalidInput, AlreadyExists, NotFound.
    """
    with closing(open_host(kind, site, token, team=team, api_url=api_url)) as client:
        address = client.look_at_site()
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        hosts.set_host(work, found, kind, site, team, api_url, token, actor=actor)
    return address


def forget_site(project: str, kind: str, *, actor: str) -> None:
    """Forget a project's site at a vendor, with its token; what is there stays there.

    Errors: InvalidInput when something is shown there, NotFound.
    """
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        hosts.set_host(work, found, kind, "", "", "", None, actor=actor)


def _open(place: Place, timeout_seconds: float = 60.0) -> HostClient:
    return open_host(
        place.kind, place.site, place.token, team=place.team, api_url=place.api_url,
        timeout_seconds=timeout_seconds,
    )  # fmt: skip


def mark_of(place: Place, key: str) -> str:
    """Give the mark by which a deployment is found again: keyed, so that nobody lays out one."""
    said = f"sent:{place.project_id}:{place.artifact}"
    return f"greenroom-{hmac.new(key.encode(), said.encode(), hashlib.sha256).hexdigest()[:32]}"


class ElsewhereRuntime:
    """A copy is a vendor's deployment of its release; it needs nothing of this machine."""

    def __init__(self, log: Log = silent, check: Check = nothing) -> None:
        self.log, self.check = log, check

    def start(self, copy: Copy) -> str:
        """Have the release at the vendor, and give where it is seen there.

        What was begun before, also if that was not recorded, is gone on with.
        Errors: HostingError with the vendor's words when it fails there.
        """
        place = hosts.place_of(copy.name)
        with closing(_open(place)) as client:
            sent = self._ensure_sent(client, place, Path(copy.location))
            try:
                return self._wait(client, sent, copy.manifest.build.timeout_seconds)
            except Overtaken:
                client.cancel(sent.id)
                raise

    def _ensure_sent(self, client: HostClient, place: Place, folder: Path) -> Sent:
        known = client.look(place.vendor_id) if place.vendor_id else None
        if known is None or known.state in (SentState.GONE, SentState.FAILED):
            known = client.find_sent(mark_of(place, ensure_secret_key()))
            if known is not None:
                hosts.record_sent(place, known.id)
                known = client.look(known.id)
        if known is not None and known.state == SentState.READY:
            self.log(f"{client.name} has this release: nothing is sent")
            return known
        if not folder.is_dir():
            raise HostingError(f"the release's folder is gone: {folder.name}")
        files = list_files(folder, self.check)
        if known is not None:
            self.log(f"{client.name} waits for {len(known.missing)} files still")
            client.send_rest(known, files, self.check)
            return known
        self.log(f"sending what {client.name} lacks of {len(files)} files")

        def record(vendor_id: str) -> None:
            hosts.record_sent(place, vendor_id)

        mark = mark_of(place, ensure_secret_key())
        try:
            return client.send(mark, files, record, self.check)
        except Overtaken:
            begun = hosts.place_of_release(place).vendor_id
            if begun:
                client.cancel(begun)
            raise

    def _wait(self, client: HostClient, sent: Sent, timeout_seconds: float) -> str:
        end, told = time.monotonic() + timeout_seconds, False
        while sent.state == SentState.UNDER_WAY or not sent.url:
            sent = self._look(client, sent.id)
            if sent.state == SentState.FAILED:
                why = sent.reason or "it does not say why"
                for line in client.read_log(sent.id):
                    self.log(line)
                raise HostingError(
                    f"the deployment failed at {client.name}: {why.splitlines()[0][:300]}",
                    hint="Its log is above, and at the vendor's own site.",
                )
            if sent.state == SentState.GONE:
                raise HostingError(f"somebody deleted the deployment at {client.name}")
            if sent.state == SentState.READY:
                break
            if not told:
                self.log(f"waiting for {client.name}")
                told = True
            if time.monotonic() > end:
                client.cancel(sent.id)
                raise HostingError(
                    f"{client.name} was not ready within {timeout_seconds:.0f} s",
                    hint="Raise build.timeout_seconds, or look at the vendor's status page.",
                )
            pause_checking(LOOKED_AT_SECONDS, self.check)
        self.log(f"{client.name} shows it at {sent.url}")
        return sent.url

    def _look(self, client: HostClient, vendor_id: str) -> Sent:
        return client.patiently(lambda: client.look(vendor_id), self.check)

    def liveness(self, name: str) -> Liveness:
        """Tell whether the vendor has it; a vendor whose API is away shows its sites all the same.

        While it is away nobody can tell: it is taken to live.
        """
        place = hosts.place_of(name)
        if not place.vendor_id:
            return Liveness(False, "it was not sent")
        with closing(_open(place, CHECK_SECONDS)) as client:
            try:
                sent = client.look(place.vendor_id)
            except HostingError as error:
                if error.transient:
                    return Liveness(True)
                raise
            if sent.state == SentState.GONE:
                return Liveness(False, f"it was deleted at {client.name}")
            return Liveness(sent.state != SentState.FAILED, sent.reason[:300])

    def settle(self, name: str) -> None:
        """Publish production's copy: the site's own address shows it. Idempotent."""
        place = hosts.place_of(name)
        if not place.is_production:
            return
        with closing(_open(place)) as client:
            client.publish(place.vendor_id, again=place.was_published)
        hosts.record_published(place)

    def revive(self, name: str) -> None:
        """Nothing to do: the vendor keeps it up."""

    def pause(self, name: str) -> None:
        """Nothing to do: nothing runs here."""

    def park(self, name: str, grace_seconds: float) -> None:
        """Nothing to do."""

    def resume(self, name: str) -> None:
        """Nothing to do."""

    def usage(self, name: str) -> Usage:
        """Nothing of this machine is used."""
        return Usage()

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Refuse: a vendor shows files, and runs nothing of ours."""
        raise HostingError(
            "a site at a vendor cannot run a command of the release",
            hint="Do it in build.command, or use runtime: process or docker.",
        )

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give what the vendor tells of its making."""
        place = hosts.place_of(name)
        if not place.vendor_id:
            return []
        try:
            with closing(_open(place, CHECK_SECONDS)) as client:
                return client.read_log(place.vendor_id)[-lines:]
        except GreenroomError as error:
            return [f"{place.kind} tells nothing: {error.message}"]

    def read_log(self, name: str, following: bool) -> Iterator[str]:
        """Give what the vendor tells; it does not go on."""
        return iter(self.log_tail(name, 10_000))

    def stop(self, name: str, grace_seconds: float) -> None:
        """Leave a ready deployment to its release; end and delete one that is not. Idempotent.

        A vendor that does not answer holds nobody up: it goes when the release goes.
        """
        try:
            place = hosts.place_of(name)
            if not place.vendor_id:
                return
            with closing(_open(place, CHECK_SECONDS)) as client:
                state = client.look(place.vendor_id).state
                if state == SentState.UNDER_WAY:
                    client.cancel(place.vendor_id)
                if state != SentState.READY:
                    _forget(client, place)
        except GreenroomError as error:
            log_.warning("%s is left at its host: %s", name, error.message)

    def names(self) -> set[str]:
        """Nothing runs here."""
        return set()


def _forget(client: HostClient, place: Place) -> None:
    if place.vendor_id:
        client.delete(place.vendor_id)
        hosts.forget_sent(place)


class SentBuilder(FolderBuilder):
    """Builds here, as for ``static``; what the vendor has of a release goes with it."""

    def __init__(self, kind: str, settings: Settings | None = None) -> None:
        super().__init__(settings)
        self.kind = kind

    def remove(self, identity: str, location: str) -> None:
        """Delete the folder, and the vendor's deployment; one it keeps goes the next time."""
        for place in hosts.list_unneeded(location, identity, self.kind):
            try:
                with closing(_open(place)) as client:
                    _forget(client, place)
            except GreenroomError as error:
                log_.warning("%s keeps a release: %s", place.kind, error.message)
        super().remove(identity, location)
