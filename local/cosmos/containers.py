"""Databases, containers, their throughput and partition ranges."""

import json
from typing import Any

from local.cosmos import rids
from local.cosmos.calls import Call, etag_matches
from local.cosmos.catalog import Container, Database, Offer, split_path
from local.cosmos.documents import checked_id
from local.cosmos.errors import CosmosError, bad_request, conflict, not_found, precondition_failed
from local.cosmos.http import Response
from local.cosmos.sql.memory import query_list
from local.cosmos.values import parse_json

_MIN_THROUGHPUT = 400
_MIN_AUTOSCALE = 1000
_MAX_TTL = 2**31 - 1


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _body(call: Call) -> dict[str, Any]:
    content = parse_json(call.request.body)
    if not isinstance(content, dict):
        raise bad_request("The request body is a JSON object.")
    return content


def _feed(call: Call, name: str, rid: str, resources: list[dict[str, Any]], owner: str = "") -> Response:
    if call.request.method == "POST":
        resources = query_list(_body(call), resources)
    body = _json({"_rid": rid, name: resources, "_count": len(resources)})
    return call.plain(200, body, f"x-ms-item-count: {len(resources)}\r\n{owner}")


# ---- databases


def create_database(call: Call) -> Response:
    """POST /dbs."""
    name = checked_id(_body(call).get("id"))
    if name in call.account.catalog.databases:
        raise conflict()
    throughput = _requested_throughput(call)
    database = call.account.catalog.create_database(name)
    if throughput is not None:
        call.account.catalog.put_offer(database.self_link, database.rid, *throughput)
    return call.plain(201, _json(database.as_json()), f"etag: {database.etag}\r\n")


def list_databases(call: Call) -> Response:
    """GET or POST (query) /dbs."""
    databases = [database.as_json() for database in call.account.catalog.databases.values()]
    return _feed(call, "Databases", "", databases)


def read_database(call: Call) -> Response:
    """GET /dbs/{d}."""
    database = call.account.database_at(call.segments)
    return call.plain(200, _json(database.as_json()), f"etag: {database.etag}\r\n")


def delete_database(call: Call) -> Response:
    """DELETE /dbs/{d}."""
    database = call.account.database_at(call.segments)
    call.check_if_match(database.etag)
    call.account.drop_database(database)
    return call.plain(204, b"")


# ---- containers


def _owner(database: Database | Container) -> str:
    # SDKs build links from the owner: of a container that is its database.
    if isinstance(database, Container):
        path = database.item_headers.split("\r\n")[0].partition(": ")[2].rpartition("/colls/")[0]
        return f"x-ms-alt-content-path: {path}\r\nx-ms-content-path: {rids.database_rid(database.database_number)}\r\n"
    return ""


def create_container(call: Call) -> Response:
    """POST /dbs/{d}/colls."""
    database = call.account.database_at(call.segments)
    settings = _checked_settings(_body(call))
    if settings["id"] in database.containers:
        raise conflict()
    throughput = _requested_throughput(call)
    container = call.account.add_container(database, settings)
    if throughput is None and database.rid not in call.account.catalog.offers:
        throughput = (_MIN_THROUGHPUT, None)
    if throughput is not None:
        call.account.catalog.put_offer(container.self_link, container.rid, *throughput)
    return _container_answer(call, container, 201)


def _container_answer(call: Call, container: Container, status: int) -> Response:
    extra = f"etag: {container.etag}\r\n{_owner(container)}"
    return call.plain(status, _json(container.as_json()), extra)


def list_containers(call: Call) -> Response:
    """GET or POST (query) /dbs/{d}/colls."""
    database = call.account.database_at(call.segments)
    containers = [container.as_json() for container in database.containers.values()]
    return _feed(call, "DocumentCollections", database.rid, containers)


def read_container(call: Call) -> Response:
    """GET /dbs/{d}/colls/{c}."""
    container = call.container
    known = call.header("if-none-match")
    if known is not None and etag_matches(known, container.etag):
        return call.plain(304, b"", f"etag: {container.etag}\r\n")
    return _container_answer(call, container, 200)


def replace_container(call: Call) -> Response:
    """PUT /dbs/{d}/colls/{c}."""
    container = call.container
    call.check_if_match(container.etag)
    settings = _checked_settings(_body(call))
    if settings["id"] != container.id:
        raise bad_request("The id of a container cannot be changed.")
    if settings["partitionKey"]["paths"] != container.settings["partitionKey"]["paths"]:
        raise bad_request("The partition key of a container cannot be changed.")
    settings["partitionKey"] = container.settings["partitionKey"]
    if "conflictResolutionPolicy" in container.settings:
        settings["conflictResolutionPolicy"] = container.settings["conflictResolutionPolicy"]
    return _container_answer(call, call.account.change_container(container, settings), 200)


def delete_container(call: Call) -> Response:
    """DELETE /dbs/{d}/colls/{c}."""
    container = call.container
    call.check_if_match(container.etag)
    call.account.drop_container(container)
    return call.plain(204, b"")


