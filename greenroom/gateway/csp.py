"""A page's content security policy, extended by our one script and not otherwise.

Source: W3C Content Security Policy Level 3, sections 2.2 (policies), 6.1 (fetch directives).
"""

from __future__ import annotations

import re

HEADERS = (b"content-security-policy", b"content-security-policy-report-only")
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_SCRIPTS = ("script-src-elem", "script-src", "default-src")
_NEEDED_IN_SANDBOX = {"allow-scripts", "allow-same-origin"}
_SAME_ORIGIN = {"'self'", "*"}


def own_nonce(text: str) -> str | None:
    """Give the first nonce by which policies let scripts run."""
    for policy in text.split(","):
        found = _NONCE.search(" ".join(_in_force(_parse(policy), _SCRIPTS) or ()))
        if found is not None:
            return found[1]
    return None


def may_run(text: str) -> bool:
    """Whether a script of ours can do its work: a sandbox must allow scripts of the page's origin.

    >>> may_run("sandbox allow-scripts")
    False
    """
    for policy in text.split(","):
        sandbox = _parse(policy).get("sandbox")
        if sandbox is not None and not {word.lower() for word in sandbox} >= _NEEDED_IN_SANDBOX:
            return False
    return True


def admit(text: str, nonce: str, address: str) -> str:
    """Let the script with ``nonce`` run and ask its own origin; everything else stays forbidden.

    Beside 'unsafe-inline' a nonce would end what that allows: there the script's own ``address``
    is allowed instead.

    >>> admit("default-src 'none'", "x", "https://a/o.js")
    "default-src 'none'; script-src 'nonce-x'; connect-src 'self'"
    """
    return ", ".join(_admit(policy, nonce, address) for policy in text.split(","))


def _admit(policy: str, nonce: str, address: str) -> str:
    directives = _parse(policy)
    sources = _in_force(directives, _SCRIPTS)
    if sources is not None:
        name = "script-src-elem" if "script-src-elem" in directives else "script-src"
        words = {word.lower() for word in sources}
        is_inline = "'unsafe-inline'" in words and not (
            _NONCE.search(" ".join(sources)) or "'strict-dynamic'" in words
        )
        directives[name] = _with(sources, address if is_inline else f"'nonce-{nonce}'")
    sources = _in_force(directives, ("connect-src", "default-src"))
    if sources is not None and not _SAME_ORIGIN & {word.lower() for word in sources}:
        directives["connect-src"] = _with(
            [word for word in sources if not word.startswith(("'nonce-", "'sha", "'unsafe-"))],
            "'self'",
        )
    return "; ".join(" ".join([name, *sources]) for name, sources in directives.items())


def _parse(policy: str) -> dict[str, list[str]]:
    directives: dict[str, list[str]] = {}
    for part in policy.split(";"):
        words = part.split()
        if words:
            directives.setdefault(words[0].lower(), words[1:])  # the first of a name counts
    return directives


def _in_force(directives: dict[str, list[str]], names: tuple[str, ...]) -> list[str] | None:
    return next((directives[name] for name in names if name in directives), None)


def _with(sources: list[str], source: str) -> list[str]:
    kept = [word for word in sources if word.lower() != "'none'"]
    return kept if source in kept else [*kept, source]
