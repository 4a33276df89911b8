"""How the engines of hosts are reached: over TLS, over SSH, or at a socket of this machine."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
import docker.tls
import requests.exceptions

from greenroom.errors import HostUnavailable
from greenroom.hosting.engine import check_socket
from greenroom.hosting.tunnel import open_tunnel
from greenroom.settings import Settings
from greenroom.store.machines import Host

ANSWER_SECONDS = 5.0
"""How long an engine may take to say that it is there."""
CALL_SECONDS = 60
OLDEST_VERSION = "1.41"
"""Of the engine's API that we speak. Source: Docker Engine 20.10, API version history."""
FRESH_SECONDS = 2.0
"""An engine that answered this lately is not asked again whether it is there."""
SILENT_SECONDS = 10.0
"""One that did not answer is not asked again for so long: whoever asks next is told at once."""

_clients: dict[str, docker.DockerClient] = {}
_answered_at: dict[str, float] = {}
_silent: dict[str, tuple[float, str]] = {}


def connect(host: Host, settings: Settings) -> docker.DockerClient:
    """Give this process's connection to a host's engine.

    Errors: HostUnavailable.
    """
    key = _key(host)
    moment = time.monotonic()
    since, why = _silent.get(key, (0.0, ""))
    if why and moment - since < SILENT_SECONDS:
        raise unavailable(host, why)
    if moment - _answered_at.get(key, -FRESH_SECONDS) < FRESH_SECONDS:
        return _clients[key]
    try:
        client = _clients.get(key)
        if client is None or host.url.startswith("ssh://"):
            client = _open(host, settings, client)
        api: Any = client.api
        api._raise_for_status(api._get(api._url("/_ping"), timeout=ANSWER_SECONDS))
    except (OSError, docker.errors.DockerException, requests.exceptions.RequestException) as error:
        _silent[key] = (time.monotonic(), why := _reason(error))
        raise unavailable(host, why) from error
    _silent.pop(key, None)
    _clients[key], _answered_at[key] = client, time.monotonic()
    return client


def forget(host: Host) -> None:
    """Close the connection to a host's engine; the next caller opens one anew. Idempotent."""
    key = _key(host)
    _silent.pop(key, None)
    _answered_at.pop(key, None)
    client = _clients.pop(key, None)
    if client is not None:
        client.close()


def unavailable(host: Host, why: str) -> HostUnavailable:
    """Say that a host does not answer."""
    return HostUnavailable(
        f"the host {host.name} does not answer: {why}",
        hint=f"`greenroom hosts check {host.name}` asks it again. What runs there goes on, and"
        " nothing new is placed there.",
    )


def _key(host: Host) -> str:
    told = json.dumps([host.name, host.url, dict(host.keys)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, requests.exceptions.SSLError) or "[SSL" in text:
        return f"the certificates do not fit ({text[-160:]})"
    if isinstance(error, requests.exceptions.Timeout):
        return f"no answer within {ANSWER_SECONDS:.0f} s"
    plain = re.search(r"\[Errno -?\d+\] ([\w ]+)", text)
    return plain[1] if plain else text[-200:] or type(error).__name__


def _open(
    host: Host, settings: Settings, known: docker.DockerClient | None
) -> docker.DockerClient:  # fmt: skip
    url = host.url
    if url.startswith("ssh://"):
        url = open_tunnel(host.name, url, settings)
        if known is not None:
            return known
    tls: Any = False
    if host.keys:
        folder = settings.path("run", "hosts", host.name)
        files = write_keys(folder, host.keys)
        tls = docker.tls.TLSConfig(
            client_cert=(str(files["cert"]), str(files["key"])), ca_cert=str(files["ca"]),
            verify=True,
        )  # fmt: skip
    check_socket(url)
    # With a version, nothing is asked yet: before, no proxy and no bundle of certificates that
    # this machine's variables name may come between. Requests prefers those to ours.
    client = docker.DockerClient(
        base_url=url, tls=tls, timeout=int(ANSWER_SECONDS), version=OLDEST_VERSION
    )
    api: Any = client.api
    api.trust_env = False
    api._version = api._retrieve_server_version()
    api.timeout = CALL_SECONDS
    return client


def write_keys(folder: Path, keys: Mapping[str, str]) -> dict[str, Path]:
    """Write a host's certificates where only we read them: the TLS library takes only files."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    files = {name: folder / f"{name}.pem" for name in ("ca", "cert", "key")}
    for name, file in files.items():
        wanted = keys[name]
        if not file.is_file() or file.read_text() != wanted:
            made = file.with_suffix(".new")
            made.touch(mode=0o600)
            made.write_text(wanted)
            made.replace(file)
    return files


def describe(host: Host, settings: Settings) -> dict[str, Any]:
    """Ask a host's engine what it is, and what its machine has.

    Errors: HostUnavailable.
    """
    client = connect(host, settings)
    try:
        told: dict[str, Any] = client.info()
        members = client.api.nodes() if host.kind == "swarm" and _is_manager(told) else []
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise unavailable(host, _reason(error)) from error
    swarm = told.get("Swarm") or {}
    ready = [
        node["Description"]["Resources"] for node in members
        if node["Status"]["State"] == "ready" and node["Spec"]["Availability"] == "active"
    ]  # fmt: skip
    memory, cpus = int(told.get("MemTotal") or 0), int(told.get("NCPU") or 0)
    if members:
        memory = sum(int(one.get("MemoryBytes") or 0) for one in ready)
        cpus = sum(int(one.get("NanoCPUs") or 0) for one in ready) // 1_000_000_000
    return {
        "engine": told.get("ServerVersion", ""),
        "memory_bytes": memory,
        "cpus": cpus,
        "containers": int(told.get("Containers") or 0),
        "is_linux": told.get("OSType") == "linux",
        "node_id": swarm.get("NodeID", ""),
        "is_manager": _is_manager(told),
        "nodes": int(swarm.get("Nodes") or 0),
    }


def _is_manager(told: Mapping[str, Any]) -> bool:
    return bool((told.get("Swarm") or {}).get("ControlAvailable"))
