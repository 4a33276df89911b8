"""The rival of the files' benchmarks: ``aws s3 sync``, and the server that both speak to."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from greenroom.settings import process_environment

VERSION = "awscli"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@contextmanager
def memory_server(*fills: str) -> Iterator[str]:
    """Run the S3 API in memory, with buckets as ``name:count:size``; give its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.s3_memory", *fills],
        stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).resolve().parent.parent,
    )  # fmt: skip
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


@contextmanager
def aws() -> Iterator[str]:
    """Give the program ``aws``: the machine's, else installed for this run and thrown away."""
    found = shutil.which("aws")
    if found:
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="aws-") as folder:
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder], check=True)
        python = f"{folder}/bin/python"
        subprocess.run([uv, "pip", "install", "-q", "--python", python, VERSION], check=True)
        yield f"{folder}/bin/aws"


def sync_with_aws(program: str, url: str, source: str, target: str) -> tuple[float, str]:
    """Run ``aws s3 sync`` once; give the seconds and its version."""
    environment = process_environment(AWS_DEFAULT_REGION="us-east-1", **KEYS)
    begun = time.perf_counter()
    subprocess.run(
        [program, "s3", "sync", f"s3://{source}", f"s3://{target}", "--endpoint-url", url,
         "--only-show-errors"],
        check=True, env=environment,
    )  # fmt: skip
    took = time.perf_counter() - begun
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=True, env=environment
    ).stdout.split()[0]
    return took, version
