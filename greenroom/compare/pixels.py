"""Count changed pixels exactly as pixelmatch 7 does, visiting only the pixels that differ.

Sources: github.com/mapbox/pixelmatch, index.js of 7.2; the antialiasing rule is Vysniauskas 2009,
the colour distance Kotsarenko and Ramos 2010. Floating-point operations are kept in their order.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from greenroom.errors import InvalidInput, LimitReached

Picture = NDArray[np.uint8]
"""Height x width x 4: blue, green, red, alpha."""
Words = NDArray[np.uint32]
"""Height x width: a pixel as one number."""
Indices = NDArray[np.intp]

THRESHOLD = 0.1
MAX_PIXELS = 160_000_000
_MAX_DELTA = 35215
_STRIP = 1 << 22
_CHUNK = 1 << 16
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_AROUND = tuple((dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)


def size_of(png: bytes) -> tuple[int, int]:
    """Read width and height from the header, before anything is allocated."""
    if not png.startswith(_SIGNATURE) or png[12:16] != b"IHDR" or len(png) < 33:
        raise InvalidInput(
            "this picture is not a PNG", hint="take it again; only PNG files are compared"
        )
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    if width * height > MAX_PIXELS:
        raise LimitReached(
            f"a picture of {width} x {height} pixels is larger than {MAX_PIXELS:,} pixels",
            hint="compare a part of the page, or limit its height",
        )
    return width, height


def decode(png: bytes) -> Picture:
    """Give the pixels of a PNG."""
    return with_alpha(stored(png))


def stored(png: bytes) -> NDArray[np.uint8]:
    """Give the pixels of a PNG with the channels that it has."""
    width, height = size_of(png)
    try:
        found = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        found = None
    if found is None or found.shape[:2] != (height, width):
        raise InvalidInput(
            "this PNG cannot be read", hint="it is cut off or damaged: take it again"
        )
    if found.dtype != np.uint8:
        found = (found // 256).astype(np.uint8)
    return np.asarray(found, np.uint8)


def are_equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two pictures are the same; the first rows that differ end it."""
    step = max(1, _STRIP // max(1, one[:1].size))
    return one.shape == other.shape and all(
        np.array_equal(one[top : top + step], other[top : top + step])
        for top in range(0, len(one), step)
    )


def with_alpha(found: NDArray[np.uint8]) -> Picture:
    """Give pixels as blue, green, red and alpha."""
    if found.ndim == 2:
        return np.asarray(cv2.cvtColor(found, cv2.COLOR_GRAY2BGRA), np.uint8)
    if found.shape[2] == 3:
        return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2BGRA), np.uint8)
    return np.ascontiguousarray(found)


def words(picture: Picture) -> Words:
    """See each pixel as one number."""
    return picture.view(np.uint32)[..., 0]


