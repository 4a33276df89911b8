"""Gather changed pixels into boxes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Marks = NDArray[np.uint8]
"""A number for each pixel that differs, 0 elsewhere."""
CELL = 8


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of a picture."""

    left: int
    top: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Count its pixels."""
        return self.width * self.height

    def shifted(self, down: int) -> Box:
        """Give the same rectangle further down."""
        return Box(self.left, self.top + down, self.width, self.height)

    def grown(self, by: int, width: int, height: int) -> Box:
        """Give it with a margin, inside a picture of that size."""
        left, top = max(0, self.left - by), max(0, self.top - by)
        right = min(width, self.left + self.width + by)
        bottom = min(height, self.top + self.height + by)
        return Box(left, top, max(0, right - left), max(0, bottom - top))

    def shared(self, other: Box) -> int:
        """Count the pixels that lie in both."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(0, across) * max(0, down)

    def cut(self, other: Box) -> Box:
        """Give the part that lies in another."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = min(self.left + self.width, other.left + other.width)
        bottom = min(self.top + self.height, other.top + other.height)
        return Box(left, top, max(0, right - left), max(0, bottom - top))

    def of(self, picture: NDArray[np.generic]) -> NDArray[np.generic]:
        """Give this part of a picture or mask."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]


def boxes_of(marks: Marks, kind: int) -> list[tuple[Box, int]]:
    """Give boxes around the marks of one kind; rows above and below all marks are not looked at."""
    rows = np.flatnonzero(marks.view(np.bool_).any(axis=1))
    if not len(rows):
        return []
    top = int(rows[0]) // CELL * CELL  # the same cells, wherever the marks begin
    found = boxes(marks[top : int(rows[-1]) + 1] == kind)
    return [(box.shifted(top), count) for box, count in found]


def boxes(mask: Mask) -> list[tuple[Box, int]]:
    """Give boxes around pixels that lie within two cells of each other, with their pixel counts."""
    ys, xs = np.nonzero(mask)
    if not len(ys):
        return []
    rows, columns = ys // CELL, xs // CELL
    top, left = int(rows.min()), int(columns.min())
    cells = np.zeros((int(rows.max()) - top + 3, int(columns.max()) - left + 3), np.uint8)
    cells[rows - top + 1, columns - left + 1] = 1
    _, labels = cv2.connectedComponents(cv2.dilate(cells, np.ones((3, 3), np.uint8)))
    label = labels[rows - top + 1, columns - left + 1]
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.diff(label[order], prepend=-1))
    ys, xs = ys[order], xs[order]
    tops, bottoms = np.minimum.reduceat(ys, starts), np.maximum.reduceat(ys, starts)
    lefts, rights = np.minimum.reduceat(xs, starts), np.maximum.reduceat(xs, starts)
    counts = np.diff([*starts, len(ys)])
    found = [
        (Box(int(x), int(y), int(x_end - x + 1), int(y_end - y + 1)), int(count))
        for x, y, x_end, y_end, count in zip(lefts, tops, rights, bottoms, counts, strict=True)
    ]
    return sorted(found, key=lambda one: (one[0].top, one[0].left))
