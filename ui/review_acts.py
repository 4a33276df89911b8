"""Doing what somebody asked for in a review."""

from __future__ import annotations

from collections.abc import Sequence

from greenroom import orders, promotions
from greenroom.orders import Order
from greenroom.store.states import ProductionBy, Verdict


def say(reference: str, verdict: Verdict, note: str, page: str, actor: str) -> str:
    """Record what somebody says about what an environment shows."""
    judgement = promotions.place_verdict(reference, verdict, note, page=page, actor=actor)
    return f"Recorded. {judgement.words[:1].upper()}{judgement.words[1:]}."


def promote(reference: str, actor: str) -> Order:
    """Order that what an environment shows goes live."""
    return promotions.place_promotion(reference, actor=actor)


def free(reference: str, actor: str) -> str:
    """Let pushes deploy an environment again."""
    orders.place_free(reference, actor=actor)
    return f"Pushes deploy {reference} again."


def set_rule(
    project: str, by: ProductionBy, needed: int, approvers: Sequence[str], author_may: bool,
    clients: int, pages: Sequence[str], actor: str,
) -> str:  # fmt: skip
    """Change how a project's production changes."""
    promotions.set_rule(
        project, by=by, needed=needed, approvers=approvers, author_may=author_may,
        clients=clients, pages=pages, actor=actor,
    )  # fmt: skip
    return f"The rule of {project}'s production is saved."
