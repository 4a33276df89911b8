"""Which values must be shown to nobody where an environment's output is read or kept."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from sqlalchemy.orm import object_session

from greenroom.mailing import login_of
from greenroom.rights import OWNER, acting_as
from greenroom.runs import orchestrator_password
from greenroom.secrets import Redactor
from greenroom.settings import load_settings
from greenroom.store import assets, environments, projects
from greenroom.store.crypto import ensure_secret_key
from greenroom.store.models import Environment, Project
from greenroom.store.work import Work, database_url


def redactor_for(work: Work, environment: Environment) -> Redactor:
    """Make the redactor that knows an environment's secrets and the platform's own."""
    secrets = [v.value for v in projects.resolve_variables(environment) if v.is_secret]
    own = environments.environment_database_url(environment)
    mail = login_of(environment.id, ensure_secret_key())[1]
    return Redactor([*secrets, mail, *_passwords([own]), *_secrets_of(environment.project)])


def redactor_for_project(project: Project) -> Redactor:
    """Make the redactor that knows a project's secrets and the platform's own."""
    return Redactor(_secrets_of(project))


def _secrets_of(project: Project) -> list[str]:
    settings = load_settings()
    urls = [projects.production_database_url(project), database_url(settings)]
    with acting_as(OWNER):  # whoever reads a log needs no right to what is hidden in it
        found = [projects.webhook_secret(project), orchestrator_password(settings)]
    token = projects.forge_token(project)
    return [*found, *_passwords(urls), *([token] if token else []), *_of_buckets(project)]


def _of_buckets(project: Project) -> list[str]:
    work = object_session(project)
    setting = assets.find_setting(work, project) if work is not None else None
    if setting is None:
        return []
    kept = assets.credentials_of(setting).values()
    return [value for side in kept for name, value in side.items() if value and name != "key_id"]


def _passwords(urls: Iterable[str | None]) -> list[str]:
    found = [
        url.split("://", 1)[-1].split("@", 1)[0].partition(":")[2] for url in filter(None, urls)
    ]
    return [form for password in found if password for form in {password, unquote(password)}]
