"""Rules about the way in: Front Door does what front-door.json says, behind a firewall that blocks."""

from collections.abc import Iterator, Mapping
from typing import Any

from .exactly import (
    BINDING,
    CERTIFICATE,
    CLUSTER,
    DOMAIN,
    EDGE_RULE,
    ENTRY,
    FIREWALL,
    ORIGIN,
    ORIGIN_GROUP,
    ROUTE,
    RULE_SET,
    STORAGE,
    VAULT,
    exactly,
)
from .resilience import containers_of
from .snapshots import Estate, Json, Rule, above, at, front_door, group_of, properties, resources, short

RULES: list[Rule] = []
# Nobody chooses among one origin.
ALONE = {"sampleSize": 4, "successfulSamplesRequired": 3, "additionalLatencyInMilliseconds": 0}
# Where Front Door's copy of the images is read: Azure pairs regions, whatever ours are.
PAIRED = {"westeurope": "northeurope", "northeurope": "westeurope", "uksouth": "ukwest", "eastus2": "centralus"}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def last(one: Json) -> str:
    """The last part of a child's name."""
    found: str = one["name"].rpartition("/")[2]
    return found


def by_name(given: Estate, kind: str) -> dict[str, Json]:
    """Properties of all resources of a type by the last part of their names."""
    return {last(one): properties(one) for one in given.of(kind)}


def described_routes(given: Estate) -> dict[str, Json]:
    """Every route by its name here, those of single stamps written out."""
    told = front_door()
    routes = {one["name"]: one for one in told["routes"]}
    for one in told["stampRoutes"]:
        for region in given.regions:
            name = f"stamp-{one['name']}-{region}"
            patterns = [pattern.replace("{stamp}", region) for pattern in one["patternsToMatch"]]
            routes[name] = one | {"originGroup": name, "patternsToMatch": patterns}
    return routes


@rule
def every_way_in_is_behind_the_firewall(given: Estate) -> Iterator[str]:
    """The endpoint, and each domain that a route answers for."""
    used = {one["id"] for one in given.of(ENTRY)}
    for route in given.of(ROUTE):
        used |= {one["id"] for one in properties(route).get("customDomains", [])}
    guarded = set()
    policies = [one["id"] for one in given.of(FIREWALL)]
    for one in given.of(BINDING):
        found = properties(one).get("parameters", {})
        if found.get("type") != "WebApplicationFirewall" or [at(found, "wafPolicy.id")] != policies:
            yield f"{short(one)}: binds {at(found, 'wafPolicy.id')}"
            continue
        for association in found.get("associations", []):
            if "/*" in association.get("patternsToMatch", []):
                guarded |= {domain["id"] for domain in association["domains"]}
    for way in used - guarded:
        yield f"{way.rpartition('/')[2]} is not behind the firewall"


@rule
def the_environment_has_its_own_domain_where_it_has_a_certificate(given: Estate) -> Iterator[str]:
    certificate = given.parameters["edge"]["certificate"]
    domains = given.of(DOMAIN)
    wanted = [given.parameters["estate"]["domain"]] if certificate else []
    if [properties(one).get("hostName") for one in domains] != wanted:
        yield f"Front Door answers for {[properties(one).get('hostName') for one in domains]}"
    keys = [properties(one).get("parameters") for one in given.of(CERTIFICATE)]
    vaults = [one["id"] for one in given.parts["global"].of(VAULT)]
    told = [
        {
            "type": "CustomerCertificate",
            "secretSource": {"id": f"{vaults[0]}/secrets/{certificate}"},
            "useLatestVersion": True,
        }
    ]
    if keys != (told if certificate else []):
        yield f"Front Door's certificate is {keys}"
    for route in given.of(ROUTE):
        if [one["id"] for one in properties(route).get("customDomains", [])] != [one["id"] for one in domains]:
            yield f"{short(route)}: answers for other domains"


