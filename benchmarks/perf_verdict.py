"""Judge load times: false alarms over reports of equal sites, and how often 100 ms are found.

Visits are measured anew in each run; reports are put together from them by drawing pairs without
putting them back, judged by the very code that judges environments. ``perf_verdict 1`` also
measures every visit of 100 reports of equal sites (hours); ``0.05`` those of 5.
Rival: one visit of each side, slower by more than 50 ms is a regression.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.line import Line
from greenroom.compare.apart import ask_apart
from greenroom.compare.browser import started_browser
from greenroom.compare.judging import count_questions, judge_pages
from greenroom.compare.loading import DEVICES, load, machine_speed
from greenroom.compare.measure import Job, Pair, sample
from greenroom.compare.statistics import Plan, plan_looks
from greenroom.compare.visit import Visitor

PAGES, REPORTS, POOL = 4, 200, 36
EXTRA_MS = 100
GOAL_ALARMS, GOAL_FOUND, GOAL_SECONDS = 0.01, 0.99, 10.0
PROGRAM = "greenroom.compare.measure"
CASES = {"equal": (0, 0), "server": (EXTRA_MS, 0), "script": (0, EXTRA_MS)}
"""Milliseconds that the server waits, and that a script blocks."""
Pools = dict[tuple[str, str], list[Pair]]


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wait_ms, block_ms = 0, 0

    def do_GET(self) -> None:
        time.sleep(self.wait_ms / 1000 if self.path == "/" else 0)
        kind, body = "text/html", self._body()
        if self.path.endswith(".css"):
            kind, body = "text/css", b"body{font:16px sans-serif}h1{color:#234}"
        elif self.path.endswith(".js"):
            kind, body = "text/javascript", b"document.body.dataset.x=1;/*" + b"x" * 30_000 + b"*/"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        busy = f"while(performance.now()-t<{self.block_ms});"
        block = f"<script>const t=performance.now();{busy}</script>"
        text = "<p>" + "Lorem ipsum dolor sit amet consectetur. " * 12 + "</p>"
        head = "<!doctype html><html lang=en><link rel=stylesheet href=/a.css><h1>Shop</h1>"
        more = block if self.block_ms else ""
        return f"{head}{more}{text * 40}<script src=/a.js></script></html>".encode()

    def log_message(self, *_: object) -> None:
        pass


def _serve(port: Any, wait_ms: int, block_ms: int) -> None:
    handler = type("Page", (_Page,), {"wait_ms": wait_ms, "block_ms": block_ms})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    port.value = server.server_port
    server.serve_forever()


@contextmanager
def sites() -> Iterator[dict[str, str]]:
    """Serve production and one site for each case, each in a process of its own."""
    started, found = [], {}
    for name, (wait_ms, block_ms) in {"production": (0, 0), **CASES}.items():
        port = multiprocessing.Value("i", 0)
        process = multiprocessing.Process(target=_serve, args=(port, wait_ms, block_ms))
        process.start()
        started.append(process)
        while not port.value:
            time.sleep(0.02)
        found[name] = f"http://127.0.0.1:{port.value}"
    try:
        yield found
    finally:
        for process in started:
            process.terminate()
            process.join()


def run(scale: float = 0.0) -> Line:
    """Measure pools of pairs, judge reports made of them, and time pages as they are timed."""
    plan = plan_looks(count_questions(PAGES, len(DEVICES)))
    with sites() as addresses:
        pools = _pools(addresses)
        seconds = _seconds(addresses, plan)
        real = [_report(plan, _real(addresses, plan)) for _ in range(round(100 * scale))]
    luck = random.Random(8)
    alarms = sum(_report(plan, _drawn(pools, plan, luck)) for _ in range(REPORTS))
    found = {
        f"{case} {device.name}": sum(
            _report(plan, _drawn(pools, plan, luck, case, device.name)) for _ in range(REPORTS)
        ) / REPORTS
        for case in ("server", "script") for device in DEVICES
    }  # fmt: skip
    naive = sum(_naive(pools, luck) for _ in range(REPORTS)) / REPORTS
    rate = (alarms + sum(real)) / (REPORTS + len(real))
    median = statistics.median(seconds.values())
    is_found = min(found.values()) >= GOAL_FOUND
    met = rate <= GOAL_ALARMS and is_found and median <= GOAL_SECONDS
    return Line(
        "perf_verdict", 100 * rate, "% of reports of equal sites that call a page slower",
        "one visit of each, 50 ms", 100 * naive,
        f"<= {GOAL_ALARMS:.0%}; {EXTRA_MS} ms found in >= {GOAL_FOUND:.0%};"
        f" <= {GOAL_SECONDS:g} s a page and device",
        met,
        {"reports": REPORTS, "reports_measured_whole": len(real), "alarms_of_those": sum(real),
         "pages": PAGES, "looks": plan.looks, "pool_of_pairs": POOL,
         "how": "pairs measured in this run, reports drawn from them without putting back",
         "found": found, "seconds_of_a_page": {k: round(v, 1) for k, v in seconds.items()},
         "median_seconds": round(median, 1), "load": [round(one, 1) for one in os.getloadavg()]},
    )  # fmt: skip


def _pools(addresses: dict[str, str]) -> Pools:
    pools: Pools = {}
    for device in DEVICES:
        with started_browser() as browser:
            for case in CASES:
                pairs = pools[case, device.name] = []
                both = Visitor(addresses["production"]), Visitor(addresses[case])
                for number in range(POOL + 1):
                    speed, values = machine_speed(), {}
                    for side in (0, 1) if number % 2 else (1, 0):
                        values[side] = load(browser, both[side], "/", device).values
                    speed = (speed * machine_speed()) ** 0.5
                    if number:  # the first fills caches
                        pairs.append(Pair(values[0], values[1], speed))
    return pools


def _seconds(addresses: dict[str, str], plan: Plan) -> dict[str, float]:
    """Time each case and device as an environment's page is timed, process and browser included."""
    found = {}
    for case in CASES:
        for device in DEVICES:
            begun = time.monotonic()
            ask_apart(PROGRAM, _job(addresses, plan, case, device.name), 240)
            found[f"{case} {device.name}"] = time.monotonic() - begun
    return found


