"""Every name that Greenroom gives to a thing outside itself is made here.

A name is made once, when its thing is created, and stored with it; nothing parses names back.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from greenroom.errors import InvalidInput

LABEL_OCTETS = 63
"""Longest label of a host name. Source: RFC 1035 section 2.3.4."""

IDENTIFIER_OCTETS = 63
"""Longest identifier of PostgreSQL. Source: NAMEDATALEN - 1, PostgreSQL manual section 4.1.1."""

BRIDGE_OCTETS = 15
"""Longest network interface name. Source: IFNAMSIZ - 1, linux/if.h."""

_TAIL = 8
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
RESERVED_SLUGS = frozenset(
    {"console", "api", "gateway", "prefect", "www", "localhost", "greenroom"}
)


def digest_tail(text: str, length: int = _TAIL) -> str:
    """Give a short stable fingerprint of ``text``: ``length`` lower-case hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def slug(text: str, limit: int = LABEL_OCTETS) -> str:
    """Turn any text into ``[a-z0-9-]``, at most ``limit`` octets, with a hash tail when cut.

    The same text always gives the same slug. Different texts may meet in one slug
    (``a/b`` and ``a-b``): whoever needs uniqueness asks for :func:`distinct_slug` then.
    """
    folded = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")
    if not plain:
        return f"x{digest_tail(text)}"
    if len(plain) < 2:  # container names need two characters
        plain = f"{plain}0"
    return plain if len(plain) <= limit else _cut(plain, text, limit)


def distinct_slug(text: str, limit: int = LABEL_OCTETS) -> str:
    """Like :func:`slug`, but always with the hash tail of ``text``."""
    return _cut(slug(text, limit), text, limit)


def _cut(plain: str, text: str, limit: int) -> str:
    return f"{plain[: limit - _TAIL - 1].rstrip('-')}-{digest_tail(text)}"


def check_project_name(name: str) -> str:
    """Return ``name`` if it can name a project, else raise.

    Errors: InvalidInput.
    """
    if not _SLUG.fullmatch(name) or not 2 <= len(name) <= 40 or name in RESERVED_SLUGS:
        raise InvalidInput(
            f"{name!r} cannot name a project",
            hint="Use 2 to 40 of a-z, 0-9 and '-', starting and ending with a letter or digit"
            f" (not one of: {', '.join(sorted(RESERVED_SLUGS))}). For example: {slug(name, 40)}",
        )
    return name


def host_label(project: str, environment: str, *, production: bool = False) -> str:
    """Give the first label of an environment's host name, at most 63 octets.

    Production has the project's own label, staging ``<project>-<environment>``.
    """
    return slug(project) if production else slug(f"{project}-{environment}")


def distinct_host_label(project: str, environment: str) -> str:
    """Give the label for an environment whose :func:`host_label` is taken already."""
    return distinct_slug(f"{project}-{environment}")


def database_name(project: str, environment: str, environment_id: str) -> str:
    """Name an environment's database; unique because it ends in the environment's id."""
    return _identifier(project, environment, environment_id)


def role_name(project: str, environment: str, environment_id: str) -> str:
    """Name the role that owns an environment's database."""
    return _identifier(project, environment, environment_id)


def _identifier(project: str, environment: str, environment_id: str) -> str:
    tail = environment_id.replace("-", "")[:12]
    stem = slug(f"{project}-{environment}").replace("-", "_")[: IDENTIFIER_OCTETS - len(tail) - 4]
    return f"gr_{stem.rstrip('_')}_{tail}"


def network_name(environment_id: str, *, guarded: bool) -> str:
    """Name an environment's Docker network: one that the egress guard keeps, or an open one."""
    kind = "guarded" if guarded else "open"
    return f"greenroom-{environment_id.replace('-', '')[:12]}-{kind}"


def swarm_network_name(environment_id: str) -> str:
    """Name an environment's network over the nodes of a swarm."""
    return f"greenroom-{environment_id.replace('-', '')[:12]}-swarm"


def guarded_prefix(home: str) -> str:
    """Begin the interface names of a platform's guarded networks: one rule covers them all.

    Two platforms on one machine have a prefix each, and touch nothing of the other's.
    """
    return f"gv{digest_tail(home, 4)}"


def bridge_name(environment_id: str, home: str, *, guarded: bool) -> str:
    """Name the network interface of an environment's network, within 15 octets."""
    prefix = guarded_prefix(home) if guarded else f"go{digest_tail(home, 4)}"
    return prefix + environment_id.replace("-", "")[: BRIDGE_OCTETS - len(prefix)]


def service_name(environment_id: str, service: str) -> str:
    """Name the container and the volume of a service beside an environment."""
    return f"greenroom-{environment_id.replace('-', '')[:12]}-svc-{service}"


def instance_name(project: str, environment: str, instance_id: str) -> str:
    """Name a running copy (container, supervised program)."""
    return f"{slug(f'{project}-{environment}', 40)}-{instance_id.replace('-', '')[:12]}"


def image_tag(project: str, commit: str) -> str:
    """Tag a built image; the image's Id, not this tag, is its identity."""
    return f"greenroom/{slug(project, 40)}:{commit[:12]}"


def work_queue_name(environment_id: str) -> str:
    """Name the Prefect work queue that orders the runs of one environment."""
    return f"env-{environment_id.replace('-', '')[:12]}"


def environment_name(branch: str) -> str:
    """Name the environment of a branch, as people read it: ``feature/a`` becomes ``feature-a``."""
    return slug(branch, 48)


def sync_queue_name(project_id: str) -> str:
    """Name the Prefect work queue that orders the syncs of one project."""
    return f"data-{project_id.replace('-', '')[:12]}"


def template_name(project: str, project_id: str) -> str:
    """Name a project's anonymized database, which environments' databases are copied from."""
    return database_name(project, "template", project_id)
