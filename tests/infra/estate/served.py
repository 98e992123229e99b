"""Rules that compare the way in with what the app serves: its routes, methods, probes, deadline and free texts."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from adapters.blob_images import path_of
from ops.site import FIRST_PAGE
from settings import Settings
from tests.triggers.conftest import BUILT

from .edge import by_name
from .exactly import FIREWALL, ORIGIN_GROUP, PROFILE, ROUTE, TRAFFIC
from .snapshots import ROOT, Estate, Json, Rule, at, front_door, properties, resources, short

RULES: list[Rule] = []
READS = {"GET", "HEAD", "OPTIONS"}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def served() -> dict[str, set[str]]:
    """The methods of each path that the API's Deployment serves."""
    found: dict[str, set[str]] = {}
    for one in BUILT:
        if str(one.get_function_name()) not in resources()["functions"]["api"]:
            continue
        for binding in one.get_dict_repr()["bindings"]:
            if binding["type"] == "httpTrigger":
                methods = {str(getattr(method, "value", method)) for method in binding["methods"]}
                found.setdefault("/" + binding["route"], set()).update(methods)
    return found


def group_of_path(given: Estate, path: str) -> str:
    """The origin group that Front Door leads a path to: the longest pattern wins."""
    best = ("", "")
    for route in by_name(given, ROUTE).values():
        for pattern in route["patternsToMatch"]:
            prefix = pattern.removesuffix("*")
            if path.startswith(prefix) and len(prefix) > len(best[0]):
                best = (prefix, str(at(route, "originGroup.id")).rpartition("/")[2])
    return best[1]


@rule
def every_path_of_the_app_leads_to_it(given: Estate) -> Iterator[str]:
    for path in served():
        if group_of_path(given, path) != "api":
            yield f"{path} leads to {group_of_path(given, path)}"
    for path, group in ((f"/{path_of(UUID(int=0))}", "images"), (f"/{FIRST_PAGE}", "site"), ("/", "site")):
        if group_of_path(given, path) != group:
            yield f"{path} leads to {group_of_path(given, path)}, not to {group}"


@rule
def probes_ask_what_is_served(given: Estate) -> Iterator[str]:
    """A page for websites; for gateways a route of the app, with a method that it takes."""
    kinds = {one["name"]: one["origins"] for one in front_door()["originGroups"]}
    for name, group in by_name(given, ORIGIN_GROUP).items():
        probe = group.get("healthProbeSettings")
        if not probe:
            continue
        if kinds.get(name) == "gateway":
            if probe["probeRequestType"] not in served().get(probe["probePath"], set()):
                yield f"group {name}: the app does not serve {probe['probeRequestType']} {probe['probePath']}"
        elif probe["probePath"] != f"/{FIRST_PAGE}":
            yield f"group {name}: nobody publishes {probe['probePath']}"
    for one in given.of(TRAFFIC):
        if "GET" not in served().get(str(at(properties(one), "monitorConfig.path")), set()):
            yield f"{short(one)}: the app does not serve {at(properties(one), 'monitorConfig.path')}"


@rule
def the_app_answers_before_front_door_gives_up(given: Estate) -> Iterator[str]:
    """So that a client reads our 503 with its Retry-After, not a 504 of the edge."""
    deadline = Settings.__dataclass_fields__["request_deadline_s"].metadata["default"]
    for one in given.of(PROFILE):
        patience = properties(one).get("originResponseTimeoutSeconds", 0)
        if not 16 <= patience <= 240 or patience < 2 * deadline:
            yield f"{short(one)}: waits {patience} s, the app {deadline} s"


def free_texts() -> set[str]:
    """Members of JSON bodies that hold people's own words: texts that need to look like nothing."""
    described: Json = json.loads((ROOT / "docs" / "openapi.json").read_text())
    found = set()
    for operations in described["paths"].values():
        for operation in operations.values():
            if not isinstance(operation, dict):
                continue
            schema: Any = at(operation, "requestBody.content") or {}
            for reference in (at(body, "schema") for body in schema.values()):
                name = str((reference or {}).get("$ref", "")).rpartition("/")[2]
                members = described["components"]["schemas"].get(name, {}).get("properties", {})
                found |= {
                    member
                    for member, told in members.items()
                    if told.get("type") == "string" and not {"format", "pattern", "enum"} & set(told)
                }
    return found


@rule
def the_firewall_knows_the_apps_writes(given: Estate) -> Iterator[str]:
    """It leaves people's own words alone, and nothing else; it counts every method that writes, and lets it through."""
    writes = set().union(*served().values()) - READS
    for one in given.of(FIREWALL):
        found = properties(one)
        left = {
            exclusion["selector"]
            for rule_set in found["managedRules"]["managedRuleSets"]
            for exclusion in rule_set.get("exclusions", [])
        }
        if left != free_texts():
            yield f"{short(one)}: does not look into {sorted(left)}; free texts are {sorted(free_texts())}"
        counted = {
            method
            for limit in found["customRules"]["rules"]
            for condition in limit["matchConditions"]
            if condition["matchVariable"] == "RequestMethod"
            for method in condition["matchValue"]
        }
        if counted != writes:
            yield f"{short(one)}: counts {sorted(counted)}; the app writes by {sorted(writes)}"
