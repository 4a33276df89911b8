"""Docker Engine by its SDK: images built by BuildKit, containers hardened and limited."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import os
import shutil
import tarfile
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import docker
import docker.errors
import requests.exceptions
from docker.types import LogConfig, Ulimit

from greenroom import names as name_of
from greenroom.errors import BuildFailed, HostingError, LimitReached
from greenroom.hosting.base import Artifact, BuildOrder, Check, Copy, Liveness, Log
from greenroom.hosting.commands import clean_line
from greenroom.hosting.process import free_port
from greenroom.settings import Settings, load_settings

LABEL = "greenroom.copy"
"""On every container and image of ours; its value on a container is the copy's name."""
ENVIRONMENT_LABEL = "greenroom.environment"
HOME_LABEL = "greenroom.home"
"""Which platform made it: two platforms may share one engine."""
SOCKET_FOLDER = "/run/greenroom-postgres"
CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "NET_BIND_SERVICE"]
"""Kept of Docker's default set: what images need to drop to their own account."""
FREE_BYTES = 1_000_000_000


def connect(settings: Settings) -> docker.DockerClient:
    """Connect to the engine.

    Errors: HostingError when none answers.
    """
    try:
        client = (
            docker.DockerClient(base_url=settings.docker_host, timeout=60)
            if settings.docker_host
            else docker.from_env(timeout=60)
        )
        client.ping()
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise HostingError(
            "no Docker Engine answers",
            hint="Start Docker, name another engine in GREENROOM_DOCKER_HOST, or set"
            " `runtime: process` in greenroom.yaml.",
        ) from error
    return client


