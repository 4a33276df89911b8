"""What a project says of its comparisons: ``compare:`` in ``greenroom.yaml``. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from greenroom.errors import InvalidManifest

MOST_PAGES = 200
LONGEST = 500
Short = Annotated[str, Field(max_length=LONGEST)]
"""Empty where it is not said: rules are written out whole and read again."""
Some = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Path = Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=LONGEST)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Scheme = Literal["light", "dark"]
Metric = Literal["ttfb", "fcp", "lcp", "load", "tbt", "cls", "bytes", "requests"]
"""What a page can have a budget of: milliseconds, layout shift, octets, a number."""
Baseline = Literal["production", "merge-base", "approved"]
BASELINES: tuple[Baseline, ...] = ("production", "merge-base", "approved")
KNOWN_VIEWPORTS = {"desktop": (1440, 900), "tablet": (768, 1024), "phone": (390, 844)}


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Viewport(_Said):
    """The size of a window in CSS pixels."""

    name: Name
    width: Annotated[int, Field(ge=200, le=4000)]
    height: Annotated[int, Field(ge=200, le=4000)]
    scale: Annotated[float, Field(ge=1, le=3, strict=False)] = 1.0


class Step(_Said):
    """One small act on a page, as a visitor would do it."""

    click: Short = ""
    hover: Short = ""
    fill: Short = ""
    press: Short = ""
    wait_for: Short = ""
    text: Annotated[str, Field(max_length=LONGEST)] = ""
    """What is filled in."""
    secret: Variable | Literal[""] = ""
    """A variable of the project whose value is filled in."""
    on: Short = ""
    """Where a key is pressed; else where the focus is."""
    if_there: bool = False
    """Left out where the element is missing."""

    @model_validator(mode="after")
    def _one_act(self) -> Step:
        acts = [name for name in ("click", "hover", "fill", "press", "wait_for")
                if getattr(self, name)]  # fmt: skip
        if len(acts) != 1:
            raise ValueError("a step is one of click, hover, fill, press, wait_for")
        if (self.text or self.secret) and not self.fill:
            raise ValueError("text and secret belong to fill")
        return self


class State(_Said):
    """A page after some steps: a menu that is open, a form with mistakes."""

    name: Name
    page: Path = "/"
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=30, strict=False)]


class Login(_Said):
    """How our browser logs in at each side: before it looks for pages, and before the pictures."""

    page: Path = "/login"
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=30, strict=False)]


class BasicAuth(_Said):
    """Variables of the project with name and password that the server asks for."""

    user: Variable
    password: Variable


class Required(_Said):
    """What a page must show; without it the page has failed."""

    page: Some = "*"
    selector: Short = ""
    text: Short = ""


class Ignored(_Said):
    """A part of pages whose look does not count: an element, or a box in pixels."""

    page: Some = "*"
    viewport: Name | Literal[""] = ""
    selector: Short = ""
    box: Annotated[tuple[int, int, int, int], Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Ignored:
        if bool(self.selector) == bool(self.box):
            raise ValueError("say either a selector or a box of left, top, width, height")
        return self

    def holds(self, path: str, viewport: str) -> bool:
        """Whether it is about a page at a width."""
        return matches(self.page, path) and self.viewport in ("", viewport)


class Threshold(_Said):
    """The smallest difference of a metric that counts: the larger of both."""

    least: Annotated[float, Field(ge=0, lt=1e12, strict=False)] | None = None
    """In the metric's own unit."""
    ratio: Annotated[float, Field(ge=0, le=100, strict=False)] | None = None
    """Of production's median."""

    @model_validator(mode="after")
    def _says_something(self) -> Threshold:
        if not self.least and not self.ratio:
            raise ValueError("say least or ratio, or both, above 0")
        return self


class Performance(_Said):
    """How fast pages must load."""

    after_deployment: bool = True
    lighthouse: bool = False
    budgets: Annotated[
        dict[Path | Literal["*"], dict[Metric, Annotated[float, Field(ge=0, lt=1e12)]]],
        Field(max_length=200),
    ] = Field(default_factory=dict)
    """What a page may need at most, by metric; ``*`` is for every page."""
    thresholds: dict[Metric, Threshold] = Field(default_factory=dict)
    """From which difference on a metric is worse, where it is not as docs/performance.md has it."""

    @property
    def least_differences(self) -> dict[str, dict[str, float]]:
        """The thresholds, with what is said of them alone."""
        return {name: said.model_dump(exclude_none=True) for name, said in self.thresholds.items()}


