"""Front Door's description, `infra/front-door.json`: the one file that this edge and the infrastructure both read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class DescriptionError(Exception):
    """The description cannot be played; the message names what is wrong with it."""


@dataclass(frozen=True)
class Probe:
    """How an origin is asked whether it is well."""

    path: str
    method: str
    interval_s: float


@dataclass(frozen=True)
class OriginGroup:
    """Origins that can answer the same requests, and how one of them is chosen."""

    name: str
    kind: str
    """Which origins are in it: gateway, website or images."""
    sample_size: int = 4
    successful_samples_required: int = 3
    additional_latency_ms: float = 0
    probe: Probe | None = None
    only: str | None = None
    """The one origin of a group that belongs to a stamp."""


@dataclass(frozen=True)
class Route:
    """Which requests go to which group, and what is done to them on the way."""

    name: str
    patterns: tuple[str, ...]
    group: str
    origin_path: str | None = None
    caches: bool = False
    ignores_query: bool = False
    compressed: frozenset[str] = frozenset()
    rewrite_without_extension: str | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What one Front Door does."""

    origin_timeout_s: float
    groups: tuple[OriginGroup, ...]
    routes: tuple[Route, ...]

    def route_of(self, path: str) -> tuple[Route, str] | None:
        """The route whose pattern is the longest that the path matches, and what stands for its wildcard.

        Patterns end in `/*`, which matches the path before it too; matching ignores case, as Front Door does.
        """
        found: tuple[int, Route, str] | None = None
        low = path.lower()
        for route in self.routes:
            for pattern in route.patterns:
                prefix = pattern.removesuffix("*")
                if low.startswith(prefix) or low == prefix.removesuffix("/"):
                    rest = path[len(prefix) :]
                    if found is None or len(prefix) > found[0]:
                        found = len(prefix), route, rest
        return None if found is None else found[1:]


def read_description(file: Path, stamps: Sequence[str]) -> Description:
    """The description with its per-stamp routes written out for these stamps.

    Raises:
        DescriptionError: a member is missing, or a value is outside of what Front Door accepts.
    """
    try:
        read = json.loads(file.read_text())
        groups = [_group(one) for one in read["originGroups"]]
        routes = [_route(one, one["originGroup"]) for one in read["routes"]]
        for one in read["stampRoutes"]:
            for stamp in stamps:
                name = f"{one['name']}-{stamp}"
                groups.append(OriginGroup(name, one["origins"], only=stamp))
                written = {**one, "patternsToMatch": [p.format(stamp=stamp) for p in one["patternsToMatch"]]}
                routes.append(_route({**written, "name": name}, name))
        timeout = read["originResponseTimeoutSeconds"]
    except OSError as error:
        raise DescriptionError(f"cannot read {file}: {error.strerror}") from error
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise DescriptionError(f"{file} does not describe a Front Door: {error!r}") from error
    description = Description(timeout, tuple(groups), tuple(routes))
    _refuse_what_front_door_would(description)
    return description


def _group(one: Mapping[str, Any]) -> OriginGroup:
    balancing, probe = one["loadBalancingSettings"], one["healthProbeSettings"]
    return OriginGroup(
        one["name"],
        one["origins"],
        balancing["sampleSize"],
        balancing["successfulSamplesRequired"],
        balancing["additionalLatencyInMilliseconds"],
        Probe(probe["probePath"], probe["probeRequestType"], probe["probeIntervalInSeconds"]),
    )


def _route(one: Mapping[str, Any], group: str) -> Route:
    cache = one.get("cacheConfiguration")
    compression = (cache or {}).get("compressionSettings", {})
    types = compression.get("contentTypesToCompress", []) if compression.get("isCompressionEnabled") else []
    return Route(
        one["name"],
        tuple(pattern.lower() for pattern in one["patternsToMatch"]),
        group,
        one.get("originPath"),
        cache is not None,
        cache is not None and cache["queryStringCachingBehavior"] == "IgnoreQueryString",
        frozenset(types),
        one.get("rewriteWithoutExtension"),
        one.get("responseHeaders", {}),
    )


def _refuse_what_front_door_would(description: Description) -> None:
    if not 16 <= description.origin_timeout_s <= 240:
        raise DescriptionError("originResponseTimeoutSeconds must be from 16 to 240")
    names = {group.name for group in description.groups}
    for group in description.groups:
        if not 0 < group.successful_samples_required <= group.sample_size <= 255:
            raise DescriptionError(f"{group.name}: successfulSamplesRequired must be from 1 to sampleSize")
        if group.probe is not None and group.probe.method not in {"GET", "HEAD"}:
            raise DescriptionError(f"{group.name}: probeRequestType must be GET or HEAD")
    for route in description.routes:
        if route.group not in names:
            raise DescriptionError(f"{route.name}: there is no origin group {route.group}")
        for pattern in route.patterns:
            if not pattern.startswith("/") or not pattern.endswith("/*"):
                raise DescriptionError(f"{route.name}: {pattern} must start with / and end with /*")
