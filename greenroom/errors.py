"""The one tree of errors.

Every error carries a message (what happened), a hint (what to do) and ``transient`` (whether
trying again later can help). The tree::

    GreenroomError
    ├── UserError                    the caller can mend it; never retried
    │   ├── NotFound                 no such project, environment, deployment, branch …
    │   ├── AlreadyExists
    │   ├── InvalidInput             a malformed argument, name, setting
    │   ├── NoFileName               an object's key cannot be the name of a file
    │   ├── InvalidFile              a file that people write is wrong; carries file and line
    │   │   ├── InvalidManifest      greenroom.yaml
    │   │   └── InvalidPolicy        anonymization.yaml
    │   ├── Undecided                columns of production that nobody decided about
    │   ├── InvalidTransition        the environment's state machine refuses
    │   ├── EnvironmentLocked        somebody else is deploying; says who, what, since when
    │   ├── NotAllowed               wrong password, missing right, bad signature
    │   ├── LiveKeyRefused           a staging environment would get a key that charges people
    │   └── LimitReached             disk, memory, number of environments, body size
    ├── SourceError                  git: unreachable, unknown ref, hostile content
    │   └── UnknownRef
    ├── ForgeError                   a forge refused a report: its token, a missing right
    │   └── ForgeUnavailable         it is away, slow, or limits us (transient)
    ├── TrackerRefused               a tracker refused an issue: its token, a missing right
    │   └── TrackerUnavailable       it is away, slow, or limits us (transient)
    ├── NotificationRefused          a service did not take a message (transient)
    ├── ProjectFailed                the project's own code failed; with its last lines
    │   ├── BuildFailed              its build command or Dockerfile
    │   ├── ReleaseFailed            its release command
    │   └── HealthCheckFailed        the new version never became healthy
    ├── Overtaken                    a newer deployment was asked for; ends *cancelled*
    ├── LockLost                     this run no longer holds its environment's lock
    ├── SyncFailed                   a database cannot be copied; staging stays as it was
    │   ├── SourceUnavailable        production's database does not answer (transient)
    │   └── LeakFound                an original was found after masking; says where, never what
    ├── AssetsRefused                a bucket or folder refused: a right, a name, its credentials
    │   ├── FileGone                 it was changed or deleted while it was copied
    │   └── AssetsUnavailable        the server does not answer, or limits us (transient)
    ├── CdnFailed                    a CDN did not forget what was changed (transient)
    ├── BackupFailed                 production's database is not backed up; nothing was changed
    ├── HostingError                 an engine, the process manager or a vendor refused
    │   └── HostUnavailable          the vendor does not answer, or limits us (transient)
    ├── PlatformError                one of our own processes is missing or broken
    │   ├── DnsUnavailable
    │   ├── DatabaseUnavailable      (transient)
    │   └── OrchestratorUnavailable  Prefect's API does not answer (transient)
    └── SecretsError                 the secret key is missing or does not fit
"""

from __future__ import annotations

from typing import Any, ClassVar


class GreenroomError(Exception):
    """Something went wrong that we can name."""

    transient: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str | None = None, *, hint: str = "", **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint
        self.details = details
        super().__init__(self.message)

    def as_json(self) -> dict[str, str]:
        """Give the API's shape of an error: ``{"error", "detail", "hint"}``."""
        return {"error": type(self).__name__, "detail": self.message, "hint": self.hint}


class UserError(GreenroomError):
    """The request cannot be carried out as asked."""

    exit_code = 2


class NotFound(UserError):
    """There is no such thing."""

    exit_code = 3


class AlreadyExists(UserError):
    """It exists already."""

    exit_code = 4


class InvalidInput(UserError):
    """The input is malformed."""


class NoFileName(UserError):
    """A key cannot be the name of a file."""


class InvalidFile(UserError):
    """A file that people write is wrong."""

    file: ClassVar[str] = "the file"

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, hint: str = ""
    ) -> None:
        name = file or self.file
        where = f"{name}:{line}" if line else name
        super().__init__(f"{where}: {message}", hint=hint, file=name, line=line)


class InvalidManifest(InvalidFile):
    """The project's greenroom.yaml is wrong."""

    file = "greenroom.yaml"


class InvalidPolicy(InvalidFile):
    """The project's anonymization.yaml is wrong."""

    file = "anonymization.yaml"


class Undecided(UserError):
    """Nobody has decided what becomes of a column."""


class InvalidTransition(UserError):
    """The environment cannot go from its present state to that one."""


class EnvironmentLocked(UserError):
    """Another run holds the environment."""

    exit_code = 5


class NotAllowed(UserError):
    """That is not allowed."""

    exit_code = 6


class LiveKeyRefused(UserError):
    """A staging environment would get a key that charges people."""


class LimitReached(UserError):
    """A limit is reached."""

    exit_code = 7


class SourceError(GreenroomError):
    """The source repository could not be read."""


class UnknownRef(SourceError):
    """The repository has no such branch, tag or commit."""

    exit_code = 3


class ForgeError(GreenroomError):
    """The forge refused what was reported to it."""


class NotificationRefused(GreenroomError):
    """A service did not take a message."""

    transient = True


class ForgeUnavailable(ForgeError):
    """The forge does not answer, or wants to be asked later.

    ``details["retry_after_seconds"]`` is when, where it says so.
    """

    transient = True


class TrackerRefused(GreenroomError):
    """The tracker refused what it was asked for."""


class TrackerUnavailable(TrackerRefused):
    """The tracker does not answer, or wants to be asked later."""

    transient = True


class ProjectFailed(GreenroomError):
    """An error of the project's own code, with the last lines it wrote."""

    def __init__(self, message: str, *, hint: str = "", log_tail: str = "", **details: Any) -> None:
        super().__init__(message, hint=hint, **details)
        self.log_tail = log_tail


class BuildFailed(ProjectFailed):
    """The build failed."""


class ReleaseFailed(ProjectFailed):
    """The release command failed."""


class HealthCheckFailed(ProjectFailed):
    """The new version did not become healthy."""


class Overtaken(GreenroomError):
    """A newer deployment of this environment was asked for, or this one was cancelled."""


class LockLost(GreenroomError):
    """This run no longer holds its environment's lock."""


class SyncFailed(GreenroomError):
    """The database could not be copied; staging stays as it was."""


class SourceUnavailable(SyncFailed):
    """Production's database does not answer."""

    transient = True


class LeakFound(SyncFailed):
    """An original value was found after masking."""


class AssetsRefused(GreenroomError):
    """A bucket or a folder of files refused."""


class FileGone(AssetsRefused):
    """A file was changed or deleted while it was copied."""


class AssetsUnavailable(AssetsRefused):
    """A server of files does not answer."""

    transient = True


class CdnFailed(GreenroomError):
    """A CDN did not forget what was changed."""

    transient = True


class BackupFailed(GreenroomError):
    """Production's database could not be backed up."""


class HostingError(GreenroomError):
    """The host refused."""


class HostUnavailable(HostingError):
    """A vendor or host does not answer, or wants to be asked later."""

    transient = True


class PlatformError(GreenroomError):
    """One of Greenroom's own processes is missing or broken."""

    exit_code = 8


class DnsUnavailable(PlatformError):
    """No DNS server is named, or it does not answer."""


class DatabaseUnavailable(PlatformError):
    """The database does not answer."""

    transient = True


class OrchestratorUnavailable(PlatformError):
    """Prefect's API does not answer."""

    transient = True


class SecretsError(GreenroomError):
    """The secret key is missing or does not fit."""

    exit_code = 8
