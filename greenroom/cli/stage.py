"""The demo's own settings: ports that are free, and an account that can run its Python."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from greenroom.platform.up import Platform, is_port_free
from greenroom.settings import load_settings, use_home


def prepare_stage(home: Path) -> Path:
    """Write the demo's settings file where its ports are not ours to use; give its home.

    Ports named in the caller's environment stay as they are named.
    """
    home.mkdir(parents=True, exist_ok=True)
    settings = use_home(home)
    platform = Platform(settings)
    if platform.is_up():
        return home
    platform.stop()  # what a killed one has left holds our ports, and applications know them
    wanted = {
        "gateway_port": settings.gateway_port,
        "console_port": settings.console_port,
        "prefect_port": settings.prefect_port,
        "postgres_port": settings.postgres_port,
        "mail_port": settings.mail_port,
        "mail_starttls_port": settings.mail_starttls_port,
        "mail_tls_port": settings.mail_tls_port,
        "egress_port": settings.egress_port,
        "egress_dns_port": settings.egress_dns_port,
        "api_port": settings.api_port,
    }
    chosen = {name: port if is_port_free(port) else _free_port() for name, port in wanted.items()}
    lines = [f"{name} = {port}" for name, port in chosen.items()]
    lines.append("measure_after_deploy = false  # a browser beside the demo makes it late")
    if _needs_root():
        lines.append('app_user = "root"  # nobody may enter the folder of this Python')
    (home / "greenroom.toml").write_text("\n".join(lines) + "\n")
    load_settings.cache_clear()
    return home


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _needs_root() -> bool:
    """Whether we are root and our Python lies where no other account can enter."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0:
        return False
    if setpriv is None:
        return True
    # Through a shell: setpriv itself still has root's rights when it looks up what it executes.
    drop = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"]
    command = [*drop, "/bin/sh", "-c", '"$0" -c ""', sys.executable]
    try:
        return subprocess.run(command, capture_output=True, cwd="/", timeout=30).returncode != 0
    except (OSError, subprocess.SubprocessError):
        return True
