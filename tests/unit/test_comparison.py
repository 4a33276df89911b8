from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greenroom.compare.difference import (
    Box,
    Change,
    ChangeKind,
    Element,
    RowKind,
    Shot,
    difference,
    noise,
)  # fmt: skip
from greenroom.compare.pixels import MAX_PIXELS, decode
from greenroom.compare.snapshot import elements
from greenroom.errors import InvalidInput, LimitReached

pytestmark = pytest.mark.unit
STEADY = settings(max_examples=25, deadline=None)


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def noisy(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def changes(before: np.ndarray, after: np.ndarray, *masks: Box) -> tuple[Change, ...]:
    return difference(Shot(png(before)), Shot(png(after)), masks).changes


@STEADY
@given(at=st.integers(0, 90), height=st.integers(1, 60))
def test_a_band_inserted_anywhere_is_one_change_and_nothing_else(at: int, height: int) -> None:
    before = noisy(90, 40)
    after = np.concatenate([before[:at], noisy(height, 40, 1), before[at:]])
    (change,) = changes(before, after)
    assert (change.kind, change.after) == (ChangeKind.INSERTED, Box(0, at, 40, height))
    (back,) = changes(after, before)
    assert (back.kind, back.before) == (ChangeKind.REMOVED, Box(0, at, 40, height))


@STEADY
@given(left=st.integers(0, 60), top=st.integers(0, 60), size=st.integers(4, 30))
def test_symmetric_and_masks_are_respected(left: int, top: int, size: int) -> None:
    before = noisy(100, 100)
    after = before.copy()
    after[top : top + size, left : left + size] ^= 0x80
    one, other = changes(before, after), changes(after, before)
    assert [c.after for c in one] == [c.before for c in other]
    assert sum(c.pixels for c in one) == sum(c.pixels for c in other) > 0
    assert changes(before, after, Box(left, top, size, size)) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (30, 20)])
def test_the_same_picture_shows_nothing_even_in_other_bytes(size: tuple[int, int]) -> None:
    picture = noisy(*size)
    other = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    told = difference(Shot(png(picture)), Shot(other))
    assert (told.pixels, told.changes) == (0, ())
    assert [row.kind for row in told.rows] == [RowKind.SAME]


def test_a_wider_picture_is_told_as_its_right_side() -> None:
    before = noisy(30, 40)
    (change,) = changes(before, np.concatenate([before, noisy(30, 10, 1)], axis=1))
    assert (change.kind, change.after) == (ChangeKind.INSERTED, Box(40, 0, 10, 30))


def test_a_banner_beside_a_sidebar_is_told_alone() -> None:
    """The main column is pushed down, the sidebar stays where it is."""
    before = np.full((300, 200, 3), 255, np.uint8)
    before[10:280, 10:60], before[10:220, 90:190] = noisy(270, 50), noisy(210, 100, 1)
    after = before.copy()
    after[50:260, 90:190], after[10:50, 90:190] = before[10:220, 90:190], noisy(40, 100, 2)
    (change,) = changes(before, after)
    assert (change.kind, change.after) == (ChangeKind.INSERTED, Box(90, 10, 100, 40))


def test_a_card_taken_from_a_grid_is_told_as_removed_and_moved() -> None:
    def draw(names: str) -> Shot:
        canvas, cards = np.full((260, 320, 3), 255, np.uint8), []
        for at, name in enumerate(names):
            top, left = 10 + at // 3 * 120, 10 + at % 3 * 100
            canvas[top : top + 100, left : left + 90] = noisy(100, 90, ord(name))
            cards.append(Element(f"#{name}", name, left, top, 90, 100, key=name))
        return Shot(png(canvas), tuple(cards))

    told = difference(draw("abcdef"), draw("abdef")).changes
    assert {(c.kind, c.selector) for c in told} == {
        (ChangeKind.REMOVED, "#c"), *((ChangeKind.MOVED, f"#{name}") for name in "def"),
    }  # fmt: skip


