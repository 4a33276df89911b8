"""Which pages are compared, and how a comparison reads."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from greenroom.compare import pool
from greenroom.compare.apart import ask_apart
from greenroom.compare.difference import Shot
from greenroom.compare.kept import forget_others, is_name, names_in
from greenroom.compare.pages import linked_paths
from greenroom.compare.pictures import keep_shot, load_shot
from greenroom.compare.report import _coded, markdown, render
from greenroom.compare.words import count_verdicts, describe_change, short_selector
from greenroom.compare_rules import joined_paths
from greenroom.compare_verdicts import chosen, decided, worst

pytestmark = pytest.mark.unit
HOSTILE = "<script>alert(1)</script>"


def change(**other: Any) -> dict[str, Any]:
    plain = {"kind": "changed", "what": "price", "selector": "b", "text_before": "1",
             "text_after": "2", "styles": {}, "before": None, "after": None, "pixels": 1,
             "signature": "x"}  # fmt: skip
    return plain | other


def page(**other: Any) -> dict[str, Any]:
    plain = {"path": "/", "viewport": "phone", "verdict": "unchanged", "failure": "",
             "changes": [], "ratio": 0.0, "masks": 0, "before": None, "after": None}  # fmt: skip
    return plain | other


def test_the_pages_are_those_that_the_front_page_links_to() -> None:
    links = ["http://shop.test/a?x=1#y", "/b", "http://shop.test/a", "https://shop.test/tls",
             "http://other.test/c", "mailto:x@y.test", "b", "",
             "/logout", "/users/sign_out", "/Account/LogOff", "/log-out?now=1",
             "/LOGOUT.php", "/userLogout", "/users/signOut/all"]  # fmt: skip
    assert linked_paths("http://shop.test/", links, 8) == ["/", "/a", "/b"]
    kept = ["/blog-outdoor", "/catalog-outlet", "/designoffice", "/log/output", "/signoutlet"]
    assert linked_paths("http://shop.test/", kept, 8) == ["/", *kept]
    assert len(linked_paths("http://shop.test/", [f"/{n}" for n in range(50)], 8)) == 8


def test_the_pages_of_both_sides_are_looked_at() -> None:
    assert joined_paths(["/", "/a"], ["/", "/new", "/a"], 8) == ["/", "/a", "/new"]
    many, new = [f"/{n}" for n in range(8)], [f"/new{n}" for n in range(8)]
    assert joined_paths(many, many, 8) == many
    assert joined_paths(many, [*many, *new], 8) == [*many[:4], *new[:4]]
    assert joined_paths(["/"], ["/", *new], 4) == ["/", *new[:3]]
    assert joined_paths([], ["/", "/a"], 4) == ["/", "/a"]
    assert joined_paths(["/"], ["/", "/a"], 1) == ["/"]


def test_a_page_that_is_taller_than_a_picture_can_be_is_shown_whole(tmp_path: Path) -> None:
    file = tmp_path / "tall.png"
    tall = np.zeros((70_000, 40, 3), np.uint8)
    tall[-900:] = 255
    cv2.imwrite(str(file), tall)
    shown = base64.b64decode(_coded(file).split(",")[1])
    picture = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[0] == 65_000
    assert picture[-300:].mean() > 250


def test_a_change_is_said_in_words() -> None:
    assert describe_change(change()) == "changed: “1” → “2”"
    styled = change(text_after="1", styles={"color": ["red", "blue"]})
    assert describe_change(styled) == "changed (color: red → blue)"
    assert describe_change(change(kind="inserted", text_before="")) == "added: “2”"
    assert describe_change(change(kind="removed", text_before="", text_after="")) == "removed"
    assert describe_change(change(kind="moved", text_after="1")) == "moved"
    path = "html > body:nth-of-type(1) > main:nth-of-type(1) > p:nth-of-type(2)"
    assert short_selector(path) == "main > p:nth-of-type(2)"


def kept(root: Path) -> dict[str, Any]:
    picture = cv2.imencode(".png", np.full((40, 60, 3), 200, np.uint8))[1].tobytes()
    return keep_shot(root, Shot(picture))


def test_two_programs_may_keep_the_same_picture_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, seen = Path.write_bytes, []

    def write_and_wait(file: Path, data: bytes) -> int:
        count = write(file, data)
        if not seen:  # the other one keeps it before this one has given it its name
            seen.append(file)
            kept(tmp_path)
        return count

    monkeypatch.setattr(Path, "write_bytes", write_and_wait)
    named = kept(tmp_path)
    assert load_shot(tmp_path, named) is not None
    assert not list(tmp_path.rglob(".*")), "nothing half is left"


def test_a_report_is_one_file_whose_texts_are_text(tmp_path: Path) -> None:
    side = kept(tmp_path)
    changed = page(path=HOSTILE, verdict="changed", before=side, after=side,
                   changes=[change(what=HOSTILE, text_after=HOSTILE)])  # fmt: skip
    failed = page(path="/x", verdict="failed", failure=HOSTILE)
    made = render(HOSTILE, [changed, failed, page()], tmp_path)
    assert HOSTILE not in made
    assert made.count("data:image/jpeg;base64,") == 4
    assert "src=http" not in made
    assert "url(http" not in made
    assert "1 changed, 1 failed, 1 unchanged" in made
    assert count_verdicts([]) == ""
    told = markdown("t", [changed, failed], tmp_path)
    assert "| `/x` | phone | failed | 0 |" in told
    assert told.count("data:image/jpeg;base64,") == 2


def test_pictures_are_kept_once_and_as_long_as_somebody_speaks_of_them(tmp_path: Path) -> None:
    side = kept(tmp_path)
    assert side == kept(tmp_path)
    shot = load_shot(tmp_path, side)
    assert shot is not None
    assert shot.png.startswith(b"\x89PNG")
    assert is_name(side["picture"])
    assert not is_name("../" + side["picture"][3:])
    names = set(names_in([page(before=side, after=None)]))
    assert len(names) == 3
    assert forget_others(tmp_path, names, 9e12) == 0
    assert forget_others(tmp_path, set(), 0) == 0  # they were just written
    assert forget_others(tmp_path, set(), 9e12) == 3
    assert load_shot(tmp_path, side) is None


def test_what_people_said_holds_for_the_same_change_alone() -> None:
    pages = [
        page(verdict="changed", changes=[change(signature="a"), change(signature="b")]),
        page(path="/x", verdict="changed", changes=[change(signature="a")]),
        page(path="/n", verdict="new", after={"picture": "p.png"}), page(path="/u"),
    ]  # fmt: skip
    assert worst(pages) == "changed"
    said = {("/", "a"): "approved"}
    assert [one["verdict"] for one in decided(pages, said)] == [
        "changed", "changed", "new", "unchanged"
    ]  # fmt: skip
    said = dict.fromkeys(chosen(pages), "approved")
    assert len(said) == 4
    assert worst(decided(pages, said)) == "approved"
    assert list(chosen(pages, signature="a")) == [("/", "a"), ("/x", "a")]
    said["/x", "a"] = "rejected"
    assert worst(decided(pages, said)) == "rejected"
    more = [page(verdict="changed", changes=[change(signature="a")], left_out=3)]
    assert worst(decided(more, {("/", "a"): "approved"})) == "changed"


def test_a_program_that_says_something_else_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "PROGRAM", "this")  # it prints a poem
    program = pool.Program()
    assert program.ask({"ask": "paths"}, 60) == (None, "The browser broke.")
    assert program._process is None
    assert ask_apart("this", {}, 60) is None
