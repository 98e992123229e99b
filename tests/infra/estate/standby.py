"""Rules about the day when Front Door is away: a second way in, closed by default, that does the same."""

import re
from collections.abc import Iterator
from typing import Any

from .exactly import (
    APPLICATION_GATEWAY,
    ENTRY,
    GATEWAY_FIREWALL,
    NETWORK,
    PROFILE,
    PUBLIC_ADDRESS,
    TRAFFIC,
    VAULT,
    Table,
    exactly,
)
from .firewall import FREE_TEXTS, RULE_SETS, RULES_OFF
from .snapshots import Estate, Json, Part, Rule, at, below, front_door, properties, short

RULES: list[Rule] = []
GATEWAY: Table = {
    APPLICATION_GATEWAY: {
        "sku": {"name": "WAF_v2", "tier": "WAF_v2"},
        # TLS 1.2 and 1.3 with forward secrecy, nothing older.
        "sslPolicy": {"policyType": "Predefined", "policyName": "AppGwSslPolicy20220101S"},
        "enableHttp2": True,
    },
    GATEWAY_FIREWALL: {
        "policySettings.state": "Enabled",
        "policySettings.mode": "Prevention",
        "policySettings.requestBodyCheck": True,
        # As Front Door does. Images are larger: the API measures bodies itself.
        "policySettings.requestBodyInspectLimitInKB": 128,
        "policySettings.requestBodyEnforcement": False,
        "policySettings.fileUploadEnforcement": False,
    },
    PUBLIC_ADDRESS: {"publicIPAllocationMethod": "Static", "publicIPAddressVersion": "IPv4"},
}
EXCLUSION = ("matchVariable", "selectorMatchOperator", "selector")
PROBE = {
    "protocol": "HTTPS",
    "port": 443,
    "path": "/health/stamp",
    "intervalInSeconds": 30,
    "timeoutInSeconds": 10,
    "toleratedNumberOfFailures": 3,
}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def named(things: list[Json]) -> dict[str, Json]:
    """Parts of a gateway by name."""
    return {one["name"]: properties(one) for one in things}


def pointed(pointer: Any) -> str:
    """The name of the part that a pointer leads to."""
    return str((pointer or {}).get("id", "")).rpartition("/")[2]


@rule
def each_stamp_has_a_stand_by_way_in_where_wanted(given: Estate) -> Iterator[str]:
    yield from exactly(given, GATEWAY)
    count = 0 if given.parameters["standBy"] == "none" else 1
    fewest = 2 if given.parameters["standBy"] == "open" else 0
    for stamp in given.stamps:
        for kind in (APPLICATION_GATEWAY, GATEWAY_FIREWALL, PUBLIC_ADDRESS):
            if len(stamp.of(kind)) != count:
                yield f"{stamp.name}: {len(stamp.of(kind))} of {kind}, not {count}"
        for gateway in stamp.of(APPLICATION_GATEWAY):
            found = properties(gateway)
            if at(found, "autoscaleConfiguration.minCapacity") != fewest:
                yield f"{short(gateway)}: warm are {at(found, 'autoscaleConfiguration.minCapacity')}, not {fewest}"
            if [at(found, "firewallPolicy.id")] != [one["id"] for one in stamp.of(GATEWAY_FIREWALL)]:
                yield f"{short(gateway)}: is not behind its firewall"
            yield from _wiring(gateway, stamp, given.parameters["edge"]["certificate"])
            listeners = [properties(one) for one in found["httpListeners"]]
            if [one["protocol"] for one in listeners] != ["Https"] or any("hostName" in one for one in listeners):
                yield f"{short(gateway)}: listens by {[one['protocol'] for one in listeners]}"
        for one in stamp.of(PUBLIC_ADDRESS):
            if one.get("sku") != {"name": "Standard", "tier": "Regional"}:
                yield f"{short(one)}: is {one.get('sku')}"


