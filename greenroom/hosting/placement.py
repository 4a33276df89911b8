"""Where an environment's next copy shall run: a pure choice among the hosts that answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from greenroom.errors import GreenroomError, HostUnavailable, LimitReached
from greenroom.store.machines import LOCAL, Host

MEGA = 1024**2


@dataclass(frozen=True)
class Wish:
    """What shall be placed."""

    project: str
    is_production: bool
    memory_bytes: int
    before: str = ""
    """Where its copies run now; the empty name is this machine."""
    has_before: bool = False
    why_here: str = ""
    """Why it can run at this machine only; empty: it need not."""
    has_services: bool = False
    needs_guard: bool = False


@dataclass(frozen=True)
class Offer:
    """A host, as far as it was asked."""

    name: str
    """The empty name is this machine."""
    free_bytes: int
    """What is not used, and not promised to what runs there."""
    host: Host | None = None
    is_drained: bool = False
    silent: str = ""
    """Why it did not answer; empty: it did."""

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.name or LOCAL


def why_not(offer: Offer, wish: Wish) -> str:
    """Say why a host does not take something; empty when it does. Pure."""
    host = offer.host
    if offer.is_drained:
        return "it is drained"
    if host is not None:
        if wish.why_here:
            return wish.why_here
        if host.takes == ("staging" if wish.is_production else "production"):
            return f"it takes {host.takes} only"
        if host.projects and wish.project not in host.projects:
            return f"it is for {', '.join(host.projects)}"
        if wish.needs_guard:
            return "the egress guard is required, and reaches no host elsewhere"
        if host.kind == "swarm" and wish.has_services:
            return "a swarm runs no `services` beside an environment"
    if offer.silent:
        return offer.silent
    missing = wish.memory_bytes - offer.free_bytes
    if missing > 0:
        free = max(0, offer.free_bytes) // MEGA
        return f"{free} MiB are free of the {wish.memory_bytes // MEGA} MiB that it may need"
    return ""


def choose_host(offers: Sequence[Offer], wish: Wish) -> tuple[str, list[str]]:
    """Choose a host, and say in lines what counted. Pure.

    It stays where it is as long as it fits there; else it goes where most memory is free.

    Errors: LimitReached, or HostUnavailable where one that does not answer could take it.
    """
    refused = [(offer, why) for offer in offers if (why := why_not(offer, wish))]
    out = {offer.name for offer, _ in refused}
    fitting = [offer for offer in offers if offer.name not in out]
    lines = [f"{offer.label}: {why}" for offer, why in refused]
    if not fitting:
        raise _nowhere(refused)
    same = [o for o in fitting if wish.has_before and o.name == wish.before]
    chosen = same[0] if same else max(fitting, key=lambda o: (o.free_bytes, o.name))
    stays = ", where it was" if same else ""
    lines.append(f"placed at {chosen.label}{stays}: {chosen.free_bytes // MEGA} MiB are free there")
    return chosen.name, lines


def _nowhere(refused: list[tuple[Offer, str]]) -> GreenroomError:
    said = "; ".join(f"{offer.label}: {why}" for offer, why in refused)
    if any(offer.silent and why == offer.silent for offer, why in refused):
        return HostUnavailable(
            f"no host takes it: {said}",
            hint="It is tried again. `greenroom hosts check` asks each host.",
        )
    return LimitReached(
        f"no host takes it: {said}",
        hint="Add a host, undrain one, give resources.size a smaller one, or destroy environments.",
    )
