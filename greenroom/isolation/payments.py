"""Live payment keys in variables: found by their form, by the mode beside them, by the endpoint.

Pure. A finding names the variable and the vendor, never the value.
Sources: the forms of keys in the vendors' own public documentation: Stripe "API keys", Square
"Access tokens", Braintree "Tokenization keys", Razorpay "API keys", Mollie "Authentication", Paddle
"API keys", Flutterwave "Authentication", Checkout.com "API keys", Mercado Pago "Credentials",
Midtrans "Access keys", Xendit "API keys", Plaid "Tokens", Cashfree "API keys",
Opn "Authentication".
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from greenroom.errors import LiveKeyRefused

MOST_DEPTH = 4
LONGEST = 1 << 20
"""Characters of a value that are looked at."""

_KEYS: tuple[tuple[str, str], ...] = (
    ("Stripe", r"(?:sk|rk|pk)_(?:org_)?live_[A-Za-z0-9]{10,}"),
    ("Pagar.me", r"ak_live_[A-Za-z0-9]{10,}"),
    ("Square", r"sq0(?:atp|csp|idp)-[\w-]{22,}"),
    ("Braintree", r"access_token\$production\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    ("Braintree", r"production_[0-9a-z]{8}_[0-9a-z]{16}"),
    ("Razorpay", r"rzp_live_[A-Za-z0-9]{14}"),
    ("Mollie or GoCardless", r"live_[A-Za-z0-9_-]{30,60}"),
    ("Paddle", r"pdl_live_apikey_[a-z0-9]{26}_[A-Za-z0-9_]{20,}"),
    ("Paddle", r"live_[0-9a-f]{27}"),
    ("Klarna", r"klarna_live_(?:api|client)_[\w.=+/-]{16,}"),
    ("Flutterwave", r"FLW(?:SECK|PUBK)-[0-9a-z]{32}-X"),
    ("Checkout.com", r"[sp]k_[a-z2-7]{26}[a-z2-7*#$=]"),
    ("Checkout.com", r"[sp]k_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    ("Mercado Pago", r"APP_USR-[0-9a-zA-Z-]{20,}"),
    ("Midtrans", r"(?<!SB-)Mid-(?:server|client)-[\w-]{16,}"),
    ("Xendit", r"xnd_(?:public_)?production_\w{20,}"),
    ("Plaid", r"access-production-[0-9a-f-]{36}"),
    ("Cashfree", r"cfsk_ma_prod_[0-9a-f]{24,}_[0-9a-f]{6,}"),
    ("Opn", r"[sp]key_(?!test_)[0-9a-z]{19}"),
)
_KEY = tuple((vendor, re.compile(rf"(?<![\w$-]){form}(?![\w$])")) for vendor, form in _KEYS)
_ENDPOINTS: tuple[tuple[str, str], ...] = (
    ("PayPal", r"(?:api(?:-m)?|ipnpb|www|svcs)\.paypal\.com"),
    ("PayPal", r"payflowpro\.paypal\.com"),
    ("Adyen", r"[\w-]+-(?:checkout|pal|pal-checkout)-live\.adyenpayments\.com"),
    ("Adyen", r"(?:checkout|pal|management|balanceplatform-api)-live\.adyen\.com"),
    ("Square", r"connect\.squareup\.com"),
    ("Braintree", r"(?:api|payments|www)\.braintree(?:gateway|-api)\.com"),
    ("Klarna", r"api(?:-na|-oc|\.eu)?\.klarna\.com"),
    ("Authorize.Net", r"(?:api2?|secure2?)\.authorize\.net"),
    ("Worldpay", r"(?:access|secure)\.worldpay\.com"),
    ("PayFast", r"(?:www|api)\.payfast\.co\.za"),
    ("Checkout.com", r"api\.checkout\.com"),
    ("Revolut", r"merchant\.revolut\.com"),
    ("Mollie", r"live\.mollie\.com"),
)
_ENDPOINT = tuple(
    (vendor, re.compile(rf"(?<![\w.-]){form}(?![\w.-])")) for vendor, form in _ENDPOINTS
)
_VENDORS = {
    "PAYPAL": "PayPal", "BRAINTREE": "Braintree", "SQUARE": "Square", "ADYEN": "Adyen",
    "STRIPE": "Stripe", "KLARNA": "Klarna", "GOCARDLESS": "GoCardless", "PADDLE": "Paddle",
    "PLAID": "Plaid", "MIDTRANS": "Midtrans", "RAZORPAY": "Razorpay", "PAYSTACK": "Paystack",
    "AUTHORIZENET": "Authorize.Net", "AUTHORIZE_NET": "Authorize.Net", "MOLLIE": "Mollie",
    "FLUTTERWAVE": "Flutterwave", "WORLDPAY": "Worldpay", "CYBERSOURCE": "CyberSource",
    "CHECKOUT_COM": "Checkout.com", "MERCADOPAGO": "Mercado Pago", "XENDIT": "Xendit",
}  # fmt: skip
_MODE = re.compile(r"(?:^|_)(?:MODE|ENV|ENVIRONMENT)$")
_LIVE_SWITCH = re.compile(r"(?:^|_)(?:LIVE|LIVE_MODE|IS_LIVE|PRODUCTION|IS_PRODUCTION)$")
_TEST_SWITCH = re.compile(r"(?:^|_)(?:SANDBOX|TEST|TEST_MODE|TESTMODE|IS_SANDBOX|USE_SANDBOX)$")
_LIVE = frozenset({"live", "prod", "production"})
_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")


@dataclass(frozen=True)
class Finding:
    """A variable that could charge somebody."""

    variable: str
    vendor: str
    what: str
    """live key, live endpoint, live mode."""


def scan(variables: Mapping[str, str]) -> list[Finding]:
    """Find the variables that hold a live key, a live endpoint, or switch a vendor to live."""
    found = []
    for name in sorted(variables):
        hits = (
            _by_mode(inner, text) or _by_value(name, text)
            for inner, text in _readings(name, variables[name][:LONGEST])
        )
        hit = next(filter(None, hits), None)
        if hit is not None:
            found.append(Finding(name, hit.vendor, hit.what))
    return found


def refuse_live_keys(kind: str, project: str, variables: Mapping[str, str]) -> None:
    """Refuse to build or start anything but production with what could charge somebody.

    Errors: LiveKeyRefused, naming the variables.
    """
    found = [] if kind == "production" else scan(variables)
    if not found:
        return
    first = found[0]
    names = ", ".join(f"{one.variable} ({one.vendor}: {one.what})" for one in found[:5])
    raise LiveKeyRefused(
        f"a staging environment would get {names}",
        hint="Give staging a test value of its own: greenroom variable set"
        f" {project} {first.variable} --kind staging",
    )


def refuse_live_hosts(kind: str, hosts: Iterable[str]) -> None:
    """Refuse a staging environment that wants to reach where people are charged.

    Errors: LiveKeyRefused, naming host and vendor.
    """
    for host in hosts:
        vendor = live_vendor(host)
        if vendor and kind != "production":
            raise LiveKeyRefused(
                f"egress.allow names {host}, which is {vendor}'s live address",
                hint="Name the vendor's test address there instead, like sandbox.…",
            )


def live_vendor(host: str) -> str:
    """Name the vendor whose live address a host is; empty for any other's."""
    return next((vendor for vendor, form in _ENDPOINT if form.fullmatch(host)), "")