@rule
def routes_are_those_described(given: Estate) -> Iterator[str]:
    wanted, found = described_routes(given), by_name(given, ROUTE)
    if set(wanted) != set(found):
        yield f"routes {sorted(set(wanted) ^ set(found))} are missing or left over"
    for name in set(wanted) & set(found):
        told, route = wanted[name], found[name]
        if route.get("patternsToMatch") != told["patternsToMatch"] or route.get("originPath") != told.get("originPath"):
            yield f"route {name}: {route.get('patternsToMatch')} to {route.get('originPath')}"
        if not str(at(route, "originGroup.id")).endswith(f"/originGroups/{told['originGroup']}"):
            yield f"route {name}: goes to {at(route, 'originGroup.id')}"
        rules = [one["id"].rpartition("/")[2] for one in route.get("ruleSets", [])]
        if rules != ([name] if {"responseHeaders", "rewriteWithoutExtension"} & set(told) else []):
            yield f"route {name}: obeys the rules {rules}"


@rule
def clients_and_origins_speak_https(given: Estate) -> Iterator[str]:
    yield from exactly(
        given,
        {
            ROUTE: {
                "enabledState": "Enabled",
                "httpsRedirect": "Enabled",
                "forwardingProtocol": "HttpsOnly",
                "linkToDefaultDomain": "Enabled",
                # Both, or there would be nothing to redirect.
                "supportedProtocols": ["Http", "Https"],
            },
            ORIGIN: {"enforceCertificateNameCheck": True, "httpsPort": 443},
        },
    )


@rule
def the_edge_caches_what_is_static_and_nothing_else(given: Estate) -> Iterator[str]:
    wanted = described_routes(given)
    for name, route in by_name(given, ROUTE).items():
        caching = route.get("cacheConfiguration")
        if caching != wanted.get(name, {}).get("cacheConfiguration"):
            yield f"route {name}: caches by {caching}"
        paths = [pattern.removesuffix("*") for pattern in route.get("patternsToMatch", [])]
        live = any(path.startswith(("/api/", "/health/")) for path in paths)
        if live is bool(caching):
            yield f"route {name}: {paths} is {'cached' if caching else 'not cached'}"


@rule
def origin_groups_are_those_described(given: Estate) -> Iterator[str]:
    """Probes and load balancing; a group of one stamp needs no probe, and must answer while the stamp is out."""
    told = {one["name"]: one for one in front_door()["originGroups"]}
    found = by_name(given, ORIGIN_GROUP)
    if {name for name in found if not name.startswith("stamp-")} != set(told):
        yield f"origin groups are {sorted(found)}"
    for name, group in found.items():
        wanted = told.get(name, {})
        if group.get("healthProbeSettings") != wanted.get("healthProbeSettings"):
            yield f"group {name}: is asked {group.get('healthProbeSettings')}"
        if group.get("loadBalancingSettings") != wanted.get("loadBalancingSettings", ALONE):
            yield f"group {name}: is balanced by {group.get('loadBalancingSettings')}"
        if group.get("sessionAffinityState") != "Disabled":
            yield f"group {name}: keeps clients at one stamp"


@rule
def origins_are_the_stamps(given: Estate) -> Iterator[str]:
    """Every group has an origin in every region, enabled, by private link: to its gateway, its site or the images."""
    wanted: dict[str, Mapping[str, Any]] = {}
    for group in front_door()["originGroups"]:
        wanted |= _origins(given, group["name"], group["origins"])
    for one in front_door()["stampRoutes"]:
        for region in given.regions:
            name = f"stamp-{one['name']}-{region}"
            wanted[f"{name}/{region}"] = _to_gateway(given, region)
    found = {"/".join(one["name"].split("/")[-2:]): properties(one) for one in given.of(ORIGIN)}
    if set(found) != set(wanted):
        yield f"origins {sorted(set(found) ^ set(wanted))} are missing or left over"
    for name in set(found) & set(wanted):
        origin = found[name]
        have = {key: at(origin, key) for key in wanted[name]}
        if have != wanted[name]:
            yield f"origin {name}: is {have}, not {wanted[name]}"
        if not origin.get("hostName") or origin.get("hostName") != origin.get("originHostHeader"):
            yield f"origin {name}: is called {origin.get('originHostHeader')} at {origin.get('hostName')}"
    for region in given.regions:
        # A stamp has one share, whatever is asked of it.
        weights = {found.get(f"{group}/{region}", {}).get("weight") for group in ("api", "site")}
        if len(weights) != 1 or not all(isinstance(weight, int) and 1 <= weight <= 1000 for weight in weights):
            yield f"the origins of {region} weigh {weights}"


