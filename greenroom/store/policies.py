"""Queries about anonymization policies and the keys of pseudonyms."""

from __future__ import annotations

from sqlalchemy import func, select

from greenroom.secrets import generate_key
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.models import PolicyVersion, Project, PseudonymKey
from greenroom.store.work import Work

_KEY = "pseudonym_keys.key"


def record_policy(
    work: Work, project: Project, text: str, fingerprint: str, *, by: str
) -> PolicyVersion:
    """Put a policy in force; the one before is kept. Idempotent for the same text."""
    _lock(work, project)
    last = find_policy(work, project)
    if last is not None and last.text == text:
        return last
    made = PolicyVersion(
        project_id=project.id,
        number=last.number + 1 if last else 1,
        text=text,
        fingerprint=fingerprint,
        approved_by=by,
    )
    work.add(made)
    record_audit(
        work, by, "policy.approve", project=project, subject=f"{project.name} policy {made.number}"
    )
    return made


def find_policy(work: Work, project: Project, number: int | None = None) -> PolicyVersion | None:
    """Find the policy in force, or the one of a number."""
    query = select(PolicyVersion).where(PolicyVersion.project_id == project.id)
    if number is not None:
        query = query.where(PolicyVersion.number == number)
    return work.scalar(query.order_by(PolicyVersion.number.desc()).limit(1))


def list_policies(work: Work, project: Project) -> list[PolicyVersion]:
    """List every policy that was ever in force, newest first."""
    return list(
        work.scalars(
            select(PolicyVersion)
            .where(PolicyVersion.project_id == project.id)
            .order_by(PolicyVersion.number.desc())
        )
    )


def current_policy(work: Work, project: Project, *, for_update: bool = False) -> str | None:
    """Give the text of the policy in force.

    Locks: ``for_update`` keeps others from putting another one in force until this work ends.
    """
    if for_update:
        _lock(work, project)
    found = find_policy(work, project)
    return found.text if found else None


def ensure_pseudonym_key(work: Work, project: Project, *, by: str) -> str:
    """Give the key that counts, making the first one. Idempotent."""
    _lock(work, project)
    found = work.scalar(
        select(PseudonymKey)
        .where(PseudonymKey.project_id == project.id)
        .order_by(PseudonymKey.created_at.desc())
        .limit(1)
    )
    return unseal(found.key, _KEY) if found else rotate_pseudonym_key(work, project, by=by)


def rotate_pseudonym_key(work: Work, project: Project, *, by: str) -> str:
    """Make a new key: from the next sync on everybody is somebody else. The old one is deleted.

    Without it, nobody can tell any more who was who in the copies of before.
    """
    known = work.scalar(
        select(func.count()).select_from(PseudonymKey).where(PseudonymKey.project_id == project.id)
    )
    work.query(PseudonymKey).filter_by(project_id=project.id).delete()
    key = generate_key()
    work.add(PseudonymKey(project_id=project.id, key=seal(key, _KEY), created_by=by))
    record_audit(work, by, "key.rotate" if known else "key.make", project=project)
    return key


def _lock(work: Work, project: Project) -> None:
    work.scalar(select(Project.id).where(Project.id == project.id).with_for_update())