class Rules(_Said):
    """All of ``compare:``."""

    pages: (
        Literal["linked", "sitemap", "crawl"]
        | Annotated[tuple[Path, ...], Field(min_length=1, max_length=MOST_PAGES, strict=False)]
    ) = "linked"
    max_pages: Annotated[int, Field(ge=1, le=MOST_PAGES)] = 8
    viewports: Annotated[tuple[Name | Viewport, ...],
                         Field(min_length=1, max_length=8, strict=False)] = (
        "desktop", "tablet", "phone",
    )  # fmt: skip
    colour_schemes: Annotated[
        tuple[Scheme, ...], Field(min_length=1, max_length=2, strict=False)
    ] = ("light",)
    states: Annotated[tuple[State, ...], Field(max_length=50, strict=False)] = ()
    login: Login | None = None
    basic_auth: BasicAuth | None = None
    before: Annotated[tuple[Step, ...], Field(max_length=10, strict=False)] = ()
    mask: Annotated[tuple[Some, ...], Field(max_length=50, strict=False)] = ()
    hide: Annotated[tuple[Some, ...], Field(max_length=50, strict=False)] = ()
    block: Annotated[tuple[Some, ...], Field(max_length=100, strict=False)] = ()
    require: Annotated[tuple[Required, ...], Field(max_length=100, strict=False)] = ()
    ignore: Annotated[tuple[Ignored, ...], Field(max_length=100, strict=False)] = ()
    baseline: Baseline = "production"
    after_deployment: bool = True
    performance: Performance = Performance()
    max_height: Annotated[int, Field(ge=1000, le=60_000)] = 20_000
    timeout_seconds: Annotated[int, Field(ge=5, le=120)] = 30

    @model_validator(mode="after")
    def _known(self) -> Rules:
        unknown = [v for v in self.viewports if isinstance(v, str) and v not in KNOWN_VIEWPORTS]
        if unknown:
            known = ", ".join(KNOWN_VIEWPORTS)
            raise ValueError(f"viewport {unknown[0]!r} is not known; known are {known}, or give"
                             " name, width and height")  # fmt: skip
        for kind, names in (
            ("viewports", [v.name for v in self.windows]), ("states", [s.name for s in self.states])
        ):  # fmt: skip
            if len(set(names)) < len(names):
                raise ValueError(f"two {kind} have the same name")
        return self

    @property
    def windows(self) -> tuple[Viewport, ...]:
        """The viewports, with their sizes."""
        return tuple(
            Viewport(name=one, width=KNOWN_VIEWPORTS[one][0], height=KNOWN_VIEWPORTS[one][1])
            if isinstance(one, str) else one
            for one in self.viewports
        )  # fmt: skip

    @property
    def view_seconds(self) -> float:
        """How long the pictures of one view may take: six of them, of pages that never rest."""
        return 120.0 + 4 * self.timeout_seconds

    @property
    def secrets(self) -> frozenset[str]:
        """Names of the variables that steps and logins need."""
        steps = [*self.before, *(step for state in self.states for step in state.steps)]
        steps += self.login.steps if self.login else ()
        named = {step.secret for step in steps if step.secret}
        if self.basic_auth:
            named |= {self.basic_auth.user, self.basic_auth.password}
        return frozenset(named)


def joined_paths(production: Sequence[str], here: Sequence[str], most: int) -> list[str]:
    """Join the pages of both sides: production's in their order, then those that only we have.

    Where all are too many, what is new has at most half of the places. Pure.
    """
    new = [path for path in here if path not in production]
    new = new[: max(most // 2, most - len(production))]
    return [*production[: most - len(new)], *new]


def matches(pattern: str, path: str) -> bool:
    """Whether a page is meant: ``/shop/*`` and the like, ``*`` is all.

    >>> matches("/shop/*", "/shop/mug"), matches("/shop", "/shop/mug"), matches("*", "/")
    (True, False, True)
    """
    return fnmatchcase(path, pattern)


def is_blocked(url: str, site: str, rules: tuple[str, ...]) -> bool:
    """Whether a request is not made: its host or address is named, or it is a third party's.

    >>> is_blocked("https://a.ads.example/x.js", "https://shop.example", ("*.ads.example",))
    True
    >>> is_blocked("https://shop.example/app.js", "https://shop.example", ("third-parties",))
    False
    """
    parts, own = urlsplit(url), urlsplit(site)
    if parts.scheme not in ("http", "https", "ws", "wss"):
        return False
    for rule in rules:
        if rule == "third-parties":
            if parts.hostname != own.hostname:
                return True
        elif fnmatchcase(url if "/" in rule else parts.hostname or "", rule):
            return True
    return False


def parse_rules(said: Any) -> Rules:
    """Give the rules that were said, the defaults where nothing was.

    Errors: InvalidManifest, with the place in ``compare``.
    """
    try:
        return Rules.model_validate(said or {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in ("compare", *place_of(first["loc"])))
        message = re.sub(r"^Value error, ", "", first["msg"])
        raise InvalidManifest(
            f"{where}: {message[:1].lower()}{message[1:]}",
            hint="docs/comparison.md lists all keys.",
        ) from error


def place_of(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Leave out of a place what only tells which type was tried."""
    return tuple(part for part in location if isinstance(part, int) or part.isidentifier())
