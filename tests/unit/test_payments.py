"""Live payment keys are found, and nothing else is. Every sample is made up, from parts."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.errors import LiveKeyRefused
from greenroom.isolation.payments import refuse_live_keys, scan

pytestmark = pytest.mark.unit
LIVE_ = "li" + "ve_"
HEX = "0123456789abcdef"
UUID = "01234567-89ab-cdef-0123-456789abcdef"
KEYS = {
    "stripe secret": f"sk_{LIVE_}" + "51Habc" * 6,
    "stripe restricted": f"rk_{LIVE_}" + "b1" * 12,
    "stripe public": f"pk_{LIVE_}" + "c2" * 12,
    "stripe organisation": f"sk_org_{LIVE_}" + "d" * 30,
    "paystack": f"sk_{LIVE_}" + HEX * 2 + "00112233",
    "paystack public": f"pk_{LIVE_}" + HEX * 2 + "0" * 8,
    "pagarme": f"ak_{LIVE_}" + "Q" * 30,
    "square": "sq0" + "atp-" + "A" * 22,
    "square secret": "sq0" + "csp-" + "b-_" * 14,
    "square app": "sq0" + "idp-" + "C" * 22,
    "braintree": "access_token$" + "production$" + "a" * 16 + "$" + "0" * 32,
    "braintree tokenization": "prod" + "uction_abcd1234_" + "e" * 16,
    "razorpay": f"rzp_{LIVE_}" + "A1b2C3d4E5f6G7",
    "mollie": LIVE_ + "x" * 30,
    "gocardless": LIVE_ + "Ab-_" * 10,
    "paddle": f"pdl_{LIVE_}apikey_" + "a" * 26 + "_" + "B" * 22,
    "paddle client": LIVE_ + "0a" * 13 + "f",
    "klarna": f"klarna_{LIVE_}api_" + "Zm9v" * 8,
    "flutterwave": "FLW" + "SECK-" + "0" * 32 + "-X",
    "flutterwave public": "FLW" + "PUBK-" + "f" * 32 + "-X",
    "checkout": "sk_" + "abcdefghijklmnopqrstuvwxyz" + "7",
    "checkout old": f"sk_{UUID}",
    "checkout public": f"pk_{UUID}",
    "mercadopago": "APP_" + "USR-" + "1234567890123456-010203-" + HEX * 2 + "-7",
    "midtrans": "Mid-" + "server-" + "Z" * 24,
    "midtrans client": "Mid-" + "client-" + "z" * 16,
    "xendit": "xnd_" + "production_" + "q" * 30,
    "xendit public": "xnd_public_" + "production_" + "q" * 30,
    "plaid": "access-" + "production-" + UUID,
    "cashfree": "cfsk_" + "ma_prod_" + HEX * 2 + "_" + "abcdef12",
    "opn": "skey_" + "5" * 19,
    "opn public": "pkey_" + "a" * 19,
}
ENDPOINTS = (
    "https://api-m.paypal.com",
    "https://api.paypal.com/v1",
    "https://ipnpb.paypal.com/x",
    "https://1797a841fbb37ca7-Shop-checkout-live.adyenpayments.com",
    "https://pal-live.adyen.com/pal",
    "https://connect.squareup.com/v2",
    "https://payments.braintree-api.com/graphql",
    "https://api.braintreegateway.com",
    "https://api.klarna.com",
    "https://api-na.klarna.com/",
    "https://api.authorize.net/xml",
    "https://access.worldpay.com",
    "https://www.payfast.co.za/eng",
    "https://api.checkout.com/payments",
    "https://merchant.revolut.com/api",
)
MODES = (
    ("PAYPAL_MODE", "live"),
    ("PAYPAL_ENVIRONMENT", "Production"),
    ("MY_PAYPAL_ENV", "prod"),
    ("BRAINTREE_ENVIRONMENT", "production"),
    ("SQUARE_ENV", "production"),
    ("ADYEN_ENVIRONMENT", "LIVE"),
    ("GOCARDLESS_ENVIRONMENT", "live"),
    ("PLAID_ENV", "production"),
    ("PAYPAL_SANDBOX", "false"),
    ("MIDTRANS_IS_PRODUCTION", "true"),
    ("AUTHORIZENET_TEST_MODE", "0"),
    ("STRIPE_LIVE_MODE", "1"),
    ("WORLDPAY_ENV", " live "),
    ("paypal_mode", "live"),
    ("KLARNA_MODE", "live"),
)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


LIVE = [
    *((f"KEY of {name}", value) for name, value in KEYS.items()),
    *(("API_URL", url) for url in ENDPOINTS),
    *MODES,
    ("JSON", json.dumps({"pay": {"stripe": [{"key": KEYS["stripe secret"]}]}})),
    ("JSON_IN_JSON", json.dumps({"a": json.dumps({"key": KEYS["mollie"]})})),
    ("BASE64", b64(KEYS["razorpay"])),
    ("BASE64_URL", b64(f"?{KEYS['square']}??>>").replace("+", "-")),
    ("BASE64_JSON", b64(json.dumps({"k": KEYS["xendit"]}))),
    ("TWICE", b64(b64(KEYS["plaid"]))),
    ("ESCAPED", quote(KEYS["braintree"], safe="")),
    ("QUOTED", f'"{KEYS["paddle"]}"'),
    ("NESTED_MODE", json.dumps({"paypal": {"mode": "live"}})),
    ("LIST", f"a, {KEYS['flutterwave']}; b"),
    ("URL", f"https://user:{KEYS['stripe secret']}@proxy.test/x"),
    ("LINES", f"x\n{KEYS['midtrans']}\n"),
]
INNOCENT_VALUES = (
    "",
    "live",
    "production",
    "prod",
    "true",
    "0",
    "sk_test_" + "a" * 30,
    "pk_test_" + "b" * 24,
    "rk_test_" + "c" * 24,
    "sk_org_test_" + "c" * 24,
    "rzp_test_A1b2C3d4E5f6G7",
    "test_" + "x" * 30,
    "access_token$sandbox$" + "a" * 16 + "$" + "0" * 32,
    "sandbox_abcd1234_" + "e" * 16,
    "sandbox-sq0idb-" + "A" * 22,
    "SB-Mid-server-" + "Z" * 24,
    "SB-Mid-client-" + "Z" * 24,
    "xnd_development_" + "q" * 30,
    "access-sandbox-" + UUID,
    "FLWSECK_TEST-" + "0" * 32 + "-X",
    "FLWPUBK_TEST-" + "0" * 32 + "-X",
    "pdl_sdbx_apikey_" + "a" * 26 + "_" + "B" * 22,
    "sk_test_" + UUID,
    "sk_sbox_abcdefghijklmnopqrstuvwxyz7",
    "TEST-1234567890123456-010203-" + HEX * 2,
    "cfsk_ma_test_" + HEX * 2 + "_abcdef12",
    "skey_test_" + "5" * 19,
    "pkey_test_" + "a" * 19,
    "klarna_test_api_" + "Zm9v" * 8,
    "https://api-m.sandbox.paypal.com",
    "https://api.sandbox.paypal.com/v1",
    "https://connect.squareupsandbox.com",
    "https://api.sandbox.braintreegateway.com:443",
    "https://api.playground.klarna.com",
    "https://api-na.playground.klarna.com",
    "https://apitest.authorize.net/xml",
    "https://try.access.worldpay.com",
    "https://sandbox.payfast.co.za",
    "https://api.sandbox.checkout.com",
    "https://sandbox-merchant.revolut.com",
    "https://checkout-test.adyen.com",
    "https://x.paypal.com.evil.test",
    "https://developer.paypal.com",
    "https://js.stripe.com/v3",
    "https://www.paypalobjects.com/logo.png",
    "https://stripe.com/docs",
    "postgres://live_user:pw@db/live_shop_production",
    "redis://cache:6379/0",
    UUID,
    HEX * 4,
    "f" * 128,
    "https://abc@o1.ingest.sentry.io/1",
    "registry.test/x@sha256:" + "e" * 64,
    "sk_short",
    "pk_1",
    "https://live-cdn.example.com/live_stream_channel_one",
    "live_stream",
    "live_" + "short",
    "ghp_" + "a" * 36,
    "glpat-" + "b" * 20,
    "xoxb-1-2-abc",
    "AKIA" + "A" * 16,
    "sk-" + "a" * 48,
    "sk-proj-" + "b" * 40,
    "re_" + "c" * 30,
    "SG." + "a" * 20 + "." + "b" * 40,
    "key-" + "1" * 32,
    "whsec_" + "a" * 32,
    "EAAA" + "x" * 60,
    "olive_" + "x" * 40,
    "alive_" + "y" * 40,
    "https://alive-checkout.test",
    "de_DE.UTF-8",
    "a b c",
    "eyJhbGciOiJIUzI1NiJ9.e30.abc",
    "Mid-Atlantic",
    '{"stripe":{"key":"sk_test_' + "d" * 30 + '"}}',
    '{"broken": ',
    "[]",
    '"x"',
    "%%%",
    "%41%42",
    b64("just some words, encoded and long enough"),
    b64("sk_test_" + "a" * 30),
    "A" * 64,
    "=" * 30,
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    "0",
    "3.14",
    "2026-11-24",
    "smtp://mail:25",
    "production_db",
    "production_abc",
    "access_token",
    "APP_USER=1",
    "APP_USR",
    "xnd_",
    "cfsk_",
    "rzp_live",
)
INNOCENT = [
    *((f"VALUE_{number}", value) for number, value in enumerate(INNOCENT_VALUES)),
    *(
        (f"{name}_B64", b64(value))
        for name, value in (
            ("A", "hello world, hello world"),
            ("B", "production"),
            ("C", "live_short but with spaces"),
        )
    ),
    *(
        (name, "production")
        for name in (
            "NODE_ENV",
            "RAILS_ENV",
            "APP_ENV",
            "FLASK_ENV",
            "MIX_ENV",
            "ENVIRONMENT",
            "SENTRY_ENVIRONMENT",
            "DEPLOY_ENV",
            "VERCEL_ENV",
            "STAGE",
            "PAYPAL_LABEL",
        )
    ),
    *(
        (name, "sandbox")
        for name in (
            "PAYPAL_MODE",
            "PAYPAL_ENV",
            "BRAINTREE_ENVIRONMENT",
            "SQUARE_ENV",
            "ADYEN_ENVIRONMENT",
            "GOCARDLESS_ENVIRONMENT",
            "PLAID_ENV",
            "KLARNA_MODE",
            "WORLDPAY_ENV",
        )
    ),
    *((name, "test") for name in ("ADYEN_ENV", "STRIPE_MODE", "MOLLIE_MODE", "RAZORPAY_MODE")),
    *(
        (name, "true")
        for name in (
            "PAYPAL_SANDBOX",
            "MIDTRANS_SANDBOX",
            "AUTHORIZENET_TEST_MODE",
            "FEATURE_LIVE",
            "LIVE_RELOAD",
            "IS_PRODUCTION",
            "STRIPE_ENABLED",
        )
    ),
    *(
        (name, "false")
        for name in (
            "STRIPE_LIVE_MODE",
            "MIDTRANS_IS_PRODUCTION",
            "DEBUG",
            "SANDBOX",
            "USE_SANDBOX",
            "PAYPAL_ENABLED",
        )
    ),
    *((f"ID_{n}", f"{n * 7919:x}{n * 104729:08x}" * 3) for n in range(1, 41)),
    *((f"SLUG_{n}", f"live-event-{n}-of-the-production-{n * 31}") for n in range(40)),
]


def test_there_are_enough_samples() -> None:
    assert len(LIVE) >= 60
    assert len(INNOCENT) >= 200


@pytest.mark.parametrize(
    ("name", "value"), LIVE, ids=[f"{n}-{name}" for n, (name, _) in enumerate(LIVE)]
)
def test_what_could_charge_somebody_is_found(name: str, value: str) -> None:
    assert [found.variable for found in scan({"OTHER": "x", name: value})] == [name]


def test_nothing_innocent_is_found() -> None:
    assert [(name, value) for name, value in INNOCENT if scan({name: value})] == []


@given(st.text(max_size=300))
def test_any_value_is_read_without_a_fault(value: str) -> None:
    scan({"X": value, "Y": json.dumps([value]), "Z": b64(value)})


@given(st.text(alphabet='[{"', max_size=3000))
def test_deeply_nested_nonsense_is_read_without_a_fault(value: str) -> None:
    scan({"X": value})


@pytest.mark.parametrize("wrap", [str, lambda k: json.dumps({"a": [k]}), b64, lambda k: f" {k}\n"])
@given(tail=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef0123456789", min_size=16, max_size=90))
def test_a_key_is_found_whatever_its_tail_and_its_wrapping(wrap, tail: str) -> None:  # type: ignore[no-untyped-def]
    assert scan({"X": wrap(f"sk_{LIVE_}{tail}")})


def test_a_refusal_names_the_variable_and_never_the_value() -> None:
    key = KEYS["stripe secret"]
    with pytest.raises(LiveKeyRefused) as told:
        refuse_live_keys("staging", "shop", {"PAY": key, "COLOUR": "teal"})
    said = f"{told.value.message} {told.value.hint} {told.value.details}"
    assert "PAY (Stripe: live key)" in said
    assert "greenroom variable set shop PAY --kind staging" in said
    assert key not in said
    refuse_live_keys("production", "shop", {"PAY": key})
    refuse_live_keys("staging", "shop", {"COLOUR": "teal"})