def test_a_change_is_named_by_its_element_and_keeps_its_signature_when_pushed_down() -> None:
    def shot(colour: int, text: str, down: int) -> Shot:
        canvas = np.concatenate([noisy(down, 80, 5), noisy(100, 80)])
        canvas[down + 40 : down + 60, 10:50] = colour
        button = Element("#buy", text, 10, down + 40, 40, 20, {"color": str(colour)}, "buy")
        return Shot(png(canvas), (Element("body", "", 0, 0, 80, 100 + down), button))

    (change,) = difference(shot(10, "Buy", 0), shot(200, "Order", 0)).changes
    assert (change.selector, change.text_before, change.text_after) == ("#buy", "Buy", "Order")
    assert change.styles == {"color": ("10", "200")}
    assert "Buy" in change.what
    pushed = difference(shot(10, "Buy", 0), shot(200, "Order", 30)).changes
    assert change.signature in {one.signature for one in pushed}


def test_a_move_is_signed_by_how_far_it_went_by_itself() -> None:
    def shot(left: int, down: int) -> Shot:
        canvas = np.full((200 + down, 320, 3), 255, np.uint8)
        canvas[:down] = noisy(down, 320, 5) if down else 0
        canvas[down + 150 : down + 160] = noisy(10, 320, 6)
        canvas[down + 60 : down + 100, left : left + 40] = noisy(40, 40)
        button = Element("#buy", "Buy", left, down + 60, 40, 40, key="buy")
        return Shot(png(canvas), (button,))

    def signed(left: int, down: int = 0) -> str:
        told = difference(shot(20, 0), shot(left, down)).changes
        (moved,) = [change for change in told if change.kind is ChangeKind.MOVED]
        return moved.signature

    assert signed(24) != signed(200)
    assert signed(24) == signed(24, down=30)  # pushed down by what was inserted above


def test_a_sibling_above_gives_no_other_signature() -> None:
    def shot(colour: int, number: int) -> Shot:
        canvas = noisy(100, 80)
        canvas[40:60, 10:50] = colour
        part = Element(f"section:nth-of-type({number}) > b", "9.90", 10, 40, 40, 20)
        return Shot(png(canvas), (part,))

    (one,), (other,) = (
        difference(shot(10, number), shot(200, number)).changes for number in (3, 4)
    )
    assert one.signature == other.signature


def test_noise_is_boxed_with_a_margin() -> None:
    still = noisy(60, 60)
    moving = still.copy()
    moving[20:30, 20:30] ^= 0x80
    assert noise([Shot(png(still))]) == ()
    assert noise([Shot(png(still)), Shot(png(moving)), Shot(png(still))]) == (Box(14, 14, 22, 22),)


@pytest.mark.parametrize("bad", [b"", b"GIF89a", png(noisy(40, 40))[:900]])
def test_a_picture_that_cannot_be_read_is_our_error_with_a_hint(bad: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(bad)
    assert caught.value.hint


def test_a_picture_too_large_is_refused_before_it_is_decoded() -> None:
    head = bytearray(png(noisy(4, 4)))
    head[16:24] = (100_000).to_bytes(4, "big") * 2
    assert MAX_PIXELS < 10**10
    with pytest.raises(LimitReached):
        decode(bytes(head))


def test_a_letter_that_a_script_cut_in_two_does_not_end_a_comparison() -> None:
    told = {
        "strings": ["P", "#text", "so nice \ud83d", "8 px\0"],
        "documents": [
            {
                "nodes": {
                    "parentIndex": [-1, 0], "nodeType": [1, 3], "nodeName": [0, 1],
                    "nodeValue": [-1, 2], "attributes": [[], []],
                },
                "layout": {"nodeIndex": [0], "styles": [[3]], "bounds": [[0, 0, 60, 40]]},
            }
        ],
    }  # fmt: skip
    (seen,) = elements(told)
    assert (seen.text, seen.styles["color"]) == ("so nice ?", "8 px")
    before, after = (np.full((40, 60, 3), tone, np.uint8) for tone in (200, 90))
    found = difference(Shot(png(before), (seen,)), Shot(png(after), (seen,)))
    assert [one.text_after for one in found.changes] == ["so nice ?"]
