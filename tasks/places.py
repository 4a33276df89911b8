"""Places of files that projects have left: whether they may go, and clearing them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

from greenroom.assets.base import Credentials, Target
from greenroom.assets.folder import FolderTarget
from greenroom.assets.marks import clear_place, look_at_place, read_mark
from greenroom.assets.places import Folder, Place, overlap, read_place
from greenroom.assets.s3 import BucketTarget
from greenroom.assets.uploads import Ledger
from greenroom.cleaning import Kind, Thing
from greenroom.errors import GreenroomError
from greenroom.store import assets
from greenroom.store.models import LeftPlace, now
from greenroom.store.work import Work, unit_of_work

CLOCKS_DIFFER_SECONDS = 300.0


def list_free_places(work: Work) -> frozenset[str]:
    """Give the ids of places that were left and hold nothing that a project names now."""
    settings = assets.list_settings(work)
    named = [read_place(text) for one in settings for text in (one.source, one.target)]
    return frozenset(
        str(left.id) for left in assets.list_left_places(work)
        if not any(overlap(read_place(left.target), other) for other in named)
    )  # fmt: skip


def find_left_places() -> Iterator[Thing]:
    """Find the places that were left and carry our mark; one that does not answer is left out."""
    with unit_of_work() as work:
        rows = [(row, _opening(row)) for row in assets.list_left_places(work)]
        free = list_free_places(work)
    for row, place in rows:
        if str(row.id) not in free or (isinstance(place, Folder) and not place.path.is_dir()):
            continue
        try:
            with _opened(place) as target:
                if read_mark(target) != str(row.project_id):
                    continue
                size, newest = look_at_place(target)
        except GreenroomError:
            continue  # its credentials may have been taken away
        if newest > row.left_at.timestamp() + CLOCKS_DIFFER_SECONDS:
            continue  # somebody else writes there
        age = (now() - row.left_at).total_seconds()
        yield Thing(Kind.PLACE, str(place), str(row.id), size, age)


def clear_left_place(key: str) -> None:
    """Delete what lies in a place that was left. Idempotent.

    Errors: AssetsRefused for what does not carry our mark, AssetsUnavailable.
    """
    with unit_of_work() as work:
        row = work.get_one(LeftPlace, UUID(key))
        place, project = _opening(row), str(row.project_id)

    def check() -> None:
        """Nothing stops it: what it deletes nobody names."""

    with _opened(place) as target:
        clear_place(target, project, check)
    with unit_of_work() as work:
        work.get_one(LeftPlace, UUID(key)).cleared_at = now()


def _opening(row: LeftPlace) -> Place:
    return read_place(row.target, Credentials.from_json(assets.left_credentials(row)))


@contextmanager
def _opened(place: Place) -> Iterator[Target]:
    if isinstance(place, Folder):
        yield FolderTarget(place)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Ledger(Path(folder) / "ledger.sqlite")) as ledger,
        closing(BucketTarget(place, ledger)) as target,
    ):
        yield target
