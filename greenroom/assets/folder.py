"""Folders: of production, which are only read, and of staging, which nothing leaves."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote, unquote
from uuid import uuid4

from greenroom.assets.base import Check, Entry, Facts, Range, Source
from greenroom.assets.keys import BESIDE, OURS, path_of_key, printable, segment_of_name
from greenroom.assets.parts import PART_BYTES, etag_of, part_bytes_for
from greenroom.assets.places import Folder
from greenroom.errors import AssetsRefused, FileGone, NoFileName

_XATTR = "user.greenroom."
_HOLE = bytes(PART_BYTES)
_REMEMBERED = 4096
"""Longest value of a header that is kept with a file. Source: xattr(7), one block on ext4."""


class FolderSource:
    """A folder that is read. A file's name is its key's, letter by letter."""

    def __init__(self, folder: Folder) -> None:
        self.root, self.identity = folder.path, folder.identity
        self.strange: set[str] = set()
        if not self.root.is_dir():
            raise AssetsRefused(f"there is no folder {self.root}", hint="Is it mounted?")

    def _segment(self, name: str) -> str:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise NoFileName("a name that is no text in UTF-8") from error
        return name

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in ("", ".", "..") for part in parts) or "\0" in key:
            raise NoFileName(f"{key[:100]!r} is no file of {self.root}")
        return self.root.joinpath(*parts)

    def list_entries(self, part: Range) -> Iterator[Entry]:
        """List the files of a stretch by their keys' octets. Links are not followed."""
        after, until = part.after.encode(), part.until.encode()
        yield from self._walk(self.root, "", after, until)

    def _walk(self, folder: Path, above: str, after: bytes, until: bytes) -> Iterator[Entry]:
        found: list[tuple[bytes, str, os.DirEntry[str]]] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(OURS):
                        continue
                    try:
                        key = above + self._segment(entry.name)
                    except NoFileName:
                        self.strange.add(printable(above + entry.name))
                        continue
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if not is_folder and not entry.is_file(follow_symlinks=False):
                        continue
                    found.append((key.encode() + (b"/" if is_folder else b""), key, entry))
        except FileNotFoundError:
            return
        except OSError as error:
            raise AssetsRefused(f"{folder} cannot be read: {error.strerror}") from error
        found.sort(key=lambda row: row[0])
        for octets, key, entry in found:
            is_folder = octets.endswith(b"/") and entry.is_dir(follow_symlinks=False)
            if is_folder:
                if (until and octets > until) or (after > octets and not after.startswith(octets)):
                    continue
                yield from self._walk(Path(entry.path), key + "/", after, until)
            elif octets > after and (not until or octets <= until):
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield Entry(key, facts.st_size, "", facts.st_mtime)

    def find_bounds(self, wanted: int) -> list[str]:
        """Cut nowhere: the disk is the limit, not the way to it."""
        return []

    def facts(self, key: str) -> Facts:
        """Give what belongs to a file."""
        path = self._path(key)
        try:
            known = path.stat()
        except OSError as error:
            raise FileGone(f"{key[:200]!r} is gone") from error
        return Facts(known.st_size, "", known.st_mtime, _headers(path))

    def read(self, key: str, start: int, length: int, etag: str) -> bytes:
        """Read a part of a file."""
        try:
            with self._path(key).open("rb") as file:
                if _is_hole(file.fileno(), start, length):
                    return _HOLE[:length]
                file.seek(start)
                octets = file.read(length)
        except OSError as error:
            raise FileGone(f"{key[:200]!r} cannot be read: {error.strerror}") from error
        if len(octets) != length:
            raise FileGone(f"{key[:200]!r} has become shorter")
        return octets

    def fetch(self, key: str) -> tuple[Facts, bytes]:
        """Read a whole, small file."""
        facts = self.facts(key)
        return facts, self.read(key, 0, facts.size_bytes, "")

    def digest(self, key: str, like: str) -> str:
        """Make the ETag that a bucket would tell for the file."""
        facts = self.facts(key)
        size = part_bytes_for(facts.size_bytes, like) if "-" in like else PART_BYTES

        def chunks() -> Iterator[bytes]:
            for start in range(0, facts.size_bytes, size):
                yield self.read(key, start, min(size, facts.size_bytes - start), "")

        return etag_of(chunks(), like)

    def is_public(self, key: str) -> bool:
        """Say no: a file of a folder has no access list of a bucket."""
        return False

    def close(self) -> None:
        """Close nothing: files are opened one by one."""


