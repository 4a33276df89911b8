"""SSH to a host's engine: one connection of the system's own ``ssh``, shared by all processes.

It forwards a socket of ours to the engine's. So the host needs an SSH server and an account that
may use Docker, and nothing else; keys, known hosts and jump hosts are as ``~/.ssh/config`` says.
"""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

from greenroom.settings import Settings

REMOTE_SOCKET = "/var/run/docker.sock"
CONNECT_SECONDS = 10


def open_tunnel(name: str, url: str, settings: Settings) -> str:
    """Have a socket here that leads to a host's engine, and give its address. Idempotent.

    Errors: OSError, saying what ``ssh`` said.
    """
    folder = settings.path("run", "hosts")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket, control = folder / f"{name}.sock", folder / f"{name}.ssh"
    target, port, remote = read_target(url)
    alive = subprocess.run(
        ["ssh", "-S", str(control), "-O", "check", target], capture_output=True, check=False
    )
    if alive.returncode == 0 and socket.is_socket():
        return f"unix://{socket}"
    socket.unlink(missing_ok=True)
    done = subprocess.run(
        [
            "ssh", "-f", "-N", "-M", "-S", str(control), "-p", str(port),
            "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}",
            "-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes",
            "-o", "StreamLocalBindMask=0177", "-o", "ServerAliveInterval=5",
            "-o", "ServerAliveCountMax=3", "-L", f"{socket}:{remote}", "--", target,
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        timeout=CONNECT_SECONDS + 5, check=False, start_new_session=True,
    )  # fmt: skip
    if not socket.is_socket():  # another process may have been faster: then ours has failed
        said = " ".join((done.stderr or "").split())[-200:]
        raise OSError(f"ssh: {said or 'it ended without a word'}")
    return f"unix://{socket}"


def close_tunnels(settings: Settings, name: str = "*") -> None:
    """End the connections that are open, or one. Idempotent."""
    for control in settings.path("run", "hosts").glob(f"{name}.ssh"):
        subprocess.run(
            ["ssh", "-S", str(control), "-O", "exit", "any"], capture_output=True, check=False
        )


def read_target(url: str) -> tuple[str, int, str]:
    """Give ``user@host``, port and the engine's socket there. Pure."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    target = f"{parts.username}@{host}" if parts.username else host
    return target, parts.port or 22, parts.path.rstrip("/") or REMOTE_SOCKET
