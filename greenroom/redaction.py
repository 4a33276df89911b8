"""Which values must be shown to nobody where an environment's output is read or kept."""

from __future__ import annotations

from greenroom.runs import orchestrator_password
from greenroom.secrets import Redactor
from greenroom.settings import load_settings
from greenroom.store import environments, projects
from greenroom.store.models import Environment
from greenroom.store.work import Work, database_url


def redactor_for(work: Work, environment: Environment) -> Redactor:
    """Make the redactor that knows an environment's secrets and the platform's own."""
    secrets = [v.value for v in projects.resolve_variables(environment) if v.is_secret]
    secrets.append(projects.webhook_secret(environment.project))
    settings = load_settings()
    urls = [
        environments.environment_database_url(environment),
        projects.production_database_url(environment.project),
        database_url(settings),
    ]
    for url in filter(None, urls):
        password = url.split("://", 1)[-1].split("@", 1)[0].partition(":")[2]
        secrets.append(password)
    secrets.append(orchestrator_password(settings))
    return Redactor(filter(None, secrets))