def _job(addresses: dict[str, str], plan: Plan, case: str, device: str) -> dict[str, Any]:
    production, other = ({"site": addresses[name]} for name in ("production", case))
    return asdict(Job(production, other, "/", device, plan.looks, plan.tests))


Taken = Callable[[int, str], dict[str, Any]]


def _real(addresses: dict[str, str], plan: Plan) -> Taken:
    return lambda _, device: ask_apart(PROGRAM, _job(addresses, plan, "equal", device), 240)


def _drawn(
    pools: Pools, plan: Plan, luck: random.Random, case: str = "", device: str = ""
) -> Taken:
    """Draw pages from the pools; with a ``case``, the first page on a device is of that one."""

    def take(page: int, name: str) -> dict[str, Any]:
        is_seeded = case and page == 0 and name == device
        pool = pools[case if is_seeded else "equal", name]
        drawn = luck.sample(pool, len(pool))
        taken = sample(lambda at: drawn[at] if at < len(drawn) else "pool is empty", plan)
        return {"path": f"/{page}", "viewport": name, "failure": "", "alone": {},
                "findings": [asdict(finding) for finding in taken.findings],
                "seeded": bool(is_seeded)}  # fmt: skip

    return take


def _report(plan: Plan, take: Taken) -> bool:
    """Whether a report calls slower what was seeded, or, where nothing was, anything."""
    pages = [take(page, device.name) for page in range(PAGES) for device in DEVICES]
    judged = judge_pages(pages, plan, {})
    seeded = [page for page in judged if page.get("seeded")]
    return any(page["verdict"] == "worse" for page in seeded or judged)


def _naive(pools: Pools, luck: random.Random) -> bool:
    return any(
        pair.after[metric] - pair.before[metric] > 50
        for device in DEVICES
        for pair in luck.sample(pools["equal", device.name], PAGES)
        for metric in ("ttfb", "fcp", "lcp", "load")
    )
