"""Who may let an artifact go live."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from greenroom.approving import (
    Rule,
    authors_of,
    check_page,
    check_pages,
    judge,
    person,
    why_not_entitled,
)
from greenroom.errors import InvalidInput

pytestmark = pytest.mark.unit
AUTHORS = authors_of("Ada Berg <ada@x.test>", ["webhook:aberg"])


@dataclass
class Said:
    decided_by: str
    verdict: str = "approved"
    page: str = ""


@pytest.mark.parametrize(
    ("rule", "said", "is_open", "words"),
    [
        (Rule(0), [], True, "free to go"),
        (Rule(1), [], False, "1 approval is missing"),
        (Rule(2), [Said("bob")], False, "1 approval is missing"),
        (Rule(2), [Said("bob"), Said("cli:bob")], False, "1 approval is missing"),
        (Rule(2), [Said("bob"), Said("eve")], True, "approved by bob, eve"),
        (Rule(3), [Said("bob")], False, "2 approvals are missing"),
        (Rule(1), [Said("admin"), Said("admin", "withdrawn")], False, "1 approval is missing"),
        (Rule(1), [Said("bob", "changes"), Said("eve")], False, "bob asked for changes"),
        (Rule(0), [Said("bob", "changes")], False, "bob asked for changes"),
        (Rule(1), [Said("bob", "changes"), Said("bob")], True, "approved by bob"),
        (Rule(1), [Said("ada")], False, "1 approval is missing"),
        (Rule(1), [Said("ADA BERG")], False, "1 approval is missing"),
        (Rule(1), [Said("cli:aberg")], False, "1 approval is missing"),
        (Rule(1, author_may=True), [Said("ada")], True, "approved by ada"),
        (Rule(0), [Said("ada", "changes")], False, "ada asked for changes"),
        (Rule(1, ("eve",)), [Said("bob")], False, "1 approval is missing"),
        (Rule(1, ("Eve",)), [Said("eve")], True, "approved by eve"),
        (Rule(1, ("eve",)), [Said("bob", "changes"), Said("eve")], True, "approved by eve"),
    ],
)
def test_it_goes_live_or_not(rule: Rule, said: list[Said], is_open: bool, words: str) -> None:
    judgement = judge(rule, AUTHORS, said)
    assert (judgement.is_open, judgement.words) == (is_open, words)


BY_PAGE = Rule(1, pages=("/", "/shop"))
HALF = "1 approval is missing; bob approved 1 of 2 pages"


@pytest.mark.parametrize(
    ("said", "is_open", "words"),
    [
        ([("bob", "approved", "/")], False, HALF),
        ([("bob", "approved", "/"), ("bob", "approved", "/shop")], True, "approved by bob"),
        ([("bob", "approved", "/"), ("eve", "approved", "/shop")], False,
         "1 approval is missing; bob approved 1 of 2 pages, eve approved 1 of 2 pages"),
        ([("bob", "approved", "/about")], False, "1 approval is missing"),
        ([("bob", "approved", "")], True, "approved by bob"),
        ([("bob", "approved", ""), ("bob", "changes", "/shop")], False, "bob asked for changes"),
        ([("bob", "approved", ""), ("bob", "changes", "/x")], False, "bob asked for changes"),
        ([("bob", "changes", "/shop"), ("bob", "approved", "")], True, "approved by bob"),
        ([("bob", "changes", "/shop"), ("bob", "approved", "/shop")], False, HALF),
        ([("bob", "approved", ""), ("bob", "withdrawn", "/shop")], False, HALF),
        ([("bob", "approved", ""), ("bob", "withdrawn", "/shop"), ("bob", "approved", "/shop")],
         True, "approved by bob"),
        ([("bob", "approved", "/"), ("bob", "withdrawn", "")], False, "1 approval is missing"),
        ([("ada", "approved", "/"), ("ada", "approved", "/shop")], False, "1 approval is missing"),
    ],
)  # fmt: skip
def test_each_named_page_approved_is_the_whole_approved(
    said: list[tuple[str, str, str]], is_open: bool, words: str
) -> None:
    judgement = judge(BY_PAGE, AUTHORS, [Said(*one) for one in said])
    assert (judgement.is_open, judgement.words) == (is_open, words)


def test_a_page_is_a_path() -> None:
    assert check_pages(["/shop?a=1", " / ", "/shop#x", ""]) == ["/", "/shop"]
    for wrong in ("shop", "?a=1", "https://x.test/", "/" + "x" * 501, "/a\x00"):
        with pytest.raises(InvalidInput):
            check_page(wrong)
    with pytest.raises(InvalidInput):
        check_pages([f"/{n}" for n in range(51)])


def test_a_person_is_one_whichever_way_they_act() -> None:
    assert {person(f"{via}ada") for via in ("", "cli:", "webhook:", "api:")} == {"ada"}


def test_authors_without_a_name_are_nobody() -> None:
    assert authors_of("", []) == frozenset()
    assert authors_of(" <>", [""]) == frozenset()
    assert authors_of("Ada <ada@x.test>", []) == {"ada", "ada@x.test"}


def test_why_somebody_is_not_entitled_is_said() -> None:
    assert why_not_entitled(Rule(), AUTHORS, "ada") == "ada is its author"
    assert why_not_entitled(Rule(1, ("eve",)), AUTHORS, "bob") == "bob is none of the approvers"
    assert why_not_entitled(Rule(1, ("ada",)), AUTHORS, "ada") == "ada is its author"
