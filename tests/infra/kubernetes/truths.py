"""Rules that compare the manifests with the code: what one says must be what the other does."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import settings
from settings import Settings
from tests.triggers.conftest import BUILT

from .manifests import DEPLOYMENTS, ROOT, Manifests
from .promises import Rule

RULES: list[Rule] = []
# What the app itself does not read: docs/settings.md says why each is there.
OF_THE_HOST = {
    "FUNCTIONS_WORKER_RUNTIME": "python",
    "AzureWebJobsDisableHomepage": "true",
    "AzureFunctionsJobHost__Logging__Console__IsEnabled": "true",
    "AZURE_COSMOS_ENABLE_CIRCUIT_BREAKER": "True",
    "ASPNETCORE_URLS": "http://+:8080",
}
ALLOW_LIST = re.compile(r"AzureFunctionsJobHost__functions__(\d+)")
# Left to the defaults in every environment, or for the local cloud alone.
NEVER_SET = {"event_hubs", "cosmos_key", "dead_letters", "images", "azurewebjobsstorage", "request_deadline_s"}
NEVER_SET |= {"max_requests_in_flight"}
API_ALONE = {"front_door_id"}


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def resources() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / "infra" / "resources.json").read_text())
    return read


@rule
def settings_that_the_code_reads_are_the_settings_set(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        environment = given.environment(name)
        ours = {
            key: value for key, value in environment.items() if key not in OF_THE_HOST and not ALLOW_LIST.match(key)
        }
        host_id = ours.pop("AzureFunctionsWebHost__hostid", "")
        wanted = {one.name for one in fields(Settings)} - NEVER_SET - (API_ALONE if name != "api" else set())
        if {key.lower() for key in ours} != wanted:
            yield f"{name}: sets {sorted(set(map(str.lower, ours)) ^ wanted)} otherwise than the code reads"
        try:
            Settings.read({key: "a-key-from-key-vault" if "KEY" in key else value for key, value in ours.items()})
        except settings.SettingError as error:
            yield f"{name}: would not start: {error}"
        if not re.fullmatch(r"[a-z0-9-]{1,32}", host_id):
            yield f"{name}: host id {host_id!r}"
        for key, value in OF_THE_HOST.items():
            if environment.get(key) != value:
                yield f"{name}: {key} is {environment.get(key)}"
    ids = {given.environment(name).get("AzureFunctionsWebHost__hostid") for name in DEPLOYMENTS}
    if len(ids) != len(DEPLOYMENTS):
        yield "both Deployments have one host id"


@rule
def nothing_secret_is_written_out(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        for key, value in given.environment(name).items():
            if ("KEY" in key) != value.startswith("secret api-keys/api-key-"):
                yield f"{name}: {key} is given in place"
            if re.search(r"AccountKey=|SharedAccessKey=", value):
                yield f"{name}: {key} holds a key"


@rule
def settings_of_another_product_are_absent(given: Manifests) -> Iterator[str]:
    for name in DEPLOYMENTS:
        for key in given.environment(name):
            if key.upper() == "POD_NAMESPACE" or key.lower().endswith(("__credential", "__clientid")):
                yield f"{name}: sets {key}"


@rule
def allow_lists_are_the_functions_of_the_app(given: Manifests) -> Iterator[str]:
    known = {str(one.get_function_name()) for one in BUILT}
    for name in DEPLOYMENTS:
        listed = {
            int(found[1]): value for key, value in given.environment(name).items() if (found := ALLOW_LIST.match(key))
        }
        if sorted(listed) != list(range(len(listed))):
            yield f"{name}: the allow-list has gaps, and ends at the first"
        if [listed[number] for number in sorted(listed)] != resources()["functions"][name]:
            yield f"{name}: the allow-list is not that of infra/resources.json"
        if unknown := set(listed.values()) - known:
            yield f"{name}: no such functions: {unknown}"


@rule
def probes_ask_what_their_deployment_serves(given: Manifests) -> Iterator[str]:
    routes = {}
    for one in BUILT:
        for binding in one.get_dict_repr()["bindings"]:
            if binding["type"] == "httpTrigger":
                methods = {str(getattr(method, "value", method)) for method in binding["methods"]}
                routes[str(one.get_function_name())] = ("/" + binding["route"], methods)
    wanted = {
        "api": {"startupProbe": "health_live", "readinessProbe": "health_ready", "livenessProbe": "health_live"},
        "processor": {"startupProbe": "health_live", "readinessProbe": "health_live", "livenessProbe": "health_live"},
    }
    for name, probes in wanted.items():
        container = given.container(name)
        ports = {one["name"]: one["containerPort"] for one in container["ports"]}
        if f"http://+:{ports.get('http')}" != given.environment(name)["ASPNETCORE_URLS"]:
            yield f"{name}: its port is not where the host listens"
        for probe, function in probes.items():
            asked = container.get(probe, {}).get("httpGet", {})
            route, methods = routes[function]
            if (asked.get("path"), asked.get("port")) != (route, "http") or "GET" not in methods:
                yield f"{name}: {probe} asks {asked}"
            if function not in given.environment(name).values():
                yield f"{name}: {probe} asks a function that is not enabled"
        start = container.get("startupProbe", {})
        if start.get("periodSeconds", 10) * start.get("failureThreshold", 3) < 60:
            yield f"{name}: killed before a slow start is through"


@rule
def the_queue_is_the_one_that_the_code_uses(given: Manifests) -> Iterator[str]:
    hub = resources()["eventHubs"]
    for name in DEPLOYMENTS:
        if given.environment(name)["EVENT_HUB_PARTITIONS"] != str(hub["partitions"]):
            yield f"{name}: counts partitions otherwise"
    trigger = given.trigger("processor")
    metadata = trigger["metadata"]
    environment = given.environment("processor")
    host = environment["EVENT_HUBS__fullyQualifiedNamespace"]
    account = environment["AzureWebJobsStorage__blobServiceUri"]
    wanted = {
        "eventHubNamespace": host.removesuffix(".servicebus.windows.net"),
        "eventHubName": hub["hub"],
        "consumerGroup": hub["consumerGroup"],
        "storageAccountName": account.removeprefix("https://").removesuffix(".blob.core.windows.net/"),
        "blobContainer": resources()["storage"]["hostContainer"],
        "checkpointStrategy": "blobMetadata",
        "unprocessedEventThreshold": "256",
        "activationUnprocessedEventThreshold": "0",
    }
    if given.overlay == "rehearsal":
        for name in ("eventHubNamespace", "eventHubName", "storageAccountName"):
            del wanted[name]
    if trigger["type"] != "azure-eventhub" or metadata != wanted:
        yield f"processor: KEDA looks at {metadata}"
    authentication = given.one("TriggerAuthentication", "processor-lag")["spec"]
    if trigger.get("authenticationRef") != {"name": "processor-lag"}:
        yield "processor: KEDA asks without an identity"
    if given.overlay != "rehearsal" and (
        set(authentication) != {"podIdentity"} or authentication["podIdentity"].get("provider") != "azure-workload"
    ):
        yield "processor: KEDA asks by a key"
    for value in (host, *metadata.values()):
        if value != value.lower() and value != "blobMetadata":
            yield f"{value} is not in lower case: KEDA would read another checkpoint than the host writes"


@rule
def addresses_are_complete(given: Manifests) -> Iterator[str]:
    shapes = {
        "EVENT_HUBS__fullyQualifiedNamespace": r"[a-z0-9-]{6,50}\.servicebus\.windows\.net",
        "COSMOS_ENDPOINT": r"https://[a-z0-9-]{3,44}\.documents\.azure\.com/",
        "DEAD_LETTERS__blobServiceUri": r"https://[a-z0-9]{3,24}\.blob\.core\.windows\.net/",
        "IMAGES__blobServiceUri": r"https://[a-z0-9]{3,24}\.blob\.core\.windows\.net/",
        "AzureWebJobsStorage__blobServiceUri": r"https://[a-z0-9]{3,24}\.blob\.core\.windows\.net/",
    }
    for name in DEPLOYMENTS:
        environment = given.environment(name)
        for key, shape in shapes.items():
            if not re.fullmatch(shape, environment.get(key, "")):
                yield f"{name}: {key} is {environment.get(key)}"
        if not environment["COSMOS_REGIONS"].startswith(environment["REGION"]):
            yield f"{name}: prefers another region's database"
