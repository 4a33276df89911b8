"""Discovery on the labelled schemas of the benchmark, and what its proposals do to ids."""

from __future__ import annotations

import pytest

from benchmarks.pii_columns import measure
from greenroom.data.identities import Identities
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.text import TextMasker

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("column", ["number", "phone_number", "receipt_number", "call"])
def test_a_number_of_an_order_is_no_phone_whatever_its_column_is_called(column: str) -> None:
    masker = TextMasker(Pseudonyms(b"k" * 32), Identities())
    for number in range(100_000, 100_400, 7):
        order = f"ORD-2024-{number}"
        assert masker.mask(order, column) == (order, [])


def test_discovery_of_the_labelled_schemas() -> None:
    """In-sample: see benchmarks/pii_columns.py for the figures of before."""
    found = measure()
    assert found["columns"] >= 1000
    assert found["recall"] >= 0.99
    assert found["missed"] == 0
    assert found["precision"] >= 0.95
    assert found["ids"] >= 300
    assert found["harmed"] <= 0.005
    assert found["ids_read"] <= 0.02
    assert found["names_only_missed"] <= 0.01
    assert found["names_only_precision"] >= 0.95
