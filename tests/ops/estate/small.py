"""Small snapshots: valid by default, a test says only what matters."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ops.estate.snapshots import Estate, read_estate

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
TAGS = {"workload": "shop", "environment": "test"}
PRINCIPAL = "99999999-9999-9999-9999-999999999999"
READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"  # Storage Blob Data Reader

Body = dict[str, Any]


def a_resource(kind: str, name: str, group: str = "rg-shop-test-global", **more: Any) -> Body:
    """A resource of a type such as `Microsoft.Storage/storageAccounts/blobServices`, named `account/default`."""
    provider, *kinds = kind.split("/")
    path = "/".join(f"{one}/{part}" for one, part in zip(kinds, name.split("/"), strict=True))
    return {
        "id": f"{SUBSCRIPTION}/resourceGroups/{group}/providers/{provider}/{path}",
        "type": kind,
        "name": name,
        "tags": TAGS,
        **more,
    }


def an_identity(name: str, region: str = "westeurope") -> Body:
    return a_resource(
        "Microsoft.ManagedIdentity/userAssignedIdentities", f"id-shop-test-{region}-{name}", stamp_group(region)
    )


def an_assignment(scope: str, principal: str, role: str = READER) -> Body:
    """A role assignment on the resource with this id."""
    name = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "type": "Microsoft.Authorization/roleAssignments",
        "name": name,
        "properties": {"principalId": principal, "roleDefinitionId": f"{SUBSCRIPTION}/roleDefinitions/{role}"},
    }


def principal_of(identity: Body) -> str:
    """The expression by which a template names an identity's principal."""
    return f"[reference('{identity['id']}', '2024-11-30').principalId]"


def a_cluster(region: str = "westeurope", *, zones: Sequence[str] = ("1", "2", "3"), fewest: int = 3) -> Body:
    pool = {"name": "work", "vmSize": "Standard_D2_v3", "minCount": fewest, "maxCount": 2 * fewest}
    return a_resource(
        "Microsoft.ContainerService/managedClusters",
        f"aks-shop-test-{region}",
        stamp_group(region),
        location=region,
        sku={"name": "Base", "tier": "Standard"},
        properties={
            "agentPoolProfiles": [pool | {"availabilityZones": list(zones)}],
            "apiServerAccessProfile": {"enablePrivateCluster": True},
        },
    )


def a_database(*regions: str, zones: bool = True, multi_write: bool = True, **more: Any) -> Body:
    return a_resource(
        "Microsoft.DocumentDB/databaseAccounts",
        "cosmos-shop-test-ab1cd",
        location=regions[0],
        properties={
            "locations": [
                {"locationName": one, "failoverPriority": at, "isZoneRedundant": zones}
                for at, one in enumerate(regions)
            ],
            "enableMultipleWriteLocations": multi_write,
            "publicNetworkAccess": "Disabled",
            **more,
        },
    )


def a_container(name: str, most: int) -> Body:
    return a_resource(
        "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
        f"cosmos-shop-test-ab1cd/shop/{name}",
        properties={"options": {"autoscaleSettings": {"maxThroughput": most}}},
    )


def a_hub(region: str = "westeurope", code: str = "weu", **more: Any) -> Body:
    return a_resource(
        "Microsoft.EventHub/namespaces",
        f"evhns-shop-test-{code}-ab1cd",
        stamp_group(region),
        location=region,
        sku={"name": "Standard", "tier": "Standard", "capacity": 2},
        properties={
            "isAutoInflateEnabled": True,
            "maximumThroughputUnits": 8,
            "zoneRedundant": True,
            "publicNetworkAccess": "Disabled",
        }
        | more,
    )


def an_account(
    name: str = "stshoptest", sku: str = "Standard_ZRS", group: str = "rg-shop-test-global", **more: Any
) -> Body:
    return a_resource(
        "Microsoft.Storage/storageAccounts",
        name,
        group,
        location="westeurope",
        sku={"name": sku},
        properties={"publicNetworkAccess": "Disabled"} | more,
    )


def stamp_group(region: str) -> str:
    return f"rg-shop-test-stamp-{region}"


def an_estate(folder: Path, environment: str = "test", **parts: Sequence[Body]) -> Estate:
    """Write one snapshot per part and read the estate.

    `stamp_westeurope` is written to `stamp-westeurope.json`, `global_` to `global.json`.
    """
    write(folder, environment, **parts)
    return read_estate(environment, folder)


def write(folder: Path, environment: str = "test", **parts: Sequence[Body]) -> Path:
    (folder / environment).mkdir(parents=True, exist_ok=True)
    for name, resources in parts.items():
        file = folder / environment / f"{name.rstrip('_').replace('_', '-')}.json"
        file.write_text(json.dumps({"predictedResources": list(resources), "diagnostics": []}), encoding="utf-8")
    return folder
