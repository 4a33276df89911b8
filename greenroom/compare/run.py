"""Answer questions about pages: a program of its own, which can be ended as a whole.

A page whose script loops holds a browser for ever, and nothing inside the page can stop it.
usage: python -m greenroom.compare.run, with a JSON object a line on standard input, and one for
each on standard output. Secrets come this way alone: no argument, no file, no log.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from greenroom.compare.apart import end_with_parent
from greenroom.compare.browser import started_browser
from greenroom.compare.capture import View
from greenroom.compare.judge import Question, answer
from greenroom.compare.pages import find_paths
from greenroom.compare.visit import StepFailed, log_in, visitor_of, wake
from greenroom.compare_rules import Ignored, State, Viewport


class Worker:
    """Keeps one browser for all questions; a new one when it has ended."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """Give a browser that runs."""
        if self._browser is None or not self._browser.is_connected():
            self.close()
            self._stack = ExitStack()
            self._browser = self._stack.enter_context(started_browser())
        return self._browser

    def close(self) -> None:
        """End the browser."""
        try:
            self._stack.close()
        except PlaywrightError:
            pass  # it had ended by itself

    def answer(self, asked: Mapping[str, Any]) -> Any:
        """Answer one question."""
        if asked["ask"] == "paths":
            return find_paths(self.browser(), visitor_of(asked["side"]))
        if asked["ask"] == "wake":
            return wake(self.browser(), visitor_of(asked["side"]), asked["seconds"])
        if asked["ask"] == "login":
            try:
                return {"kept": log_in(self.browser(), visitor_of(asked["side"]))}
            except StepFailed as error:
                return {"failure": f"The login did not take {error}."}
            except PlaywrightError as error:
                return {"failure": f"The login broke off: {error.message.splitlines()[0][:200]}"}
        return answer(self.browser(), _question(asked))


def _question(said: Mapping[str, Any]) -> Question:
    view = said["view"]
    return Question(
        visitor_of(said["before"]), visitor_of(said["after"]),
        View(
            view["path"], Viewport.model_validate(view["viewport"]), view["scheme"],
            State.model_validate(view["state"]) if view["state"] else None,
        ),
        said["folder"], tuple(Ignored.model_validate(one) for one in said["ignored"]),
        said.get("baseline"),
    )  # fmt: skip


def main() -> None:
    """Answer until there are no more questions."""
    end_with_parent()
    os.nice(5)  # what is deployed and served goes first
    worker = Worker()
    for line in sys.stdin:
        try:
            said = {"answer": worker.answer(json.loads(line))}
        except OSError as error:
            said = {"broke": f"Its pictures could not be kept: {error.strerror}."}
        except Exception as error:  # noqa: BLE001 - one question's: the next may be answered
            said = {"broke": f"It broke: {type(error).__name__}."}
        sys.stdout.write(json.dumps(said, default=int) + "\n")  # numpy has integers of its own
        sys.stdout.flush()
    worker.close()


if __name__ == "__main__":
    main()
