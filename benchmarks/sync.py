"""A masked copy of a shop, in CPU-seconds of server and client.

Rivals, on the same server in the same run: our own pipe without any masking; ``pg_dump -Fc -Z0``
into ``pg_restore`` of the data alone; ``pg_dump -Fd -j2 -Z0`` and ``pg_restore -j2`` of everything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import data_shop
from benchmarks.cpu import Meter
from benchmarks.line import Line
from benchmarks.postgres import Served, serving
from greenroom.data import sync as stages
from greenroom.data.introspect import read_schema
from greenroom.data.load import on_database
from greenroom.data.place import Place, discard_next
from greenroom.data.policy import dump_policy
from greenroom.data.prepare import prepare
from greenroom.data.source import hold_snapshot
from greenroom.data.sync import Job
from greenroom.settings import process_environment

SCALE = 0.1
GOAL_UNMASKED, GOAL_DUMP, GOAL_TEXT, GOAL_WHOLE = 1.1, 1.0, 1.35, 1.0
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


def columns_of(shop: str) -> dict[str, list[str]]:
    with psycopg.connect(shop, autocommit=True) as connection:
        tables = read_schema(connection).tables
        return {table.name: [column.name for column in table.columns] for table in tables}


def warm(made: Served, shop: str) -> None:
    """Copy once, uncounted: the first masked copy of an installation compiles its kernels."""
    _ours(made, columns_of(shop), masked=True, documents=True, texts=False)


def _ours(made: Served, columns: dict[str, list[str]], **choice: bool) -> dict[str, float]:
    """Copy by our own engine; give CPU-seconds by phase."""
    text = dump_policy(data_shop.policy(columns, **choice))
    place, seconds = Place(made.url, "staging"), dict[str, float]()
    shop = on_database(made.url, "shop")
    with hold_snapshot(shop) as snapshot:
        with Meter(made.pid) as meter:
            known = prepare(snapshot.connection, text, KEY, settings=made.settings)
        seconds["prepare"] = meter.total
        job = Job(made.settings, shop, snapshot.id, place, known.plan)
        with Meter(made.pid) as meter:
            stages.make_tables(job)
        seconds["tables"] = meter.total
        with Meter(made.pid) as meter:
            for part in stages.plan_parts(job, snapshot.connection.info.server_version):
                stages.copy_part(job, part)
        seconds["data"], seconds["data_wall"] = meter.total, meter.wall
        seconds["data_client"] = meter.client
        with Meter(made.pid) as meter:
            stages.finish_tables(job)
        seconds["indexes"] = meter.total
    discard_next(place)
    return seconds


def _run(made: Served, *command: str) -> None:
    known = psycopg.conninfo.conninfo_to_dict(on_database(made.url, "shop"))
    environment = process_environment(
        PGHOST=known["host"], PGPORT=known["port"], PGUSER=known["user"],
        PGPASSWORD=known["password"],
    )  # fmt: skip
    subprocess.run(
        [str(made.programs / command[0]), *command[1:]], check=True, env=environment,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _dumped(made: Served) -> dict[str, float]:
    """Copy by pg_dump and pg_restore; give CPU-seconds of the data alone and of everything."""
    seconds = {}
    with psycopg.connect(made.url, autocommit=True) as connection:
        connection.execute("create database dumped")
        shape, data = str(made.folder / "shape.dump"), str(made.folder / "data.dump")
        _run(made, "pg_dump", "-Fc", "-s", "-f", shape, "shop")
        _run(made, "pg_restore", "--section=pre-data", "-d", "dumped", shape)
        with Meter(made.pid) as meter:
            _run(made, "pg_dump", "-Fc", "-Z0", "-a", "-f", data, "shop")
            _run(made, "pg_restore", "-a", "-d", "dumped", data)
        seconds["data"] = meter.total
        Path(data).unlink()
        connection.execute("drop database dumped")
        connection.execute("create database dumped")
        folder = str(made.folder / "whole")
        with Meter(made.pid) as meter:
            _run(made, "pg_dump", "-Fd", "-j2", "-Z0", "-f", folder, "shop")
            _run(made, "pg_restore", "-j2", "-d", "dumped", folder)
        seconds["whole"], seconds["whole_wall"] = meter.total, meter.wall
        shutil.rmtree(folder)
        connection.execute("drop database dumped")
    return seconds


def run(scale: float = SCALE) -> Line:
    """Copy the shop in each way; the value is our masked data phase."""
    with serving() as made:
        with psycopg.connect(made.url, autocommit=True) as connection:
            connection.execute("create database shop")
        shop = on_database(made.url, "shop")
        data_shop.fill(shop, scale)
        columns = columns_of(shop)
        warm(made, shop)
        plain = _ours(made, columns, masked=False, documents=False, texts=False)
        names = _ours(made, columns, masked=True, documents=False, texts=False)
        masked = _ours(made, columns, masked=True, documents=True, texts=False)
        texts = _ours(made, columns, masked=True, documents=True, texts=True)
        dumped = _dumped(made)
    ratios = {
        "columns_to_unmasked": names["data"] / plain["data"],
        "masked_to_unmasked": masked["data"] / plain["data"],
        "masked_to_pg_dump": masked["data"] / dumped["data"],
        "with_texts_to_unmasked": texts["data"] / plain["data"],
        "whole_to_pg_dump_j2": _whole(masked) / dumped["whole"],
    }
    goals = (GOAL_UNMASKED, GOAL_UNMASKED, GOAL_DUMP, GOAL_TEXT, GOAL_WHOLE)
    met = all(ratio <= goal for ratio, goal in zip(ratios.values(), goals, strict=True))
    return Line(
        "sync", masked["data"], "CPU-s, server and client, of the masked data phase",
        "our own pipe without masking", plain["data"],
        f"<= {GOAL_UNMASKED:g} of the unmasked, <= {GOAL_DUMP:g} of pg_dump, <= {GOAL_TEXT:g} with"
        f" texts, the whole <= {GOAL_WHOLE:g} of pg_dump -Fd -j2", met,
        {"scale": scale, "cores": os.cpu_count(), "ratios": _rounded(ratios),
         "unmasked": _rounded(plain), "columns": _rounded(names), "masked": _rounded(masked),
         "with_texts": _rounded(texts), "pg_dump": _rounded(dumped)},
    )  # fmt: skip


def _whole(seconds: dict[str, float]) -> float:
    return sum(seconds[phase] for phase in ("prepare", "tables", "data", "indexes"))


def _rounded(values: dict[str, float]) -> dict[str, Any]:
    return {name: round(value, 2) for name, value in values.items()}
