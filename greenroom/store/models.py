"""The tables.

Times are aware and UTC. Ids are random UUIDs, as text nowhere but in JSON. A row tells what is
*wanted* or what *happened*; what is running is in ``instances``.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from greenroom.store.asset_models import AssetSetting as AssetSetting
from greenroom.store.asset_models import AssetSync as AssetSync
from greenroom.store.asset_models import Cleanup as Cleanup
from greenroom.store.asset_models import LeftPlace as LeftPlace
from greenroom.store.base import Base as Base
from greenroom.store.base import created, new_key
from greenroom.store.base import now as now
from greenroom.store.comment_models import Comment as Comment
from greenroom.store.comment_models import CommentThread as CommentThread
from greenroom.store.compare_models import ChangeDecision as ChangeDecision
from greenroom.store.compare_models import Comparison as Comparison
from greenroom.store.compare_models import IgnoredRegion as IgnoredRegion
from greenroom.store.data_models import PolicyVersion as PolicyVersion
from greenroom.store.data_models import PseudonymKey as PseudonymKey
from greenroom.store.data_models import Sync as Sync
from greenroom.store.host_models import ProjectHost as ProjectHost
from greenroom.store.host_models import SentRelease as SentRelease
from greenroom.store.life_models import Domain as Domain
from greenroom.store.life_models import EnvironmentLife, InstanceLife
from greenroom.store.link_models import PreviewLink as PreviewLink
from greenroom.store.link_models import PreviewView as PreviewView
from greenroom.store.machine_models import Machine as Machine
from greenroom.store.mail_models import Mail as Mail
from greenroom.store.measure_models import Measurement as Measurement
from greenroom.store.network_models import EgressRefusal as EgressRefusal
from greenroom.store.network_models import EnvironmentNetwork as EnvironmentNetwork
from greenroom.store.network_models import IsolationCheck as IsolationCheck
from greenroom.store.notice_models import Notice as Notice
from greenroom.store.notice_models import NoticeTarget as NoticeTarget
from greenroom.store.people_models import ApiReply as ApiReply
from greenroom.store.people_models import ApiToken as ApiToken
from greenroom.store.people_models import Membership as Membership
from greenroom.store.people_models import Session as Session
from greenroom.store.people_models import User as User
from greenroom.store.promotion_models import Approval as Approval
from greenroom.store.promotion_models import Backup as Backup
from greenroom.store.states import DeploymentKind as DeploymentKind
from greenroom.store.states import DeploymentStatus as DeploymentStatus
from greenroom.store.states import EnvironmentKind as EnvironmentKind
from greenroom.store.states import EnvironmentStatus as EnvironmentStatus
from greenroom.store.states import InstanceState as InstanceState
from greenroom.store.states import PreviewAccess as PreviewAccess
from greenroom.store.states import ProductionBy as ProductionBy
from greenroom.store.states import SyncStatus as SyncStatus
from greenroom.store.tracker_models import ProjectTracker as ProjectTracker
from greenroom.store.tracker_models import ThreadIssue as ThreadIssue


class Project(Base):
    """A repository whose branches become environments."""

    __tablename__ = "projects"
    __table_args__ = (
        CheckConstraint("production_by in ('push','promotion')", name="production_by"),
        CheckConstraint("preview_access in ('auto','closed','open')", name="preview_access"),
    )

    id: Mapped[uuid.UUID] = new_key()
    name: Mapped[str] = mapped_column(unique=True)
    source_url: Mapped[str]
    """Git URL or absolute path, without credentials."""
    production_branch: Mapped[str] = mapped_column(default="main")
    runtime: Mapped[str] = mapped_column(default="auto")
    """Overrides the manifest's ``runtime`` unless ``auto``."""
    webhook_secret: Mapped[bytes]
    """Encrypted, purpose ``projects.webhook_secret``."""
    production_database_url: Mapped[bytes | None]
    """Encrypted, purpose ``projects.production_database_url``."""
    production_by: Mapped[str] = mapped_column(
        default=ProductionBy.PUSH, server_default=ProductionBy.PUSH
    )
    """push: its branch's pushes deploy production; promotion: only what was approved goes there."""
    approvals_needed: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    client_approvals_needed: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How many clients must approve, through preview links, besides the team."""
    approvers: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    """Who may approve; nobody named is everybody."""
    review_pages: Mapped[list[str]] = mapped_column(
        JSONB, default=list, server_default=text("'[]'")
    )
    """Pages that are approved one by one: each of them approved is the whole approved."""
    author_may_approve: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    forge: Mapped[str] = mapped_column(default="", server_default="")
    """Whom deployments are reported to: github, gitlab, bitbucket, gitea; empty for nobody."""
    forge_repository: Mapped[str] = mapped_column(default="", server_default="")
    """``owner/name`` there."""
    forge_api_url: Mapped[str] = mapped_column(default="", server_default="")
    """Empty for the vendor's own site."""
    forge_token: Mapped[bytes | None]
    """Encrypted, purpose ``projects.forge_token``."""
    previews: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    """Which events make environments: what is not the default of ``sources.rules.Rules``."""
    preview_access: Mapped[str] = mapped_column(
        default=PreviewAccess.AUTO, server_default=PreviewAccess.AUTO
    )
    """Who sees what is not production: auto, closed (links and the team), open (everybody)."""
    life: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    """What it says otherwise than its manifest of sleep and lifetime; see ``store.lives``."""
    mail_release_to: Mapped[list[str]] = mapped_column(
        JSONB, default=list, server_default=text("'[]'")
    )
    """Whom a captured mail may be released to: ``ada@agency.example``, ``@agency.example``."""
    mail_release_url: Mapped[bytes | None]
    """The outgoing mail server, encrypted, purpose ``projects.mail_release_url``."""
    created_at: Mapped[datetime] = created()

    environments: Mapped[list[Environment]] = relationship(back_populates="project")


