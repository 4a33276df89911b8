"""Our count is npm pixelmatch's, pixel for pixel, on a corpus of every kind of difference."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from greenroom.compare.pixels import changed, decode

pytestmark = [pytest.mark.contract, pytest.mark.needs_node]
ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "node_modules" / "pixelmatch"


def text(shift: float, alpha: bool) -> np.ndarray:
    canvas = np.full((120, 300, 4), 255, np.uint8)
    for line in range(4):
        place = (round((8 + shift) * 16), (25 + line * 27) * 16)
        cv2.circle(canvas, place, 160, (40, 60, 90, 255), -1, cv2.LINE_AA, 4)
        cv2.putText(
            canvas, "Summer sale 42", (30 + round(shift), 30 + line * 27),
            cv2.FONT_HERSHEY_SIMPLEX, 0.7, (10, 20, 160, 255), 1, cv2.LINE_AA,
        )  # fmt: skip
    if alpha:
        canvas[40:80, :, 3] = np.linspace(0, 255, 300).astype(np.uint8)
    return canvas


def corpus() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(7)
    found = [(text(0, alpha), text(shift, alpha)) for shift in (0, 0.3, 0.5, 1) for alpha in (0, 1)]
    for size in ((1, 40), (40, 1), (1, 1), (2, 2), (64, 64)):
        for spread in (2, 12, 255):
            one = random.integers(0, 256, (*size, 4), dtype=np.uint8)
            by = random.integers(-spread, spread + 1, (*size, 4))
            found.append((one, np.clip(one + by, 0, 255).astype(np.uint8)))
    for levels in (2, 3, 5):
        pair = random.integers(0, levels, (2, 90, 90, 1)) * (255 // levels)
        flat = np.repeat(pair, 4, axis=3).astype(np.uint8)
        found.append((flat[0], flat[1]))
        flat[..., 3] = 255
        found.append((flat[0], cv2.GaussianBlur(flat[0], (3, 3), 0)))
    smooth = np.full((80, 200, 3), 255, np.uint8)
    cv2.line(smooth, (3, 5), (190, 70), (200, 30, 10), 2, cv2.LINE_AA)
    found.append((smooth, np.roll(smooth, 1, axis=1)))
    return found


@pytest.mark.skipif(not shutil.which("node") or not MODULES.exists(), reason="needs npm ci")
def test_counts_equal_pixelmatch_bit_for_bit(tmp_path: Path) -> None:
    jobs, ours = [], []
    for number, pair in enumerate(corpus()):
        paths = [tmp_path / f"{number}-{side}.png" for side in (0, 1)]
        for path, picture in zip(paths, pair, strict=True):
            path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        one, other = (decode(path.read_bytes()) for path in paths)
        for threshold in (0.05, 0.1, 0.3):
            jobs.append({"before": str(paths[0]), "after": str(paths[1]), "threshold": threshold})
            ours.append(len(changed(one, other, threshold)))
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    script = Path(__file__).with_name("pixelmatch.mjs")
    done = subprocess.run(
        ["node", script, str(ROOT / "package.json"), str(tmp_path / "jobs.json")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ours
    assert sum(ours) > 1000
