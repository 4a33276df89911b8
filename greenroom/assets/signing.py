"""Sign a request to an S3 API. Pure but for the clock.

Source: Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header (AWS
Signature Version 4)". Checked against botocore's signer in the tests: that one costs a fifth of a
millisecond a request, which is much where there are a hundred thousand.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from greenroom.assets.base import Credentials

EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


def quoted_path(bucket: str, key: str) -> str:
    """Give the path of a request as it is sent and signed: dots and doubled slashes stay."""
    head = f"/{bucket}" if bucket else ""
    return f"{head}/{quote(key, safe='/~-_.')}" if key or not head else head


def quoted_query(query: Sequence[tuple[str, str]]) -> str:
    """Give a query as it is sent and signed: sorted, each part quoted."""
    return "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query))


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = b"AWS4" + secret.encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signed_headers(
    credentials: Credentials, region: str, at: datetime, method: str, path: str, query: str,
    headers: Mapping[str, str], digest: str = EMPTY_DIGEST,
) -> dict[str, str]:  # fmt: skip
    """Give ``headers`` with those of the signature; ``Host`` must be among them.

    ``digest`` is the body's SHA-256, or :data:`UNSIGNED`.
    """
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    made = {**headers, "x-amz-date": stamp, "x-amz-content-sha256": digest}
    if credentials.session_token:
        made["x-amz-security-token"] = credentials.session_token
    if not credentials.key_id:
        return made  # anonymous: a public bucket
    sorted_headers = sorted((k.lower(), " ".join(v.split())) for k, v in made.items())
    names = ";".join(name for name, _ in sorted_headers)
    lines = "".join(f"{name}:{value}\n" for name, value in sorted_headers)
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = _signing_key(credentials.secret, stamp[:8], region)
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    made["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.key_id}/{scope},"
        f" SignedHeaders={names}, Signature={signature}"
    )
    return made