class Environment(EnvironmentLife, Base):
    """One running copy of a project: production, or staging for one branch."""

    __tablename__ = "environments"
    __table_args__ = (
        Index(
            "uq_environments_project_id_name",
            "project_id",
            "name",
            unique=True,
            postgresql_where=text("status <> 'destroyed'"),
        ),
        Index(
            "uq_environments_host",
            "host",
            unique=True,
            postgresql_where=text("status <> 'destroyed'"),
        ),
        CheckConstraint(
            "status in ('active','building','error','sleeping','destroyed')", name="status"
        ),
        CheckConstraint("kind in ('staging','production')", name="kind"),
    )

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(default=EnvironmentKind.STAGING)
    url: Mapped[str]
    host: Mapped[str]
    """Full host name without port; what the gateway routes by."""
    status: Mapped[str] = mapped_column(default=EnvironmentStatus.BUILDING)
    status_reason: Mapped[str] = mapped_column(default="")
    git_branch: Mapped[str]
    last_deployed_commit: Mapped[str | None]
    release_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("releases.id"))
    """The release that serves."""
    database_url: Mapped[bytes | None]
    """Encrypted, purpose ``environments.database_url``."""
    destroy_requested_at: Mapped[datetime | None]
    """Desired state: reconcile finishes a destruction that was asked for."""
    pull_number: Mapped[int | None]
    """The pull request whose branch it shows, as its events told."""
    held_at: Mapped[datetime | None]
    """Since when pushes do not deploy it: a rollback is not undone by the next one."""
    held_by: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime] = created()
    destroyed_at: Mapped[datetime | None]

    project: Mapped[Project] = relationship(back_populates="environments")
    release: Mapped[Release | None] = relationship()
    deployments: Mapped[list[Deployment]] = relationship(back_populates="environment")


class Release(Base):
    """An artifact: built once per project, commit and runtime; deployed and rolled back to."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("project_id", "commit_hash", "runtime", "manifest_digest"),)

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    commit_hash: Mapped[str]
    runtime: Mapped[str]
    """static, process, docker, netlify or vercel."""
    artifact: Mapped[str]
    """Identity: ``sha256:…`` of the image (its Id) or of the folder's content."""
    location: Mapped[str]
    """Where it lies: a folder, or the image's tag."""
    manifest: Mapped[dict[str, Any]]
    """The parsed greenroom.yaml of that commit."""
    manifest_digest: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(default=0)
    author: Mapped[str] = mapped_column(default="", server_default="")
    """The commit's author as git names it: name and address."""
    created_at: Mapped[datetime] = created()
    removed_at: Mapped[datetime | None]
    """Set when the artifact was cleaned up; it cannot be rolled back to any more."""


