"""CDNs: CloudFront at moto; Cloudflare and Fastly at small servers that stand in for them."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from greenroom.edge.cdn import open_cdn
from greenroom.edge.cloudfront import CACHING_DISABLED, _set_behaviour
from greenroom.errors import CdnFailed, InvalidInput, NotAllowed

BASE = "https://cdn-staging.example/files"
KEY = {"key_id": "testing", "secret": "testing"}


@pytest.fixture
def stand_in() -> Iterator[Any]:
    """Stand in for Cloudflare's and Fastly's API: keep what was asked, answer what they answer."""

    class Api(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = self.headers.get("Authorization") or self.headers.get("Fastly-Key")
            listener.asked.append((self.path, json.loads(body or b"null"), token))
            answer = json.dumps({"success": listener.status == 200, "status": "ok"}).encode()
            self.send_response(listener.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None: ...

    class Listener(http.server.ThreadingHTTPServer):
        daemon_threads = True
        status = 200
        asked: list[Any]

    listener = Listener(("127.0.0.1", 0), Api)
    listener.asked = []
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield listener
    listener.shutdown()
    listener.server_close()


def _url(stand_in: Any) -> str:
    return f"http://127.0.0.1:{stand_in.server_port}"


def test_cloudfront_forgets_paths_and_is_kept_from_caching(server: str) -> None:
    client = boto3.client(
        "cloudfront", endpoint_url=server, region_name="us-east-1",
        aws_access_key_id="testing", aws_secret_access_key="testing",
    )  # fmt: skip
    made = client.create_distribution(
        DistributionConfig={
            "CallerReference": "test", "Comment": "", "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [
                {"Id": "o", "DomainName": "shop.s3.amazonaws.com",
                 "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 60,
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}},
        }
    )["Distribution"]["Id"]  # fmt: skip
    options = {"vendor": "cloudfront", "distribution": made, "endpoint": server}
    cdn = open_cdn(options, KEY)
    assert "2 paths" in cdn.forget(BASE, ["a b.jpg", "é/ü"])
    found = client.list_invalidations(DistributionId=made)["InvalidationList"]["Items"]
    batch = client.get_invalidation(DistributionId=made, Id=found[0]["Id"])["Invalidation"]
    assert batch["InvalidationBatch"]["Paths"]["Items"] == [
        "/files/a%20b.jpg", "/files/%C3%A9/%C3%BC",
    ]  # fmt: skip
    cdn.forget_all(BASE)
    assert client.list_invalidations(DistributionId=made)["InvalidationList"]["Quantity"] == 2
    with pytest.raises(NotAllowed):
        cdn.prepare()
    with pytest.raises(CdnFailed):
        open_cdn({**options, "distribution": "E0"}, KEY).forget(BASE, ["a"])


def test_a_behaviour_of_stagings_path_leaves_the_others_alone() -> None:
    default = {"TargetOriginId": "o", "MinTTL": 60, "ForwardedValues": {}}
    config: dict[str, Any] = {
        "DefaultCacheBehavior": dict(default), "CacheBehaviors": {"Quantity": 0},
    }  # fmt: skip
    assert _set_behaviour(config, "/staging/*", "p")
    assert config["DefaultCacheBehavior"] == default
    made = config["CacheBehaviors"]["Items"][0]
    assert made["PathPattern"] == "/staging/*"
    assert made["CachePolicyId"] == CACHING_DISABLED
    assert made["ResponseHeadersPolicyId"] == "p"
    assert "MinTTL" not in made
    assert config["CacheBehaviors"]["Quantity"] == 1
    assert not _set_behaviour(config, "/staging/*", "p")
    assert _set_behaviour(config, "", "p")


def test_cloudflare_purges_addresses_and_never_the_zone(stand_in: Any) -> None:
    options = {"vendor": "cloudflare", "zone": "z1", "endpoint": _url(stand_in)}
    cdn = open_cdn(options, {"token": "t"})
    cdn.forget(BASE, [f"{n} é" for n in range(31)])
    cdn.forget_all(BASE)
    bodies = [body for _, body, _ in stand_in.asked]
    assert [len(b.get("files", ())) for b in bodies] == [30, 1, 0]
    assert bodies[0]["files"][0] == f"{BASE}/0%20%C3%A9"
    assert bodies[2] == {"prefixes": ["cdn-staging.example/files"]}
    assert {(path, token) for path, _, token in stand_in.asked} == {
        ("/zones/z1/purge_cache", "Bearer t")
    }
    with pytest.raises(InvalidInput):
        cdn.forget("", ["a"])
    stand_in.status = 403
    with pytest.raises(CdnFailed):
        cdn.forget_all(BASE)


def test_fastly_purges_addresses_and_its_own_service(stand_in: Any) -> None:
    cdn = open_cdn(
        {"vendor": "fastly", "service": "s1", "endpoint": _url(stand_in)}, {"token": "t"}
    )
    cdn.forget(BASE, ["a b", "c"])
    cdn.forget_all(BASE)
    assert {path for path, _, _ in stand_in.asked} == {
        "/purge/cdn-staging.example/files/a%20b", "/purge/cdn-staging.example/files/c",
        "/service/s1/purge_all",
    }  # fmt: skip
    stand_in.status = 500
    with pytest.raises(CdnFailed):
        cdn.forget(BASE, ["a"])


@pytest.mark.parametrize(
    "options", [{}, {"vendor": "akamai"}, {"vendor": "cloudfront"}, {"vendor": "fastly"}]
)
def test_what_is_no_cdn_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        open_cdn(options, {})
