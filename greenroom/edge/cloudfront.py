"""Amazon CloudFront: staging's distribution, or one path pattern of a distribution."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from greenroom.edge.cdn import path_of
from greenroom.errors import CdnFailed, NotAllowed

MOST_PATHS = 3000
"""Source: CloudFront developer guide, quotas on invalidations: files that may be under way."""
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
"""Source: CloudFront developer guide, managed cache policies: CachingDisabled."""
POLICY = "greenroom-staging"


class CloudFront:
    """``distribution`` is its id; ``path`` the pattern of staging's behaviour, like ``/staging/*``.

    Without ``path`` the distribution must be staging's own: then its default behaviour is changed,
    and only when ``is_own`` says so.
    """

    def __init__(self, options: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
        self.distribution = str(options["distribution"])
        self.pattern, self.is_own = str(options.get("path", "")), bool(options.get("is_own"))
        self._options, self._credentials = dict(options), credentials

    @contextmanager
    def _client(self) -> Iterator[Any]:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        kept = self._credentials
        client = boto3.client(
            "cloudfront",
            region_name=str(self._options.get("region") or "us-east-1"),
            endpoint_url=self._options.get("endpoint") or None,
            aws_access_key_id=kept.get("key_id") or None,
            aws_secret_access_key=kept.get("secret") or None,
            aws_session_token=kept.get("session_token") or None,
        )
        try:
            yield client
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "an error")
            raise CdnFailed(
                f"CloudFront answered {code} for {self.distribution}",
                hint="May the credentials create invalidations there?",
            ) from error
        except BotoCoreError as error:
            raise CdnFailed(f"CloudFront does not answer ({type(error).__name__})") from error

    def forget(self, base: str, keys: Sequence[str]) -> str:
        """Invalidate some files; the same files at once are one invalidation."""
        return self._invalidate([path_of(base, key) for key in keys])

    def forget_all(self, base: str) -> str:
        """Invalidate everything below the address."""
        return self._invalidate([urlsplit(base).path.rstrip("/") + "/*"])

    def _invalidate(self, paths: Sequence[str]) -> str:
        with self._client() as client:
            for start in range(0, len(paths), MOST_PATHS):
                some = list(paths[start : start + MOST_PATHS])
                client.create_invalidation(
                    DistributionId=self.distribution,
                    InvalidationBatch={
                        "Paths": {"Quantity": len(some), "Items": some},
                        "CallerReference": _reference(some),
                    },
                )
        return f"CloudFront forgets {len(paths):,} path{'s' if len(paths) != 1 else ''}"

    def prepare(self) -> str:
        """Disable caching and add ``X-Robots-Tag: noindex`` for staging's files. Idempotent.

        Errors: NotAllowed when the distribution may be production's.
        """
        if not self.pattern and not self.is_own:
            raise NotAllowed(
                "that would change every path of the distribution",
                hint="Name staging's path (--cdn-option path=/staging/*), or say that the"
                " distribution is staging's own (--cdn-option is_own=true).",
            )
        with self._client() as client:
            policy = self._robots_policy(client)
            answer = client.get_distribution_config(Id=self.distribution)
            config, tag = answer["DistributionConfig"], answer["ETag"]
            if not _set_behaviour(config, self.pattern, policy):
                return "CloudFront is as it must be"
            client.update_distribution(Id=self.distribution, DistributionConfig=config, IfMatch=tag)
        return f"CloudFront caches nothing of {self.pattern or 'staging'}, and says noindex"

    @staticmethod
    def _robots_policy(client: Any) -> str:
        known = client.list_response_headers_policies(Type="custom")
        for item in known.get("ResponseHeadersPolicyList", {}).get("Items", []):
            policy = item["ResponseHeadersPolicy"]
            if policy["ResponseHeadersPolicyConfig"]["Name"] == POLICY:
                return str(policy["Id"])
        header = {"Header": "X-Robots-Tag", "Value": "noindex, nofollow", "Override": True}
        made = client.create_response_headers_policy(
            ResponseHeadersPolicyConfig={
                "Name": POLICY,
                "Comment": "Staging: kept from search engines",
                "CustomHeadersConfig": {"Quantity": 1, "Items": [header]},
            }
        )
        return str(made["ResponseHeadersPolicy"]["Id"])


def _set_behaviour(config: dict[str, Any], pattern: str, policy: str) -> bool:
    """Change a distribution's configuration; False when it is so already."""
    default = config["DefaultCacheBehavior"]
    if not pattern:
        return _change(default, policy)
    known = config.setdefault("CacheBehaviors", {"Quantity": 0})
    items = known.setdefault("Items", [])
    for item in items:
        if item["PathPattern"] == pattern:
            return _change(item, policy)
    made = {**default, "PathPattern": pattern}
    _change(made, policy)
    items.insert(0, made)
    known["Quantity"] = len(items)
    return True


def _change(behaviour: dict[str, Any], policy: str) -> bool:
    wanted = {"CachePolicyId": CACHING_DISABLED, "ResponseHeadersPolicyId": policy}
    if all(behaviour.get(name) == value for name, value in wanted.items()):
        return False
    for old in ("ForwardedValues", "MinTTL", "MaxTTL", "DefaultTTL"):
        behaviour.pop(old, None)  # Source: CloudFront API: not beside a cache policy
    behaviour.update(wanted)
    return True


def _reference(paths: Sequence[str]) -> str:
    """Name an invalidation: a repetition within ten seconds is the same one."""
    import time

    text = "\n".join(paths) + str(int(time.time()) // 10)
    return hashlib.sha256(text.encode()).hexdigest()
