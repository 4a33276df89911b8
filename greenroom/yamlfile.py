"""YAML files that people write: read as nodes, so that every complaint can say its line."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from greenroom.errors import UserError

Refuse = Callable[..., UserError]
"""Makes an error of ``(message, line=…, hint=…)``."""


class _Refused(Exception):
    """An alias, and its line."""


class _NoAliases(yaml.SafeLoader):
    """Composes nodes but refuses aliases: they are how a short file becomes a huge one."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise _Refused(mark.line + 1)
        return super().compose_node(parent, index)


def compose(text: str | bytes, max_bytes: int, refuse: Refuse) -> yaml.Node | None:
    """Read a file's text as a node; None when there is nothing in it.

    Errors: what ``refuse`` makes.
    """
    octets = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(octets) > max_bytes:
        raise refuse(
            f"the file has {len(octets):,} bytes, {max_bytes:,} are allowed",
            hint="It holds settings only; is it another file by mistake?",
        )
    try:
        decoded = octets.decode()
    except UnicodeDecodeError as error:
        raise refuse("the file is not UTF-8 text") from error
    try:
        loader = _NoAliases(decoded)
        try:
            root: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
    except _Refused as error:
        raise refuse(
            "aliases (*name) are not allowed", line=error.args[0], hint="Write the value out."
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise refuse(
            f"not valid YAML: {error.problem or error.context}",
            line=mark.line + 1 if mark else None,
        ) from error
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError) as error:
        raise refuse(f"not valid YAML: {type(error).__name__}") from error
    return root
