"""The demo's play: every step does the real thing, and checks it from outside."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from greenroom import data_orders, orders
from greenroom.cli.looking import look_at_changes
from greenroom.cli.narration import Narration
from greenroom.cli.outbound import (
    CUSTOMER,
    Customer,
    captured_confirmation,
    checked_isolation,
)
from greenroom.cli.output import out
from greenroom.cli.promoting import promote
from greenroom.cli.stagehands import PROJECT, STAGING, CheckFailed, Stagehands
from greenroom.data.databases import DatabaseServer
from greenroom.demo.production_data import fill_production
from greenroom.demo.repository import (
    FEATURE_BRANCH,
    PRODUCTION_BRANCH,
    SampleRepository,
    create_sample_repository,
    push_broken_commit,
    push_fix_commit,
)
from greenroom.platform.up import Platform, Started
from greenroom.settings import Settings
from greenroom.store import deployments, environments, projects
from greenroom.store.models import DeploymentStatus, SyncStatus
from greenroom.store.work import database_url, unit_of_work

CUSTOMERS = 20_000
PRODUCTION_DATABASE = "tolmere_production"


class Play:
    """The main job on the sample shop."""

    def __init__(self, settings: Settings, narration: Narration) -> None:
        self.settings = settings
        self.tell = narration
        self.hands = Stagehands(settings, narration)
        self.platform = Platform(settings, narration.busy)
        self.steps: list[dict[str, Any]] = []
        self.started: Started | None = None
        self.link = ""
        """A link for a client, when one was made."""
        self.begun = time.monotonic()

    def perform(self) -> dict[str, Any]:
        """Play every act; the second time, find what is there. Give the summary.

        Errors: CheckFailed, and whatever went wrong.
        """
        self.tell.act(1, "The platform starts, on nothing but this machine")
        with self.step("platform"):
            self.started = self.platform.start()
            self.tell.end()
            self.tell.say("Postgres, Prefect, a worker, the gateway and the console are up")
        found = self._was_played()
        if found:
            self._find_again()
        else:
            self._play()
        return {
            "ok": True,
            "played": "again" if found else "whole",
            "seconds": round(time.monotonic() - self.begun, 2),
            "steps": self.steps,
            "console": self.platform.console_url,
            "prefect": self.platform.prefect_url,
            "production": self.hands.environment("production").url,
            "preview": self.hands.environment(STAGING).url,
            "admin_password": self.started.admin_password,
        }

    def open_shop(self) -> SampleRepository:
        """Play what comes first on a platform that runs: the shop, and its production, pushed.

        Errors: CheckFailed, and whatever went wrong.
        """
        repository = self._set_up()
        self._deploy_production(repository)
        return repository

    def _play(self) -> None:
        repository = self.open_shop()
        self._bring_data()
        self._deploy_feature(repository)
        self._send_nothing()
        self._break(repository)
        self._roll_back(repository)
        promote(self, repository)

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Time a step of the play, and collect what is checked in it."""
        begun, checks = time.monotonic(), list[str]()
        try:
            yield checks
        finally:
            self.tell.end()
            seconds = round(time.monotonic() - begun, 2)
            self.steps.append({"name": name, "seconds": seconds, "checked": checks})

    def check(self, checks: list[str], right: bool, what: str) -> None:
        """Check something, and tell it.

        Errors: CheckFailed.
        """
        if not right:
            raise CheckFailed(
                f"not so: {what}", hint="Logs are in " + str(self.settings.path("logs"))
            )
        checks.append(what)
        self.tell.say(f"✓ {what}", "green")

    # --- acts -----------------------------------------------------------------------------------

    def _set_up(self) -> SampleRepository:
        self.tell.act(2, "A shop in git, and a production database with people in it")
        with self.step("project") as checks:
            repository = create_sample_repository(self.settings.path("demo", "tolmere.git"))
            self.tell.say(f"git repository with {PRODUCTION_BRANCH} and {FEATURE_BRANCH}")
            url = self._production_database()
            self.tell.busy(f"inventing {CUSTOMERS:,} customers")
            counts = fill_production(url, CUSTOMERS)
            self.tell.end()
            self.check(
                checks,
                counts["customers"] == CUSTOMERS,
                f"production holds {counts['customers']:,} invented customers and"
                f" {counts['orders']:,} orders",
            )
            with unit_of_work() as work:
                if projects.find_project(work, PROJECT) is None:
                    made = projects.add_project(
                        work,
                        PROJECT,
                        str(repository.path),
                        production_branch=PRODUCTION_BRANCH,
                        production_database_url=url,
                        actor="demo",
                    )
                    projects.set_variable(
                        work, made, "SHOP_PYTHON", sys.executable, is_secret=False, actor="demo"
                    )
            return repository

    def _production_database(self) -> str:
        """Give the production database's address, the same each time."""
        kept = self.settings.path("demo", "production-url")
        if kept.exists():
            return kept.read_text()
        server = DatabaseServer(database_url(self.settings))
        url = server.ensure_database(PRODUCTION_DATABASE, PRODUCTION_DATABASE)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(url)
        return url

    def _deploy_production(self, repository: SampleRepository) -> None:
        self.tell.act(3, "Production is deployed")
        with self.step("production") as checks:
            deployment = self.hands.push(PRODUCTION_BRANCH, repository.main_commit)
            ended = self.hands.watch(deployment)
            self.check(checks, ended.status == DeploymentStatus.LIVE, "production is live")
            health = self.hands.health("production")
            self.check(
                checks,
                health["customers"] == CUSTOMERS and health["commit"] == repository.main_commit,
                f"it answers with commit {health['commit'][:7]} and its {CUSTOMERS:,} customers",
            )
            home = self.hands.get("production", "/")
            self.check(
                checks,
                home.status == 200 and "x-robots-tag" not in home.headers,
                "search engines may index it",
            )

    def _bring_data(self) -> None:
        self.tell.act(4, "Production's customers become other people, for staging")
        with self.step("data") as checks:
            policy, open_count = self.hands.approve_policy()
            masked = sum(
                decision.method != "keep"
                for table in policy.tables.values() for decision in table.columns.values()
            )  # fmt: skip
            self.check(checks, not open_count, f"every column is decided, {masked} of them masked")
            order = data_orders.place_sync(PROJECT, actor="demo")
            ended = self.hands.watch_sync(order.sync_id)
            report = ended.report or {}
            self.check(
                checks,
                ended.status == SyncStatus.DONE and report["proof"]["originals_found"] == 0,
                f"{report['proof']['patterns']:,} patterns of their originals are nowhere in"
                " the copy: the report is signed",
            )

    def _deploy_feature(self, repository: SampleRepository) -> None:
        self.tell.act(5, "A pull request is opened: it gets a staging environment of its own")
        with self.step("staging") as checks:
            commit = repository.feature_commit
            deployment = self.hands.open_pull(FEATURE_BRANCH, commit, 1, "Spring sale")
            ended = self.hands.watch(deployment)
            self.check(
                checks,
                ended.status == DeploymentStatus.LIVE
                and self.hands.environment(STAGING).pull_number == 1,
                "the pull request's preview is live",
            )
            health = self.hands.health(STAGING)
            self.check(
                checks,
                health["commit"] == repository.feature_commit and health["customers"] == CUSTOMERS,
                f"it runs commit {repository.feature_commit[:7]} on a database of its own"
                f" with {health['customers']:,} customers",
            )
            self._compare_people(checks)
            home = self.hands.get(STAGING, "/")
            self.check(
                checks,
                "spring sale" in home.text.lower() and "noindex" in home.headers["x-robots-tag"],
                "it shows the spring sale, and no search engine may index it",
            )
            production = self.hands.get("production", "/")
            self.check(
                checks, "spring sale" not in production.text.lower(), "production is unchanged"
            )
            look_at_changes(self, checks)

    def _send_nothing(self) -> None:
        with self.step("outbound") as checks:
            reference = f"{PROJECT}/{STAGING}"
            customer = Customer(self.hands.environment(STAGING).host, self.settings.gateway_port)
            self.tell.busy("a customer orders in the preview")
            page = customer.order()
            letter = captured_confirmation(reference)
            self.tell.end()
            self.check(
                checks,
                page.startswith("/orders/") and CUSTOMER in letter.recipients,
                f"“{letter.subject}” for {CUSTOMER} is kept, and reached nobody",
            )
            self.tell.busy("trying to get out of it")
            tried = checked_isolation(reference)
            self.tell.end()
            kept = [one["group"] for one in tried.probes if one["outcome"] != "not kept"]
            self.check(
                checks,
                tried.verdict in ("partly", "proved"),
                "nothing that is kept got out: " + ", ".join(dict.fromkeys(kept)),
            )
            self.tell.say(
                "a `process` has no egress guard: the console lists what is not kept; `docker` has",
                "bright_black",
            )

    def _compare_people(self, checks: list[str]) -> None:
        """Show three customers as production and staging have them."""
        before, after = self.hands.customers("production"), self.hands.customers(STAGING)
        for original, fake in zip(before, after, strict=True):
            self.tell.say(f"│ {original:<46} → {fake}", "bright_black")
        shared = set(before) & set(after)
        self.check(
            checks, bool(before) and not shared, "its customers are other people, orders and all"
        )

    def _break(self, repository: SampleRepository) -> None:
        self.tell.act(6, "A broken commit is pushed")
        with self.step("broken") as checks:
            before = self.hands.health(STAGING)["commit"]
            deployment = self.hands.push(FEATURE_BRANCH, push_broken_commit(repository))
            ended = self.hands.watch(deployment)
            error = ended.error or {}
            self.check(
                checks,
                ended.status == DeploymentStatus.FAILED
                and error.get("error") == "HealthCheckFailed",
                f"it is refused: {error.get('detail')}",
            )
            tail = str(error.get("log_tail") or "").strip().splitlines()[-4:]
            for line in tail:
                self.tell.say(f"│ {line}", "bright_black")
            self.check(checks, bool(tail), "its last log lines are kept with the deployment")
            self.check(
                checks,
                self.hands.health(STAGING)["commit"] == before,
                f"commit {before[:7]} has never stopped serving",
            )

    def _roll_back(self, repository: SampleRepository) -> None:
        self.tell.act(7, "It is mended, and then rolled back all the same")
        with self.step("rollback") as checks:
            fixed = push_fix_commit(repository)
            ended = self.hands.watch(self.hands.push(FEATURE_BRANCH, fixed))
            self.check(
                checks,
                ended.status == DeploymentStatus.LIVE
                and self.hands.health(STAGING)["commit"] == fixed,
                f"commit {fixed[:7]} is live",
            )
            order = orders.place_rollback(f"{PROJECT}/{STAGING}", actor="demo")
            ended = self.hands.watch(order.deployment_id)
            health = self.hands.health(STAGING)
            self.check(
                checks,
                ended.status == DeploymentStatus.LIVE
                and health["commit"] == repository.feature_commit,
                f"back on commit {repository.feature_commit[:7]}, the very artifact of before",
            )
            with unit_of_work() as work:
                history = deployments.list_deployments(work, ended.environment_id)
            states = [f"#{d.number} {d.status}" for d in reversed(history)]
            self.check(
                checks,
                [d.status for d in history[:4]] == ["live", "retired", "failed", "retired"],
                "the store tells it: " + ", ".join(states),
            )

    def _find_again(self) -> None:
        self.tell.act(2, "It was played before: everything is found again")
        with self.step("found") as checks:
            for name in ("production", STAGING):
                self.tell.busy(f"waiting for {name}")
                health = self.hands.eventually(lambda name=name: self.hands.health(name))  # type: ignore[misc]
                self.tell.end()
                with unit_of_work() as work:
                    row = environments.get_environment(work, f"{PROJECT}/{name}")
                self.check(
                    checks,
                    health["commit"] == row.last_deployed_commit,
                    f"{name} serves commit {health['commit'][:7]},"
                    f" {health['customers']:,} customers",
                )

    def _was_played(self) -> bool:
        with unit_of_work() as work:
            project = projects.find_project(work, PROJECT)
            if project is None:
                return False
            found = environments.find_environment(work, project, STAGING)
            if found is None:
                return False
            history = deployments.list_deployments(work, found.id)
            return any(d.kind == "rollback" and d.was_live for d in history)

    def show_addresses(self) -> None:
        """Print what was left running."""
        out.print()
        out.print(f"   Production   [bold]{self.hands.environment('production').url}[/]")
        out.print(f"   Preview      [bold]{self.hands.environment('feature-spring-sale').url}[/]")
        if self.link:
            out.print(f"   For a client [bold]{self.link}[/]", soft_wrap=True)
        out.print(f"   Console      [bold]{self.platform.console_url}[/]")
        out.print(f"   Prefect      {self.platform.prefect_url}")
        password = self.started.admin_password if self.started else None
        if password:
            out.print(f"\n   Log in as [bold]admin[/] with [bold]{password}[/] (shown once)")
        else:
            out.print("\n   Forgot the password? greenroom user reset-password admin")
        out.print(f"   Home         {self.settings.home}\n", style="bright_black")
