"""Who may do what where: role assignments, with each principal followed to the identity it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ops.estate.naming import Names
from ops.estate.snapshots import Estate, Resource, scope_of

# Built-in roles that occur, by id: alike in every tenant. Others are shown by their id.
_ROLES = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "4abbcc35-e782-43d8-92c5-2d3f1bd2253f": "Azure Kubernetes Service Cluster User",
    "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b": "Azure Kubernetes Service RBAC Cluster Admin",
    "7f6c6a51-bcf8-42ba-9220-52d62157d7db": "Azure Kubernetes Service RBAC Reader",
    "a638d3c7-ab3a-418d-83e6-5f17a39d4fde": "Azure Event Hubs Data Receiver",
    "2b629674-e913-4c01-ae53-ef4638d8f975": "Azure Event Hubs Data Sender",
    "a4417e6f-fecd-4de8-b567-7b0420556985": "Key Vault Certificates Officer",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "4d97b98b-1d4f-4787-a291-c67834d212e7": "Network Contributor",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
}
_DATABASE_ROLES = {
    "00000000-0000-0000-0000-000000000001": "Cosmos DB Built-in Data Reader",
    "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
}
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_DATABASE_ASSIGNMENT = "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments"
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_FEDERATION = f"{_IDENTITY}/federatedIdentityCredentials"
_REFERENCE = re.compile(r"\[reference\('([^']+)'.*\)((?:\.\w+)+)\]")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What a scope's last type is called. Cosmos DB names its own scopes with `dbs` and `colls`.
_PLACES = {
    "blobservices/containers": "blob container",
    "colls": "container",
    "dbs": "database",
    "eventhubs": "hub",
    "resourcegroups": "resource group",
    "subscriptions": "subscription",
}


@dataclass(frozen=True)
class Grant:
    """One role of one principal on one scope."""

    who: str
    kind: str  # identity, group, system (a resource's own identity) or unknown
    role: str
    scope: str  # the scope's id
    where: str  # the scope in words
    lifetime: str  # of what the scope is: its own stamp, its region, global
    regions: tuple[str, ...]  # of the deployments that grant it


def grants(estate: Estate, names: Names) -> list[Grant]:
    """Every grant; those that are alike in all regions are one."""
    together: dict[tuple[str, str, str, str, str], list[tuple[Resource, str]]] = {}
    for one in estate.resources:
        if not (one.is_a(_ASSIGNMENT) or one.is_a(_DATABASE_ASSIGNMENT)):
            continue
        scope = scope_of(one.id) if one.is_a(_ASSIGNMENT) else str(one.get("properties.scope", ""))
        who, kind = principal(estate, names, str(one.get("properties.principalId", "")))
        where = scope_in_words(names.across_regions(scope))
        key = (who, kind, role_name(estate, one), where, owner_of(estate, scope))
        together.setdefault(key, []).append((one, scope))
    return sorted(
        (
            Grant(who, kind, role, found[0][1], where, owner, _regions(found))
            for (who, kind, role, where, owner), found in together.items()
        ),
        key=lambda one: (_KINDS.index(one.kind), one.who, one.where, one.role),
    )


_KINDS = ("identity", "system", "group", "unknown")


def principal(estate: Estate, names: Names, expression: str) -> tuple[str, str]:
    """Whose object id this is: (name, kind). An expression is followed to its resource."""
    if _GUID.fullmatch(expression):
        return estate.people.get(expression, f"object {expression}"), "group"
    followed = _REFERENCE.fullmatch(expression)
    owner = estate.find(followed[1]) if followed else None
    if followed is None or owner is None:
        return expression, "unknown"
    if owner.is_a(_IDENTITY):
        return names.identity(owner), "identity"
    return names.across_regions(owner.short), "system"


def role_name(estate: Estate, assignment: Resource) -> str:
    """The assigned role's name, or its id where it is neither built in and known nor in the snapshots."""
    definition = str(assignment.get("properties.roleDefinitionId", ""))
    known = _DATABASE_ROLES if assignment.is_a(_DATABASE_ASSIGNMENT) else _ROLES
    last = definition.rsplit("/", 1)[-1]
    if last in known:
        return known[last]
    own = estate.find(definition)
    return str(own.get("properties.roleName")) if own and own.get("properties.roleName") else f"role {last}"


def scope_in_words(scope: str) -> str:
    """`hub commands of evhns-…` for a scope's id."""
    parts = scope.strip("/").split("/")
    if "providers" not in parts:
        kind = parts[-2].lower() if len(parts) > 1 else ""
        return f"the whole {_PLACES.get(kind, kind)} {parts[-1]}"
    own = parts[len(parts) - 1 - parts[::-1].index("providers") + 2 :]  # after the provider: type, name, type, name …
    kinds, titles = own[0::2], own[1::2]
    if len(titles) == 1:
        return titles[0]
    last = "/".join(kinds[-2:]).lower()
    word = _PLACES.get(last) or _PLACES.get(kinds[-1].lower()) or kinds[-1]
    return f"{word} {titles[-1]} of {titles[0]}"


def owner_of(estate: Estate, scope: str) -> str:
    """The lifetime of what the scope is or lies in; empty when no snapshot has it."""
    path = scope
    while path.count("/") > 1:
        found = estate.find(path)
        if found is not None:
            return found.lifetime
        path = path.rsplit("/", 1)[0]
    return ""


def service_accounts(estate: Estate, names: Names) -> dict[str, str]:
    """Who may be which identity: identity to `namespace/account` in the cluster."""
    found = {}
    for one in estate.of(_FEDERATION):
        identity = estate.find(one.id.rsplit("/federatedIdentityCredentials/", 1)[0])
        subject = str(one.get("properties.subject", ""))
        account = subject.removeprefix("system:serviceaccount:").replace(":", "/")
        found[names.identity(identity) if identity else one.name] = account
    return found


def without_grants(estate: Estate, names: Names, found: Sequence[Grant]) -> list[str]:
    """Identities that may do nothing: left over, or forgotten."""
    granted = {one.who for one in found}
    return sorted({names.identity(one) for one in estate.of(_IDENTITY)} - granted)


def _regions(found: Sequence[tuple[Resource, str]]) -> tuple[str, ...]:
    return tuple(sorted({one.region for one, _ in found if one.region}))
