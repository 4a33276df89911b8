"""Getting the project's code."""

from __future__ import annotations

import shutil

from greenroom.errors import Overtaken
from greenroom.hosting.folder import check_free_bytes
from greenroom.settings import load_settings
from greenroom.sources import git
from greenroom.store import deployments
from greenroom.store.models import Deployment, Environment
from greenroom.store.work import unit_of_work
from tasks.log import narrate
from tasks.policies import step
from tasks.values import Held, Source


@step
def checkout(held: Held) -> Source:
    """Resolve the wanted ref and lay its files into a folder of this deployment's own.

    Idempotent: the folder is made anew.
    """
    settings = load_settings()
    folder = settings.path("sources", str(held.deployment))
    with narrate(held.deployment, "source", "source") as log:
        check_free_bytes(settings.path("sources"), settings.least_free_bytes)
        with unit_of_work() as work:
            deployment = deployments.get_deployment(work, held.deployment)
            if deployment.status in deployments.FINAL:
                raise Overtaken("this deployment has ended already")
            project = work.get_one(Environment, held.environment_id).project
            ref, known = deployment.ref, deployment.commit_hash
            url, name = git.check_source_url(project.source_url), project.name
        commit, full_ref = git.resolve(url, ref)
        if known and known != commit and not git.SHA.fullmatch(ref):
            log(f"{ref} has moved on from {known[:12]}; its head is deployed")
        done = git.checkout(
            url, commit, full_ref, settings.path("repos", f"{name}.git"), folder, log.check
        )
        log(f"{ref} is {commit[:12]}: {done.subject} ({done.author})")
        with unit_of_work() as work:
            work.get_one(Deployment, held.deployment).commit_hash = commit
        author = f"{done.author} <{done.author_address}>"
        return Source(str(folder), commit, author, git.read_manifest_text(folder))


@step
def discard_source(source: Source) -> None:
    """Delete a checkout. Idempotent."""
    shutil.rmtree(source.folder, ignore_errors=True)