def differing(before: Words, after: Words) -> Indices:
    """Give the flat places of pixels that are not the same, strip by strip."""
    height, width = before.shape
    step = max(1, _STRIP // max(1, width))
    found = [
        np.flatnonzero(before[top : top + step] != after[top : top + step]) + top * width
        for top in range(0, height, step)
    ]
    return np.concatenate(found) if found else np.empty(0, np.intp)


def changed(before: Picture, after: Picture, threshold: float = THRESHOLD) -> Indices:
    """Give the flat places that pixelmatch counts, in two pictures of one size."""
    one, other = words(before), words(after)
    candidates = differing(one, other)
    limit = _MAX_DELTA * threshold * threshold
    kept = [
        _counted(before, after, one, other, candidates[start : start + _CHUNK], limit)
        for start in range(0, len(candidates), _CHUNK)
    ]
    return np.concatenate(kept) if kept else candidates


def _counted(
    before: Picture, after: Picture, one: Words, other: Words, places: Indices, limit: float
) -> Indices:
    width = one.shape[1]
    ys, xs = np.divmod(places, width)
    here, there = before[ys, xs], after[ys, xs]
    places = places[np.abs(_distance(here, there, places)) > limit]
    for picture, mine, yours in ((before, one, other), (after, other, one)):
        if len(places):
            places = places[~_antialiased(picture, mine, yours, places)]
    return places


def _channels(
    one: NDArray[np.uint8], other: NDArray[np.uint8], places: Indices
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Give red, green and blue differences, translucent pixels blended over a checkerboard."""
    first, second = one.astype(np.float64), other.astype(np.float64)
    by = first - second
    blended = (one[:, 3] < 255) | (other[:, 3] < 255)
    if blended.any():
        offset = places[blended] * 4
        first, second, alpha = first[blended], second[blended], by[blended, 3]
        grounds = (
            48 + 159 * ((offset / 2.618033988749895).astype(np.int64) % 2),
            48 + 159 * ((offset / 1.618033988749895).astype(np.int64) % 2),
            48 + 159 * (offset % 2),
        )
        for channel, ground in enumerate(grounds):
            by[blended, channel] = (
                first[:, channel] * first[:, 3] - second[:, channel] * second[:, 3] - ground * alpha
            ) / 255
    return by[:, 2], by[:, 1], by[:, 0]


def _distance(
    one: NDArray[np.uint8], other: NDArray[np.uint8], places: Indices
) -> NDArray[np.float64]:
    red, green, blue = _channels(one, other, places)
    y = red * 0.29889531 + green * 0.58662247 + blue * 0.11448223
    i = red * 0.59597799 - green * 0.27417610 - blue * 0.32180189
    q = red * 0.21147017 - green * 0.52261711 + blue * 0.31114694
    return np.asarray(0.5053 * y * y + 0.299 * i * i + 0.1957 * q * q)


def _antialiased(picture: Picture, mine: Words, yours: Words, places: Indices) -> NDArray[np.bool_]:
    height, width = mine.shape
    ys, xs = np.divmod(places, width)
    centre = picture[ys, xs]
    equal = _at_edge(xs, ys, width, height).astype(np.int64)
    darkest, brightest = np.zeros(len(places)), np.zeros(len(places))
    dark, bright = places.copy(), places.copy()
    for dx, dy in _AROUND:
        x, y = xs + dx, ys + dy
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        x, y = np.where(inside, x, xs), np.where(inside, y, ys)
        red, green, blue = _channels(centre, picture[y, x], places)
        delta = red * 0.29889531 + green * 0.58662247 + blue * 0.11448223
        equal += inside & (delta == 0)
        darker, brighter = inside & (delta < darkest), inside & (delta > brightest)
        darkest, brightest = np.where(darker, delta, darkest), np.where(brighter, delta, brightest)
        dark, bright = (
            np.where(darker, y * width + x, dark),
            np.where(brighter, y * width + x, bright),
        )
    found = (equal <= 2) & (darkest != 0) & (brightest != 0)
    rest = np.flatnonzero(found)
    found[rest] = (_settled(mine, dark[rest]) & _settled(yours, dark[rest])) | (
        _settled(mine, bright[rest]) & _settled(yours, bright[rest])
    )
    return np.asarray(found)


def _at_edge(xs: Indices, ys: Indices, width: int, height: int) -> NDArray[np.bool_]:
    return np.asarray((xs == 0) | (xs == width - 1) | (ys == 0) | (ys == height - 1))


def _settled(picture: Words, places: Indices) -> NDArray[np.bool_]:
    """Whether three or more neighbours have a pixel's colour; the edge counts as one."""
    height, width = picture.shape
    ys, xs = np.divmod(places, width)
    colour = picture[ys, xs]
    equal = _at_edge(xs, ys, width, height).astype(np.int64)
    for dx, dy in _AROUND:
        x, y = xs + dx, ys + dy
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        equal += inside & (colour == picture[np.where(inside, y, ys), np.where(inside, x, xs)])
    return np.asarray(equal > 2)
