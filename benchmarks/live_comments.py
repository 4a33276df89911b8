"""From a comment to the screens of fifty reviewers who look at the same page."""

from __future__ import annotations

import asyncio
import statistics
import time

import aiohttp

from benchmarks.line import Line
from benchmarks.preview import Preview, running_preview

REVIEWERS, COMMENTS = 50, 20
GOAL_SECONDS = 1.0
API = "/_greenroom/comments"
ANCHOR = {"tag": "h2", "attributes": {}, "text": "Kettle 1", "path": "h2:1>article:1"}


class Reviewer:
    """A browser: it listens, and reads the threads anew at each change."""

    def __init__(self, base: str, headers: dict[str, str]) -> None:
        self.base, self.headers = base, headers
        self.seen: dict[str, float] = {}
        self.is_ready, self.has_news = asyncio.Event(), asyncio.Event()

    async def look(self, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{self.base}{API}/events", headers=self.headers) as stream:
            async for line in stream.content:
                self.is_ready.set()
                if line.startswith(b"event: change"):
                    async with session.get(
                        f"{self.base}{API}?page=/", headers=self.headers
                    ) as told:
                        for thread in (await told.json())["threads"]:
                            text = thread["comments"][0]["text"]
                            self.seen.setdefault(text, time.perf_counter())
                    self.has_news.set()

    async def until_seen(self, text: str) -> None:
        """Wait until a comment is on this screen."""
        while text not in self.seen:
            self.has_news.clear()
            await self.has_news.wait()


async def _measure(preview: Preview) -> list[float]:
    base = f"http://127.0.0.1:{preview.stage.port}"
    visits = [preview.visit(f"Reviewer {n}") for n in range(REVIEWERS + 1)]
    await asyncio.sleep(1)  # until the gateway has heard of the links
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        reviewers = [Reviewer(base, headers) for headers in visits[1:]]
        looking = [asyncio.create_task(one.look(session)) for one in reviewers]
        await asyncio.gather(*(one.is_ready.wait() for one in reviewers))
        took = []
        for n in range(COMMENTS):
            text, started = f"comment {n}", time.perf_counter()
            body = {"page": "/", "title": "Shop", "anchor": ANCHOR, "width": 390, "height": 844,
                    "text": text}  # fmt: skip
            async with session.post(f"{base}{API}", json=body, headers=visits[0]) as answer:
                if answer.status != 201:
                    raise RuntimeError(await answer.text())
            async with asyncio.timeout(30):
                await asyncio.gather(*(one.until_seen(text) for one in reviewers))
            took.append(max(one.seen[text] for one in reviewers) - started)
            await asyncio.sleep(0.2)
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
    return took


def run() -> Line:
    """Let one write and fifty look."""
    with running_preview() as preview:
        took = asyncio.run(_measure(preview))
    worst = max(took)
    return Line(
        "live_comments", worst, "s from a comment to the last of 50 screens, the worst of 20",
        "none: no self-hosted rival", None, f"<= {GOAL_SECONDS:g}", worst <= GOAL_SECONDS,
        {"median_seconds": round(statistics.median(took), 3), "reviewers": REVIEWERS},
    )  # fmt: skip
