"""The addresses of a site, as a sync that is taken up again finds them."""

from __future__ import annotations

import psycopg
import pytest

from greenroom.data.place import Place
from greenroom.data.source import hold_snapshot
from greenroom.data.sync import copy_part, finish_tables, make_tables, plan_parts, run_hooks
from tests.contract.test_data_sync import job_of, place, source, value

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
__all__ = ["place", "source"]


def test_an_address_within_its_new_one_is_rewritten_once(
    source: str, place: Place, tmp_path: object
) -> None:
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute("create table pictures (url text)")
        connection.execute("insert into pictures values ('https://shop.test/a.png')")
    with hold_snapshot(source) as snapshot:
        job = job_of(snapshot, source, place, tmp_path)
        make_tables(job)
        for part in plan_parts(job, snapshot.connection.info.server_version):
            copy_part(job, part)
        finish_tables(job)
        addresses = [("https://shop.test/", "https://shop.test/staging/")]
        assert [run_hooks(job, addresses) for _ in range(2)] == [(1, 0), (0, 0)]
        assert value(job.next_url, "select url from pictures") == "https://shop.test/staging/a.png"
