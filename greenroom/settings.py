"""Settings: environment variables over the settings file over the defaults.

The only module that reads the process's environment. Each field is ``GREENROOM_<NAME>``; the
settings file is ``greenroom.toml`` in the home folder.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: where prefect.yaml, flows/ and tasks/ are."""


FRONT_HEADER = "X-Greenroom-Front"
"""By which the front proves to the gateway that it is ours; its value is a secret."""
FRONT_QUESTION = "/_greenroom/tls"
"""Where the front asks whether a host is known."""


def default_home() -> Path:
    """Choose where state lives: ``/var/lib/greenroom`` for root, else ``~/.greenroom``.

    Root cannot keep it under its own home: the database runs as another user, who must reach it.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/greenroom")
    return Path.home() / ".greenroom"


class Settings(BaseSettings):
    """What an administrator may set. Every default is one that works on a bare machine."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_", extra="forbid", frozen=True)

    home: Path = Field(default_factory=default_home)
    root: Path = ROOT

    # Store
    database_url: SecretStr | None = None
    """Postgres for the store; empty means a server of our own in ``home``."""
    postgres_bin: Path | None = None
    """Folder with ``postgres``, ``initdb`` …; empty means the machine's own, else the wheel's."""
    postgres_user: str = "postgres"
    """Unprivileged account that runs our Postgres when the platform itself runs as root."""
    secret_key: SecretStr | None = None
    """Key for secrets at rest; empty means ``<home>/secret.key``, made on first start."""

    # Addresses
    bind: str = "127.0.0.1"
    base_domain: str = "localhost"
    """Environments are ``<label>.<base_domain>``."""
    public_scheme: str = "http"
    public_port: int | None = None
    """Port people type, when a TLS front or a port mapping stands before the gateway."""
    gateway_port: int = 8600
    tls: Literal["off", "acme", "internal"] = "off"
    """Whether Caddy stands before the gateway: with certificates of an ACME server, or its own."""
    https_port: int = 443
    http_port: int = 80
    front_bind: str | None = None
    """Address the front listens on; empty means all of the machine's."""
    acme_email: str | None = None
    acme_directory: str | None = None
    """ACME server; empty means Let's Encrypt, as Caddy chooses."""
    acme_root: Path | None = None
    """Certificate that a private ACME server's own is signed with."""
    dns_server: str | None = None
    """Where own domains are looked up, ``address`` or ``address:port``; empty: the machine's."""
    console_host: str | None = None
    """Host name that the front serves the console by."""
    caddy: Path | None = None
    """Caddy's program; empty means the machine's."""
    console_port: int = 8601
    api_port: int = 8610
    """Where the API listens, on loopback; people reach it by gateway and console host."""
    prefect_port: int = 8602
    postgres_port: int = 8603
    mail_port: int = 8604
    """Where environments' mail is kept instead of sent: on loopback, and in guarded networks."""
    mail_starttls_port: int = 8605
    """The same with STARTTLS: what ports 25, 587 and 2525 of a guarded network lead to."""
    mail_tls_port: int = 8606
    """The same with TLS from the start: what port 465 of a guarded network leads to."""
    egress_port: int = 8607
    """Where guarded environments ask for what `egress.allow` names."""
    egress_dns_port: int = 8608
    """Where guarded environments' names are answered."""
    egress_guard: Literal["auto", "required", "off"] = "auto"
    """auto: containers of staging are guarded where that is possible; required: they are not
    started where it is not; off: they reach what they like."""
    header_seconds: float = 15.0
    """How long a client may take to say what it asks for."""
    answer_seconds: float = 60.0
    """How long an environment may take to begin its answer."""
    stalled_seconds: float = 60.0
    """How long an upload, or a client that reads its answer, may stand still."""
    upload_max_bytes: int = 5_000_000_000
    """Largest request that is passed on."""

    # People
    oidc_discovery_url: str | None = None
    """Of an identity provider: ``https://…/.well-known/openid-configuration``."""
    oidc_name: str = "single sign-on"
    """What the button says: Log in with …"""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scope: str = "openid email profile"
    oidc_add_users: Literal["", "viewer", "reviewer", "developer"] = ""
    """Role of whoever logs in there without an account; empty: they are turned away."""
    oidc_groups_claim: str = "groups"
    oidc_groups: dict[str, Literal["viewer", "reviewer", "developer", "admin"]] = {}
    """Role by the provider's group, in every project; the greatest counts."""

    # Production's data
    sync_workers: int = 2
    """Parts of a sync that are copied at the same time."""
    sync_max_bytes_per_second: float = 0.0
    """How fast production is read, all parts of a process together; 0 for as fast as it gives."""
    sync_compile_from_bytes: int = 64 * 1024**2
    """Production of this size is worth a minute of compiling, where nothing is compiled yet."""
    snapshot_max_seconds: float = 14_400
    """How long a sync may hold production at one moment: until then VACUUM keeps dead rows."""
    dask_address: str | None = None
    """Dask scheduler whose workers copy a sync's parts, like ``tcp://10.0.0.5:8786``."""

    # Running things
    app_user: str | None = None
    """Account for ``process`` environments when the platform runs as root; empty chooses."""
    docker_host: str | None = None
    keep_releases: int = 5
    """Releases kept per environment for rollback, the serving one included."""
    keep_previous_seconds: int = 900
    """How long production's version before is kept paused: a rollback to it takes a moment."""
    keep_comparisons: int = Field(10, ge=1)
    """Comparisons of an environment whose pictures are kept."""
    compare_after_deployment: bool = True
    """Whether a staging environment is compared with production after each of its deployments."""
    compare_browsers: int = Field(0, ge=0, le=16)
    """Browsers that take pictures at once; 0: one more than there are processors, four at most."""
    keep_backups: int = 5
    """Encrypted backups kept of each production's database; one is made before each promotion."""
    keep_log_days: int = Field(180, ge=1)
    """How long the text of a deployment's or a sync's log is kept; what serves keeps its own."""
    drain_seconds: float = 2.0
    """How long the old version may finish its requests after the switch."""
    measure_after_deploy: bool = True
    """Measure load times after each staging deployment, if its ``greenroom.yaml`` agrees."""
    clean_below_bytes: int = 2_000_000_000
    """With less room on the disk of ``home``, storage is cleared within the hour."""
    clean_below_ratio: float = 0.05
    """The same, as a share of the disk."""
    least_free_bytes: int = 200_000_000
    """A deployment is refused while the disk of ``home`` has less room than this."""
    least_free_memory_bytes: int = 200_000_000
    """A deployment is refused where less than this would be left of the machine's memory."""
    fork_server: bool = True
    """Start flow runs by forking a warm process (0.5 CPU-s instead of 2.5 each)."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, file (pydantic-settings calls this)."""
        home = Path(os.environ.get("GREENROOM_HOME") or default_home())
        file = TomlConfigSettingsSource(settings_cls, toml_file=home / "greenroom.toml")
        return init_settings, env_settings, file

    def environment_url(self, host: str) -> str:
        """Give the address people use for ``host``."""
        usual = {"http": 80, "https": 443}.get(self.scheme)
        port = self.port
        return f"{self.scheme}://{host}" + ("" if port == usual else f":{port}")

    @property
    def scheme(self) -> str:
        """What people's addresses begin with."""
        return self.public_scheme if self.tls == "off" else "https"

    @property
    def port(self) -> int:
        """The port people's addresses name."""
        return self.public_port or (self.gateway_port if self.tls == "off" else self.https_port)

    @property
    def console_url(self) -> str:
        """The console's address, as people type it."""
        if self.console_host:
            return self.environment_url(self.console_host)
        return f"http://localhost:{self.console_port}"

    @property
    def api_url(self) -> str:
        """The API's address, as people type it."""
        return f"{self.environment_url(f'gateway.{self.base_domain}')}/api"

    @property
    def front_token_file(self) -> Path:
        """The file of the token by which the gateway knows its front."""
        return self.path("run", "front.token")

    @property
    def prefect_api_url(self) -> str:
        """Address of Prefect's API."""
        return f"http://{self.bind_loopback}:{self.prefect_port}/api"

    @property
    def bind_loopback(self) -> str:
        """Loopback address of our own services."""
        return "127.0.0.1"

    def path(self, *parts: str) -> Path:
        """Give a path under ``home``: repos, releases, logs, run, postgres, prefect."""
        return self.home.joinpath(*parts)


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read the settings once a process. Tests call ``load_settings.cache_clear()``."""
    return Settings()


def use_home(home: Path) -> Settings:
    """Make ``home`` this process's, and its children's, and read the settings there anew."""
    os.environ["GREENROOM_HOME"] = str(home)
    load_settings.cache_clear()
    return load_settings()


def is_home_chosen() -> bool:
    """Whether the caller named a home in ``GREENROOM_HOME``."""
    return bool(os.environ.get("GREENROOM_HOME"))


def process_environment(**more: Any) -> dict[str, str]:
    """Copy this process's environment for a child of the platform, with ``more`` set."""
    return {**os.environ, **{key: str(value) for key, value in more.items()}}


INSTANCE_MARK = "GREENROOM_INSTANCE"
"""Variable that names the running copy, or command, which a project's process belongs to."""
_PASSED_TO_PROJECTS = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


def project_environment(**more: Any) -> dict[str, str]:
    """Give the few variables that a project's own command may see, with ``more`` set.

    Never our own: those hold the platform's secrets.
    """
    kept = {key: os.environ[key] for key in _PASSED_TO_PROJECTS if key in os.environ}
    kept.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    return {**kept, **{key: str(value) for key, value in more.items()}}


_PASSED_TO_DOCKER = (
    "HOME", "DOCKER_CONFIG", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH",
    "SSH_AUTH_SOCK",
)  # fmt: skip


def engine_environment(**more: Any) -> dict[str, str]:
    """Give what Docker's own command needs to find its engine, with ``more`` set."""
    kept = {key: os.environ[key] for key in _PASSED_TO_DOCKER if key in os.environ}
    return project_environment(**kept, **more)
