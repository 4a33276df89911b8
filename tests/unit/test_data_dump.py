"""What of production's shape comes along."""

from __future__ import annotations

import pytest

from greenroom.data.dump import filter_entries, read_problems

pytestmark = pytest.mark.unit
LISTED = """;
; Archive created at 2026-11-24
201; 1259 1001 TABLE public spread owner
202; 1259 1002 FOREIGN TABLE public spread_afar owner
203; 1259 1003 TABLE public spread_here owner
204; 1259 1004 VIEW public on_afar owner
205; 1247 1004 TYPE public other owner
301; 0 0 TABLE ATTACH public spread_afar owner
302; 0 0 TABLE ATTACH public spread_here owner""".splitlines()


def test_what_needs_a_foreign_table_stays_away_with_it() -> None:
    kept = filter_entries(LISTED, frozenset({(1259, 1002), (1259, 1004)}))
    assert [line.split(";")[0] for line in kept] == ["", "", "201", "203", "205", "302"]


def test_views_stay_when_nothing_is_foreign() -> None:
    assert LISTED[5] in filter_entries(LISTED)


def test_an_error_is_read_whole_and_without_its_values() -> None:
    printed = (
        "pg_restore: while PROCESSING TOC:\n"
        'pg_restore: error: could not execute query: ERROR:  constraint "two\nlines" already'
        " exists\nCommand was: ALTER TABLE x\nADD y;\n\n"
        "pg_restore: from TOC entry 7; 1259 1 INDEX i owner\n"
        'pg_restore: error: could not execute query: ERROR:  could not create unique index "i"\n'
        "DETAIL:  Key (email)=(jane@mail.example) is duplicated.\n"
        "pg_restore: warning: errors ignored on restore: 2\n"
    )
    assert read_problems(printed) == [
        'could not execute query: ERROR: constraint "two lines" already exists',
        'could not execute query: ERROR: could not create unique index "i"',
    ]
    assert read_problems("pg_dump: warning: nothing\n") == []
