"""The ``docker`` builder: images built by BuildKit, from the project's Dockerfile."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import shutil
import tarfile
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import docker.errors
from docker.utils.build import exclude_paths

from greenroom import names as name_of
from greenroom.errors import BuildFailed, HostingError, LimitReached
from greenroom.hosting.base import Artifact, BuildOrder, Check, Log
from greenroom.hosting.buildkit import Trace
from greenroom.hosting.commands import clean_line
from greenroom.hosting.engine import connect, explained
from greenroom.hosting.networks import HOME_LABEL, LABEL
from greenroom.hosting.secret_mounts import (
    SecretBuild,
    asked_as_arguments,
    build_with_secrets,
    mounted_secrets,
)
from greenroom.settings import Settings, load_settings

_MOUNT_IT = "RUN --mount=type=secret,id="
FREE_BYTES = 1_000_000_000
"""Least room on the engine's disk to build with."""
CONTEXT_IN_MEMORY = 32 * 1024**2
"""A build context larger than this waits on the disk."""


class DockerBuilder:
    """Builds images from the project's Dockerfile."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()

    def build(self, order: BuildOrder, log: Log, check: Check) -> Artifact:
        """Build the image and give its Id. Streams the log; a cancelled build really stops."""
        folder = order.source / order.manifest.root
        dockerfile = order.manifest.build.dockerfile
        if not (folder / dockerfile).is_file():
            raise BuildFailed(
                f"there is no {dockerfile} in the repository",
                hint="Add one, name it in build.dockerfile, or choose another runtime.",
            )
        client, tag = connect(self.settings), name_of.image_tag(order.project, order.commit)
        with explained("the build"):
            _check_room(client)
            with _context(folder, dockerfile) as context:
                secrets = order.secrets
                text = (folder / dockerfile).read_text(errors="replace")
                for name in asked_as_arguments(text, secrets):
                    log(f"{name} is a secret, and no build argument: {_MOUNT_IT}{name}")
                wanted = mounted_secrets(text) & set(secrets)
                if wanted:
                    given = {name: secrets[name] for name in wanted}
                    self._build_with(given, order, context, tag, log, check)
                else:
                    self._build(client, order, context, tag, log, check)
            image = client.images.get(tag)
            return Artifact(str(image.id), tag, int(image.attrs.get("Size") or 0))

    def _build(
        self, client: Any, order: BuildOrder, context: IO[bytes], tag: str, log: Log, check: Check
    ) -> None:
        build, build_id = order.manifest.build, uuid.uuid4().hex
        labels = {LABEL: "image", HOME_LABEL: str(self.settings.home)}
        query = (
            f"/build?version=2&t={quote(tag)}&buildid={build_id}&rm=1&forcerm=1"
            f"&dockerfile={quote(build.dockerfile)}&labels={quote(json.dumps(labels))}"
            f"&buildargs={quote(json.dumps(dict(order.arguments)))}"
        )
        stop, broken = threading.Event(), list[Exception]()

        def watch() -> None:
            deadline = time.monotonic() + build.timeout_seconds
            while not stop.wait(0.2):
                try:
                    check()
                    if time.monotonic() > deadline:
                        raise BuildFailed(f"the build ran longer than {build.timeout_seconds} s")
                except Exception as error:  # noqa: BLE001 - raised again by who waits for us
                    broken.append(error)
                    with contextlib.suppress(docker.errors.DockerException, OSError):
                        client.api._post(client.api._url("/build/cancel?id=" + build_id)).close()
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            self._stream(client, query, context, build.timeout_seconds, log)
        except BuildFailed:
            if not broken:
                raise
        finally:
            stop.set()
            watcher.join(timeout=5)
        if broken:
            raise broken[0]

    def _build_with(
        self, secrets: Mapping[str, str], order: BuildOrder, context: IO[bytes], tag: str,
        log: Log, check: Check,
    ) -> None:  # fmt: skip
        build = order.manifest.build
        labels = {LABEL: "image", HOME_LABEL: str(self.settings.home)}
        build_with_secrets(
            SecretBuild(
                self.settings.docker_host, tag, build.dockerfile, labels, order.arguments, secrets,
                build.timeout_seconds,
            ),
            context, log, check,
        )  # fmt: skip

    def _stream(
        self, client: Any, query: str, context: IO[bytes], timeout_seconds: float, log: Log
    ) -> None:
        answer = client.api._post(
            client.api._url(query),
            data=context,
            headers={"Content-Type": "application/x-tar", "Content-Encoding": "gzip"},
            stream=True,
            timeout=timeout_seconds + 30,
        )
        with contextlib.closing(answer):
            client.api._raise_for_status(answer)
            trace = Trace(log)
            for event in client.api._stream_helper(answer, decode=True):
                if "error" in event:
                    trace.flush()
                    text = str(event["error"])
                    raise BuildFailed(
                        "the image build failed: " + text.strip()[:500], hint=_hint(text)
                    )
                if event.get("id") == "moby.buildkit.trace":
                    trace.feed(base64.b64decode(event["aux"]))
                elif "stream" in event:
                    log(clean_line(event["stream"].encode()))
            trace.flush()

    def is_present(self, identity: str, location: str) -> bool:
        """Whether the engine still has the image with this Id."""
        with explained("the image"):
            try:
                connect(self.settings).images.get(identity)
            except docker.errors.ImageNotFound:
                return False
        return True

    def remove(self, identity: str, location: str) -> None:
        """Delete an image by its Id. Idempotent; one in use stays."""
        try:
            connect(self.settings).images.remove(identity, force=False)
        except docker.errors.ImageNotFound:
            pass
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise HostingError(f"the image stays: {error.explanation}") from error


def _hint(text: str) -> str:
    if "no space left" in text.lower():
        return "The engine's disk is full; remove images you no longer need."
    if "frontend" in text or "docker/dockerfile" in text:
        return "The '# syntax=' line needs a registry; remove it if this machine has none."
    return "The log shows the failing step; `docker build .` in a fresh clone repeats it."


def _check_room(client: Any) -> None:
    root = Path(client.info().get("DockerRootDir") or "/nonexistent")
    if root.is_dir() and shutil.disk_usage(root).free < FREE_BYTES:
        raise LimitReached(
            "the engine's disk has less than 1 GB free", hint="Remove images you no longer need."
        )


def _context(folder: Path, dockerfile: str) -> IO[bytes]:
    """Pack the build context, without what ``.dockerignore`` names.

    Gzip: the engine takes a plain PAX archive for a Dockerfile.
    """
    file = folder / ".dockerignore"
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    patterns = [p for line in lines if (p := line.strip()) and not p.startswith("#")]
    paths = exclude_paths(str(folder), [*patterns, ".git"], dockerfile=dockerfile)
    packed = tempfile.SpooledTemporaryFile(CONTEXT_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as archive,
    ):
        for path in sorted(paths):
            if path:
                archive.add(folder / path, path, recursive=False, filter=_anonymous)
    packed.seek(0)
    return packed


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0  # so that the cache fits a fresh checkout
    return entry
