"""What the shop is told by its environment variables, read once at the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


class MissingSetting(Exception):
    """A setting that the shop cannot do without is not set."""


@dataclass(frozen=True)
class Config:
    """The shop's settings."""

    database_url: str = field(repr=False)
    host: str
    port: int
    environment: str
    commit: str
    url: str
    """Address that people use; it is written into mails."""
    smtp_host: str
    """Empty: mails are kept in the table ``outbox``."""
    smtp_port: int
    smtp_user: str
    smtp_password: str = field(repr=False)
    mail_from: str
    staff_password: str = field(repr=False)
    """Asked for on the staff pages; empty leaves them open, as in the demo."""
    gift_card_key: str = field(repr=False)
    """Signs the codes of gift cards; empty: none are sold."""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Config:
        """Read the settings.

        Errors: MissingSetting, ValueError for a port that is no number.
        """
        host, port = variables.get("HOST") or "127.0.0.1", int(variables.get("PORT") or 8080)
        return cls(
            database_url=required(variables, "DATABASE_URL"),
            host=host,
            port=port,
            environment=variables.get("GREENROOM_ENVIRONMENT", ""),
            commit=variables.get("GREENROOM_COMMIT", ""),
            url=(variables.get("GREENROOM_URL") or f"http://{host}:{port}").rstrip("/"),
            smtp_host=variables.get("SMTP_HOST", ""),
            smtp_port=int(variables.get("SMTP_PORT") or 25),
            smtp_user=variables.get("SMTP_USER", ""),
            smtp_password=variables.get("SMTP_PASSWORD", ""),
            mail_from=variables.get("MAIL_FROM") or "Tolmere Pottery <hello@tolmere.example>",
            staff_password=variables.get("STAFF_PASSWORD", ""),
            gift_card_key=variables.get("GIFT_CARD_KEY", ""),
        )


def required(variables: Mapping[str, str], name: str) -> str:
    """Give a setting that must be there.

    Errors: MissingSetting.
    """
    value = variables.get(name, "")
    if not value:
        raise MissingSetting(f"the environment variable {name} is not set")
    return value
