"""Rules about what can be seen afterwards: logs of everything, kept long enough, where the region's people look."""

from collections.abc import Iterator

from .exactly import (
    ACTION_GROUP,
    CLUSTER,
    COLLECTION,
    COLLECTION_RULE,
    DIAGNOSTICS,
    EXPORT,
    INSIGHTS,
    METRICS,
    STORAGE,
    WORKSPACE,
    exactly,
)
from .inventory import LOGGED
from .resilience import containers_of
from .snapshots import Estate, Json, Part, Rule, at, properties, scope_of, short

RULES: list[Rule] = []
FEWEST_LOG_DAYS = {"prod": 90, "int": 30, "e2e": 30, "dev": 30}
# What people must still have when the workspace has forgotten it.
EXPORTED = {"AppExceptions", "AppRequests", "AppTraces", "AKSAudit", "AZKVAuditLogs"}
STREAMS = {
    "Microsoft-ContainerLogV2",
    "Microsoft-KubeEvents",
    "Microsoft-KubePodInventory",
    "Microsoft-PrometheusMetrics",
}
# Rules of a network are counted as flows only; everything else measures itself too.
WITHOUT_METRICS = {"microsoft.network/networksecuritygroups"}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def workspace_of(given: Estate, part: Part) -> str | None:
    """Where a part's logs belong: its region's workspace, or the global one."""
    home = given.parts.get(f"region-{part.region}" if part.region else "global")
    found = [one["id"] for one in home.of(WORKSPACE)] if home else []
    return found[0] if len(found) == 1 else None


@rule
def everything_that_can_be_logged_is_logged(given: Estate) -> Iterator[str]:
    """One setting for each resource of a type that has logs: all categories, on, into its own region's workspace."""
    settings: dict[str, list[Json]] = {}
    for one in given.of(DIAGNOSTICS):
        settings.setdefault(scope_of(one).lower(), []).append(one)
    for part, one in given.each():
        if not LOGGED.get(one["type"].lower(), False):
            continue
        found = settings.pop(one["id"].lower(), [])
        if len(found) != 1:
            yield f"{part.name}: {short(one)} has {len(found)} diagnostic settings"
        for setting in found:
            yield from _incomplete(given, part, one, properties(setting))
    for scope in settings:
        yield f"a diagnostic setting on {scope.rpartition('/')[2]}, which is none of ours or has no logs"


def _incomplete(given: Estate, part: Part, one: Json, setting: Json) -> Iterator[str]:
    if setting.get("workspaceId") != workspace_of(given, part):
        yield f"{short(one)}: logs into {str(setting.get('workspaceId')).rpartition('/')[2]}"
    if setting.get("logs") != [{"categoryGroup": "allLogs", "enabled": True}]:
        yield f"{short(one)}: logs {setting.get('logs')}"
    without = one["type"].lower() in WITHOUT_METRICS
    if not without and setting.get("metrics") != [{"category": "AllMetrics", "enabled": True}]:
        yield f"{short(one)}: measures {setting.get('metrics')}"
    # A table for each kind of log; in the old common one columns are lost beyond 500.
    if not without and setting.get("logAnalyticsDestinationType") != "Dedicated":
        yield f"{short(one)}: logs into {setting.get('logAnalyticsDestinationType')} tables"


@rule
def logs_are_kept(given: Estate) -> Iterator[str]:
    fewest = FEWEST_LOG_DAYS[given.environment]
    for part in given.parts.values():
        for one in part.of(WORKSPACE):
            sizes = given.parameters[part.lifetime]
            wanted = (sizes["logRetentionDays"], {"dailyQuotaGb": sizes["logDailyQuotaGb"]})
            found = (properties(one).get("retentionInDays"), properties(one).get("workspaceCapping"))
            if found != wanted or wanted[0] < fewest:
                yield f"{short(one)}: keeps {found}, not {wanted} (at least {fewest} days)"
            if given.environment == "prod" and sizes["logDailyQuotaGb"] != -1:
                yield f"{short(one)}: stops logging at {sizes['logDailyQuotaGb']} GB, when it is needed most"
    yield from exactly(
        given, {WORKSPACE: {"sku.name": "PerGB2018", "features.enableLogAccessUsingOnlyResourcePermissions": True}}
    )


