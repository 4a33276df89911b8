"""Who asks over the network: what a browser tells of itself, and how often one tries. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address

TRIES, TRIES_SECONDS = 10, 600.0
"""Passwords, or tokens, that one address may try."""
MOST_ADDRESSES = 10_000
_BROWSERS = (
    ("bot", "a program"), ("Slackbot", "a program"), ("curl/", "a program"),
    ("python", "a program"), ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
"""In this order: each browser names the older ones, too."""
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def coarse_client(agent: str) -> str:
    """Say which browser on which system a User-Agent names. Pure.

    >>> coarse_client("Mozilla/5.0 (iPhone; …) Version/18.0 Mobile/15E148 Safari/604.1")
    'Safari on iPhone'
    """
    folded = agent[:500]
    browser = next((name for mark, name in _BROWSERS if mark in folded), "a browser")
    system = next((name for mark, name in _SYSTEMS if mark in folded), "")
    return f"{browser} on {system}" if system else browser


class Throttle:
    """Counts what addresses try."""

    def __init__(self, tries: int = TRIES, seconds: float = TRIES_SECONDS) -> None:
        self._most, self._seconds = tries, seconds
        self._tried: OrderedDict[str, deque[float]] = OrderedDict()

    def is_resting(self, address: str, now: float) -> bool:
        """Whether an address has tried too often; counts nothing."""
        tried = self._tried.get(_network(address))
        return tried is not None and sum(at >= now - self._seconds for at in tried) >= self._most

    def is_allowed(self, address: str, now: float) -> bool:
        """Count one try of an address; whether it was one of the allowed ones."""
        key = _network(address)
        tried = self._tried.setdefault(key, deque())
        self._tried.move_to_end(key)
        while len(self._tried) > MOST_ADDRESSES:
            self._tried.popitem(last=False)
        while tried and tried[0] < now - self._seconds:
            tried.popleft()
        if len(tried) >= self._most:
            return False
        tried.append(now)
        return True


def _network(address: str) -> str:
    """Give what belongs to one client: an IPv6 client has a whole /64."""
    try:
        plain = ip_address(address)
    except ValueError:
        return address
    return str(int(plain) >> 64) if isinstance(plain, IPv6Address) else address