def _wiring(gateway: Json, stamp: Part, certificate: str) -> Iterator[str]:
    """From the public address through one listener to the one map of routes, with the domain's own certificate."""
    found = properties(gateway)
    own = f"{gateway['id']}/"
    subnets = [at(properties(one), "subnet.id") for one in found["gatewayIPConfigurations"]]
    if subnets != [f"{network['id']}/subnets/stand-by" for network in stamp.of(NETWORK)]:
        yield f"{short(gateway)}: lies in {subnets}"
    if [properties(one).get("port") for one in found["frontendPorts"]] != [443]:
        yield f"{short(gateway)}: has the ports {found['frontendPorts']}"
    ids = [str(properties(one).get("keyVaultSecretId")) for one in found["sslCertificates"]]
    vaults = [one["id"] for one in stamp.of(VAULT)]
    if len(ids) != 1 or f"'{vaults[0]}'" not in ids[0] or f"'{certificate}'" not in ids[0]:
        yield f"{short(gateway)}: shows the certificate {ids}"
    if (at(found, "autoscaleConfiguration.maxCapacity") or 0) < 10:
        yield f"{short(gateway)}: grows to {at(found, 'autoscaleConfiguration.maxCapacity')}"
    parts = {f"{own}{kind}/{one['name']}" for kind, ones in found.items() if isinstance(ones, list) for one in ones}
    for path, value in below(found):
        if path.endswith(".id") and str(value).startswith(own) and value not in parts:
            yield f"{short(gateway)}: {path} leads to {value.removeprefix(own)}, which it does not have"
    for one in map(properties, found["requestRoutingRules"]):
        if (one.get("ruleType"), pointed(one.get("httpListener"))) != ("PathBasedRouting", "https"):
            yield f"{short(gateway)}: routes {one}"


@rule
def the_stand_by_firewall_is_front_doors(given: Estate) -> Iterator[str]:
    """The same rule sets, the same rules off, the same members not looked into: what passes one passes the other."""
    for policy in given.of(GATEWAY_FIREWALL):
        rules = properties(policy)["managedRules"]
        if {one["ruleSetType"]: one["ruleSetVersion"] for one in rules["managedRuleSets"]} != RULE_SETS:
            yield f"{short(policy)}: has other rule sets"
        off = {
            (group["ruleGroupName"], one["ruleId"])
            for rule_set in rules["managedRuleSets"]
            for group in rule_set.get("ruleGroupOverrides", [])
            for one in group.get("rules", [])
            if one.get("state") == "Disabled"
        }
        if off != set(RULES_OFF):
            yield f"{short(policy)}: rules {sorted(off ^ set(RULES_OFF))} are not as at Front Door"
        left = {tuple(one.get(key) for key in EXCLUSION) for one in rules.get("exclusions", [])}
        if left != {("RequestArgValues", "Equals", name) for name in FREE_TEXTS}:
            yield f"{short(policy)}: does not look into {sorted(map(str, left))}"


@rule
def the_stand_by_way_leads_where_front_door_leads(given: Estate) -> Iterator[str]:
    told = front_door()
    for stamp in given.stamps:
        for gateway in stamp.of(APPLICATION_GATEWAY):
            found = properties(gateway)
            yield from _backends(gateway, told, stamp.outputs)
            maps = [properties(one) for one in found["urlPathMaps"]]
            paths = {
                tuple(inner["paths"]): pointed(inner["backendAddressPool"])
                for one in maps
                for inner in named(one["pathRules"]).values()
            }
            wanted = {tuple(one["patternsToMatch"]): one["originGroup"] for one in told["routes"]}
            rest = wanted.pop(("/*",), None)
            if paths != wanted or [pointed(one["defaultBackendAddressPool"]) for one in maps] != [rest]:
                yield f"{short(gateway)}: leads {paths}"
            for one in maps:
                inner = [
                    *named(one["pathRules"]).values(),
                    {key.removeprefix("default"): it for key, it in one.items()},
                ]
                for rule_ in inner:
                    by_case = {key.lower(): value for key, value in rule_.items()}
                    pair = {pointed(by_case.get(key)) for key in ("backendaddresspool", "backendhttpsettings")}
                    if len(pair) != 1:
                        yield f"{short(gateway)}: speaks to one as to another: {sorted(pair)}"
            used = [pointed(properties(one).get("urlPathMap")) for one in found["requestRoutingRules"]]
            if used != [one["name"] for one in found["urlPathMaps"]]:
                yield f"{short(gateway)}: routes by {used}"


