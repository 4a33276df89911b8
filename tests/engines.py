"""Docker Engines as other machines have them: each in a network namespace of its own."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import docker
import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NET = "198.18"
"""Source: RFC 2544: addresses for tests, which no engine takes for its own networks."""


def why_impossible() -> str:
    """Say why engines cannot be made here; empty where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in ("dockerd", "ip", "nsenter") if shutil.which(name) is None]
    return f"{', '.join(missing)} is missing" if missing else ""


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


class Authority:
    """A certificate authority of a test's own."""

    def __init__(self, name: str = "tests") -> None:
        self._key, self.name = ec.generate_private_key(ec.SECP256R1()), name
        self._issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = self._sign(self._key, name, None, is_authority=True)

    def _sign(
        self, key: ec.EllipticCurvePrivateKey, name: str, address: str | None,
        *, is_authority: bool = False,
    ) -> str:  # fmt: skip
        moment = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(moment - datetime.timedelta(hours=1))
            .not_valid_after(moment + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        if address:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
            made = made.add_extension(names, critical=False)
        return _pem(made.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, address: str | None = None) -> dict[str, str]:
        """Give a certificate, its key, and the authority's own."""
        key = ec.generate_private_key(ec.SECP256R1())
        plain = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()  # fmt: skip
        return {"ca": self.ca, "cert": self._sign(key, name, address), "key": plain}


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Node:
    """One machine: its namespace, its address, its engine."""

    name: str
    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> str:
        return f"unix://{self.folder}/s"

    @property
    def url(self) -> str:
        return f"tcp://{self.address}:2376"

    def client(self) -> docker.DockerClient:
        """Connect by the socket, which no test gives to Greenroom."""
        return docker.DockerClient(base_url=self.socket, timeout=30)

    def start(self) -> None:
        """Start the engine, and do not wait for it."""
        keys, log = self.folder / "keys", (self.folder / "log").open("ab")
        driver = subprocess.run(
            ["stat", "-f", "-c", "%T", str(self.folder)], capture_output=True, text=True
        ).stdout.strip()  # fmt: skip
        more = ["--storage-driver=vfs"] if driver == "overlayfs" else []
        with log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", "dockerd",
                 "--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec",
                 "--pidfile", f"{self.folder}/pid", "-H", self.socket, "-H", self.url,
                 "--tlsverify", f"--tlscacert={keys}/ca", f"--tlscert={keys}/cert",
                 f"--tlskey={keys}/key", "--bridge=none", *more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until the engine answers."""
        for _ in range(600):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(f"{self.folder}/s")
                probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                if b"200 OK" in probe.recv(100):
                    return
            assert self.process is not None
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)
        raise AssertionError(self.log())

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def kill_engine(self) -> None:
        """Kill the engine alone: what it runs goes on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None
        # Its containerd dies with it. Where nobody reaps it at once, an engine that is started
        # anew takes it for a living one and waits for it in vain.
        number = self.folder / "exec" / "containerd" / "containerd.pid"
        with contextlib.suppress(OSError, ValueError, psutil.Error):
            psutil.Process(int(number.read_text())).wait(5)
        number.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill the machine as a power cut would; what it runs goes with it."""
        for process in self._family():
            with contextlib.suppress(psutil.Error):
                process.kill()
        if self.process is not None:
            self.process.wait()
            self.process = None
        # What lies in /run is gone after a power cut: an engine takes the number of a containerd
        # that it finds there for a living one's, even where that is a zombie's.
        shutil.rmtree(self.folder / "exec" / "containerd", ignore_errors=True)
        (self.folder / "pid").unlink(missing_ok=True)

    def _family(self) -> list[psutil.Process]:
        """Give every process in this namespace, and those that keep its containers."""
        inode, found = Path(f"/run/netns/{self.name}").stat().st_ino, []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                words = " ".join(process.cmdline())
                same = Path(f"/proc/{process.pid}/ns/net").stat().st_ino == inode
                if same or str(self.folder) in words:
                    found += [*process.children(recursive=True), process]
        return found


@contextlib.contextmanager
def ssh_server(node: Node) -> Iterator[Path]:
    """Have an SSH server at a machine; give a folder with an ``ssh`` that may get in there."""
    folder = node.folder / "ssh"
    folder.mkdir()
    for name in ("host", "user"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    Path("/run/sshd").mkdir(exist_ok=True)
    told = {
        "Port": "22", "ListenAddress": node.address, "HostKey": folder / "host", "UsePAM": "no",
        "AuthorizedKeysFile": folder / "user.pub", "StrictModes": "no", "PidFile": "none",
        "PasswordAuthentication": "no", "PermitRootLogin": "yes",
    }  # fmt: skip
    folder.joinpath("sshd").write_text("".join(f"{k} {v}\n" for k, v in told.items()))
    key = (folder / "host.pub").read_text()
    folder.joinpath("known").write_text(f"{node.address} {key}")
    folder.joinpath("config").write_text(
        f"IdentityFile {folder}/user\nUserKnownHostsFile {folder}/known\nIdentitiesOnly yes\n"
    )
    program, real = folder / "bin" / "ssh", shutil.which("ssh")
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {real} -F {folder}/config "$@"\n')
    program.chmod(0o755)
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{node.name}", shutil.which("sshd") or "/usr/sbin/sshd",
             "-D", "-e", "-f", str(folder / "sshd")],
            stdin=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection((node.address, 22), 1):
                break
            time.sleep(0.05)
        yield program.parent
    finally:
        server.kill()
        server.wait()


@dataclass
class Town:
    """Engines side by side, on one network with this machine."""

    authority: Authority
    folder: Path
    mark: str
    nodes: list[Node] = field(default_factory=list)


@contextlib.contextmanager
def engines(count: int) -> Iterator[Town]:
    """Have so many engines that answer."""
    mark = secrets.token_hex(2)
    hub, net = f"gt{mark}h", f"{NET}.{int(mark[:2], 16)}"
    folder = Path(tempfile.mkdtemp(prefix="gr-eng-", dir="/var/tmp"))
    town = Town(Authority(), folder, mark)
    names = [hub]
    try:
        _run("ip", "netns", "add", hub)
        _run("ip", "-n", hub, "link", "add", "name", "br0", "type", "bridge")
        _run("ip", "-n", hub, "link", "set", "br0", "up")
        _run("ip", "link", "add", f"gt{mark}r", "type", "veth", "peer", "name", "r", "netns", hub)
        _run("ip", "-n", hub, "link", "set", "r", "master", "br0", "up")
        _run("ip", "address", "add", f"{net}.1/24", "dev", f"gt{mark}r")
        _run("ip", "link", "set", f"gt{mark}r", "up")
        for number in range(count):
            node = Node(f"gt{mark}{number}", f"{net}.{number + 11}", folder / str(number))
            node.folder.joinpath("keys").mkdir(parents=True)
            for part, text in town.authority.issue(node.name, node.address).items():
                node.folder.joinpath("keys", part).write_text(text)
            _run("ip", "netns", "add", node.name)
            names.append(node.name)
            peer = ("peer", "name", f"n{number}", "netns", hub)
            _run("ip", "-n", node.name, "link", "add", "eth0", "type", "veth", *peer)
            _run("ip", "-n", hub, "link", "set", f"n{number}", "master", "br0", "up")
            _run("ip", "-n", node.name, "address", "add", f"{node.address}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                _run("ip", "-n", node.name, "link", "set", device, "up")
            _run("ip", "-n", node.name, "route", "add", "default", "via", f"{net}.1")
            node.start()
            town.nodes.append(node)
        for node in town.nodes:
            node.wait()
        yield town
    finally:
        for node in town.nodes:
            node.kill()
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", f"gt{mark}r"], capture_output=True, check=False)
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _unmount(folder: Path) -> None:
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", place], capture_output=True, check=False)
