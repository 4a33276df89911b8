"""E-mail addresses as databases hold them: those of a company's own network among them."""

from __future__ import annotations

from presidio_analyzer.predefined_recognizers import EmailRecognizer

_OWN = frozenset((
    "local", "lan", "internal", "intern", "intranet", "corp", "home", "private", "localdomain",
    "localhost", "test", "example", "invalid",
))  # fmt: skip
"""Ends of names that no registry gives away. Sources: RFC 2606, RFC 6762 appendix G, ICANN's
reservation of ``internal``."""


class DatabaseMails(EmailRecognizer):
    """Presidio's recognizer; it alone takes only addresses that the public could write to."""

    def validate_result(self, pattern_text: str) -> bool:
        """Whether an address is under a public or a private domain."""
        last = pattern_text.rpartition(".")[2].lower()
        return last in _OWN or bool(super().validate_result(pattern_text))