class Deployment(Base):
    """One attempt to bring an environment to a commit or back to a release."""

    __tablename__ = "deployments"
    __table_args__ = (
        Index("ix_deployments_environment_id_started_at", "environment_id", "started_at"),
        CheckConstraint(
            "status in ('queued','building','releasing','starting','live','retired','failed',"
            "'cancelled')",
            name="status",
        ),
    )

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    number: Mapped[int]
    """1, 2, 3 … within the environment: how people name it."""
    kind: Mapped[str] = mapped_column(default=DeploymentKind.DEPLOY)
    ref: Mapped[str]
    """What was asked for: branch, tag, commit, or ``#<number>`` of a rollback's target."""
    commit_hash: Mapped[str]
    """Empty until resolved."""
    release_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("releases.id"))
    status: Mapped[str] = mapped_column(default=DeploymentStatus.QUEUED)
    deployed_by: Mapped[str]
    requested_at: Mapped[datetime] = created()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    log_output: Mapped[str] = mapped_column(default="")
    """The redacted log; while running its end may still be in ``deployment_logs``."""
    error: Mapped[dict[str, Any] | None]
    """``{"error", "detail", "hint", "log_tail"}`` of a failure."""
    phases: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Seconds by phase."""
    flow_run_id: Mapped[uuid.UUID | None]
    superseded_by: Mapped[uuid.UUID | None]
    cancel_requested_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    """When people were last reminded that it waits for them."""
    reminders: Mapped[int] = mapped_column(default=0)

    environment: Mapped[Environment] = relationship(back_populates="deployments")
    release: Mapped[Release | None] = relationship()

    @property
    def was_live(self) -> bool:
        """Whether it serves or has served."""
        return self.status in (DeploymentStatus.LIVE, DeploymentStatus.RETIRED)


class DeploymentLog(Base):
    """Log lines of a deployment, in order, already redacted."""

    __tablename__ = "deployment_logs"
    __table_args__ = (Index("ix_deployment_logs_deployment_id_id", "deployment_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    deployment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("deployments.id", ondelete="CASCADE")
    )
    at: Mapped[datetime] = mapped_column(default=now)
    section: Mapped[str]
    """source, build, release, start, health, switch, app …"""
    line: Mapped[str]


class Instance(InstanceLife, Base):
    """A running copy of a release for one environment."""

    __tablename__ = "instances"
    __table_args__ = (
        Index(
            "uq_instances_environment_id_serving",
            "environment_id",
            unique=True,
            postgresql_where=text("state = 'serving'"),
        ),
        CheckConstraint(
            "state in ('starting','serving','draining','kept','stopped')", name="state"
        ),
        CheckConstraint("asleep in ('','paused','stopped')", name="asleep"),
    )

    id: Mapped[uuid.UUID] = new_key()
    environment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("environments.id"))
    deployment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deployments.id"))
    release_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("releases.id"))
    runtime: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    """Its name at the engine or process manager; made before it is started."""
    address: Mapped[str]
    """``http://host:port`` or ``file:///folder``; empty until started."""
    state: Mapped[str] = mapped_column(default=InstanceState.STARTING)
    created_at: Mapped[datetime] = created()
    draining_since: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]


class EnvironmentLock(Base):
    """The fencing row: who may change an environment's truth now."""

    __tablename__ = "environment_locks"

    environment_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("environments.id"), primary_key=True
    )
    token: Mapped[int]
    """Grows with every taking; each write of truth checks it."""
    held: Mapped[bool]
    deployment_id: Mapped[uuid.UUID | None]
    purpose: Mapped[str]
    holder: Mapped[str]
    """Who asked: a user, ``webhook``, ``reconcile``."""
    flow_run_id: Mapped[uuid.UUID | None]
    host: Mapped[str]
    process: Mapped[str]
    """``<pid>:<start time>`` of the holding process on ``host``."""
    acquired_at: Mapped[datetime]


class Variable(Base):
    """An environment variable given to a project's own processes."""

    __tablename__ = "environment_variables"
    __table_args__ = (
        Index(
            "uq_environment_variables_scope",
            "project_id",
            text("coalesce(kind, '')"),
            text("coalesce(environment_id, '00000000-0000-0000-0000-000000000000')"),
            "name",
            unique=True,
        ),
        CheckConstraint("given_at in ('both','build','run')", name="given_at"),
    )

    id: Mapped[uuid.UUID] = new_key()
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"))
    kind: Mapped[str | None]
    """Only for this kind of environment; None for both."""
    environment_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("environments.id"))
    """Only for this environment; None for all."""
    name: Mapped[str]
    value: Mapped[bytes]
    """Encrypted, purpose ``environment_variables.value``."""
    is_secret: Mapped[bool] = mapped_column(default=True)
    given_at: Mapped[str] = mapped_column(default="both", server_default="both")
    """Whether builds get it, running copies, or both."""
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


class WebhookDelivery(Base):
    """A webhook that was accepted once; its repetition is answered from here."""

    __tablename__ = "webhook_deliveries"

    provider: Mapped[str] = mapped_column(primary_key=True)
    delivery: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    event: Mapped[str]
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    received_at: Mapped[datetime] = created()


class AuditEvent(Base):
    """Who did what; written in the transaction of what it tells."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_at", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=now)
    actor: Mapped[str]
    action: Mapped[str]
    """``<noun>.<verb>``: environment.create, deployment.start …"""
    project_id: Mapped[uuid.UUID | None]
    environment_id: Mapped[uuid.UUID | None]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
