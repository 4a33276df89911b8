from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from greenroom.settings import (
    Settings,
    default_home,
    load_settings,
    process_environment,
    project_environment,
)


def test_the_environment_is_over_the_file_is_over_the_default(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings().gateway_port == 8600
    (home / "greenroom.toml").write_text("gateway_port = 9000\nkeep_releases = 9\n")
    assert Settings().gateway_port == 9000
    monkeypatch.setenv("GREENROOM_GATEWAY_PORT", "9100")
    assert Settings().gateway_port == 9100
    assert Settings().keep_releases == 9
    assert Settings(gateway_port=9200).gateway_port == 9200


def test_an_unknown_key_in_the_file_is_refused(home: Path) -> None:
    (home / "greenroom.toml").write_text("gatewayport = 9000\n")
    with pytest.raises(ValidationError, match="gatewayport"):
        Settings()


def test_settings_are_read_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings() is load_settings()
    assert load_settings().home == home


def test_secrets_do_not_print(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://joe:hunter2@db/x")
    monkeypatch.setenv("GREENROOM_SECRET_KEY", "hunter3")
    printed = repr(Settings()) + str(Settings()) + Settings().model_dump_json()
    assert "hunter" not in printed


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://shop.localhost:8600"),
        ({"gateway_port": 80}, "http://shop.localhost"),
        ({"public_scheme": "https", "public_port": 443}, "https://shop.localhost"),
        ({"public_scheme": "https", "public_port": 8443}, "https://shop.localhost:8443"),
    ],
)
def test_the_address_people_use(home: Path, given: dict[str, object], address: str) -> None:
    assert Settings(**given).environment_url("shop.localhost") == address


def test_root_keeps_its_home_where_other_accounts_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_home() == Path("/var/lib/greenroom")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_home() == Path.home() / ".greenroom"


def test_a_project_sees_none_of_our_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_SECRET_KEY", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter3")
    monkeypatch.setenv("LANG", "C.UTF-8")
    given = project_environment(PORT=1234)
    assert set(given) <= {
        "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "PORT",
    }  # fmt: skip
    assert given["PORT"] == "1234"
    assert given["LANG"] == "C.UTF-8"
    monkeypatch.delenv("PATH")
    assert project_environment()["PATH"] == "/usr/local/bin:/usr/bin:/bin"
    assert process_environment(A=1)["AWS_SECRET_ACCESS_KEY"] == "hunter3"
