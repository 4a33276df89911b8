"""What is tried of an environment besides its network, and what no guard keeps of the rest."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from greenroom.isolation.payments import scan
from greenroom.isolation.probes import BLOCKED, CAPTURED, GOT_OUT, OURS
from greenroom.manifest import VENDORS

NOT_KEPT = "not kept"
SECONDS = 5
_OPEN = (
    ("mail", "a mail server whose address is written into it"),
    ("web", "any host, by name or by address"),
    ("dns", "any name server"),
    ("metadata", "the metadata address"),
    ("host", "this machine's services"),
    ("sibling", "other environments' ports"),
    ("ipv6", "any address"),
    ("udp", "any port"),
)


@dataclass(frozen=True)
class Probe:
    """One thing that was tried, or that nothing keeps."""

    group: str
    what: str
    outcome: str
    """blocked, captured, answered by us, got out, not kept."""
    detail: str = ""


def probe_common(
    variables: Mapping[str, str], url: str, gateway_port: int, host: str, others: str
) -> list[Probe]:
    """Try what holds for every runtime: keys, robots, the database; ``others`` is the store's."""
    found = [one.variable for one in scan(variables)]
    probes = [
        Probe("payments", "live keys among its variables", GOT_OUT if found else BLOCKED,
              ", ".join(found[:5]) or "none"),
        _probe_robots(gateway_port, host),
    ]  # fmt: skip
    own = variables.get("DATABASE_URL", "")
    if own and url:
        probes.append(_probe_database(url, others))
    return probes


def _probe_robots(port: int, host: str) -> Probe:
    words = "search engines"
    try:
        asked = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        try:
            asked.request("GET", "/robots.txt", headers={"Host": host})
            answer = asked.getresponse()
            told, text = answer.headers.get("X-Robots-Tag", ""), answer.read(2000)
        finally:
            asked.close()
    except (OSError, http.client.HTTPException) as error:
        return Probe("robots", words, NOT_KEPT, f"the gateway does not answer: {error}")
    if "noindex" in told and b"Disallow: /" in text:
        return Probe("robots", words, BLOCKED, "noindex, and a robots.txt of ours")
    return Probe("robots", words, GOT_OUT, "the answer has no noindex")


def _probe_database(url: str, others: str) -> Probe:
    words = "another database, with its own login"
    try:
        with psycopg.connect(url, dbname=others, connect_timeout=SECONDS):
            return Probe("database", words, GOT_OUT, f"{others} let it in")
    except psycopg.Error as error:
        said = str(error).strip().splitlines()
        return Probe("database", words, BLOCKED, said[-1][-120:] if said else "refused")


def probe_mail_variables(host: str, port: int) -> Probe:
    """Try the mail server that the variables name."""
    words = "the server that its variables name"
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as made:
            said = made.recv(200)
    except OSError as error:
        return Probe("mail", words, BLOCKED, str(error))
    return Probe("mail", words, CAPTURED if OURS in said else GOT_OUT, "kept here")


def describe_unguarded(runtime: str) -> list[Probe]:
    """Say what nothing keeps where there is no guard; nothing of a folder of files. Pure."""
    if runtime == "static":
        return [Probe("process", "anything at all", BLOCKED, "files are served; nothing runs")]
    if runtime in VENDORS:
        return [Probe("process", "anything at all", NOT_KEPT, f"{runtime} shows its files")]
    return [Probe(group, what, NOT_KEPT, "no egress guard") for group, what in _OPEN]


def judge(probes: list[Probe], packets: int | None, *, needs_packets: bool) -> str:
    """Give the verdict: open, partly, proved. Pure."""
    if packets or any(one.outcome == GOT_OUT for one in probes):
        return "open"
    if any(one.outcome == NOT_KEPT for one in probes) or (needs_packets and packets is None):
        return "partly"
    return "proved"
