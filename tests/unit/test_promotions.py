"""Who may let an artifact go live."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from greenroom.promotions import Rule, authors_of, judge, person, why_not_entitled

pytestmark = pytest.mark.unit
AUTHORS = authors_of("Ada Berg <ada@x.test>", ["webhook:aberg"])


@dataclass
class Said:
    decided_by: str
    verdict: str = "approved"


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
