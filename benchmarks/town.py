"""Environments in guarded networks of a rig, as deployments leave them."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from dataclasses import asdict
from urllib.parse import urlsplit

import psycopg
from docker.models.containers import Container

from benchmarks.rig import INNER, Rig
from greenroom.guarding import plan_guard
from greenroom.hosting.base import Copy
from greenroom.hosting.engine import DockerRuntime
from greenroom.isolation.check import Checked, CheckOrder, read_checked
from greenroom.manifest import Manifest, Resources, Run
from greenroom.store import environments, networks, projects
from greenroom.store.models import Deployment, Instance, Release
from greenroom.store.work import unit_of_work
from greenroom.surroundings import Egress

ALLOWED = ("api.partner.example:443", "api.partner.example:8080", "*.partner.example:80")
HOST_PORT = 5999


class Town:
    """Two environments of a project, each with a container in a guarded network."""

    def __init__(self, rig: Rig, image: str) -> None:
        self.rig, self.image = rig, image
        self.runtime = DockerRuntime(rig.settings)
        self.manifest = Manifest(
            run=Run(command="exec httpd -f -p 8080 -h /bin"),
            resources=Resources(memory="64m", processes=64), egress=Egress(ALLOWED),
        )  # fmt: skip
        self.copies: dict[str, Copy] = {}

    def settle(self, name: str) -> Copy:
        """Record an environment as a deployment leaves it, and start its container."""
        with unit_of_work() as work:
            project = projects.get_project(work, "shop")
            environment = environments.ensure_environment(work, project, name, actor="ada")
            release = Release(
                project_id=project.id, commit_hash=uuid.uuid4().hex, runtime="docker",
                artifact=self.image, location=self.image, manifest=self.manifest.as_json(),
                manifest_digest=uuid.uuid4().hex,
            )  # fmt: skip
            work.add(release)
            work.flush()
            deployment = Deployment(
                environment_id=environment.id, number=1, ref="main", commit_hash="",
                release_id=release.id, deployed_by="ada",
            )  # fmt: skip
            work.add(deployment)
            work.flush()
            key = environment.id
            container = f"rig-{key.hex[:12]}"
            work.add(
                Instance(
                    environment_id=key, deployment_id=deployment.id, release_id=release.id,
                    runtime="docker", name=container, address="", state="serving",
                )
            )  # fmt: skip
            network = self.runtime.ensure_network(str(key), guarded=True)
            networks.record_network(
                work, key, network.subnet, network.gateway, network.bridge, is_guarded=True
            )
        copy = Copy(container, str(key), self.image, "", self.manifest, {}, is_guarded=True)
        self.runtime.start(copy)
        self.copies[name] = copy
        return copy

    def pid(self, name: str) -> int:
        return int(self._container(name).attrs["State"]["Pid"])

    def _container(self, name: str) -> Container:
        return self.rig.client.containers.get(self.copies[name].name)

    def address(self, name: str) -> str:
        (network,) = self._container(name).attrs["NetworkSettings"]["Networks"].values()
        return str(network["IPAddress"])

    def run(self, name: str, command: str) -> str:
        """Run a command in a container."""
        _, octets = self._container(name).exec_run(["/bin/sh", "-c", f"exec 2>&1; {command}"])
        return str(octets.decode("utf-8", "replace"))

    def inside(self, name: str, script: str) -> str:
        """Run Python in a container's network, with this machine's files."""
        pid = self.pid(name)
        done = subprocess.run(
            ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", script],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return done.stdout + done.stderr

    def order(self, name: str) -> CheckOrder:
        with unit_of_work() as work:
            row = networks.find_network(work, uuid.UUID(self.copies[name].environment_id))
            assert row is not None
        sibling = next(other for other in self.copies if other != name)
        return CheckOrder(
            self.pid(name), row.bridge, row.gateway, f"t{uuid.uuid4().hex}",
            plan_guard(self.rig.settings).proxy_port, [row.gateway, INNER], [HOST_PORT, 22],
            [(self.address(sibling), 8080)],
        )  # fmt: skip

    def check(self, name: str) -> Checked:
        done = subprocess.run(
            self.rig.machine.command(sys.executable, "-m", "greenroom.isolation", "check"),
            input=json.dumps(asdict(self.order(name))), capture_output=True, text=True, timeout=90,
        )  # fmt: skip
        return read_checked(done.returncode, done.stdout, done.stderr)


def by_socket(url: str) -> str:
    """Give a store's address by its socket: the rig's machine does not see this one's loopback."""
    with psycopg.connect(url) as connection:
        (folders,) = connection.execute("show unix_socket_directories").fetchone() or ("",)
    parts = urlsplit(url)
    folder = folders.split(",")[0].strip()
    who = f"{parts.username}:{parts.password}"
    return f"postgresql://{who}@{parts.path}?host={folder}&port={parts.port}"
