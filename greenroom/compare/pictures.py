"""Pictures on disk: each once, named by its content; with the elements that were on the page."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from greenroom.compare.difference import Shot
from greenroom.compare.kept import place_of
from greenroom.compare.naming import Element
from greenroom.compare.pixels import size_of

THUMB_PX = 320


def keep_shot(root: Path, shot: Shot) -> dict[str, Any]:
    """Keep a picture, its thumbnail and its elements; give their names and the size. Idempotent."""
    width, height = size_of(shot.png)
    told = json.dumps([asdict(one) for one in shot.elements], default=float).encode()
    digest = hashlib.sha256(shot.png).hexdigest()
    packed = gzip.compress(told, 6, mtime=0)
    names = {
        "picture": f"{digest}.png", "thumb": f"{digest}.jpg",
        "elements": f"{hashlib.sha256(told).hexdigest()}.json.gz",
    }  # fmt: skip
    _keep(place_of(root, names["picture"]), shot.png)
    _keep(place_of(root, names["elements"]), packed)
    thumb = place_of(root, names["thumb"])
    if not thumb.exists():
        _keep(thumb, _thumb(shot.png))
    return {**names, "width": width, "height": height, "scale": shot.scale}


def load_shot(root: Path, kept: dict[str, Any]) -> Shot | None:
    """Give a kept picture with its elements; None when its files are gone."""
    try:
        png = place_of(root, kept["picture"]).read_bytes()
        listed = json.loads(gzip.decompress(place_of(root, kept["elements"]).read_bytes()))
    except OSError:
        return None
    return Shot(png, tuple(Element(**one) for one in listed), float(kept.get("scale", 1.0)))


def _keep(place: Path, data: bytes) -> None:
    with suppress(FileNotFoundError):
        os.utime(place)  # a comparison that is being made speaks of it: it is not old
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    made = place.with_name(f".{place.name}.{secrets.token_hex(8)}.new")
    made.write_bytes(data)  # of several programs that keep the same at once, each writes its own
    made.replace(place)


def _thumb(png: bytes) -> bytes:
    """Give the top of a page, small."""
    reduced = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    if reduced is None:
        return b""
    top = reduced[: int(reduced.shape[1] * 0.8)]
    height = max(1, round(top.shape[0] * THUMB_PX / top.shape[1]))
    small = cv2.resize(top, (THUMB_PX, height), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 72])[1].tobytes())
