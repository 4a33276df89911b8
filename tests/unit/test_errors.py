from __future__ import annotations

from collections.abc import Iterator

import pytest

from greenroom import errors
from greenroom.cli.output import fail
from greenroom.errors import GreenroomError


def all_kinds(kind: type[GreenroomError] = GreenroomError) -> Iterator[type[GreenroomError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from all_kinds(child)


KINDS = [kind for kind in all_kinds() if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_speaks_and_is_drawn_in_the_tree(kind: type[GreenroomError]) -> None:
    error = kind("what happened", hint="what to do")
    assert error.as_json() | {"detail": ""} == {
        "error": kind.__name__, "detail": "", "hint": "what to do",
    }  # fmt: skip
    assert "what happened" in str(error)
    assert kind.__doc__
    assert f"── {kind.__name__}" in (errors.__doc__ or "") or kind is GreenroomError
    assert 1 <= kind.exit_code <= 8


def test_without_a_message_the_docstring_speaks() -> None:
    assert str(errors.EnvironmentLocked()) == "Another run holds the environment."


def test_exit_codes_are_documented() -> None:
    """The command line's documentation has this table; changing a code breaks scripts."""
    codes = {kind.__name__: kind.exit_code for kind in KINDS}
    assert codes == {
        "GreenroomError": 1, "UserError": 2, "NotFound": 3, "AlreadyExists": 4, "InvalidInput": 2,
        "InvalidFile": 2, "InvalidManifest": 2, "InvalidPolicy": 2, "Undecided": 2,
        "InvalidTransition": 2, "LiveKeyRefused": 2, "EnvironmentLocked": 5, "NotAllowed": 6,
        "LimitReached": 7, "SourceError": 1, "UnknownRef": 3, "ProjectFailed": 1,
        "ForgeError": 1, "ForgeUnavailable": 1, "TrackerRefused": 1, "TrackerUnavailable": 1,
        "HostUnavailable": 1, "NotificationRefused": 1,
        "BuildFailed": 1, "ReleaseFailed": 1,
        "HealthCheckFailed": 1, "Overtaken": 1, "LockLost": 1, "BackupFailed": 1, "HostingError": 1,
        "PlatformError": 8, "DnsUnavailable": 8, "DatabaseUnavailable": 8,
        "OrchestratorUnavailable": 8,
        "AssetsRefused": 1, "AssetsUnavailable": 1, "FileGone": 1, "CdnFailed": 1, "NoFileName": 2,
        "SecretsError": 8, "SyncFailed": 1, "SourceUnavailable": 1, "LeakFound": 1,
    }  # fmt: skip


def test_only_absence_is_transient() -> None:
    assert {kind.__name__ for kind in KINDS if kind.transient} == {
        "DatabaseUnavailable", "OrchestratorUnavailable", "SourceUnavailable",
        "ForgeUnavailable", "TrackerUnavailable", "HostUnavailable", "NotificationRefused",
        "AssetsUnavailable", "CdnFailed",
    }  # fmt: skip


def test_a_manifests_error_says_file_and_line() -> None:
    error = errors.InvalidManifest("unknown key", line=3)
    assert str(error) == "greenroom.yaml:3: unknown key"
    assert error.details == {"file": "greenroom.yaml", "line": 3}


def test_errors_of_a_projects_code_carry_its_last_lines() -> None:
    assert errors.BuildFailed("x", log_tail="a\nb").log_tail == "a\nb"


@pytest.mark.parametrize("as_json", [False, True])
def test_what_is_printed_of_an_error_holds_no_password(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    error = errors.SourceError("cannot read https://u:hunter2@git.test/x", hint="Is it up?")
    with pytest.raises(SystemExit):
        fail(error, as_json)
    told = "".join(capsys.readouterr())
    assert "git.test/x" in told
    assert "hunter2" not in told
