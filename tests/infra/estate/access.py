"""Rules about who may do what: every identity has the roles that its code needs, where it needs them, and no other."""

from collections import Counter
from collections.abc import Iterator

from .exactly import CLUSTER, COSMOS, COSMOS_ROLE, ENDPOINT, FEDERATION, HUBS, IDENTITY, PROFILE, ROLE
from .grants import COSMOS_ROLES, NEEDED, ROLES, Grant, applies
from .snapshots import Estate, Part, Rule, above, at, identity_behind, properties, scope_of, short, texts

RULES: list[Rule] = []
AUDIENCE = ["api://AzureADTokenExchange"]
# Azure's own services, which a firewall lets in by their identities.
WITHOUT_ENDPOINT = {"front-door", "capture"}
# Pods that may be an identity: namespace and service account, by the identity's name.
ACCOUNTS = {"api": "catalog:api", "processor": "catalog:processor", "keda": "kube-system:keda-operator"}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def program_of(given: Estate, identity: str) -> tuple[str, str]:
    """Whose identity a resource is: the program's name, and its stamp's region (empty for what is global)."""
    one, part = given.named(identity), given.part_of(identity)
    if one is None or part is None:
        return f"nobody ({identity})", ""
    if one["type"] == PROFILE:
        return "front-door", ""
    ours = given.parameters["estate"]
    prefix = f"id-{ours['workload']}-{given.environment}-{part.region}-"
    return str(one["name"]).removeprefix(prefix), part.region


def who(given: Estate, principal: str) -> tuple[str, str]:
    """The program or group behind a principal id, and the region of its stamp."""
    identity = identity_behind(principal)
    if identity is not None:
        return program_of(given, identity)
    groups = {given.parameters["people"][name]: name for name in ("deployers", "operators")}
    return groups.get(principal, f"nobody ({principal})"), ""


def where(given: Estate, scope: str) -> tuple[str, str]:
    """A scope as the table of grants names it, and the region of its part."""
    one, part = given.named(scope), given.part_of(scope)
    if one is None or part is None:
        return f"outside our resources ({scope})", ""
    kind = one["type"].rpartition("/")[2]
    name = f" {one['name'].rpartition('/')[2]}" if kind in ("containers", "eventhubs") else ""
    if kind == "userAssignedIdentities":
        name = f" {program_of(given, scope)[0]}"
    return f"{part.lifetime} {kind}{name}", part.region


def assigned(given: Estate) -> Iterator[tuple[Part, Grant]]:
    """Every grant in the snapshots, of resources and of the database's data, with the part that gives it."""
    for part in given.parts.values():
        for one in part.of(ROLE):
            found = properties(one)
            role = found["roleDefinitionId"].rpartition("/")[2]
            yield part, _grant(given, found["principalId"], ROLES.get(role, f"role {role}"), scope_of(one))
        for one in part.of(COSMOS_ROLE):
            found = properties(one)
            role = found["roleDefinitionId"].rpartition("/")[2]
            place = found["scope"].removeprefix(above(one["id"]))
            name, region = who(given, found["principalId"])
            in_account = given.named(above(one["id"])) is not None and place != found["scope"]
            yield (
                part,
                Grant(
                    name,
                    region,
                    COSMOS_ROLES.get(role, f"role {role}"),
                    f"database {place}" if in_account else f"elsewhere ({found['scope']})",
                    "",
                ),
            )


def _grant(given: Estate, principal: str, role: str, scope: str) -> Grant:
    name, region = who(given, principal)
    place, place_region = where(given, scope)
    return Grant(name, region, role, place, place_region)


def needed(given: Estate) -> Counter[Grant]:
    """What the table says, for every stamp of the environment."""
    wanted: Counter[Grant] = Counter()
    for need in NEEDED:
        if not applies(need, given.parameters):
            continue
        for region in given.regions if need.each_stamp else [""]:
            mine = region if need.who not in ("deployers", "operators", "front-door") else ""
            there = "" if need.where.startswith(("global ", "database ")) else region
            wanted[Grant(need.who, mine, need.role, need.where, there)] += 1
    return wanted


@rule
def identities_have_the_roles_that_their_code_needs(given: Estate) -> Iterator[str]:
    found = Counter(grant for _, grant in assigned(given))
    wanted = needed(given)
    for grant in wanted - found:
        yield f"missing: {grant}"
    for grant in found - wanted:
        yield f"nobody needs: {grant}"


@rule
def no_right_is_given_twice(given: Estate) -> Iterator[str]:
    """Azure refuses a second assignment of the same role on the same thing to the same principal, whatever its name:
    the deployment of the second stamp would fail."""
    for grant, times in Counter(grant for _, grant in assigned(given)).items():
        if times > 1:
            yield f"{times} times: {grant}"