@rule
def each_region_has_its_own_telemetry(given: Estate) -> Iterator[str]:
    yield from exactly(given, {INSIGHTS: {"IngestionMode": "LogAnalytics", "DisableIpMasking": False}})
    for region in given.regions:
        part = given.parts[f"region-{region}"]
        for kind in (WORKSPACE, INSIGHTS, METRICS):
            if len(part.of(kind)) != 1:
                yield f"{part.name}: {len(part.of(kind))} of {kind}"
        for one in part.of(INSIGHTS):
            if properties(one).get("WorkspaceResourceId") != workspace_of(given, part):
                yield f"{short(one)}: writes into {properties(one).get('WorkspaceResourceId')}"


@rule
def logs_that_must_last_are_exported(given: Estate) -> Iterator[str]:
    for region in given.regions:
        part = given.parts[f"region-{region}"]
        archives = [one["id"] for one in part.of(STORAGE) if "capture" in containers_of(given, one)]
        exports = [properties(one) for one in part.of(EXPORT)]
        if [at(one, "destination.resourceId") for one in exports] != archives:
            yield f"{part.name}: exports to {[at(one, 'destination.resourceId') for one in exports]}"
        for one in exports:
            if one.get("enable") is not True or set(one.get("tableNames", [])) != EXPORTED:
                yield f"{part.name}: exports {one.get('tableNames')}, {one.get('enable')}"


@rule
def clusters_send_logs_and_metrics_to_their_region(given: Estate) -> Iterator[str]:
    for stamp in given.stamps:
        region = given.parts[f"region-{stamp.region}"]
        wanted = {workspace_of(given, stamp), *(one["id"] for one in region.of(METRICS))}
        rules = {one["id"]: properties(one) for one in stamp.of(COLLECTION_RULE)}
        reached = set()
        for cluster in stamp.of(CLUSTER):
            for one in stamp.of(COLLECTION):
                used = rules.get(properties(one).get("dataCollectionRuleId", ""))
                if scope_of(one) != cluster["id"] or used is None:
                    yield f"{short(one)}: ties nothing of this stamp"
                    continue
                reached |= {
                    target.get("workspaceResourceId") or target.get("accountResourceId")
                    for targets in used["destinations"].values()
                    for target in targets
                }
            agent = at(properties(cluster), "addonProfiles.omsagent.config.logAnalyticsWorkspaceResourceID")
            if agent != workspace_of(given, stamp):
                yield f"{short(cluster)}: its agent logs into {agent}"
        if reached != wanted:
            yield f"{stamp.name}: pods' logs and metrics go to {sorted(map(str, reached))}"


@rule
def what_pods_say_is_collected(given: Estate) -> Iterator[str]:
    """Every stream that is gathered flows to a destination that exists; logs of the workload are among them."""
    for one in given.of(COLLECTION_RULE):
        found = properties(one)
        gathered = {
            stream for sources in found["dataSources"].values() for source in sources for stream in source["streams"]
        }
        flows = found["dataFlows"]
        flowing = {stream for flow in flows for stream in flow["streams"]}
        names = {target["name"] for targets in found["destinations"].values() for target in targets}
        if gathered != flowing or {name for flow in flows for name in flow["destinations"]} != names or not gathered:
            yield f"{short(one)}: gathers {sorted(gathered)}, of which {sorted(flowing)} flow"
        if unknown := gathered - STREAMS:
            yield f"{short(one)}: gathers {sorted(unknown)}"
        for source in found["dataSources"].get("extensions", []):
            settings = at(source, "extensionSettings.dataCollectionSettings") or {}
            left = set(settings.get("namespaces", []))
            if source.get("extensionName") != "ContainerInsights" or settings.get("enableContainerLogV2") is not True:
                yield f"{short(one)}: {source.get('extensionName')} with {settings}"
            if settings.get("namespaceFilteringMode") != "Exclude" or left != {"kube-system", "gatekeeper-system"}:
                yield f"{short(one)}: leaves out {sorted(left)}"


@rule
def alerts_reach_people(given: Estate) -> Iterator[str]:
    found = given.of(ACTION_GROUP)
    if len(found) != 1:
        yield f"{len(found)} action groups"
    for one in found:
        addresses = [receiver["emailAddress"] for receiver in properties(one).get("emailReceivers", [])]
        if addresses != given.parameters["people"]["alertAddresses"] or properties(one).get("enabled") is not True:
            yield f"{short(one)}: tells {addresses}"
