"""Who may let an artifact go live: a project's rule, and what people said. Pure.

A word is about the whole, or about one page. Who approves each page that the project names has
approved the whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from greenroom.errors import InvalidInput
from greenroom.store.states import Verdict

WHOLE = ""
"""The page of a word about all of them."""
CLIENT = "client:"
"""Before the label of the link through which a client decided: no name of the team begins so."""
MOST_PAGES, LONGEST_PAGE = 50, 500
_AUTHOR = re.compile(r"\s*(?P<name>[^<]*?)\s*<(?P<address>[^>]*)>\s*")
_VIA = ("cli:", "webhook:", "api:")


@dataclass(frozen=True)
class Rule:
    """What a project asks for before an artifact goes live."""

    needed: int = 1
    approvers: tuple[str, ...] = ()
    """Nobody named: everybody may."""
    author_may: bool = False
    clients_needed: int = 0
    """Approvals through preview links, besides those of the team."""
    pages: tuple[str, ...] = ()
    """Each of these approved by somebody is the whole approved by them."""


class Said(Protocol):
    """What somebody said about an artifact."""

    verdict: str
    decided_by: str
    page: str


@dataclass(frozen=True)
class Judgement:
    """Whether an artifact may go live, and why not."""

    approved_by: tuple[str, ...]
    objected_by: tuple[str, ...]
    missing: int
    clients_missing: int = 0
    in_part: tuple[tuple[str, int], ...] = ()
    """Who approved some of the project's pages so far, and how many."""
    pages: int = 0
    """How many pages the project names."""

    @property
    def is_open(self) -> bool:
        """Whether it may go live."""
        return not self.missing and not self.clients_missing and not self.objected_by

    @property
    def words(self) -> str:
        """Say it."""
        if self.objected_by:
            return f"{_listed(self.objected_by)} asked for changes"
        missing = [
            f"{many} {whose}{'approvals' if many > 1 else 'approval'}"
            for many, whose in ((self.missing, ""), (self.clients_missing, "client's "))
            if many
        ]
        if missing:
            is_one = self.missing + self.clients_missing == 1
            return f"{' and '.join(missing)} {'is' if is_one else 'are'} missing{self._so_far}"
        return f"approved by {_listed(self.approved_by)}" if self.approved_by else "free to go"

    @property
    def _so_far(self) -> str:
        said = [f"{said_by(who)} approved {n} of {self.pages} pages" for who, n in self.in_part]
        return f"; {', '.join(said)}" if said else ""


def said_by(who: str) -> str:
    """Give somebody's name for people to read. Pure."""
    label = who.removeprefix(CLIENT)
    return f"{label} (client)" if label != who else person(who)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(said_by, names))


def person(actor: str) -> str:
    """Give who acts, whichever way: ``cli:ada`` and ``webhook:ada`` are ``ada``. Pure."""
    for via in _VIA:
        if actor.startswith(via):
            return actor.removeprefix(via)
    return actor


def authors_of(author: str, deployers: Iterable[str]) -> frozenset[str]:
    """Give every name that an artifact's author goes by, folded. Pure.

    ``author`` is git's, ``Ada Berg <ada@x.test>``; the part before the ``@`` is often a login.
    """
    names = {person(deployer) for deployer in deployers}
    found = _AUTHOR.fullmatch(author)
    if found is not None:
        address = found["address"]
        names |= {found["name"], address, address.partition("@")[0]}
    return frozenset(name.casefold() for name in names if name)


def why_not_entitled(rule: Rule, authors: Collection[str], who: str) -> str:
    """Say why somebody's approval does not count; nothing when it does. Pure."""
    named = {name.casefold() for name in rule.approvers}
    if named and not who.startswith(CLIENT) and who.casefold() not in named:
        return f"{who} is none of the approvers"
    if not rule.author_may and who.casefold() in authors:
        return f"{who} is its author"
    return ""


def last_words(said: Iterable[Said]) -> dict[str, dict[str, str]]:
    """Give each person's newest verdict by page; ``said`` is oldest first. Pure.

    A word about the whole takes the place of what they said of single pages before.
    """
    last: dict[str, dict[str, str]] = {}
    for one in said:
        words = last.setdefault(person(one.decided_by), {})
        if one.page == WHOLE:
            words.clear()
        words[one.page] = one.verdict
    return last


def judge(rule: Rule, authors: Collection[str], said: Sequence[Said]) -> Judgement:
    """Decide whether an artifact may go live. Pure. ``said`` is oldest first.

    The newest word of each person counts. Anybody who is asked may object, to the whole or to any
    page; an objection stands until it is taken back.
    """
    last = last_words(said)
    objected = tuple(
        who for who, words in last.items()
        if Verdict.CHANGES in words.values()
        and not why_not_entitled(Rule(approvers=rule.approvers, author_may=True), authors, who)
    )  # fmt: skip
    entitled = {
        who: words for who, words in last.items()
        if who not in objected and not why_not_entitled(rule, authors, who)
    }  # fmt: skip
    approved = tuple(who for who, words in entitled.items() if approves(rule, words))
    counts = {
        who: count_approved(rule, words) for who, words in entitled.items() if who not in approved
    }
    clients = sum(who.startswith(CLIENT) for who in approved)
    return Judgement(
        approved, objected, max(0, rule.needed - len(approved) + clients),
        max(0, rule.clients_needed - clients),
        tuple((who, many) for who, many in counts.items() if many), len(rule.pages),
    )  # fmt: skip


def count_approved(rule: Rule, words: Mapping[str, str]) -> int:
    """Count the project's pages that somebody's words approve. Pure."""
    whole = words.get(WHOLE)
    return sum(words.get(page, whole) == Verdict.APPROVED for page in rule.pages)


def approves(rule: Rule, words: Mapping[str, str]) -> bool:
    """Whether somebody's words approve the whole. Pure."""
    if rule.pages and count_approved(rule, words) == len(rule.pages):
        return True
    # A page that was taken back afterwards is no longer approved with the rest.
    return words.get(WHOLE) == Verdict.APPROVED and Verdict.WITHDRAWN not in words.values()


def check_page(page: str) -> str:
    """Give a page as it is kept: a path, without query and fragment; empty is the whole. Pure.

    Errors: InvalidInput.
    """
    path = page.strip().partition("#")[0].partition("?")[0]
    if not path and not page.strip():
        return WHOLE
    if not path.startswith("/") or len(path) > LONGEST_PAGE or not path.isprintable():
        raise InvalidInput(f"{page[:80]!r} is no page", hint="Write its path, like /shop.")
    return path


def check_pages(pages: Sequence[str]) -> list[str]:
    """Give the pages that a project names, as they are kept. Pure.

    Errors: InvalidInput.
    """
    kept = sorted({found for page in pages if (found := check_page(page)) != WHOLE})
    if len(kept) > MOST_PAGES:
        raise InvalidInput(f"at most {MOST_PAGES} pages are approved one by one")
    return kept
