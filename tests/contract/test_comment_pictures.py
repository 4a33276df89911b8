"""Pictures of comments are kept as long as a thread of a living environment shows them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from greenroom.store import comments, environments, projects
from greenroom.store.comments import Author, Pin
from greenroom.store.models import Environment, EnvironmentStatus
from greenroom.store.work import unit_of_work
from greenroom.tracking import picture_file
from tasks.remarks import forget_pictures

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def keep(digest: str, days_old: float = 2) -> Path:
    file = picture_file(digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"picture")
    at = time.time() - days_old * 86_400
    os.utime(file, (at, at))
    return file


def test_what_nobody_shows_is_deleted(store_url: str) -> None:
    taken, sent, left, fresh = (str(n) * 64 for n in range(4))
    with unit_of_work() as work:
        shop = projects.add_project(work, "shop", "/srv/git/shop", actor="ada")
        found = environments.ensure_environment(work, shop, "cart", actor="ada")
        pin = Pin("/", "Shop", {"tag": "h1"}, 390, 844, "Chrome")
        files = ({"digest": sent, "name": "photo.png"},)
        thread = comments.add_thread(work, found, pin, "x", Author("Anna"), files=files)
        comments.record_picture(work, thread, taken)
        key = found.id
    kept = [keep(taken), keep(sent), keep(fresh, 0)]
    gone = keep(left)
    assert forget_pictures.fn() == 1
    assert not gone.exists()
    assert all(file.exists() for file in kept)
    with unit_of_work() as work:
        work.get_one(Environment, key).status = EnvironmentStatus.DESTROYED
    assert forget_pictures.fn() == 2
    assert [file.exists() for file in kept] == [False, False, True]