def is_available(settings: Settings) -> bool:
    """Whether an engine answers."""
    try:
        connect(settings).close()
    except HostingError:
        return False
    return True


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except docker.errors.APIError as error:
        text = str(error.explanation or error)
        if "no space left" in text.lower():
            raise LimitReached(f"{what}: the engine's disk is full") from error
        raise HostingError(f"{what}: {text[:500]}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise HostingError(f"{what}: the engine does not answer") from error


class DockerBuilder:
    """Builds images from the project's Dockerfile."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()

    def build(self, order: BuildOrder, log: Log, check: Check) -> Artifact:
        """Build the image and give its Id. Streams the log; a cancelled build really stops."""
        folder = order.source / order.manifest.root
        dockerfile = folder / order.manifest.build.dockerfile
        if not dockerfile.is_file():
            raise BuildFailed(
                f"there is no {order.manifest.build.dockerfile} in the repository",
                hint="Add one, name it in build.dockerfile, or choose another runtime.",
            )
        client, tag = connect(self.settings), name_of.image_tag(order.project, order.commit)
        try:
            with _explained("the build"):
                _check_room(client)
                self._build(client, order, folder, tag, log, check)
                image = client.images.get(tag)
                return Artifact(str(image.id), tag, int(image.attrs.get("Size") or 0))
        finally:
            client.close()

    def _build(
        self, client: Any, order: BuildOrder, folder: Any, tag: str, log: Log, check: Check
    ) -> None:
        build_id = uuid.uuid4().hex
        labels = {LABEL: "image", HOME_LABEL: str(self.settings.home)}
        query = (
            f"/build?version=2&t={quote(tag)}&buildid={build_id}&rm=1&forcerm=1"
            f"&dockerfile={quote(order.manifest.build.dockerfile)}"
            f"&labels={quote(json.dumps(labels))}"
        )
        stop, broken = threading.Event(), []

        def watch() -> None:
            deadline = time.monotonic() + order.manifest.build.timeout_seconds
            while not stop.wait(0.3):
                try:
                    check()
                    if time.monotonic() > deadline:
                        raise BuildFailed(
                            f"the build ran longer than {order.manifest.build.timeout_seconds} s"
                        )
                except BaseException as error:
                    broken.append(error)
                    with contextlib.suppress(Exception):
                        client.api._post(client.api._url("/build/cancel?id=" + build_id))
                    return

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            answer = client.api._post(
                client.api._url(query),
                data=_context(folder),
                headers={"Content-Type": "application/x-tar", "Content-Encoding": "gzip"},
                stream=True,
                timeout=order.manifest.build.timeout_seconds + 30,
            )
            client.api._raise_for_status(answer)
            trace = _Trace(log)
            for event in client.api._stream_helper(answer, decode=True):
                if "error" in event and not broken:
                    trace.flush()
                    raise BuildFailed(_build_error(event["error"]), hint=_build_hint(event["error"]))
                if event.get("id") == "moby.buildkit.trace":
                    trace.feed(base64.b64decode(event["aux"]))
                elif "stream" in event:
                    log(clean_line(event["stream"].encode()))
            trace.flush()
        finally:
            stop.set()
            watcher.join(timeout=5)
            if broken:
                raise broken[0]

    def is_present(self, identity: str, location: str) -> bool:
        """Whether the engine still has the image with this Id."""
        client = connect(self.settings)
        try:
            client.images.get(identity)
        except docker.errors.ImageNotFound:
            return False
        finally:
            client.close()
        return True

    def remove(self, identity: str, location: str) -> None:
        """Delete an image by its Id. Idempotent; one in use stays."""
        client = connect(self.settings)
        try:
            client.images.remove(identity, force=False)
        except docker.errors.ImageNotFound:
            pass
        except docker.errors.APIError as error:
            if error.status_code != 409:
                raise HostingError(f"the image stays: {error.explanation}") from error
        finally:
            client.close()


def _build_error(text: str) -> str:
    return "the image build failed: " + text.strip()[:500]


def _build_hint(text: str) -> str:
    if "no space left" in text.lower():
        return "The engine's disk is full; remove images you no longer need."
    if "frontend" in text or "docker/dockerfile" in text:
        return "The '# syntax=' line needs a registry; remove it if this machine has none."
    return "The log shows the failing step; `docker build .` in a fresh clone repeats it."


def _check_room(client: Any) -> None:
    root = str(client.info().get("DockerRootDir") or "")
    if os.path.isdir(root) and shutil.disk_usage(root).free < FREE_BYTES:
        raise LimitReached(
            "the engine's disk has less than 1 GB free", hint="Remove images you no longer need."
        )


def _context(folder: Any) -> bytes:
    """Pack the build context. Gzip: the engine takes a plain PAX archive for a Dockerfile."""
    ignored = _ignored(folder)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1, mtime=0) as zipped:
        with tarfile.open(fileobj=zipped, mode="w") as archive:
            for path in sorted(folder.rglob("*")):
                name = str(path.relative_to(folder))
                if name == ".git" or name.startswith(".git/") or ignored(name):
                    continue
                archive.add(path, name, recursive=False, filter=_anonymous)
    return packed.getvalue()


def _ignored(folder: Any) -> Any:
    from docker.utils.build import PatternMatcher

    file = folder / ".dockerignore"
    lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
    patterns = [p for line in lines if (p := line.strip()) and not p.startswith("#")]
    return PatternMatcher(patterns).matches if patterns else lambda _: False


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0  # so that the cache fits a fresh checkout
    return entry


class _Trace:
    """Reads BuildKit's progress messages.

    Source: moby/buildkit api/services/control/control.proto, StatusResponse.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.named: set[bytes] = set()
        self.rest: dict[bytes, bytes] = {}

    def feed(self, message: bytes) -> None:
        for number, value in _fields(message):
            if number == 1:
                vertex = dict(_fields(value))
                digest = vertex.get(1, b"")
                if digest not in self.named and (5 in vertex or 4 in vertex):
                    self.named.add(digest)
                    name = vertex.get(3, b"").decode(errors="replace")
                    if not name.startswith("[internal]"):
                        self.log(name + (" (cached)" if 4 in vertex else ""))
            elif number == 3:
                entry = dict(_fields(value))
                digest = entry.get(1, b"")
                *lines, rest = (self.rest.pop(digest, b"") + entry.get(4, b"")).split(b"\n")
                for line in lines:
                    self.log(clean_line(line))
                self.rest[digest] = rest

    def flush(self) -> None:
        for rest in self.rest.values():
            if rest:
                self.log(clean_line(rest))
        self.rest.clear()


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Read a protobuf message's fields. Source: Protocol Buffers encoding guide."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            octet = message[position]
            position += 1
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return value

    while position < len(message):
        key = varint()
        match key & 7:
            case 0:
                yield key >> 3, varint()
            case 2:
                size = varint()
                yield key >> 3, message[position : position + size]
                position += size
            case 1:
                position += 8
            case 5:
                position += 4
            case _:
                return


class DockerRuntime:
    """Runs copies as containers, one network per environment."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self._client: docker.DockerClient | None = None

    @property
    def client(self) -> docker.DockerClient:
        """The connection, opened on first use."""
        if self._client is None:
            self._client = connect(self.settings)
        return self._client

    def ensure_network(self, environment_id: str) -> str:
        """Give the environment's own network, made on first use. Idempotent."""
        wanted = name_of.network_name(environment_id)
        with _explained("the network"):
            if not self.client.networks.list(names=[f"^{wanted}$"]):
                self.client.networks.create(
                    wanted,
                    driver="bridge",
                    check_duplicate=True,
                    labels={ENVIRONMENT_LABEL: environment_id, HOME_LABEL: str(self.settings.home)},
                    options={"com.docker.network.bridge.name": name_of.bridge_name(environment_id)},
                )
        return wanted

    def remove_network(self, environment_id: str) -> None:
        """Delete the environment's network. Idempotent."""
        with _explained("the network"):
            for network in self.client.networks.list(
                names=[f"^{name_of.network_name(environment_id)}$"]
            ):
                network.remove()

    def _options(self, copy: Copy, environment: dict[str, str]) -> dict[str, Any]:
        resources = copy.manifest.resources
        database = environment.get("DATABASE_URL", "")
        volumes = {}
        if SOCKET_FOLDER in database:
            own = str(self.settings.path("postgres", "socket"))
            volumes[own] = {"bind": SOCKET_FOLDER, "mode": "ro"}
        return {
            "network": self.ensure_network(copy.environment_id),
            "labels": {
                LABEL: copy.name,
                ENVIRONMENT_LABEL: copy.environment_id,
                HOME_LABEL: str(self.settings.home),
            },
            "environment": environment,
            "mem_limit": resources.memory_bytes,
            "memswap_limit": resources.memory_bytes,
            "nano_cpus": int(resources.cpu * 1_000_000_000),
            "pids_limit": resources.processes,
            "cap_drop": ["ALL"],
            "cap_add": CAPABILITIES,
            "security_opt": ["no-new-privileges:true"],
            "init": True,
            "tmpfs": {"/tmp": "size=64m,mode=1777,nosuid"},
            "volumes": volumes,
            "log_config": LogConfig(type="json-file", config={"max-size": "5m", "max-file": "2"}),
            "ulimits": [Ulimit(name="nofile", soft=4096, hard=8192)],
            "healthcheck": {"test": ["NONE"]},  # probes from outside cost 400 times less
            "restart_policy": {"Name": "no"},  # a crash loop must not look alive
        }

    def start(self, copy: Copy) -> str:
        """Start a container and give its address. Idempotent."""
        inside = copy.manifest.run.port
        with _explained("the container"):
            try:
                container = self.client.containers.get(copy.name)
                container.start()
                container.reload()
                bound = container.attrs["HostConfig"]["PortBindings"][f"{inside}/tcp"][0]
                return f"http://127.0.0.1:{bound['HostPort']}"
            except docker.errors.NotFound:
                pass
            environment = {**copy.variables, "PORT": str(inside), "HOST": "0.0.0.0"}  # noqa: S104
            command = copy.manifest.run.command
            for _ in range(3):
                port = free_port()  # fixed, so that it stays the same when it is started again
                try:
                    self.client.containers.run(
                        copy.artifact,
                        ["/bin/sh", "-c", command] if command else None,
                        name=copy.name,
                        detach=True,
                        ports={f"{inside}/tcp": ("127.0.0.1", port)},
                        **self._options(copy, environment),
                    )
                except docker.errors.APIError as error:
                    if "port is already allocated" not in str(error) and "in use" not in str(error):
                        raise
                    self.stop(copy.name, 0)
                else:
                    return f"http://127.0.0.1:{port}"
        raise HostingError("three ports in a row were taken by others")

    def liveness(self, name: str) -> Liveness:
        """Tell whether the container runs, and how it ended."""
        with _explained("the container"):
            try:
                state = self.client.containers.get(name).attrs["State"]
            except docker.errors.NotFound:
                return Liveness(False, "its container is gone")
        if state.get("Running") and not state.get("Restarting"):
            return Liveness(True)
        if state.get("OOMKilled"):
            return Liveness(False, "it was ended for using more memory than it may")
        return Liveness(False, f"it ended with exit code {state.get('ExitCode')}")

    def settle(self, name: str) -> None:
        """Restart it whenever it dies, and with the engine."""
        with _explained("the container"):
            self.client.containers.get(name).update(restart_policy={"Name": "always"})

    def revive(self, name: str) -> None:
        """Start a stopped container. Idempotent."""
        with _explained("the container"):
            try:
                self.client.containers.get(name).start()
            except docker.errors.NotFound as error:
                raise HostingError("its container is gone") from error

    def run_command(
        self, copy: Copy, command: str, timeout_seconds: float, log: Log, check: Check
    ) -> int:
        """Run a command in a container of the same image, and give its exit code."""
        name, deadline = f"{copy.name}-cmd", time.monotonic() + timeout_seconds
        self.stop(name, 0)
        with _explained("the release command"):
            container = self.client.containers.run(
                copy.artifact, ["/bin/sh", "-c", command], name=name, detach=True, entrypoint=[],
                **{**self._options(copy, dict(copy.variables)), "network": self.ensure_network(
                    copy.environment_id)},
            )  # fmt: skip
            try:
                done = threading.Event()
                reader = threading.Thread(
                    target=_follow, args=(container, log, done), daemon=True
                )
                reader.start()
                while True:
                    container.reload()
                    if container.status == "exited":
                        break
                    check()
                    if time.monotonic() > deadline:
                        raise HostingError(f"the command ran longer than {timeout_seconds:.0f} s")
                    time.sleep(0.1)
                reader.join(timeout=5)
                return int(container.attrs["State"]["ExitCode"])
            finally:
                self.stop(name, 0)

    def log_tail(self, name: str, lines: int = 50) -> list[str]:
        """Give the last lines the container wrote."""
        try:
            raw = self.client.containers.get(name).logs(tail=lines)
        except (docker.errors.DockerException, requests.exceptions.RequestException):
            return []
        return [clean_line(line) for line in raw.splitlines()]

    def stop(self, name: str, grace_seconds: float) -> None:
        """Stop and remove a container. Idempotent."""
        with _explained("the container"):
            try:
                container = self.client.containers.get(name)
                with contextlib.suppress(docker.errors.APIError):
                    container.update(restart_policy={"Name": "no"})
                container.stop(timeout=int(grace_seconds))
                container.remove(force=True, v=True)
            except docker.errors.NotFound:
                pass

    def names(self) -> set[str]:
        """Name every container of this platform."""
        filters = {"label": [LABEL, f"{HOME_LABEL}={self.settings.home}"]}
        with _explained("the engine"):
            found = self.client.containers.list(all=True, filters=filters)
            return {c.labels[LABEL] for c in found if c.labels[LABEL] != "image"}


def _follow(container: Any, log: Log, done: threading.Event) -> None:
    rest = b""
    with contextlib.suppress(docker.errors.DockerException, requests.exceptions.RequestException):
        for part in container.logs(stream=True, follow=True):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                log(clean_line(line))
        if rest:
            log(clean_line(rest))
    done.set()