def _checked_settings(content: dict[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in content.items() if not name.startswith("_")}
    checked_id(settings.get("id"))
    key = settings.get("partitionKey")
    if not isinstance(key, dict) or not isinstance(key.get("paths"), list) or not key["paths"]:
        raise bad_request("The partition key definition is missing: partitionKey.paths is required.")
    hierarchical = key.get("kind", "Hash") == "MultiHash"
    if len(key["paths"]) > (3 if hierarchical else 1):
        raise bad_request("A Hash partition key has one path, a MultiHash one up to three.")
    # Without a version JS hashes with V1 and we hash with V2: say what is used.
    settings["partitionKey"] = {**key, "kind": key.get("kind", "Hash"), "version": key.get("version", 2)}
    for path in key["paths"]:
        _checked_path(path)
    ttl = settings.get("defaultTtl")
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, int) or ttl == 0 or not -1 <= ttl <= _MAX_TTL):
        raise bad_request("The defaultTtl is invalid: -1, or a number of seconds from 1.")
    settings.setdefault(
        "indexingPolicy",
        {
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": "/*"}],
            "excludedPaths": [{"path": '/"_etag"/?'}],
        },
    )
    settings.setdefault(
        "conflictResolutionPolicy",
        {"mode": "LastWriterWins", "conflictResolutionPath": "/_ts", "conflictResolutionProcedure": ""},
    )
    _check_policies(settings)
    return settings


def _checked_path(path: object) -> None:
    if not isinstance(path, str):
        raise bad_request("A path is a string such as /a/b.")
    try:
        split_path(path)
    except ValueError as error:
        raise bad_request(f"The path '{path}' is invalid: {error}.") from error


def _check_policies(settings: dict[str, Any]) -> None:
    indexing = settings["indexingPolicy"]
    if not isinstance(indexing, dict):
        raise bad_request("The indexing policy is an object.")
    for composite in indexing.get("compositeIndexes", []):
        if not isinstance(composite, list) or len(composite) < 2:
            raise bad_request("A composite index has two paths or more.")
        for item in composite:
            _checked_path(item.get("path"))
    policy = settings["conflictResolutionPolicy"]
    if policy.get("mode", "LastWriterWins").lower() != "lastwriterwins":
        raise CosmosError(501, "Only the conflict resolution mode LastWriterWins is implemented by this stand-in.")
    _checked_path(policy.get("conflictResolutionPath") or "/_ts")
    retention = settings.get("changeFeedPolicy", {}).get("retentionDuration", 0)
    if isinstance(retention, bool) or not isinstance(retention, int) or retention < 0:
        raise bad_request("changeFeedPolicy.retentionDuration is a number of minutes.")
    for key in settings.get("uniqueKeyPolicy", {}).get("uniqueKeys", []):
        for path in key.get("paths", []):
            _checked_path(path)


# ---- throughput


def _requested_throughput(call: Call) -> tuple[int, int | None] | None:
    fixed, autoscale = call.header("x-ms-offer-throughput"), call.header("x-ms-cosmos-offer-autopilot-settings")
    if fixed is not None and autoscale is not None:
        raise bad_request("Throughput is either fixed or autoscale.")
    if fixed is not None:
        return _checked_throughput(fixed, _MIN_THROUGHPUT), None
    if autoscale is None:
        return None
    settings = parse_json(autoscale)
    if not isinstance(settings, dict):
        raise bad_request("The autoscale settings are an object.")
    ceiling = _checked_throughput(settings.get("maxThroughput"), _MIN_AUTOSCALE)
    return ceiling // 10, ceiling


def _checked_throughput(value: object, least: int) -> int:
    try:
        number = int(str(value))
    except ValueError as error:
        raise bad_request("The offer throughput is not a number.") from error
    if number < least or number % 100:
        raise bad_request(f"The offer should have throughput of at least {least}, in steps of 100.")
    return number


def _offer_at(call: Call) -> Offer:
    for offer in call.account.catalog.offers.values():
        if offer.rid.lower() == call.segments[1].lower():
            return offer
    raise not_found()


def list_offers(call: Call) -> Response:
    """GET or POST (query) /offers."""
    return _feed(call, "Offers", "", [offer.as_json() for offer in call.account.catalog.offers.values()])


def read_offer(call: Call) -> Response:
    """GET /offers/{rid}."""
    offer = _offer_at(call)
    return call.plain(200, _json(offer.as_json()), f"etag: {offer.etag}\r\n")


def replace_offer(call: Call) -> Response:
    """PUT /offers/{rid}."""
    offer = _offer_at(call)
    wanted = call.header("if-match")
    if wanted is not None and not etag_matches(wanted, offer.etag):
        raise precondition_failed()
    content = _body(call).get("content")
    if not isinstance(content, dict):
        raise bad_request("The offer has no content.")
    autoscale = content.get("offerAutopilotSettings")
    if autoscale:
        ceiling = _checked_throughput(autoscale.get("maxThroughput"), _MIN_AUTOSCALE)
        throughput, maximum = ceiling // 10, ceiling
    else:
        throughput, maximum = _checked_throughput(content.get("offerThroughput"), _MIN_THROUGHPUT), None
    changed = call.account.catalog.put_offer(offer.resource, offer.resource_rid, throughput, maximum)
    return call.plain(200, _json(changed.as_json()), f"etag: {changed.etag}\r\n")


# ---- partition ranges


def partition_ranges(call: Call) -> Response:
    """GET …/pkranges: one range. With its ETag 304, or SDKs would ask for ever."""
    container = call.container
    etag = call.account.pkranges_etag
    extra = f"etag: {etag}\r\n{container.item_headers}"
    if call.header("if-none-match") == etag:
        return call.plain(304, b"", extra)
    one = {
        "_rid": container.rid,
        "id": "0",
        "_etag": etag,
        "minInclusive": "",
        "maxExclusive": "FF",
        "ridPrefix": 0,
        "_self": f"{container.self_link}pkranges/0/",
        "throughputFraction": 1,
        "status": "online",
        "parents": [],
        "_ts": container.ts,
    }
    body = _json({"_rid": container.rid, "PartitionKeyRanges": [one], "_count": 1})
    return call.plain(200, body, f"{extra}x-ms-item-count: 1\r\n")
