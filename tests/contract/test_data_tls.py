"""Production that is reached by TLS alone, with the programs of the wheel and the machine's."""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from greenroom.binaries import all_binaries
from greenroom.data.load import on_database
from greenroom.data.place import Place
from greenroom.data.sync import run_sync
from greenroom.errors import SourceUnavailable
from greenroom.platform.postgres import PostgresServer, wait_until_ready
from greenroom.settings import Settings
from tests.conftest import free_port
from tests.contract.test_data_sync import SHOP, decide, place, value

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]
__all__ = ["place"]


def certificate(folder: Path) -> None:
    """Write a key and a certificate for localhost that it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "server.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def encrypted(require: object) -> Iterator[str]:
    """Give the address of a server that answers by TLS only."""
    machines = [b for b in all_binaries(Settings()) if "pginstall" not in str(b.folder)]
    require(bool(machines), "Postgres with TLS", "scripts/install-system")  # type: ignore[operator]
    folder = Path(tempfile.mkdtemp(prefix="gr-tls-"))
    folder.chmod(0o755)
    settings = Settings(home=folder, postgres_port=free_port(), postgres_bin=machines[0].folder)
    server = PostgresServer(settings)
    server.ensure_initialised()
    certificate(folder)
    (folder / "hba.conf").write_text(
        "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
        "hostnossl all all all reject\n"
    )
    if server.account:
        for name in ("server.key", "server.crt", "hba.conf"):
            shutil.chown(folder / name, server.account)
    (folder / "server.key").chmod(0o600)
    options = {"ssl": "on", "ssl_cert_file": folder / "server.crt", "fsync": "off",
               "ssl_key_file": folder / "server.key", "hba_file": folder / "hba.conf"}  # fmt: skip
    command = [*server.program().command]
    for key, option in options.items():
        command += ["-c", f"{key}={option}"]
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        command, user=server.account, cwd="/", stdout=log, stderr=log, env={"LC_ALL": "C"}
    )
    url = psycopg.conninfo.make_conninfo(
        server.url("postgres"), host="localhost", hostaddr="127.0.0.1", sslmode="verify-full",
        sslrootcert=str(folder / "server.crt"),
    )  # fmt: skip
    try:
        wait_until_ready(url, 60)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create database shop")
        with psycopg.connect(on_database(url, "shop"), autocommit=True) as connection:
            connection.execute(SHOP)
        yield on_database(url, "shop")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def kinds() -> list[str]:
    return ["wheel", "machine"]


@pytest.mark.parametrize("kind", kinds())
def test_a_sync_through_tls(encrypted: str, place: Place, tmp_path: Path, kind: str) -> None:
    is_wheel = kind == "wheel"
    found = [b for b in all_binaries(Settings()) if ("pginstall" in str(b.folder)) == is_wheel]
    if not found:
        pytest.fail(f"there are no programs of the {kind}")
    settings = Settings(home=tmp_path, postgres_bin=found[0].folder)
    result = run_sync(settings, encrypted, place, decide, print)
    assert result.rows["public.users"] == 501
    assert value(on_database(place.server_url, place.live), "select count(*) from users") == 501


def test_without_tls_it_is_away(encrypted: str, place: Place, tmp_path: Path) -> None:
    plain = psycopg.conninfo.make_conninfo(encrypted, sslmode="disable")
    with pytest.raises(SourceUnavailable):
        run_sync(Settings(home=tmp_path), plain, place, decide, print)
