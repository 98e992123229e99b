"""Rules about the snapshots as such: complete, evaluated, without secrets, each part within its own bounds."""

import re
from collections import Counter
from collections.abc import Iterator

from .exactly import CLUSTER, GROUP, ORIGIN
from .inventory import EVERYWHERE, LOGGED, NAMES, WORLDWIDE
from .snapshots import Estate, Part, Rule, at, group_of, properties, short, texts

RULES: list[Rule] = []
SECRET = re.compile(
    r"\[?list[A-Z]\w*\(|getSecret|AccountKey=|SharedAccessKey=|SharedAccessSignature|InstrumentationKey"
    r"|\.(primary|secondary)(Master)?Key\b|connectionString|\bsig=|\bpassword",
    re.IGNORECASE,
)
RESOURCE_ID = re.compile(r"/subscriptions/[^'\"\s\]]+")
# Ids of what is none of ours to make: Azure's own definitions, parts of a resource, what AKS and people put there.
NOT_OURS = re.compile(
    r"/providers/Microsoft\.Authorization/\w+Definitions/|/sqlRoleDefinitions/|/dbs/|/subnets/|/vaults/[^/]+/secrets/"
    r"|/applicationGateways/[^/]+/\w+/|/privateLinkServices/"
)


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


@rule
def every_region_has_its_parts(given: Estate) -> Iterator[str]:
    wanted = {"global", "edge"} | {f"{kind}-{region}" for kind in ("region", "stamp") for region in given.regions}
    if set(given.parts) != wanted:
        yield f"snapshots of {sorted(set(given.parts) ^ wanted)} are missing or left over"
    if given.parameters["estate"]["environment"] != given.environment:
        yield f"the parameters are those of {given.parameters['estate']['environment']}"
    for part in given.parts.values():
        if not part.resources:
            yield f"{part.name} is empty"


@rule
def everything_was_evaluated(given: Estate) -> Iterator[str]:
    """A module whose loop only Azure could count vanishes from a snapshot, and a diagnostic is all that tells."""
    for part in given.parts.values():
        for one in part.diagnostics:
            yield f"{part.name}: {one}"
        for resource in part.resources:
            for key in ("id", "name", "type", "location"):
                if "[" in str(resource.get(key, "")):
                    yield f"{part.name}: {key} of a resource is an expression: {resource[key]}"


@rule
def every_resource_is_made_once(given: Estate) -> Iterator[str]:
    for resource_id, times in Counter(one["id"].lower() for _, one in given.each()).items():
        if times > 1:
            yield f"{resource_id.rpartition('/')[2]} is made {times} times"


@rule
def no_secret_is_in_a_snapshot(given: Estate) -> Iterator[str]:
    for part in given.parts.values():
        for name, value in part.outputs.items():
            if any(SECRET.search(text) for text in texts({name: value})):
                yield f"{part.name}: output {name} gives a secret away"
        for one in part.resources:
            for text in texts(properties(one)):
                if SECRET.search(text):
                    yield f"{part.name}: {short(one)} holds a secret: {text[:60]}"


@rule
def every_type_is_known(given: Estate) -> Iterator[str]:
    for kind in {one["type"] for _, one in given.each()}:
        if kind.lower() not in LOGGED:
            yield f"{kind} is new here: inventory.py must say whether it has logs, and a rule what it must be"


@rule
def names_are_within_their_limits(given: Estate) -> Iterator[str]:
    limits = {kind.lower(): shape for kind, shape in NAMES.items()}
    for _, one in given.each():
        shape = limits.get(one["type"].lower())
        if shape and not re.fullmatch(shape, one["name"].rpartition("/")[2]):
            yield f"{short(one)}: Azure would refuse the name"
        if not one["name"].isascii() or len(one["id"]) > 1024:
            yield f"{short(one)}: its id is too long, or not ASCII"
    for cluster in given.of(CLUSTER):
        # Azure's limit for the group that it makes for the nodes is below that of others.
        if len(properties(cluster)["nodeResourceGroup"]) > 80 or len(properties(cluster)["dnsPrefix"]) > 54:
            yield f"{short(cluster)}: nodes' group or DNS prefix is too long"


@rule
def worldwide_names_carry_the_environment(given: Estate) -> Iterator[str]:
    """Two environments in one subscription, and two teams in the world, must not meet."""
    for kind in WORLDWIDE:
        for one in given.of(kind):
            if given.environment not in one["name"] or not re.search(r"[a-z0-9]{3,5}(-stand-by)?$", one["name"]):
                yield f"{short(one)}: its name may be taken"


@rule
def regions_are_those_of_the_parameters(given: Estate) -> Iterator[str]:
    for part, one in given.each():
        place = one.get("location")
        if place is None:
            continue
        ours = [part.region] if part.region else given.regions
        if place not in (["global"] if one["type"].lower() in EVERYWHERE else ours):
            yield f"{part.name}: {short(one)} is in {place}"
    for one in given.of(ORIGIN):
        link = properties(one).get("sharedPrivateLinkResource", {})
        if link.get("privateLinkLocation") not in given.regions and link.get("groupId") != "web_secondary":
            yield f"{short(one)}: its private link is in {link.get('privateLinkLocation')}"


@rule
def tags_say_whose_it_is(given: Estate) -> Iterator[str]:
    ours = given.parameters["estate"]
    for part, one in given.each():
        if "location" not in one:
            continue
        wanted = {
            "workload": ours["workload"],
            "environment": given.environment,
            "lifetime": "global" if part.lifetime == "edge" else part.lifetime,
            "owner": ours["owner"],
        }
        tags = one.get("tags", {})
        if {key: tags.get(key) for key in wanted} != wanted:
            yield f"{part.name}: {short(one)} is tagged {tags}"


def groups_of(given: Estate, part: Part) -> set[str]:
    """The resource groups that a part makes, and those that AKS makes for it."""
    return {one["name"] for one in part.of(GROUP)} | {
        str(at(properties(one), "nodeResourceGroup")) for one in part.of(CLUSTER)
    }


@rule
def each_part_keeps_to_its_own(given: Estate) -> Iterator[str]:
    """A stamp lives without every other one: it names its own groups, its region's, the global one. No region names
    a stamp. The edge alone knows all."""
    owners = {group: part for part in given.parts.values() for group in groups_of(given, part)}
    for part in given.parts.values():
        if part.lifetime == "edge":
            continue
        allowed = {
            group
            for group, owner in owners.items()
            if owner is part
            or (owner.lifetime == "global" and part.lifetime == "stamp")
            or (owner.lifetime == "region" and part.lifetime == "stamp" and owner.region == part.region)
        }
        named = {group_of(found) for text in texts(part.outputs) for found in RESOURCE_ID.findall(text)}
        for one in part.resources:
            for text in texts(one):
                named |= {group_of(found) for found in RESOURCE_ID.findall(text)}
        for group in named - allowed - {""}:
            yield f"{part.name} names {group}"


@rule
def ids_lead_to_what_exists(given: Estate) -> Iterator[str]:
    existing = {one["id"].lower() for _, one in given.each()}
    for part, one in given.each():
        for text in texts({key: value for key, value in one.items() if key != "id"}):
            for found in RESOURCE_ID.findall(text):
                if found.lower() not in existing and not NOT_OURS.search(found):
                    yield f"{part.name}: {short(one)} names what nobody makes: {found}"