def _backends(gateway: Json, told: Json, outputs: Json) -> Iterator[str]:
    found = properties(gateway)
    pools, settings, probes = (
        named(found[key]) for key in ("backendAddressPools", "backendHttpSettingsCollection", "probes")
    )
    groups = {one["name"]: one for one in told["originGroups"]}
    if not set(pools) == set(settings) == set(probes) == set(groups):
        yield f"{short(gateway)}: leads to {sorted(pools)}"
    for name in set(settings) & set(groups) & set(probes):
        one, probe = settings[name], probes[name]
        if (one.get("protocol"), one.get("port"), one.get("cookieBasedAffinity"), pointed(one.get("probe"))) != (
            "Https",
            443,
            "Disabled",
            name,
        ):
            yield f"{short(gateway)}: {name} is spoken to by {one}"
        if one.get("requestTimeout") != told["originResponseTimeoutSeconds"]:
            yield f"{short(gateway)}: waits {one.get('requestTimeout')} s for {name}"
        if (probe.get("interval"), probe.get("timeout"), probe.get("unhealthyThreshold")) != (5, 5, 2):
            yield f"{short(gateway)}: {name} is asked every {probe.get('interval')} s"
        target = (pools.get(name, {}).get("backendAddresses") or [{}])[0].get("fqdn")
        if name != "api" and target != one.get("hostName"):
            yield f"{short(gateway)}: {name} is at {target}"
        if (probe.get("protocol"), probe.get("path"), probe.get("host"), at(probe, "match.statusCodes")) != (
            "Https",
            groups[name]["healthProbeSettings"]["probePath"],
            one.get("hostName"),
            ["200"],
        ):
            yield f"{short(gateway)}: {name} is asked by {probe}"
    addresses = pools.get("api", {}).get("backendAddresses")
    if addresses != [{"ipAddress": outputs["gatewayAddress"]}]:
        yield f"{short(gateway)}: the API is at {addresses}, not {outputs['gatewayAddress']}"
    if settings.get("api", {}).get("hostName") != outputs["originHost"]:
        yield f"{short(gateway)}: the API is called {settings.get('api', {}).get('hostName')}"


@rule
def the_stand_by_way_adds_what_front_door_adds(given: Estate) -> Iterator[str]:
    """The API lets in requests with Front Door's id only; pages and images carry the headers described."""
    profiles = [one["id"] for one in given.of(PROFILE)]
    for gateway in given.of(APPLICATION_GATEWAY):
        found = properties(gateway)
        sets = named(found["rewriteRuleSets"])
        for one in (properties(it) for it in found["urlPathMaps"]):
            used = {name: pointed(inner.get("rewriteRuleSet")) for name, inner in named(one["pathRules"]).items()}
            used["site"] = pointed(one.get("defaultRewriteRuleSet"))
            for route in front_door()["routes"]:
                actions = [
                    rewrite["actionSet"]
                    for rewrite in sets.get(used.get(route["name"], ""), {}).get("rewriteRules", [])
                ]
                sent = _headers(actions, "requestHeaderConfigurations")
                answered = _headers(actions, "responseHeaderConfigurations")
                if answered != route.get("responseHeaders", {}):
                    yield f"{short(gateway)}: {route['name']} answers with {answered}"
                if route["originGroup"] == "api" and not any(
                    re.fullmatch(
                        rf"\[reference\('{re.escape(profile)}', '[\d-]+'\)\.frontDoorId\]", sent.get("X-Azure-FDID", "")
                    )
                    for profile in profiles
                ):
                    yield f"{short(gateway)}: {route['name']} says it comes from {sent.get('X-Azure-FDID')}"


def _headers(actions: list[Json], kind: str) -> dict[str, str]:
    return {one["headerName"]: one["headerValue"] for action in actions for one in action.get(kind, [])}


