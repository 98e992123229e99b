"""Rules about Front Door's firewall: it blocks, limits rates, and what it leaves out is agreed."""

from collections.abc import Iterator
from typing import Any

from .exactly import ENTRY, FIREWALL, PROFILE, Table, exactly
from .snapshots import Estate, Json, Rule, at, front_door, properties, short

RULES: list[Rule] = []
# Managed rules that are off, each with its reason. One more here is a decision.
RULES_OFF = {
    ("PROTOCOL-ENFORCEMENT", "920420"): "images are uploaded as they are; the API refuses content types itself",
    ("METHOD-ENFORCEMENT", "911100"): "PUT and DELETE are the API's; it knows no other methods",
}
RULE_SETS = {"Microsoft_DefaultRuleSet": "2.1", "Microsoft_BotManagerRuleSet": "1.0"}
# Members of JSON bodies that hold people's own words.
FREE_TEXTS = {"text", "authorName", "name", "description"}
POLICY_SETTINGS: Table = {
    FIREWALL: {
        "policySettings.enabledState": "Enabled",
        "policySettings.mode": "Prevention",
        "policySettings.requestBodyCheck": "Enabled",
        "policySettings.customBlockResponseStatusCode": 403,
    }
}
# Of one address, at one edge location, in a minute. Below about 200 the service's counters are too coarse.
LIMITS: dict[str, dict[str, Any]] = {
    "LimitWrites": {
        "priority": 10,
        "rateLimitThreshold": 300,
        "matchConditions": [
            {"matchVariable": "RequestMethod", "operator": "Equal", "matchValue": ["POST", "PUT", "DELETE"]},
            {
                "matchVariable": "RequestUri",
                "operator": "Contains",
                "matchValue": ["/api/"],
                "transforms": ["Lowercase"],
            },
        ],
    },
    "LimitRequests": {
        "priority": 20,
        "rateLimitThreshold": 3000,
        # A rule must have a condition; every address has a slash.
        "matchConditions": [{"matchVariable": "RequestUri", "operator": "Contains", "matchValue": ["/"]}],
    },
}
LIMIT = {
    "enabledState": "Enabled",
    "ruleType": "RateLimitRule",
    "rateLimitDurationInMinutes": 1,
    "groupBy": [{"variableName": "SocketAddr"}],
    "action": "Block",
}
# What people search for stays out of the access log.
SCRUBBED = {
    "state": "Enabled",
    "scrubbingRules": [
        {"matchVariable": "QueryStringArgNames", "selectorMatchOperator": "EqualsAny", "state": "Enabled"}
    ],
}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


@rule
def front_door_is_premium_and_on(given: Estate) -> Iterator[str]:
    for kind in (PROFILE, FIREWALL):
        found = given.of(kind)
        if [one.get("sku") for one in found] != [{"name": "Premium_AzureFrontDoor"}]:
            yield f"{kind}: {[one.get('sku') for one in found]}"
    wanted = front_door()["originResponseTimeoutSeconds"]
    yield from exactly(given, {PROFILE: {"originResponseTimeoutSeconds": wanted}, ENTRY: {"enabledState": "Enabled"}})
    yield from exactly(given, {PROFILE: {"logScrubbing": SCRUBBED}})


@rule
def the_firewall_blocks(given: Estate) -> Iterator[str]:
    yield from exactly(given, POLICY_SETTINGS)
    for policy in given.of(FIREWALL):
        sets = at(properties(policy), "managedRules.managedRuleSets") or []
        if {one.get("ruleSetType"): one.get("ruleSetVersion") for one in sets} != RULE_SETS:
            yield f"{short(policy)}: has the rule sets {[one.get('ruleSetType') for one in sets]}"
        for one in sets:
            # Bots are let in or kept out kind by kind; attacks are blocked.
            if one.get("ruleSetType") == "Microsoft_DefaultRuleSet" and one.get("ruleSetAction") != "Block":
                yield f"{short(policy)}: {one.get('ruleSetType')} does {one.get('ruleSetAction')}"
            yield from _loosened(policy, one)


def _loosened(policy: Json, rule_set: Json) -> Iterator[str]:
    off = set()
    for group in rule_set.get("ruleGroupOverrides", []):
        off |= {
            (group["ruleGroupName"], one["ruleId"])
            for one in group.get("rules", [])
            if one.get("enabledState") == "Disabled"
        }
        if not group.get("rules") or group.get("exclusions"):
            yield f"{short(policy)}: leaves out all of {group['ruleGroupName']}"
    wanted = set(RULES_OFF) if rule_set.get("ruleSetType") == "Microsoft_DefaultRuleSet" else set()
    if off != wanted:
        yield f"{short(policy)}: overrides {sorted(off ^ wanted)} otherwise than agreed"
    left = {
        (one["matchVariable"], one["selectorMatchOperator"], one["selector"]) for one in rule_set.get("exclusions", [])
    }
    texts = {("RequestBodyJsonArgNames", "Equals", name) for name in FREE_TEXTS}
    if left != (texts if wanted else set()):
        yield f"{short(policy)}: does not look into {sorted(left)}"


@rule
def the_firewall_limits_rates(given: Estate) -> Iterator[str]:
    for policy in given.of(FIREWALL):
        rules = {one["name"]: one for one in at(properties(policy), "customRules.rules") or []}
        if set(rules) != set(LIMITS):
            yield f"{short(policy)}: has the rules {sorted(rules)}"
        for name, one in rules.items():
            wanted = {"name": name} | LIMIT | LIMITS.get(name, {})
            if one != wanted:
                yield f"{short(policy)}: {name} is {one}"
