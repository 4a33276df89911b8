"""Names of kept pictures, and the viewer's own files: loads nothing that works on pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER = "pictures"
"""In the folder of all comparisons."""
_NAME_LENGTH = 64
_HERE = Path(__file__).parent


def viewer_script() -> str:
    """Give the viewer's script, for a page or a component to start."""
    return (_HERE / "viewer.js").read_text(encoding="utf-8")


def viewer_style() -> str:
    """Give the viewer's style."""
    return (_HERE / "viewer.css").read_text(encoding="utf-8")


def place_of(root: Path, name: str) -> Path:
    """Give where a file lies: ``<sha256>.png``, ``.jpg`` or ``.json.gz``. Pure."""
    return root / FOLDER / name[:2] / name


def is_kept(root: Path, kept: object) -> bool:
    """Whether the files of a kept picture are there still."""
    return isinstance(kept, dict) and all(
        place_of(root, kept[kind]).exists() for kind in ("picture", "elements")
    )


def names_in(pages: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Give the names of all files that a comparison's pages speak of."""
    for page in pages:
        for side in (page.get("before"), page.get("after")):
            if isinstance(side, dict):
                yield from (side[kind] for kind in ("picture", "thumb", "elements"))


def forget_others(root: Path, kept: set[str], older_than: float) -> int:
    """Delete files that no comparison speaks of and that were there before ``older_than``.

    A file that was just written belongs to a comparison that has not told of it yet.
    """
    count = 0
    for file in (root / FOLDER).glob("??/*"):
        with suppress(FileNotFoundError):  # another comparison's end deletes, too
            if file.name not in kept and file.stat().st_mtime < older_than:
                file.unlink()
                count += 1
    return count


def is_name(text: str) -> bool:
    """Whether a text is the name of a kept picture or thumbnail. Pure."""
    stem, _, kind = text.partition(".")
    return (
        kind in ("png", "jpg")
        and len(stem) == _NAME_LENGTH
        and set(stem) <= set("0123456789abcdef")
    )
