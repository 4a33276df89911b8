"""A machine of its own for the egress guard: an engine in a network namespace, and an internet.

The guard's rules are a whole machine's: here they are those of a namespace that goes with the test.
"""

from __future__ import annotations

import ctypes
import io
import select
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import docker

from greenroom.guarding import plan_guard
from greenroom.hosting.engine import _client
from greenroom.settings import Settings, process_environment

Result = TypeVar("Result")
WORLD = "93.184.216.34"
"""An address that stands for the internet's."""
OUTER, INNER = "84.200.1.1", "84.200.1.2"
HOSTS = f"""\
127.0.0.1 localhost
{WORLD} api.partner.example cdn.partner.example other.example
10.1.2.3 inner.partner.example
{INNER} self.partner.example
"""
"""What the machine's resolver says."""
PORTS = (
    "mail_port", "mail_starttls_port", "mail_tls_port", "egress_port", "egress_dns_port",
    "gateway_port",
)  # fmt: skip
WORLD_PORTS = (25, 53, 80, 443, 465, 587, 2525, 8080)
CLONE_NEWNET = 0x40000000


class Namespace:
    """A network namespace, as long as a process sleeps in it."""

    def __init__(self) -> None:
        self._sleeper = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        own = Path("/proc/self/ns/net").readlink()
        deadline = time.monotonic() + 10
        while Path(f"/proc/{self._sleeper.pid}/ns/net").readlink() == own:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        self.path = f"/proc/{self._sleeper.pid}/ns/net"
        self.pid = self._sleeper.pid

    def command(self, *words: str) -> list[str]:
        return ["nsenter", f"--net={self.path}", *words]

    def run(self, *words: str) -> str:
        done = subprocess.run(self.command(*words), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def inside(self, do: Callable[[], Result]) -> Result:
        """Do something in a thread that has entered: its sockets stay there."""
        found: list[Any] = []

        def enter() -> None:
            with Path(self.path).open() as file:
                assert ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET) == 0
            found.append(do())

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join(30)
        assert found, "it did not work inside the namespace"
        return found[0]

    def end(self) -> None:
        self._sleeper.kill()
        self._sleeper.wait()


class Wire:
    """What leaves the machine: every packet on its only way out."""

    def __init__(self, outer: Namespace) -> None:
        def listen() -> socket.socket:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            made.bind(("outside", 0))
            return made

        self._socket = outer.inside(listen)

    def packets(self) -> list[bytes]:
        """Give IP packets to anywhere but the machine's own neighbour, seen since the last time."""
        found = []
        while select.select([self._socket], [], [], 0.3)[0]:
            packet, where = self._socket.recvfrom(4096)
            if where[2] == 4 or packet[12:14] not in (b"\x08\x00", b"\x86\xdd"):
                continue  # what the internet answers, and ARP
            if packet[12:14] == b"\x86\xdd" and packet[20] in (0, 58):
                continue  # the kernel looking for IPv6 neighbours on the wire itself
            found.append(packet)
        return found

    def close(self) -> None:
        self._socket.close()


