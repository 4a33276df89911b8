"""Builds whose Dockerfile mounts secrets: BuildKit fetches each from whoever builds, by a session.

The engine's API has no such session, so Docker's own command is asked. A secret lies in the memory
of that command and in a tmpfs of the step that mounts it: in no layer, no history, no file of ours.

Source: Docker documentation, "Build secrets"; docker/cli 20.10 ``--secret id=…,env=…``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from greenroom.errors import BuildFailed, HostingError
from greenroom.hosting.base import Check, Log
from greenroom.hosting.commands import TimedOut, run_streamed
from greenroom.settings import engine_environment, project_environment

_MOUNT = re.compile(r"--mount=(?=\S*type=secret)\S*")
_ID = re.compile(r"(?:^|,)(?:id|target|dst|destination)=([^,\s]+)")
_ARGUMENT = re.compile(r"^\s*ARG\s+([A-Za-z_]\w*)", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(r"version (\d+)\.")
BUNDLED_BEFORE = 23
"""Docker's command needs its buildx plugin for BuildKit from this version on."""
_VARIABLE = "GREENROOM_BUILD_SECRET_"


@dataclass(frozen=True)
class SecretBuild:
    """One build, and what it is given."""

    address: str | None
    """The engine's; None is the one that Docker's command finds by itself."""
    tag: str
    dockerfile: str
    labels: Mapping[str, str]
    arguments: Mapping[str, str]
    secrets: Mapping[str, str]
    timeout_seconds: float


def mounted_secrets(dockerfile: str) -> set[str]:
    """Give the ids of the secrets that a Dockerfile mounts. Pure."""
    joined = re.sub(r"\\\r?\n", " ", dockerfile)
    found = set()
    for mount in _MOUNT.findall(joined):
        ids = _ID.findall(mount.removeprefix("--mount="))
        found |= {Path(one).name for one in ids[:1]}
    return found


def asked_as_arguments(dockerfile: str, secrets: Mapping[str, str]) -> list[str]:
    """Name the secrets that a Dockerfile wants as build arguments: they are not given so. Pure."""
    return sorted(set(_ARGUMENT.findall(dockerfile)) & set(secrets))


def find_command() -> str:
    """Find a ``docker`` command that can hand secrets to BuildKit.

    Errors: HostingError.
    """
    for folder in project_environment()["PATH"].split(os.pathsep):
        found = shutil.which("docker", path=folder)
        if found and _is_able(found):
            return found
    raise HostingError(
        "the Dockerfile mounts a secret, and no docker command here can hand one over",
        hint="Install Docker's command with its buildx plugin (docker-ce-cli and"
        " docker-buildx-plugin, or Debian's docker.io). A secret is never a build argument.",
    )


@lru_cache(maxsize=16)
def _is_able(command: str) -> bool:
    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *words], capture_output=True, text=True, timeout=30, check=False,
            env=project_environment(),
        )  # fmt: skip

    try:
        version = _VERSION.search(ask("--version").stdout)
        if version is not None and int(version[1]) < BUNDLED_BEFORE:
            return True
        return ask("buildx", "version").returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def build_with_secrets(build: SecretBuild, context: IO[bytes], log: Log, check: Check) -> None:
    """Build an image. When this ends early the command is ended, and BuildKit's build with it.

    Errors: BuildFailed, HostingError, and whatever ``check`` raises.
    """
    command = [find_command()]
    if build.address:
        command += ["-H", build.address]
    command += ["build", "--progress=plain", "--tag", build.tag, "--file", build.dockerfile]
    for name, value in build.labels.items():
        command += ["--label", f"{name}={value}"]
    for name, value in build.arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    given = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
    for number, (name, value) in enumerate(sorted(build.secrets.items())):
        command += ["--secret", f"id={name},env={_VARIABLE}{number}"]
        given[f"{_VARIABLE}{number}"] = value
    last: list[str] = []

    def note(line: str) -> None:
        last[:] = [*last[-9:], line]
        log(line)

    try:
        code = run_streamed(
            [*command, "-"], folder=None, environment=engine_environment(**given),
            timeout_seconds=build.timeout_seconds, log=note, check=check, source=context,
        )  # fmt: skip
    except TimedOut as error:
        raise BuildFailed(f"the build ran longer than {build.timeout_seconds} s") from error
    except OSError as error:
        raise HostingError(f"the build could not start: {error}") from error
    if code:
        said = next((line for line in reversed(last) if line.strip()), f"exit code {code}")
        raise BuildFailed(
            "the image build failed: " + said.strip()[:500],
            hint="The log shows the failing step. A secret that is not found: is it set for builds"
            " (`greenroom variable set --at build`), under the id that the Dockerfile mounts?",
        )
