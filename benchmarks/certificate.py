"""The first handshake for a host → its certificate of an ACME server; rival: the next one."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.edge import free_port, needed, process, running_gateway, wait_until_listening
from benchmarks.line import Line
from greenroom.edge.certificate import measure_certificate
from greenroom.platform.front import ensure_front_token, front_program
from greenroom.settings import load_settings, process_environment

HOSTS, GOAL_SECONDS = 20, 2.0


@contextmanager
def _authority(folder: Path, http_port: int, https_port: int) -> Iterator[str]:
    """Run Pebble and its DNS server; give its directory."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt"),
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    api, names = free_port(), free_port()
    configuration = {
        "listenAddress": f"127.0.0.1:{api}", "managementListenAddress": f"127.0.0.1:{free_port()}",
        "certificate": str(folder / "server.crt"), "privateKey": str(folder / "server.key"),
        "httpPort": http_port, "tlsPort": https_port,
    }  # fmt: skip
    (folder / "pebble.json").write_text(json.dumps({"pebble": configuration}))
    silent = ["-http01", "", "-https01", "", "-tlsalpn01", ""]
    dns = [
        needed("pebble-challtestsrv"), "-dns01", f"127.0.0.1:{names}", "-defaultIPv6", "", *silent,
        "-management", f"127.0.0.1:{free_port()}",
    ]  # fmt: skip
    pebble = [
        needed("pebble"), "-config", str(folder / "pebble.json"),
        "-dnsserver", f"127.0.0.1:{names}",
    ]  # fmt: skip
    quick = process_environment(PEBBLE_VA_NOSLEEP=1, PEBBLE_WFE_NONCEREJECT=0)
    with process(dns, folder / "dns.log"), process(pebble, folder / "pebble.log", env=quick):
        wait_until_listening(api)
        yield f"https://localhost:{api}/dir"


def run() -> Line:
    """Shake hands with host after host, each for the first time; then with each again."""
    first: list[float] = []
    again: list[float] = []
    http_port, https_port = free_port(), free_port()
    folder = Path(tempfile.mkdtemp(prefix="gr-acme-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        directory = stack.enter_context(_authority(folder, http_port, https_port))
        stage = stack.enter_context(running_gateway())
        settings = load_settings().model_copy(
            update={
                "tls": "acme", "front_bind": "127.0.0.1", "http_port": http_port,
                "https_port": https_port, "acme_directory": directory,
                "acme_root": folder / "server.crt",
            }
        )  # fmt: skip
        ensure_front_token(settings)
        for number in range(HOSTS):
            stage.add(f"shop{number}")
        time.sleep(6)  # the gateway has looked at the store
        program = front_program(settings)
        stack.enter_context(
            process(
                list(program.command), folder / "caddy.log",
                env=process_environment(**dict(program.environment)),
            )
        )  # fmt: skip
        wait_until_listening(https_port)
        for number in range(HOSTS):
            for figures in (first, again):
                begun = time.monotonic()
                measure_certificate(f"shop{number}.localhost", https_port, timeout=30)
                figures.append(time.monotonic() - begun)
    value = statistics.median(first)
    return Line(
        "certificate", value, "s to the first handshake's end, median", "the next handshake",
        statistics.median(again), f"<= {GOAL_SECONDS:g} s", value <= GOAL_SECONDS,
        {
            "hosts": HOSTS, "worst": round(max(first), 3),
            "slower_than_the_goal": sum(seconds > GOAL_SECONDS for seconds in first),
            "why_slower": "when Pebble has not signed yet, it has its client ask again in 5 s",
        },
    )  # fmt: skip
