"""Telling the demo in the terminal, a line at a time."""

from __future__ import annotations

import sys
import time

from rich.console import Console

from greenroom.cli.output import out


class Narration:
    """Tells the play in the terminal, a line at a time."""

    def __init__(self, *, quiet: bool) -> None:
        self.console = Console(quiet=True) if quiet else out
        self.begun = time.monotonic()
        self.status = self.console.status("")
        self.shows_status = not quiet and sys.stdout.isatty()

    def act(self, number: int, text: str) -> None:
        """Open an act."""
        self.end()
        self.console.print(f"\n[bold cyan]{number}[/]  [bold]{text}[/]")

    def say(self, text: str, style: str = "") -> None:
        """Tell a line, with the seconds since the start."""
        seconds = time.monotonic() - self.begun
        self.console.print(f"   [bright_black]{seconds:5.1f} s[/]  ", end="")
        self.console.print(text, style=style, markup=False)

    def busy(self, text: str) -> None:
        """Show what is going on; on a terminal it moves."""
        if self.shows_status:
            self.status.update(f"[bright_black]{text} …[/]")
            self.status.start()
        else:
            self.say(f"{text} …", "bright_black")

    def end(self) -> None:
        """Stop what moves."""
        if self.shows_status:
            self.status.stop()