class Rig:
    """The machine, its engine, its guard, and what lies beyond its wire."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="gr-rig-"))
        self.home.chmod(0o755)
        self.machine, self.outer = Namespace(), Namespace()
        self._wire_up()
        self._heard: list[tuple[int, bytes]] = []
        self._listeners = self.outer.inside(self._serve_world)
        self._engine = self._start_engine()
        self.settings = Settings(
            home=self.home, docker_host=f"unix://{self.home}/docker.sock",
            mail_port=8604, gateway_port=8600,
        )  # fmt: skip
        self.home.joinpath("run").mkdir()
        self.home.joinpath("hosts").write_text(HOSTS)
        self._servers: list[subprocess.Popen[bytes]] = []

    def _wire_up(self) -> None:
        pair = ["ip", "link", "add", "wire", "netns", str(self.machine.pid), "type", "veth",
                "peer", "name", "outside", "netns", str(self.outer.pid)]  # fmt: skip
        subprocess.run(pair, check=True)
        for space, name, address in (
            (self.machine, "wire", INNER), (self.outer, "outside", OUTER),
        ):  # fmt: skip
            space.run("ip", "link", "set", "lo", "up")
            space.run("ip", "address", "add", f"{address}/24", "dev", name)
            space.run("ip", "link", "set", name, "up")
        self.machine.run("ip", "route", "add", "default", "via", OUTER)
        self.outer.run("ip", "route", "add", "default", "via", INNER)
        self.outer.run("ip", "address", "add", f"{WORLD}/32", "dev", "lo")

    def _serve_world(self) -> list[socket.socket]:
        made = []
        for port in WORLD_PORTS:
            server = socket.create_server(("0.0.0.0", port))
            made.append(server)
            threading.Thread(target=self._answer, args=(server, port), daemon=True).start()
        return made

    def _answer(self, server: socket.socket, port: int) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    if port in (25, 587, 2525):
                        connection.sendall(b"220 the real world\r\n")
                    self._heard.append((port, connection.recv(2000)))
                    connection.sendall(b"the world answers")
                except OSError:
                    pass

    def heard(self) -> list[tuple[int, bytes]]:
        """Give what came to the internet's servers since the last time."""
        told, self._heard[:] = list(self._heard), []
        return told

    def _start_engine(self) -> subprocess.Popen[bytes]:
        log = self.home.joinpath("docker.log").open("wb")
        known = process_environment()["PATH"]
        made = subprocess.Popen(
            self.machine.command(
                "dockerd", "--data-root", f"{self.home}/docker", "--exec-root",
                f"{self.home}/exec", "--pidfile", f"{self.home}/docker.pid",
                "-H", f"unix://{self.home}/docker.sock",
            ),
            stdout=log, stderr=log, start_new_session=True,
            env=process_environment(PATH=f"{known}:/usr/sbin:/sbin"),
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + 60
        while not _listens(f"{self.home}/docker.sock"):
            assert time.monotonic() < deadline, self.home.joinpath("docker.log").read_text()
            assert made.poll() is None, self.home.joinpath("docker.log").read_text()
            time.sleep(0.1)
        self.client = docker.DockerClient(f"unix://{self.home}/docker.sock", timeout=60)
        return made

    def load_image(self, busybox: Path) -> str:
        """Make an image of nothing but busybox."""
        octets = io.BytesIO()
        with tarfile.open(fileobj=octets, mode="w") as tar:
            tar.add(busybox, "bin/busybox")
            for name in ("sh", "httpd", "sleep", "nc", "wget", "echo", "cat", "nslookup", "touch"):
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        self.client.api.import_image_from_data(octets.getvalue(), "rig", "1")
        return "rig:1"

    def start_server(self, name: str, database_url: str, **more: str) -> None:
        """Start the mail server or the guard's, in the machine."""
        ports = {f"GREENROOM_{name.upper()}": getattr(self.settings, name) for name in PORTS}
        given = {
            "GREENROOM_HOME": self.home, "GREENROOM_DATABASE_URL": database_url,
            "GREENROOM_DOCKER_HOST": self.settings.docker_host, **ports,
        }  # fmt: skip
        environment = process_environment(**given)
        # Not what other platforms of this process are set to: one may have its guard switched off.
        environment = {
            name: value for name, value in environment.items()
            if not name.startswith("GREENROOM_") or name in given
        }  # fmt: skip
        environment["PATH"] += ":/usr/sbin:/sbin"
        environment |= more
        made = subprocess.Popen(
            self.machine.command(
                "unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"',
                f"{self.home}/hosts", sys.executable, "-m", "greenroom.isolation", name,
            ),
            env=environment,
        )  # fmt: skip
        self._servers.append(made)
        port = {"mail": self.settings.mail_tls_port, "egress": self.settings.egress_port}[name]
        deadline = time.monotonic() + 60
        while not self.machine.inside(lambda: (_connects("127.0.0.1", port),))[0]:
            assert made.poll() is None, f"{name} ended"
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def remove_rules(self) -> None:
        """Take the guard's rules away, and let addresses be translated: an unguarded machine."""
        self.stop_servers()
        self.machine.run("nft", "delete", "table", "inet", plan_guard(self.settings).label)
        nat = "-t nat -A POSTROUTING -o wire -j MASQUERADE"
        self.machine.run("/usr/sbin/iptables", *nat.split())

    def stop_servers(self) -> None:
        """Stop what :meth:`start_server` started."""
        for server in self._servers:
            server.send_signal(signal.SIGTERM)
        for server in self._servers:
            server.wait(20)
        self._servers.clear()

    def settle_refusals(self) -> None:
        """Wait until the guard has written what it counted."""
        time.sleep(2.5)

    def end(self) -> None:
        self.stop_servers()
        for container in self.client.containers.list(all=True):
            container.remove(force=True)
        self.client.close()
        if self.settings.docker_host:
            _client(self.settings.docker_host).close()
            _client.cache_clear()
        self._engine.terminate()
        try:
            self._engine.wait(30)
        except subprocess.TimeoutExpired:
            self._engine.kill()
            self._engine.wait()
        for listener in self._listeners:
            listener.close()
        self.machine.end()
        self.outer.end()
        shutil.rmtree(self.home, ignore_errors=True)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _connects(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((address, port)) == 0
