from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.errors import SecretsError
from greenroom.redaction import _passwords
from greenroom.secrets import (
    REDACTED,
    Redactor,
    decrypt,
    encrypt,
    generate_key,
    generate_token,
    hash_token,
    is_same,
)

KEY = generate_key()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_encrypted_opens_again(plain: str) -> None:
    assert decrypt(encrypt(plain, KEY, purpose="a.b"), KEY, purpose="a.b") == plain


def test_the_same_text_never_looks_the_same() -> None:
    assert encrypt("same", KEY, purpose="p") != encrypt("same", KEY, purpose="p")


def test_a_value_opens_only_for_its_purpose() -> None:
    sealed = encrypt("secret", KEY, purpose="projects.webhook_secret")
    with pytest.raises(SecretsError, match="does not open"):
        decrypt(sealed, KEY, purpose="environment_variables.value")


def test_a_value_opens_only_with_its_key() -> None:
    with pytest.raises(SecretsError) as refused:
        decrypt(encrypt("secret", KEY, purpose="p"), generate_key(), purpose="p")
    assert "key" in refused.value.hint


@given(st.data())
def test_an_altered_value_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(encrypt("secret", KEY, purpose="p"))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SecretsError):
        decrypt(bytes(sealed), KEY, purpose="p")


@given(st.binary(max_size=60))
def test_junk_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SecretsError):
        decrypt(sealed, KEY, purpose="p")


@pytest.mark.parametrize(
    "key", ["", "short", "!!!", "é" * 44, base64.b64encode(b"x" * 31).decode()]
)
def test_a_wrong_key_is_named(key: str) -> None:
    with pytest.raises(SecretsError, match="secret key"):
        encrypt("x", key, purpose="p")


def test_tokens_are_long_and_compared_by_hash() -> None:
    assert len({generate_token() for _ in range(100)}) == 100
    assert len(generate_token()) >= 43
    assert hash_token("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert is_same("ä", "ä".encode())
    assert not is_same("a", "b")


def test_a_secret_is_replaced_in_all_its_forms() -> None:
    secret = "p@ss/w:rd ü+1"
    encoded = base64.b64encode(secret.encode()).decode()
    text = f"plain {secret} url {quote(secret, safe='')} base64 {encoded}"
    clean = Redactor([secret])(text)
    assert clean.count(REDACTED) == 3
    assert "p@ss" not in clean
    assert encoded.rstrip("=") not in clean


def test_each_line_of_a_secret_is_one() -> None:
    clean = Redactor(["-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----"])
    assert clean("read MIIEvQIBADANBg here") == f"read {REDACTED} here"


def test_of_two_secrets_the_longer_goes_first() -> None:
    assert Redactor(["abcd", "abcdefgh"])("abcdefgh") == REDACTED


def test_short_secrets_do_not_blank_words() -> None:
    assert Redactor(["abc", ""])("abc abcd") == "abc abcd"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://joe:hunter2@db:5432/x", f"postgresql://joe:{REDACTED}@db:5432/x"),
        ("https://:tok@host/", f"https://:{REDACTED}@host/"),
        ("https://ghp_abcdef@github.com/a/b.git", f"https://{REDACTED}@github.com/a/b.git"),
        ("ssh://git@github.com/a", "ssh://git@github.com/a"),
        ("http://localhost:8600/a@b", "http://localhost:8600/a@b"),
        (
            "see https://example.org/x and mail a@b.org",
            "see https://example.org/x and mail a@b.org",
        ),
    ],
)
def test_passwords_in_addresses_are_replaced_unasked(text: str, clean: str) -> None:
    assert Redactor()(text) == clean


def test_a_databases_password_is_known_as_it_is_written_and_as_it_is() -> None:
    known = _passwords(["postgresql://joe:p%40ss%2Fword@db/x", "postgresql://db/x", None])
    assert set(known) == {"p%40ss%2Fword", "p@ss/word"}


@given(st.text(min_size=4, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_known_secret_survives(secret: str, before: str, after: str) -> None:
    lines = {secret, *secret.splitlines()}
    clean = Redactor([secret])(before + secret + after)
    hidden = [line for line in lines if len(line) >= 4 and line not in REDACTED]
    for line in hidden:
        pieces = clean.split(REDACTED)
        assert all(line not in piece for piece in pieces)
