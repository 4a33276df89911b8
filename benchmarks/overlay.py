"""What the overlay adds to a page's first byte; rival: the same page for who may not comment."""

from __future__ import annotations

import http.client
import statistics
import time

from benchmarks.line import Line
from benchmarks.preview import running_preview

PAIRS, WARM_UP = 400, 40
GOAL_MS = 5.0


def first_byte_ms(connection: http.client.HTTPConnection, headers: dict[str, str]) -> float:
    started = time.perf_counter()
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    answer.read(1)
    taken = time.perf_counter() - started
    page = answer.read()
    if answer.status != 200 or (b"overlay.js" in page) is not (headers.get("X-With") == "1"):
        raise RuntimeError(f"not the page that was asked for: {answer.status}")
    return taken * 1000


def run() -> Line:
    """Ask in pairs, one after the other, over connections that stay open."""
    with running_preview() as preview:
        with_it = {**preview.visit("With"), "X-With": "1"}
        without = preview.visit("Without", may_comment=False)
        time.sleep(1)  # until the gateway has heard of the links
        connection = http.client.HTTPConnection("127.0.0.1", preview.stage.port, timeout=20)
        pairs = [
            (first_byte_ms(connection, with_it), first_byte_ms(connection, without))
            for _ in range(WARM_UP + PAIRS)
        ][WARM_UP:]
        connection.close()
    ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    added = statistics.median(a - b for a, b in pairs)
    return Line(
        "overlay", added, "ms added to the first byte", "the page without it", theirs,
        f"<= {GOAL_MS:g}", added <= GOAL_MS,
        {"with_ms": round(ours, 3), "without_ms": round(theirs, 3), "pairs": PAIRS},
    )  # fmt: skip