@rule
def people_switch_between_the_ways(given: Estate) -> Iterator[str]:
    """Probes of Traffic Manager come from few places: it follows none, and exactly one way is on."""
    path = given.parameters["edge"]["path"]
    found = {one["name"].endswith("-stand-by"): one for one in given.of(TRAFFIC)}
    if set(found) != (set() if path == "none" else {True, False}):
        yield f"Traffic Manager has {[one['name'] for one in given.of(TRAFFIC)]}"
        return
    for one in found.values():
        monitor = properties(one).get("monitorConfig", {})
        if {key: monitor.get(key) for key in PROBE} != PROBE or properties(one).get("profileStatus") != "Enabled":
            yield f"{short(one)}: asks {monitor}"
    for stand_by, (routing, ttl) in {True: ("Performance", 60), False: ("Priority", 300)}.items():
        if path == "none":
            break
        one = properties(found[stand_by])
        if (one.get("trafficRoutingMethod"), at(one, "dnsConfig.ttl")) != (routing, ttl):
            yield f"{short(found[stand_by])}: {one.get('trafficRoutingMethod')}, for {at(one, 'dnsConfig.ttl')} s"
        if at(one, "dnsConfig.relativeName") != found[stand_by]["name"]:
            yield f"{short(found[stand_by])}: is called {at(one, 'dnsConfig.relativeName')}"
    if path != "none":
        yield from _ways(given, found[False], found[True], path)


def _ways(given: Estate, entry: Json, nested: Json, path: str) -> Iterator[str]:
    ways = named(properties(entry)["endpoints"])
    status = {name: way.get("endpointStatus") for name, way in ways.items()}
    wanted = {"front-door": path == "frontDoor", "stand-by": path == "standBy"}
    if status != {name: "Enabled" if on else "Disabled" for name, on in wanted.items()}:
        yield f"{short(entry)}: {status}, while {path} is wanted"
    target = str(ways.get("front-door", {}).get("target"))
    if not any(f"'{one['id']}'" in target and target.endswith(").hostName]") for one in given.of(ENTRY)):
        yield f"{short(entry)}: Front Door is at {target}"
    if ways.get("front-door", {}).get("alwaysServe") != "Enabled":
        yield f"{short(entry)}: follows probes"
    if ways.get("stand-by", {}).get("targetResourceId") != nested["id"]:
        yield f"{short(entry)}: the other way is {ways.get('stand-by', {}).get('targetResourceId')}"
    labels = {
        stamp.region: f"{at(properties(one), 'dnsSettings.domainNameLabel')}.{stamp.region}.cloudapp.azure.com"
        for stamp in given.stamps
        for one in stamp.of(PUBLIC_ADDRESS)
    }
    targets = {name: way.get("target") for name, way in named(properties(nested)["endpoints"]).items()}
    if targets != labels:
        yield f"{short(nested)}: leads to {targets}, not {labels}"
    order = {name: (way.get("priority"), way.get("minChildEndpoints")) for name, way in ways.items()}
    if order != {"front-door": (1, None), "stand-by": (2, 1)}:
        yield f"{short(entry)}: the order is {order}"
    kinds = {one["name"]: one.get("type", "").rpartition("/")[2] for one in properties(entry)["endpoints"]}
    kinds |= {one["name"]: one.get("type", "").rpartition("/")[2] for one in properties(nested)["endpoints"]}
    if {name for name, kind in kinds.items() if kind != "externalEndpoints"} != {"stand-by"}:
        yield f"{short(entry)}: endpoints are {kinds}"
    for name, way in named(properties(nested)["endpoints"]).items():
        if way.get("endpointLocation") != name:
            yield f"{short(nested)}: {name} is said to be in {way.get('endpointLocation')}"
    # A probe without the domain's name would be refused by the certificate's check, or by the API.
    domain = given.parameters["estate"]["domain"]
    for name, way in named(properties(nested)["endpoints"]).items():
        if way.get("customHeaders") != [{"name": "Host", "value": domain}] or way.get("endpointStatus") != "Enabled":
            yield f"{short(nested)}: {name} is asked as {way.get('customHeaders')}"