def _by_value(name: str, text: str) -> Finding | None:
    for vendor, form in _KEY:
        if form.search(text):
            return Finding(name, vendor, "live key")
    for vendor, form in _ENDPOINT:
        if form.search(text):
            return Finding(name, vendor, "live endpoint")
    return None


def _by_mode(name: str, value: str) -> Finding | None:
    upper, told = name.upper(), value.strip().lower()
    vendor = next((v for mark, v in _VENDORS.items() if mark in upper), None)
    if vendor is None:
        return None
    is_live = (
        (_MODE.search(upper) and told in _LIVE)
        or (_LIVE_SWITCH.search(upper) and told in _YES)
        or (_TEST_SWITCH.search(upper) and told in _NO)
    )
    return Finding(name, vendor, "live mode") if is_live else None


def _readings(name: str, value: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Give a value as it stands, and what it stands for: JSON's strings, base64, URL escapes.

    A string inside of JSON bears the names on the way to it: ``PAY_PAYPAL_MODE``.
    """
    yield name, value
    if depth >= MOST_DEPTH:
        return
    stripped = value.strip()
    if stripped[:1] in ("{", "[", '"'):
        try:
            told = json.loads(stripped)
        except (ValueError, RecursionError):
            told = None
        for inner, text in _strings(name, told):
            if text != value:
                yield from _readings(inner, text, depth + 1)
    if "%" in stripped and (plain := unquote(stripped)) != stripped:
        yield from _readings(name, plain, depth + 1)
    if _BASE64.fullmatch(stripped) and (decoded := _decoded(stripped)):
        yield from _readings(name, decoded, depth + 1)


def _strings(name: str, told: object) -> Iterator[tuple[str, str]]:
    waiting = [(name, told)]
    while waiting:
        here, one = waiting.pop()
        if isinstance(one, str):
            yield here, one
        elif isinstance(one, bool):
            yield here, str(one)
        elif isinstance(one, list):
            waiting += [(here, inner) for inner in one]
        elif isinstance(one, dict):
            waiting += [(f"{here}_{key}", inner) for key, inner in one.items()]


def _decoded(text: str) -> str:
    padded = text + "=" * (-len(text) % 4)
    try:
        plain = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
        told = plain.decode()
    except (binascii.Error, ValueError):
        return ""
    return told if told.isprintable() or told.startswith(("{", "[")) else ""
