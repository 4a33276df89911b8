"""An environment's database from the project's anonymized one, and the gap when two change places.

Rival: ``createdb --template`` as Postgres does it by default, on the same server.
"""

from __future__ import annotations

import fcntl
import itertools
import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.line import Line
from benchmarks.postgres import serving
from greenroom.data.clones import Template, clone, ensure_objects_owner, protect
from greenroom.data.load import give_to, on_database
from greenroom.data.swap import drop, swap, swap_back

MEGABYTES, CLIENTS = 1500, 12
GOAL_SECONDS, GOAL_GAP = 2.0, 0.3
FICLONE = 0x40049409
TEMPLATE, OWNER = "shop_template", "shop_owner"
FILL = """
create table users (id bigint primary key, email text not null, full_name text, note text);
insert into users select g, 'a' || g || '@example.com', md5(g::text), repeat(md5(g::text), 8)
  from generate_series(1, {rows}) g;
create index on users (email);
"""


def run(megabytes: int = MEGABYTES) -> Line:
    """Fill a template, clone it, and let two databases change places under clients."""
    with serving() as served, psycopg.connect(served.url, autocommit=True) as server:
        url = served.url
        ensure_objects_owner(server, OWNER)
        server.execute(f"create database {TEMPLATE}".encode())
        with psycopg.connect(on_database(url, TEMPLATE), autocommit=True) as inside:
            inside.execute(FILL.format(rows=megabytes * 2500).encode())
            give_to(inside, OWNER)
        size = _value(server, f"select pg_database_size('{TEMPLATE}')")
        protect(server, Template(TEMPLATE, OWNER))
        begun = time.monotonic()
        _, how = clone(url, Template(TEMPLATE, OWNER), "mine", "mine")
        seconds = time.monotonic() - begun
        begun = time.monotonic()
        server.execute(f"create database theirs template {TEMPLATE}".encode())
        plain = time.monotonic() - begun
        gaps = _gaps(url, server)
        version = server.info.server_version // 10000
    shares = can_reflink(Path(tempfile.gettempdir()))
    met = seconds <= (GOAL_SECONDS if shares else plain) and max(gaps.values()) <= GOAL_GAP
    return Line(
        "clone", seconds, f"s for {size / 1e6:,.0f} MB", "create database … template", plain,
        f"<= {GOAL_SECONDS:g} s where the file system makes reflinks, else <= the rival;"
        f" gap <= {GOAL_GAP:g} s", met,
        {"how": how, "reflinks": shares, "postgres": version,
         **{f"gap_{name}_s": round(gap, 3) for name, gap in gaps.items()}},
    )  # fmt: skip


def can_reflink(folder: Path) -> bool:
    """Whether the file system shares the blocks of two files. Source: ioctl_ficlone(2)."""
    with tempfile.TemporaryFile(dir=folder) as source, tempfile.TemporaryFile(dir=folder) as made:
        source.write(b"x" * 4096)
        source.flush()
        try:
            fcntl.ioctl(made.fileno(), FICLONE, source.fileno())
        except OSError:
            return False
        return True


def _value(server: psycopg.Connection[Any], query: str) -> int:
    row = server.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _gaps(url: str, server: psycopg.Connection[Any]) -> dict[str, float]:
    """Swap and swap back while clients query; give the longest time without an answer of each."""
    for name, number in (("app", 1), ("app_next", 2)):
        server.execute(f"create database {name}".encode())
        with psycopg.connect(on_database(url, name), autocommit=True) as inside:
            inside.execute(
                f"create table v as select {number} n from generate_series(1, 100)".encode()
            )
    answered: list[float] = []
    ended = threading.Event()

    def client() -> None:
        connection = None
        while not ended.is_set():
            try:
                if connection is None:
                    address = on_database(url, "app")
                    connection = psycopg.connect(address, autocommit=True, connect_timeout=5)
                connection.execute("select count(*) from v").fetchone()
                answered.append(time.monotonic())
            except psycopg.Error:
                connection = None
                time.sleep(0.005)
            time.sleep(random.random() * 0.01)
        if connection is not None:
            connection.close()

    threads = [threading.Thread(target=client, daemon=True) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    gaps = {}
    for name, act in (
        ("forward", lambda: swap(server, "app", "app_next", "app_prev")),
        ("back", lambda: swap_back(server, "app", "app_prev", "app_bad")),
    ):
        begun = time.monotonic()
        act()
        time.sleep(1.5)
        moments = sorted(m for m in answered if m > begun - 0.5)
        gaps[name] = max(b - a for a, b in itertools.pairwise(moments))
    ended.set()
    for thread in threads:
        thread.join(10)
    for name in ("app", "app_next", "app_prev", "app_bad"):
        drop(server, name)
    return gaps
