"""Where files lie: a bucket at any S3 API, or a folder. Reading addresses is pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from greenroom.assets.base import Credentials
from greenroom.errors import InvalidInput

_HINT = (
    "s3://bucket/prefix, s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-central-1,"
    " or an absolute path."
)


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket."""

    name: str
    prefix: str = ""
    """Empty, or ending in a slash."""
    endpoint: str = ""
    """Empty for Amazon's own."""
    region: str = "us-east-1"
    credentials: Credentials = field(default_factory=Credentials, repr=False)

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")

    @property
    def is_by_path(self) -> bool:
        """Whether the bucket's name is a part of the path, not of the host."""
        return bool(self.endpoint) or "." in self.name

    @property
    def url(self) -> str:
        """The server's address."""
        if self.endpoint:
            return self.endpoint
        region = "" if self.region == "us-east-1" else f".{self.region}"
        host = f"s3{region}.amazonaws.com"
        return f"https://{host}" if self.is_by_path else f"https://{self.name}.{host}"

    @property
    def path_name(self) -> str:
        """The part of the path that names the bucket."""
        return self.name if self.is_by_path else ""

    @property
    def server(self) -> str:
        """Equal for buckets whose files the server can copy between. Amazon is one server."""
        host = urlsplit(self.endpoint).netloc.lower()
        return "amazon" if not host or host.endswith(".amazonaws.com") else host

    @property
    def identity(self) -> str:
        """Equal for two prefixes of one bucket."""
        return f"{self.server}/{self.name}"


@dataclass(frozen=True)
class Folder:
    """A folder of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> str:
        """The folder as the machine knows it, whatever link leads there."""
        return str(self.path.resolve())


Place = Bucket | Folder


def read_place(text: str, credentials: Credentials | None = None) -> Place:
    """Read an address of files.

    Errors: InvalidInput.
    """
    parts = urlsplit(text)
    if parts.scheme == "s3":
        return _bucket(text, credentials or Credentials())
    path = Path(parts.path if parts.scheme == "file" else text)
    if parts.scheme not in ("", "file") or not path.is_absolute() or "\0" in text:
        raise InvalidInput(f"{text[:100]!r} names no files", hint=_HINT)
    return Folder(path)


def _bucket(text: str, credentials: Credentials) -> Bucket:
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = set(options) - {"endpoint", "region"}
    if not parts.netloc or "@" in parts.netloc or unknown or parts.fragment:
        raise InvalidInput(
            f"{text[:100]!r} names no bucket" if "@" not in parts.netloc
            else "the address of a bucket holds no credentials",
            hint=f"{_HINT} Credentials are asked for, or read from standard input.",
        )  # fmt: skip
    endpoint = options.get("endpoint", "").rstrip("/")
    shape = urlsplit(endpoint)
    if endpoint and (shape.scheme not in ("http", "https") or not shape.hostname or shape.path):
        raise InvalidInput(f"{endpoint!r} is no server's address", hint="https://s3.example.org")
    if endpoint and ("@" in shape.netloc or shape.query):
        raise InvalidInput("the endpoint's address holds more than host and port")
    prefix = parts.path.strip("/")
    return Bucket(
        parts.netloc, f"{prefix}/" if prefix else "", endpoint,
        options.get("region") or "us-east-1", credentials,
    )  # fmt: skip


def check_apart(source: Place, target: Place) -> None:
    """Refuse a target that holds production's files, or lies in them. Pure but for links.

    Errors: NotAllowed.
    """
    from greenroom.errors import NotAllowed

    both = isinstance(source, Bucket) and isinstance(target, Bucket)
    if source.identity == target.identity if both else overlap(source, target):
        raise NotAllowed(
            f"{target} is where production's files are: nothing is ever written there",
            hint="Name a bucket, or a folder, of staging's own.",
        )


def overlap(one: Place, other: Place) -> bool:
    """Whether one of two places holds files of the other. Pure but for links."""
    if isinstance(one, Bucket) and isinstance(other, Bucket):
        above, below = sorted((one.prefix, other.prefix), key=len)
        return one.identity == other.identity and below.startswith(above)
    if isinstance(one, Folder) and isinstance(other, Folder):
        ours, theirs = one.path.resolve(), other.path.resolve()
        return ours.is_relative_to(theirs) or theirs.is_relative_to(ours)
    return False
