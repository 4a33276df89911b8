"""Masking three columns of 500,000 users: our whole copy against a rival's masking alone.

The rival is pynonymizer 2.5.0, installed by uv into a folder that goes at the end. It changes rows
in place: a full copy with the originals must be there first, which is not counted here. Its plain
``email`` breaks on a unique column; ``unique_email`` is its way for those.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg

from benchmarks import data_shop
from benchmarks.apart import install
from benchmarks.cpu import Meter
from benchmarks.line import Line
from benchmarks.postgres import Served, serving
from benchmarks.sync import KEY, columns_of, warm
from greenroom.data import sync as stages
from greenroom.data.load import on_database
from greenroom.data.place import Place, discard_next
from greenroom.data.policy import Decision, Policy, TablePolicy, dump_policy
from greenroom.data.prepare import prepare
from greenroom.data.source import hold_snapshot
from greenroom.data.sync import Job
from greenroom.settings import process_environment

RIVAL = "pynonymizer==2.5.0"
USERS, GOAL = 500_000, 10.0
MASKED = {"email": "email", "full_name": "full_name", "phone": "phone"}
STRATEGY = """tables:
  users:
    columns:
      email: unique_email
      full_name: name
      phone: phone_number
"""


def run(users: int = USERS) -> Line:
    """Mask by both; the value is how many times cheaper ours is."""
    with serving() as made:
        with psycopg.connect(made.url, autocommit=True) as connection:
            connection.execute("create database shop")
        shop = on_database(made.url, "shop")
        data_shop.fill(shop, users / 500_000, only_users=True)
        warm(made, shop)
        ours, wall = _ours(made, shop)
        with psycopg.connect(made.url, autocommit=True) as connection:
            connection.execute("create database theirs template shop")
        theirs, their_wall = _theirs(made)
    ratio = theirs / ours
    return Line(
        "sync_rivals", ours, f"CPU-s, server and client, to copy and mask {users:,} x 3",
        f"{RIVAL.replace('==', ' ')}, masking alone", theirs, f">= {GOAL:g} times cheaper",
        ratio >= GOAL,
        {"times_cheaper": round(ratio, 1), "wall_s": round(wall, 2),
         "rival_wall_s": round(their_wall, 2), "cores": os.cpu_count()},
    )  # fmt: skip


def _ours(made: Served, shop: str) -> tuple[float, float]:
    place = Place(made.url, "staging")
    with hold_snapshot(shop) as snapshot, Meter(made.pid) as meter:
        tables = {
            f"public.{table}": TablePolicy(
                columns={
                    name: Decision(MASKED.get(name, "keep") if table == "users" else "keep")
                    for name in names
                }
            )
            for table, names in columns_of(shop).items()
        }
        text = dump_policy(Policy(tables))
        known = prepare(snapshot.connection, text, KEY, settings=made.settings)
        job = Job(made.settings, shop, snapshot.id, place, known.plan)
        stages.make_tables(job)
        for part in stages.plan_parts(job, snapshot.connection.info.server_version):
            stages.copy_part(job, part)
    discard_next(place)
    return meter.total, meter.wall


def _theirs(made: Served) -> tuple[float, float]:
    folder: Path = made.folder / "rival"
    folder.mkdir()
    programs = install(RIVAL, folder)
    (folder / "strategy.yml").write_text(STRATEGY)
    known = psycopg.conninfo.conninfo_to_dict(made.url)
    path = f"{made.programs}{os.pathsep}{process_environment()['PATH']}"
    command = [
        programs / "pynonymizer", "-t", "postgres", "-d", known["host"],
        "-P", known["port"], "-n", "theirs", "-u", known["user"], "-p", known["password"],
        "-s", folder / "strategy.yml", "--only-step", "ANONYMIZE_DB",
    ]  # fmt: skip
    with Meter(made.pid) as meter:
        subprocess.run(
            [str(part) for part in command], check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=process_environment(PATH=path),
        )  # fmt: skip
    with psycopg.connect(on_database(made.url, "theirs")) as connection:
        row = connection.execute(
            "select count(*) from users where email like '%@mail.example'"
        ).fetchone()
    if row is None or row[0]:
        raise RuntimeError("the rival masked nothing: nothing is compared")
    return meter.total, meter.wall