def _origins(given: Estate, group: str, kind: str) -> dict[str, Mapping[str, Any]]:
    if kind == "gateway":
        return {f"{group}/{region}": _to_gateway(given, region) for region in given.regions}
    if kind == "website":
        website = resources()["storage"]["websiteContainer"]
        return {
            f"{group}/{region}": _link(_account(given, f"stamp-{region}", website), "web", region, 1)
            for region in given.regions
        }
    images = _account(given, "global", resources()["storage"]["imageUploadContainer"])
    home = given.regions[0]
    return {
        f"{group}/primary": _link(images, "web", home, 1),
        f"{group}/secondary": _link(images, "web_secondary", PAIRED.get(home, ""), 2),
    }


def _account(given: Estate, part: str, container: str) -> str:
    found = [one["id"] for one in given.parts[part].of(STORAGE) if container in containers_of(given, one)]
    return str(found[0]) if len(found) == 1 else ""


def _to_gateway(given: Estate, region: str) -> dict[str, Any]:
    """AKS makes the private link service in the nodes' group, by the name that the Gateway's annotation gives it."""
    clusters = given.parts[f"stamp-{region}"].of(CLUSTER)
    cluster = clusters[0]
    base = above(cluster["id"]).replace(group_of(cluster["id"]), at(properties(cluster), "nodeResourceGroup"))
    service = base.rpartition("/providers/")[0] + (
        f"/providers/Microsoft.Network/privateLinkServices/{given.parts[f'stamp-{region}'].outputs['privateLinkService']}"
    )
    host = f"{region}.stamps.{given.parameters['estate']['domain']}"
    return {**_link(service, None, region, 1), "hostName": host}


def _link(target: str, group: str | None, region: str, priority: int) -> dict[str, Any]:
    return {
        "sharedPrivateLinkResource.privateLink.id": target,
        "sharedPrivateLinkResource.groupId": group,
        "sharedPrivateLinkResource.privateLinkLocation": region,
        "priority": priority,
        "enabledState": "Enabled",
    }


@rule
def answers_carry_the_headers_described(given: Estate) -> Iterator[str]:
    sets = {last(one) for one in given.of(RULE_SET)}
    found = {"/".join(one["name"].split("/")[-2:]): properties(one) for one in given.of(EDGE_RULE)}
    wanted = set()
    for route in front_door()["routes"]:
        name = route["name"]
        if "responseHeaders" in route:
            wanted.add(f"{name}/headers")
            have = found.get(f"{name}/headers", {})
            have = have | {"actions": sorted(have.get("actions", []), key=str)}
            actions = sorted((_set_header(*one) for one in route["responseHeaders"].items()), key=str)
            if have != {"order": 1, "matchProcessingBehavior": "Continue", "actions": actions}:
                yield f"route {name}: answers carry {have}"
        if "rewriteWithoutExtension" in route:
            wanted.add(f"{name}/rewrite")
            yield from _rewrite(name, route["rewriteWithoutExtension"], found.get(f"{name}/rewrite", {}))
    if set(found) != wanted or sets != {name.partition("/")[0] for name in wanted}:
        yield f"rules {sorted(set(found) ^ wanted)} are missing or left over"


def _set_header(name: str, value: str) -> Json:
    parameters = {"typeName": "DeliveryRuleHeaderActionParameters", "headerAction": "Overwrite"}
    return {"name": "ModifyResponseHeader", "parameters": parameters | {"headerName": name, "value": value}}


def _rewrite(name: str, page: str, found: Json) -> Iterator[str]:
    """A path without an extension is one of the page's own views, not a file."""
    condition = {
        "typeName": "DeliveryRuleUrlFileExtensionMatchConditionParameters",
        "operator": "Any",
        "negateCondition": True,
        "matchValues": [],
        "transforms": [],
    }
    action = {
        "typeName": "DeliveryRuleUrlRewriteActionParameters",
        "sourcePattern": "/",
        "destination": page,
        "preserveUnmatchedPath": False,
    }
    wanted = {
        "order": 2,
        "matchProcessingBehavior": "Continue",
        "conditions": [{"name": "UrlFileExtension", "parameters": condition}],
        "actions": [{"name": "UrlRewrite", "parameters": action}],
    }
    if found != wanted:
        yield f"route {name}: rewrites by {found}"
