"""The TLS front: Caddy before the gateway, with a configuration that no deployment changes.

Certificates are got at the first handshake for a host, if the gateway knows that host. Every change
of Caddy's configuration would close every WebSocket of every environment: hosts come and go in the
gateway alone.
Source: Caddy documentation, "Automatic HTTPS: On-Demand TLS" and "Global options".
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from greenroom.errors import PlatformError
from greenroom.programs import Program
from greenroom.secrets import generate_token
from greenroom.settings import FRONT_HEADER, FRONT_QUESTION, Settings, process_environment

VALIDATE_SECONDS = 30


def find_caddy(settings: Settings) -> Path:
    """Find Caddy: the setting's, or the machine's.

    Errors: PlatformError.
    """
    found = settings.caddy or shutil.which("caddy")
    if not found or not Path(found).is_file():
        raise PlatformError(
            "Caddy, which holds the certificates, is not installed",
            hint="apt-get install caddy (2.6 or newer), name its program in GREENROOM_CADDY, or set"
            " GREENROOM_TLS=off.",
        )
    return Path(found)


def ensure_front_token(settings: Settings) -> str:
    """Give the token by which the gateway knows its front, made on first use (mode 0600)."""
    file = settings.front_token_file
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(generate_token())
    return file.read_text().strip()


def render_caddyfile(settings: Settings, token: str) -> str:
    """Write Caddy's configuration. Pure."""
    gateway = f"127.0.0.1:{settings.gateway_port}"
    port = "" if settings.https_port == 443 else f":{settings.https_port}"
    lines = [
        "{",
        "  admin off",
        f"  http_port {settings.http_port}",
        f"  https_port {settings.https_port}",
        *([f"  default_bind {settings.front_bind}"] if settings.front_bind else []),
        f"  storage file_system {_quoted(str(settings.path('certificates')))}",
        *([f"  email {settings.acme_email}"] if settings.acme_email else []),
        *([f"  acme_ca {settings.acme_directory}"] if settings.acme_directory else []),
        *([f"  acme_ca_root {_quoted(str(settings.acme_root))}"] if settings.acme_root else []),
        "  skip_install_trust",
        "  on_demand_tls {",
        f"    ask http://{gateway}{FRONT_QUESTION}",
        "  }",
        "}",
        *_site("https://", gateway, settings, token),
    ]
    if settings.console_host:
        console = f"127.0.0.1:{settings.console_port}"
        lines += _site(f"https://{settings.console_host}", console, settings, "")
    lines += ["http:// {", f"  redir https://{{host}}{port}{{uri}} 308", "}"]
    return "\n".join(lines) + "\n"


def _site(address: str, upstream: str, settings: Settings, token: str) -> list[str]:
    issuer = " internal" if settings.tls == "internal" else ""
    passed = [f"    header_up {FRONT_HEADER} {token}"] if token else []
    return [
        f"{address} {{", f"  tls{issuer} {{", "    on_demand", "  }",
        f"  reverse_proxy {upstream} {{", *passed, "  }", "}",
    ]  # fmt: skip


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def front_program(settings: Settings) -> Program:
    """Write the configuration and give the program that serves by it.

    Errors: PlatformError when Caddy is missing, or refuses the configuration.
    """
    caddy = find_caddy(settings)
    file = settings.path("run", "Caddyfile")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(render_caddyfile(settings, ensure_front_token(settings)))
    folder = settings.path("certificates")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = ("--config", str(file), "--adapter", "caddyfile")
    environment = {
        "GREENROOM_HOME": str(settings.home), "HOME": str(folder), "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }  # fmt: skip
    _validate(caddy, arguments, environment)
    return Program(
        "front", (str(caddy), "run", *arguments), directory=folder, environment=environment,
        priority=600, stop_seconds=15,
    )  # fmt: skip


def _validate(caddy: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(
            [str(caddy), "validate", *arguments], env=process_environment(**environment),
            capture_output=True, text=True, errors="replace", timeout=VALIDATE_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PlatformError(f"Caddy cannot be run: {type(error).__name__}") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise PlatformError(
            f"Caddy refuses its configuration: {said[-1][:300] if said else 'no message'}",
            hint="Are the settings of the TLS front right? docs/tls.md explains them.",
        )
