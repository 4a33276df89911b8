"""The report of a sync: measured in what was filled, signed, kept with the run."""

from __future__ import annotations

from typing import Any

from greenroom.data import quasi
from greenroom.data.leaveout import leave_out, sample_texts
from greenroom.data.load import open_target
from greenroom.data.models import active_models
from greenroom.data.proof import Proof
from greenroom.data.report import Facts, make_report, sign
from greenroom.data.sample import look_at_kept
from greenroom.store import policies
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Sync, now
from greenroom.store.work import unit_of_work
from tasks.policies import step
from tasks.sync import prepared
from tasks.syncing import telling
from tasks.values import Moment, Syncing


@step
def write_report(
    sync: Syncing, at: Moment, rows: dict[str, int], proof: Proof, distinct: dict[str, int]
) -> None:
    """Write and sign what was masked how, what was kept and why, and the proof. Idempotent."""
    known, job = prepared(sync, at)
    with telling(sync.sync_id, "report") as tell:
        with open_target(job.next_url) as target:
            groups = tuple(
                quasi.measure(target, table, columns)
                for table, columns in quasi.kept_columns(known.policy, known.schema)
                if table.key in rows
            )
            sample = None
            if known.masker is not None:
                sample = look_at_kept(target, known.schema, known.policy, known.masker)
                tell(f"sample: {sample['words']}")
        recall = None
        if known.masker is not None:
            with job.source() as source:
                recall = leave_out(
                    known.people, sample_texts(source, known.schema, known.policy),
                    active_models(),
                )  # fmt: skip
        with unit_of_work() as work:
            row = work.get_one(Sync, sync.sync_id)
            policy = policies.find_policy(work, row.project, sync.policy_number)
            assert policy is not None
            environment = row.environment
            facts = Facts(
                project=row.project.name,
                sync=row.number,
                environment=f"{row.project.name}/{environment.name}" if environment else None,
                requested_by=row.requested_by,
                policy=known.policy,
                policy_number=policy.number,
                approved_by=policy.approved_by,
                approved_at=policy.approved_at.isoformat(),
                schema=known.schema,
                snapshot_at=at.taken_at.isoformat(),
                completed_at=now().isoformat(timespec="seconds"),
                key_id=known.key_id,
                proof=proof,
                rows=rows,
                distinct=distinct,
                groups=groups,
                seconds=dict(row.phases),
                tables=sync.tables,
                warnings=_warnings(row.log_output),
                tiers=known.tiers,
                sample=sample,
                leave_out=recall,
            )
        report: dict[str, Any] = make_report(facts)
        signature = sign(report, ensure_secret_key())
        with unit_of_work() as work:
            row = work.get_one(Sync, sync.sync_id, with_for_update=True)
            row.report, row.signature = report, dict(signature)
        tell("the report is written and signed")


def _warnings(log: str) -> tuple[str, ...]:
    lines = (line[9:] for line in log.splitlines())
    notes = (line.removeprefix("note: ") for line in lines if line.startswith("note: "))
    return tuple(dict.fromkeys(notes))