@rule
def a_stamp_gives_rights_to_its_own_only(given: Estate) -> Iterator[str]:
    """Otherwise a stamp that is taken down would take another one's rights along."""
    for part, grant in assigned(given):
        if grant.region not in ("", part.region) or grant.place_region not in ("", part.region):
            yield f"{part.name} gives: {grant}"


@rule
def principals_are_what_they_are_called(given: Estate) -> Iterator[str]:
    """Of the wrong kind, an assignment to an identity made a second ago fails, and one to a group is refused."""
    for one in given.of(ROLE):
        found = properties(one)
        wanted = "Group" if identity_behind(found["principalId"]) is None else "ServicePrincipal"
        if found.get("principalType") != wanted:
            yield f"{short(one)}: its principal is called {found.get('principalType')}, not {wanted}"
        if set(found) - {"principalId", "principalType", "roleDefinitionId", "description"}:
            yield f"{short(one)}: says {sorted(found)}"


@rule
def pods_become_identities_by_their_service_accounts(given: Estate) -> Iterator[str]:
    for stamp in given.stamps:
        found = {}
        for one in stamp.of(FEDERATION):
            program, _ = program_of(given, above(one["id"]))
            subject = str(properties(one).get("subject")).removeprefix("system:serviceaccount:")
            if program in found:
                yield f"{stamp.name}: {program} may be two service accounts"
            found[program] = subject
            issuer = str(properties(one).get("issuer"))
            clusters = [cluster["id"] for cluster in stamp.of(CLUSTER)]
            if not issuer.endswith(".oidcIssuerProfile.issuerURL]") or not any(f"'{it}'" in issuer for it in clusters):
                yield f"{short(one)}: believes {issuer}"
            if properties(one).get("audiences") != AUDIENCE:
                yield f"{short(one)}: is meant for {properties(one).get('audiences')}"
        if found != ACCOUNTS:
            yield f"{stamp.name}: service accounts are {found}, not {ACCOUNTS}"


@rule
def every_identity_is_somebody(given: Estate) -> Iterator[str]:
    """An identity that neither a pod nor a resource is, is a door without a room; one a stamp shares is two rooms."""
    for stamp in given.stamps:
        pods = {above(one["id"]) for one in stamp.of(FEDERATION)}
        for one in stamp.of(IDENTITY):
            users = {
                short(other)
                for part, other in given.each()
                if one["id"] in other.get("identity", {}).get("userAssignedIdentities", {})
                or one["id"] == at(properties(other), "identityProfile.kubeletidentity.resourceId")
            } | ({"pods"} if one["id"] in pods else set())
            if len(users) != 1:
                yield f"{stamp.name}: {one['name']} is {sorted(users) or 'nobody'}"
    for _, one in given.each():
        identity = one.get("identity", {})
        if identity.get("type") != (
            None if not identity else "UserAssigned" if len(identity) > 1 else "SystemAssigned"
        ):
            yield f"{short(one)}: is somebody by {identity}"
    for kind, program in ((CLUSTER, "cluster"), (HUBS, "capture")):
        for one in given.of(kind):
            part = given.part_of(one["id"])
            mine = [program_of(given, it) for it in one.get("identity", {}).get("userAssignedIdentities", {})]
            if part is None or mine != [(program, part.region)]:
                yield f"{short(one)}: is {mine}"


@rule
def who_may_change_a_private_thing_can_reach_it(given: Estate) -> Iterator[str]:
    """A right on what has no public address is of no use without a private endpoint, to people's agents as to pods."""
    reached = {
        properties(connection)["privateLinkServiceId"]
        for endpoint in given.of(ENDPOINT)
        for connection in properties(endpoint)["privateLinkServiceConnections"]
    }
    private = {one["id"] for _, one in given.each() if properties(one).get("publicNetworkAccess") == "Disabled"}
    for one in given.of(ROLE):
        thing = next((owner for owner in private if f"{scope_of(one)}/".startswith(f"{owner}/")), None)
        name, _ = who(given, properties(one)["principalId"])
        if thing and thing not in reached and name not in WITHOUT_ENDPOINT:
            yield f"{name} may use {thing.rpartition('/')[2]}, and has no way to it"


@rule
def the_database_knows_built_in_roles_only(given: Estate) -> Iterator[str]:
    """A role of our own would be another list of rights to keep; and no grant may reach beyond our one database."""
    accounts = [one["id"] for one in given.of(COSMOS)]
    for one in given.of(COSMOS_ROLE):
        found = properties(one)
        if above(one["id"]) not in accounts or found["roleDefinitionId"].rpartition("/")[2] not in COSMOS_ROLES:
            yield f"{short(one)}: gives {found['roleDefinitionId']}"
        if "/dbs/" not in found["scope"] or any("*" in text for text in texts(found)):
            yield f"{short(one)}: is good for {found['scope']}"