class FolderTarget(FolderSource):
    """A folder of staging's. Every key becomes a file in it, none outside."""

    def __init__(self, folder: Folder) -> None:
        folder.path.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.is_exact = _keeps_names_apart(self.root)

    def _segment(self, name: str) -> str:
        return segment_of_name(name)

    def _path(self, key: str) -> Path:
        path = self.root.joinpath(*path_of_key(key, is_exact=self.is_exact))
        beside = path.with_name(path.name + BESIDE)
        return beside if path.is_dir() or beside.exists() else path

    def _place(self, key: str) -> Path:
        """Make the folders above a key's file; a file that is in their way steps aside."""
        path = self.root
        *above, _ = path_of_key(key, is_exact=self.is_exact)
        for name in above:
            path = path / name
            if path.is_symlink():
                raise AssetsRefused(f"{path} is a link: nothing is written through it")
            if path.is_file():
                path.replace(path.with_name(path.name + BESIDE))
            try:
                path.mkdir(exist_ok=True)
            except FileExistsError:
                path.replace(path.with_name(path.name + BESIDE))
                path.mkdir(exist_ok=True)
        return self._path(key)

    def write(self, key: str, facts: Facts, octets: bytes, *, acl: str = "") -> str:
        """Write a whole file: it is there whole or not at all."""
        path = self._place(key)
        part = path.with_name(f"{OURS}{uuid4().hex}")
        try:
            part.write_bytes(octets)
            self._settle(part, path, facts)
        finally:
            part.unlink(missing_ok=True)
        return ""

    def begin(self, key: str, facts: Facts, *, acl: str = "") -> FolderUpload:
        """Begin a large file, beside its place."""
        return FolderUpload(self, self._place(key), facts)

    def _settle(self, part: Path, path: Path, facts: Facts) -> None:
        for name, value in facts.headers.items():
            try:
                os.setxattr(part, _XATTR + quote(name), value.encode()[:_REMEMBERED])
            except OSError:
                break  # the file system keeps none
        os.utime(part, (facts.changed, facts.changed))
        part.chmod(0o644)
        part.replace(path)

    def copy_within(self, origin: Source, entry: Entry, *, acl: str, check: Check) -> str | None:
        """Folders have no server that copies."""
        return None

    def delete(self, keys: Sequence[str]) -> list[str]:
        """Delete files, and folders that are empty then."""
        stayed = []
        for key in keys:
            try:
                path = self._path(key)
                path.unlink(missing_ok=True)
                for above in path.parents:
                    if above == self.root:
                        break
                    above.rmdir()
            except NoFileName:
                stayed.append(key)
            except OSError:
                continue  # not empty, or gone with another's deletion
        return stayed


class FolderUpload:
    """A large file that is being written beside its place."""

    def __init__(self, target: FolderTarget, path: Path, facts: Facts) -> None:
        self._target, self._path, self._facts = target, path, facts
        self.part_bytes = PART_BYTES
        self._part = path.with_name(f"{OURS}{uuid4().hex}")
        free = shutil.disk_usage(path.parent).free
        if free < facts.size_bytes:
            raise AssetsRefused(f"the disk has no room for {facts.size_bytes:,} bytes")
        with self._part.open("wb") as file:
            file.truncate(facts.size_bytes)

    @property
    def done(self) -> Sequence[int]:
        """Say none: a killed one begins anew."""
        return ()

    def put(self, number: int, octets: bytes) -> None:
        """Write a part; octets that are all zero stay a hole."""
        if octets != _HOLE[: len(octets)]:
            with self._part.open("r+b") as file:
                file.seek((number - 1) * self.part_bytes)
                file.write(octets)

    def finish(self) -> str:
        """Put the file in its place."""
        self._target._settle(self._part, self._path, self._facts)
        return ""


def _is_hole(number: int, start: int, length: int) -> bool:
    """Whether the disk holds nothing of a part of a file: sparse files are not read for nothing."""
    if length != len(_HOLE) or start + length > os.fstat(number).st_size:
        return False
    try:
        return os.lseek(number, start, os.SEEK_DATA) >= start + length
    except OSError as error:
        return error.errno == errno.ENXIO  # Source: lseek(2): no data beyond


def _headers(path: Path) -> dict[str, str]:
    import mimetypes

    found = {}
    try:
        for name in os.listxattr(path):
            if name.startswith(_XATTR):
                found[unquote(name.removeprefix(_XATTR))] = os.getxattr(path, name).decode()
    except (OSError, UnicodeDecodeError):
        pass
    kind = mimetypes.guess_type(path.name)[0]
    if "content-type" not in found and kind:
        found["content-type"] = kind
    return found


def _keeps_names_apart(folder: Path) -> bool:
    """Whether the file system keeps cases, and forms of one letter, apart."""
    made = folder / f"{OURS}{uuid4().hex}-\u00e9"
    try:
        made.touch()
        upper, other = made.name.replace("green", "GREEN"), made.name.replace("\u00e9", "e\u0301")
        return not (folder / upper).exists() and not (folder / other).exists()
    finally:
        made.unlink(missing_ok=True)
