"""Memory of accepted webhooks: a repeated delivery changes nothing."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from greenroom.store.models import WebhookDelivery, now
from greenroom.store.work import Work

REMEMBERED_DAYS = 30


def record_delivery(
    work: Work, provider: str, delivery: str, project_id: uuid.UUID, event: str
) -> dict[str, Any] | None:
    """Record a project's delivery; None when it is new, else the outcome of the first time."""
    row = work.execute(
        upsert(WebhookDelivery)
        .values(provider=provider, delivery=delivery, project_id=project_id, event=event)
        .on_conflict_do_nothing()
        .returning(WebhookDelivery.delivery)
    ).first()
    if row is not None:
        return None
    first = work.get(WebhookDelivery, (provider, delivery, project_id))
    return first.outcome if first else {}


def record_outcome(
    work: Work, provider: str, delivery: str, project_id: uuid.UUID, outcome: dict[str, Any]
) -> None:
    """Keep what a delivery led to."""
    work.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.provider == provider,
            WebhookDelivery.delivery == delivery,
            WebhookDelivery.project_id == project_id,
        )
        .values(outcome=outcome)
    )


def has_delivery(work: Work, project_id: uuid.UUID) -> bool:
    """Whether a project's forge has sent anything lately."""
    query = select(WebhookDelivery.delivery).where(WebhookDelivery.project_id == project_id)
    return work.scalar(query.limit(1)) is not None


def prune_deliveries(work: Work) -> int:
    """Forget deliveries older than ``REMEMBERED_DAYS``; give how many."""
    before = now() - timedelta(days=REMEMBERED_DAYS)
    done = work.execute(delete(WebhookDelivery).where(WebhookDelivery.received_at < before))
    return int(done.rowcount)  # type: ignore[attr-defined]
