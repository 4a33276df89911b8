"""Two tall pictures compared, decoding and alignment included, beside odiff's server."""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.line import Line
from greenroom.compare.difference import Shot, difference
from greenroom.settings import ROOT

WIDTH, HEIGHT, ROUNDS = 1440, 6600, 5


def run() -> Line:
    """Compare a page with itself plus a small change, plus a banner, and with a shifted text."""
    before = _page()
    price = before.copy()
    cv2.putText(price, "42.00", (300, 4000), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 200), 1,
                cv2.LINE_AA)  # fmt: skip
    banner = np.full((80, WIDTH, 3), (120, 220, 250), np.uint8)
    cases = {
        "small change": price,
        "banner": np.concatenate([price[:300], banner, price[300:]]),
        "equal pixels": before,
    }
    ours: dict[str, list[float]] = {name: [] for name in cases}
    theirs: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        first = _written(Path(folder, "before.png"), before, 3)
        paths = {
            name: _written(Path(folder, f"{at}.png"), picture, 4)
            for at, (name, picture) in enumerate(cases.items())
        }
        with subprocess.Popen(
            [_binary(), "--server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin
            assert server.stdout
            server.stdout.readline()
            for number in range(ROUNDS):
                for name, path in paths.items():
                    asked = {"requestId": number + 1, "base": str(first), "compare": str(path),
                             "output": str(Path(folder, "out.png")),
                             "options": {"antialiasing": True}}  # fmt: skip

                    def ask(question: str = json.dumps(asked)) -> None:
                        server.stdin.write(question + "\n")
                        server.stdin.flush()
                        answer = json.loads(server.stdout.readline())
                        assert "match" in answer, answer

                    def compare(path: Path = path) -> None:
                        difference(Shot(first.read_bytes()), Shot(path.read_bytes()))

                    ours[name].append(_seconds(compare))
                    theirs[name].append(_seconds(ask))
            server.stdin.close()
            server.terminate()
    mine = {name: statistics.median(took) for name, took in ours.items()}
    rival = {name: statistics.median(took) for name, took in theirs.items()}
    return Line(
        "diff", sum(mine.values()), "s for three pairs of 1440 x 6600", "odiff's server",
        sum(rival.values()), "no slower in each case",
        all(mine[name] <= rival[name] for name in cases),
        {name: {"ms": round(1000 * mine[name]), "odiff_ms": round(1000 * rival[name])}
         for name in cases},
    )  # fmt: skip


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _binary() -> Path:
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    name = f"odiff-{platform.system().lower()}-{machine}"
    folder = ROOT / "node_modules" / "odiff-bin"
    for path in (folder / "bin" / "odiff", ROOT / "node_modules" / "@odiff" / name[6:] / "odiff"):
        if path.exists():
            return path
    # Not among what package.json pins: its package for each platform is one of its own, and not
    # every registry has them all, without which `npm ci` refuses the lock file.
    raise SystemExit("the rival is missing; get it: npm install --no-save odiff-bin@4.5.0")


def _page() -> np.ndarray:
    """Draw what a page is made of: flat ground, lines of text, gradients, photographs."""
    random = np.random.default_rng(3)
    canvas = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for top in range(0, HEIGHT, 600):
        ramp = np.linspace(180, 250, WIDTH).astype(np.uint8)
        canvas[top : top + 120] = ramp[None, :, None]
        for left in range(60, 1300, 340):
            photo = random.integers(0, 255, (20, 30, 3), dtype=np.uint8)
            canvas[top + 140 : top + 340, left : left + 300] = cv2.resize(photo, (300, 200))
        for line in range(9):
            letters = "".join(random.choice(list("abcdefghij klmnop "), 90))
            cv2.putText(canvas, letters, (60, top + 375 + line * 24), cv2.FONT_HERSHEY_SIMPLEX,
                        0.6, (40, 40, 40), 1, cv2.LINE_AA)  # fmt: skip
    return canvas


def _written(path: Path, picture: np.ndarray, level: int) -> Path:
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, level])
    return path
