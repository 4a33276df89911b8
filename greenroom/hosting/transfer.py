"""Bringing an image to a host: the very one that was built here, told by its Id."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import docker.errors

from greenroom.errors import HostingError
from greenroom.hosting.base import Check, Log

MEGA = 1024**2
PIECE_BYTES = 2 * MEGA


def has_image(client: docker.DockerClient, identity: str) -> bool:
    """Whether an engine has an image of this Id."""
    try:
        client.images.get(identity)
    except docker.errors.ImageNotFound:
        return False
    return True


def send_image(
    here: docker.DockerClient, there: docker.DockerClient, identity: str, tag: str, name: str,
    log: Log, check: Check,
) -> None:  # fmt: skip
    """Have an image of an engine's at another, streamed from one to the other. Idempotent.

    Errors: HostingError where it is not here any more, or arrives as another.
    """
    if has_image(there, identity):
        return
    try:
        image = here.images.get(identity)
    except docker.errors.ImageNotFound as error:
        raise HostingError(
            f"the image {identity[:19]} is not here any more, and {name} has none",
            hint="Deploy its commit anew.",
        ) from error
    size = int(image.attrs.get("Size") or 0)
    log(f"sending the image to {name}: {size / MEGA:.1f} MiB")
    named = tag if tag in image.tags else False

    def pieces() -> Iterator[bytes]:
        for piece in image.save(chunk_size=PIECE_BYTES, named=named):
            check()
            yield piece

    there.images.load(pieces())  # type: ignore[arg-type]  # requests streams what it can iterate
    if not has_image(there, identity):
        raise HostingError(
            f"{name} took the image, and has none of its Id",
            hint="Both engines must keep images the same way: `docker info`, storage driver.",
        )
    log(f"{name} has it, by its Id: {identity[:19]}")
