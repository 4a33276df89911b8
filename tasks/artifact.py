"""Building a release once, and finding one that was built before."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from greenroom.errors import InvalidInput, InvalidManifest
from greenroom.hosting.base import BuildOrder
from greenroom.hosting.registry import builder_for, choose_runtime, has_dockerfile, has_engine
from greenroom.isolation.payments import refuse_live_hosts, refuse_live_keys
from greenroom.manifest import VENDORS, Manifest, parse_manifest
from greenroom.promotions import check_approved
from greenroom.settings import load_settings
from greenroom.store import deployments, hosts, projects
from greenroom.store.models import Deployment, DeploymentKind, Environment, Release
from greenroom.store.states import GivenAt
from greenroom.store.work import unit_of_work
from tasks.log import narrate
from tasks.policies import step
from tasks.values import Held, Source


@step
def build(held: Held, source: Source) -> UUID:
    """Give the release of a commit: the one built before, or a new one.

    Idempotent: one release per project, commit, runtime and manifest.
    """
    with narrate(held.deployment, "build", "build") as log:
        text = source.manifest_text
        if text is None:
            log("no greenroom.yaml: its defaults are used")
        manifest = parse_manifest(text) if text is not None else Manifest()
        with unit_of_work() as work:
            environment = work.get_one(Environment, held.environment_id)
            project = environment.project
            variables = {
                **manifest.variables,
                **projects.given_variables(environment, GivenAt.BUILD),
            }
            arguments = {
                **manifest.variables,
                **projects.given_variables(environment, GivenAt.BUILD, with_secrets=False),
            }
            wants_engine = "docker" in (project.runtime, manifest.runtime)
            with_dockerfile = has_dockerfile(Path(source.folder), manifest)
            may_use_engine = manifest.runtime == "auto" and with_dockerfile
            runtime = choose_runtime(
                manifest,
                project.runtime,
                has_dockerfile=with_dockerfile,
                has_engine=wants_engine or (may_use_engine and has_engine()),
            )
            known = work.scalar(
                select(Release).where(
                    Release.project_id == project.id,
                    Release.commit_hash == source.commit,
                    Release.runtime == runtime,
                    Release.manifest_digest == manifest.digest,
                )
            )
            name, project_id = project.name, project.id
            refuse_live_keys(environment.kind, name, variables)
            _check_surroundings(manifest, runtime, environment.kind)
            if runtime in VENDORS:
                hosts.get_host(work, project, runtime)  # before anything is built
        builder = builder_for(runtime)
        if known is not None and builder.is_present(known.artifact, known.location):
            log(f"built before: {known.artifact[:19]}")
            release_id = known.id
        else:
            log(f"building {source.commit[:12]} for {runtime}")
            order = BuildOrder(
                name, source.commit, Path(source.folder), manifest, variables, arguments
            )
            made = builder.build(order, log, log.check)
            log(f"built {made.identity[:19]}, {made.size_bytes:,} bytes")
            values = {
                "artifact": made.identity,
                "location": made.location,
                "size_bytes": made.size_bytes,
                "removed_at": None,
            }
            with unit_of_work() as work:
                statement = insert(Release).values(
                    project_id=project_id,
                    commit_hash=source.commit,
                    runtime=runtime,
                    manifest=manifest.as_json(),
                    manifest_digest=manifest.digest,
                    author=source.author,
                    **values,
                )
                found = work.scalar(
                    statement.on_conflict_do_update(
                        index_elements=["project_id", "commit_hash", "runtime", "manifest_digest"],
                        set_=values,
                    ).returning(Release.id)
                )
                assert found is not None
                release_id = found
        with unit_of_work() as work:
            work.get_one(Deployment, held.deployment).release_id = release_id
        return release_id


def _check_surroundings(manifest: Manifest, runtime: str, kind: str) -> None:
    """Refuse what cannot be had around an environment.

    Errors: InvalidManifest, LiveKeyRefused.
    """
    if manifest.services and runtime != "docker":
        raise InvalidManifest(
            f"services are containers, and this runs as {runtime}",
            hint="Give it a Dockerfile and `runtime: docker`, or leave services out.",
        )
    refuse_live_hosts(kind, [one.host for one in manifest.egress.allowed])


@step
def kept_release(held: Held) -> UUID:
    """Give the release that a rollback returns to, or that is promoted.

    Idempotent. Errors: InvalidInput when its artifact is gone, NotAllowed when it is promoted and
    an approval was taken back since it was ordered.
    """
    with narrate(held.deployment, "source") as log:
        with unit_of_work() as work:
            deployment = deployments.get_deployment(work, held.deployment)
            release = deployment.release
            ref, commit = deployment.ref, deployment.commit_hash
            is_promoted = deployment.kind == DeploymentKind.PROMOTE
            if is_promoted and release is not None:
                project = work.get_one(Environment, held.environment_id).project
                check_approved(work, project, release)
        if release is None or not builder_for(release.runtime, load_settings()).is_present(
            release.artifact, release.location
        ):
            raise InvalidInput(
                f"the release of {ref} is not kept any more",
                hint=f"Deploy its commit anew: --ref {commit}",
            )
        verb = "promoting" if is_promoted else "returning to"
        log(f"{verb} {ref}: {commit[:12]}, {release.artifact[:19]}")
        return release.id
