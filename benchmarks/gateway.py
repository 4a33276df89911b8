"""Requests per CPU-second of the proxy, for a 1 KiB answer; rivals: Caddy, and nginx besides."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from benchmarks.edge import (
    Load,
    cpu_seconds,
    free_port,
    needed,
    nginx,
    process,
    running_gateway,
    upstream,
    wait_until_listening,
)
from benchmarks.line import Line

ROUNDS, SECONDS, WARM_UP_SECONDS = 5, 4.0, 1.0
PROXY = """upstream app {{ server 127.0.0.1:{app}; keepalive 64; }}
server {{ listen 127.0.0.1:{port}; location / {{
proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme; }} }}"""
CADDY = """{{
  admin off
  auto_https off
}}
http://shop.localhost:{port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{app}
}}
"""


@dataclass
class Rival:
    """One proxy and what it did."""

    port: int
    pid: int
    answered: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def measure(self) -> None:
        uvloop.run(self._ask(WARM_UP_SECONDS))
        before = cpu_seconds(self.pid)
        self.answered.append(uvloop.run(self._ask(SECONDS)))
        self.seconds.append(cpu_seconds(self.pid) - before)

    async def _ask(self, seconds: float) -> int:
        load = Load(self.port, "shop.localhost")
        await load.run(seconds)
        if load.failures:
            raise RuntimeError(f"port {self.port}: {load.failures[0]}")
        return load.answered

    @property
    def value(self) -> float:
        return statistics.median(n / s for n, s in zip(self.answered, self.seconds, strict=True))


@contextmanager
def _caddy(folder: Path, port: int, app: int) -> Iterator[int]:
    file = folder / "Caddyfile"
    file.write_text(CADDY.format(port=port, app=app))
    command = [needed("caddy"), "run", "--config", str(file), "--adapter", "caddyfile"]
    with process(command, folder / "caddy.log", env={"HOME": str(folder)}) as pid:
        yield pid


def run() -> Line:
    """Ask the three in turn, each with the same application behind it."""
    with ExitStack() as stack:
        stage = stack.enter_context(running_gateway())
        app, behind_nginx, behind_caddy = free_port(), free_port(), free_port()
        stack.enter_context(upstream(stage.folder, app))
        stage.wait_until_serving("shop.localhost", stage.switch(stage.add("shop"), app))
        configuration = PROXY.format(app=app, port=behind_nginx)
        proxies = {
            "greenroom": Rival(stage.port, stage.pid),
            "nginx": Rival(
                behind_nginx, stack.enter_context(nginx(stage.folder, "proxy", configuration))
            ),
            "caddy": Rival(
                behind_caddy, stack.enter_context(_caddy(stage.folder, behind_caddy, app))
            ),
        }
        for one in proxies.values():
            wait_until_listening(one.port)
        for _ in range(ROUNDS):
            for one in proxies.values():
                one.measure()
    ours, theirs = proxies["greenroom"].value, proxies["caddy"].value
    details = {
        name: {
            "microseconds": round(1e6 / one.value, 1),
            "requests_per_second": round(statistics.median(one.answered) / SECONDS),
        }
        for name, one in proxies.items()
    }
    return Line(
        "gateway", ours, "requests per CPU-second of the proxy", "Caddy", theirs,
        ">= 1.0 of Caddy", ours >= theirs,
        {**details, "nginx_ratio": round(ours / proxies["nginx"].value, 3)},
    )  # fmt: skip
