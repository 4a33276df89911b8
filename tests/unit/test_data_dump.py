"""What of production's shape comes along."""

from __future__ import annotations

import pytest

from greenroom.data.dump import filter_entries

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
