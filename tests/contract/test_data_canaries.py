"""A proof that cannot see proves nothing: what was planted for it is missed, and it fails."""

from __future__ import annotations

import pytest

from greenroom.data.place import Place
from greenroom.data.sync import run_sync
from greenroom.errors import SyncFailed
from greenroom.settings import Settings
from tests.contract.test_data_sync import decide, place, source, untouched

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
__all__ = ["place", "source"]


def test_a_proof_that_cannot_see_proves_nothing(
    source: str, place: Place, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing leaks here; the canaries in codes are missed, and that is enough to stop it."""
    monkeypatch.setattr("greenroom.data.verify.readings", lambda text, reach: iter(()))
    with pytest.raises(SyncFailed, match="does not see what was planted for it: JSON escapes, URL"):
        run_sync(Settings(home=str(tmp_path)), source, place, decide, print)
    assert untouched(place)
