"""Faults in what survives, what runs the workload, and what is seen of it."""

from .exactly import (
    ACTION_GROUP,
    AGING,
    APPLICATION_GATEWAY,
    BLOBS,
    CLUSTER,
    COLLECTION,
    COLLECTION_RULE,
    COSMOS,
    COSMOS_CONTAINER,
    DIAGNOSTICS,
    EXPORT,
    HUBS,
    INSIGHTS,
    MAINTENANCE,
    METRICS,
    POLICY,
    PUBLIC_ADDRESS,
    REPLICA,
    STORAGE,
    VAULT,
    WORKSPACE,
)
from .planting import GONE, Fault, all_of, every, lost, place, prop, resource

RESILIENCE = [
    Fault(
        "everything_lies_in_three_zones",
        "a pool in two zones",
        prop(CLUSTER, "agentPoolProfiles.1.availabilityZones", ["1", "2"]),
    ),
    Fault(
        "everything_lies_in_three_zones",
        "the database's second region",
        prop(COSMOS, "locations.1.isZoneRedundant", False),
    ),
    Fault("everything_lies_in_three_zones", "a namespace", prop(HUBS, "zoneRedundant", False, 1)),
    Fault("everything_lies_in_three_zones", "the registry's copy", prop(REPLICA, "zoneRedundancy", "Disabled", 1)),
    Fault("everything_lies_in_three_zones", "the stand-by address", resource(PUBLIC_ADDRESS, "zones", GONE)),
    Fault("everything_lies_in_three_zones", "the stand-by gateway", resource(APPLICATION_GATEWAY, "zones", ["1"])),
    Fault("storage_is_copied_as_promised", "LRS", resource(STORAGE, "sku.name", "Standard_LRS", 4)),
    Fault("storage_is_copied_as_promised", "images in one region", resource(STORAGE, "sku.name", "Standard_ZRS")),
    Fault("storage_is_copied_as_promised", "a slip", resource(STORAGE, "sku.name", "Standard_ZRSx", 2)),
    Fault("every_region_writes_the_database", "one writer", prop(COSMOS, "enableMultipleWriteLocations", False)),
    Fault(
        "every_region_writes_the_database",
        "weaker reads",
        prop(COSMOS, "consistencyPolicy.defaultConsistencyLevel", "Eventual"),
    ),
    Fault("every_region_writes_the_database", "periodic backup", prop(COSMOS, "backupPolicy", {"type": "Periodic"})),
    Fault("every_region_writes_the_database", "a region is missing", prop(COSMOS, "locations.2", GONE)),
    Fault("the_registry_has_a_copy_in_every_region", "no copy", lost(REPLICA, "swedencentral")),
    Fault("deleted_blobs_come_back", "soft delete off", prop(BLOBS, "deleteRetentionPolicy.enabled", False, 2)),
    Fault(
        "deleted_blobs_come_back", "containers are gone at once", prop(BLOBS, "containerDeleteRetentionPolicy", GONE)
    ),
    Fault("deleted_blobs_come_back", "images without versions", prop(BLOBS, "isVersioningEnabled", False)),
    Fault(
        "blobs_go_when_promised",
        "letters stay for ever",
        lambda g: g.parts["region-westeurope"].resources.remove(g.parts["region-westeurope"].of(AGING)[0]),
    ),
    Fault(
        "blobs_go_when_promised",
        "uploads go at once",
        prop(AGING, "policy.rules.0.definition.actions.baseBlob.delete.daysAfterModificationGreaterThan", 1),
    ),
    Fault("blobs_go_when_promised", "a rule is off", prop(AGING, "policy.rules.0.enabled", False)),
    Fault(
        "blobs_go_when_promised",
        "events are kept no longer than in the hub",
        lambda g: g.parameters["region"].update(captureDays=7),
    ),
    Fault("vaults_cannot_be_purged", "no purge protection", prop(VAULT, "enablePurgeProtection", GONE, 1)),
    Fault(
        "regions_are_maintained_on_different_days",
        "all on one day",
        every(MAINTENANCE, "maintenanceWindow.schedule.weekly.dayOfWeek", "Thursday"),
    ),
    Fault(
        "regions_are_maintained_on_different_days",
        "no window for node images",
        lost(MAINTENANCE, "aksManagedNodeOSUpgradeSchedule"),
    ),
    Fault(
        "regions_are_maintained_on_different_days",
        "no upgrades",
        prop(CLUSTER, "autoUpgradeProfile.upgradeChannel", "none"),
    ),
]
CLUSTERS = [
    Fault(
        "clusters_have_what_the_workload_relies_on",
        "no KEDA",
        prop(CLUSTER, "workloadAutoScalerProfile.keda.enabled", False),
    ),
    Fault("clusters_have_what_the_workload_relies_on", "tier Free", resource(CLUSTER, "sku.tier", "Free", 1)),
    Fault(
        "clusters_have_what_the_workload_relies_on",
        "keys are not renewed",
        prop(CLUSTER, "addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation", "false"),
    ),
    Fault(
        "nodes_come_and_go_with_the_load",
        "a fixed number",
        prop(CLUSTER, "agentPoolProfiles.1.enableAutoScaling", False),
    ),
    Fault("nodes_come_and_go_with_the_load", "one node", prop(CLUSTER, "agentPoolProfiles.0.minCount", 1, 2)),
    Fault(
        "nodes_come_and_go_with_the_load",
        "one node by parameter",
        all_of(
            lambda g: g.parameters["stamp"]["cluster"]["workNodes"].update(fewest=1),
            every(CLUSTER, "agentPoolProfiles.1.minCount", 1),
        ),
    ),
    Fault("pods_are_held_to_the_restricted_standard", "audit only", prop(POLICY, "parameters.effect.value", "Audit")),
    Fault(
        "pods_are_held_to_the_restricted_standard",
        "not for us",
        prop(POLICY, "parameters.excludedNamespaces.value", ["kube-system", "catalog"]),
    ),
    Fault("throughput_grows_by_itself", "no auto-inflate", prop(HUBS, "isAutoInflateEnabled", False)),
    Fault("throughput_grows_by_itself", "fixed request units", prop(COSMOS_CONTAINER, "options", {"throughput": 400})),
]
OBSERVABILITY = [
    Fault("everything_that_can_be_logged_is_logged", "a setting is gone", lost(DIAGNOSTICS)),
    Fault("everything_that_can_be_logged_is_logged", "logs are off", prop(DIAGNOSTICS, "logs.0.enabled", False, 7)),
    Fault(
        "everything_that_can_be_logged_is_logged", "audit only", prop(DIAGNOSTICS, "logs.0.categoryGroup", "audit", 9)
    ),
    Fault("everything_that_can_be_logged_is_logged", "no metrics", prop(DIAGNOSTICS, "metrics", [], 1)),
    Fault(
        "everything_that_can_be_logged_is_logged",
        "into another region",
        lambda g: place(
            g.parts["stamp-northeurope"].of(DIAGNOSTICS)[0],
            "properties.workspaceId",
            g.parts["region-westeurope"].of(WORKSPACE)[0]["id"],
        ),
    ),
    Fault("logs_are_kept", "7 days", prop(WORKSPACE, "retentionInDays", 7)),
    Fault(
        "logs_are_kept",
        "30 days by parameter",
        all_of(
            lambda g: g.parameters["region"].update(logRetentionDays=30),
            lambda g: g.parameters["global"].update(logRetentionDays=30),
            every(WORKSPACE, "retentionInDays", 30),
        ),
    ),
    Fault("logs_are_kept", "a slip in the tier", prop(WORKSPACE, "sku.name", "PerGb2018x")),
    Fault(
        "each_region_has_its_own_telemetry",
        "into another workspace",
        lambda g: place(
            g.parts["region-northeurope"].of(INSIGHTS)[0],
            "properties.WorkspaceResourceId",
            g.parts["global"].of(WORKSPACE)[0]["id"],
        ),
    ),
    Fault("each_region_has_its_own_telemetry", "no metrics", lost(METRICS)),
    Fault("logs_that_must_last_are_exported", "the export is off", prop(EXPORT, "enable", False)),
    Fault("logs_that_must_last_are_exported", "no export", lost(EXPORT)),
    Fault("clusters_send_logs_and_metrics_to_their_region", "no metrics of pods", lost(COLLECTION)),
    Fault(
        "clusters_send_logs_and_metrics_to_their_region",
        "into another region",
        lambda g: place(
            g.parts["stamp-northeurope"].of(COLLECTION_RULE)[0],
            "properties.destinations",
            g.parts["stamp-westeurope"].of(COLLECTION_RULE)[0]["properties"]["destinations"],
        ),
    ),
    Fault("alerts_reach_people", "nobody", prop(ACTION_GROUP, "emailReceivers", [])),
    Fault("alerts_reach_people", "off", prop(ACTION_GROUP, "enabled", False)),
]
FAULTS = [*RESILIENCE, *CLUSTERS, *OBSERVABILITY]
