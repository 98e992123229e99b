"""The contract as OpenAPI 3.1, made from the models that read and write the API's bodies."""

import json
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from domain.models import (
    CatalogItem,
    Comment,
    ItemChanges,
    NewComment,
    NewItem,
    NewRating,
    Operation,
    Problem,
    Rating,
    RatingSummary,
)

_SENT: list[type[BaseModel]] = [NewItem, ItemChanges, NewComment, NewRating]
_ANSWERED: list[type[BaseModel]] = [CatalogItem, Comment, Rating, RatingSummary, Operation, Problem]
_ITEM = "/api/1.0/catalogitem/{itemId}"


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _path_id(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def _limit(default: int, maximum: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": maximum, "default": default}
    return {"name": "limit", "in": "query", "schema": schema}


_CONTINUATION = {
    "name": "continuation",
    "in": "query",
    "description": "Opaque; take it from the `Link` header of the page before.",
    "schema": {"type": "string", "maxLength": 500},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Same key, route and item: one effect, however often and however late within 7 days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_TEST_DATA = {
    "name": "X-TEST-DATA",
    "in": "header",
    "description": "`true`: the document lives 30 s and enters no total.",
    "schema": {"type": "string"},
}
_TAGS = r'^(\*|(W/)?"[^"]*"( *, *(W/)?"[^"]*")*)$'
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "`*` or a list of strong entity tags.",
    "schema": {"type": "string", "pattern": _TAGS},
}
_IF_NONE_MATCH = {"name": "If-None-Match", "in": "header", "schema": {"type": "string", "pattern": _TAGS}}

_PROBLEMS = {
    400: "Malformed or invalid",
    401: "Key missing or wrong",
    403: "Not through the front door",
    404: "Not found",
    409: "The idempotency key stands for another body",
    411: "The body has no length",
    412: "`If-Match` does not name the version",
    413: "The body is too large",
    415: "The body is not JSON in UTF-8",
    429: "Too many requests at work here",
    500: "A fault of ours",
    503: "The queue or the database cannot serve within the deadline",
}


def _problems(*statuses: int) -> dict[str, Any]:
    return {
        str(status): {
            "description": _PROBLEMS[status],
            "content": {"application/problem+json": {"schema": _ref(Problem)}},
        }
        for status in (*statuses, 403, 429, 500, 503)
    }


def _ok(schema: dict[str, Any], *, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"200": {"description": "OK", "headers": headers or {}, "content": {"application/json": {"schema": schema}}}}


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


_ACCEPTED = {
    "202": {
        "description": "Accepted: the queue has stored the command",
        "headers": {
            "Location": _header("Where the resource will be readable"),
            "Operation-Location": _header("Where the operation tells what became of it"),
            "Retry-After": _header("Seconds to wait before asking"),
        },
    }
}
_LINK = {"Link": _header('`<…>; rel="next"` when there is a next page')}
_ETAG = {"ETag": _header("The item's version, quoted")}


def _read(operation_id: str, summary: str, parameters: list[Any], answer: dict[str, Any], *problems: int) -> Any:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["read"],
        "security": [],
        "parameters": parameters,
        "responses": answer | _problems(*problems),
    }


def _delete(operation_id: str, summary: str, parameters: list[Any], *problems: int) -> Any:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["write"],
        "security": [{"apiKey": []}],
        "parameters": [*parameters, _IDEMPOTENCY_KEY],
        "responses": _ACCEPTED | _problems(400, 401, 404, *problems),
    }


def _write(
    operation_id: str, summary: str, parameters: list[Any], body: type[BaseModel], *problems: int, admin: bool
) -> Any:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["write"],
        "security": [{"apiKey": []}] if admin else [],
        "parameters": [*parameters, _IDEMPOTENCY_KEY],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(body)}}},
        "responses": _ACCEPTED | _problems(400, *([401] if admin else []), 409, 411, 413, 415, *problems),
    }


@cache
def document() -> dict[str, Any]:
    """The whole OpenAPI document."""
    schemas = models_json_schema(
        [(model, "validation") for model in _SENT] + [(model, "serialization") for model in _ANSWERED],
        by_alias=True,
        ref_template="#/components/schemas/{model}",
    )[1]["$defs"]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AlwaysOn Catalog",
            "version": "1.0",
            "description": "Items, comments, ratings. A write is accepted into a queue and takes effect exactly once.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {
            "schemas": {name: _tidy(schema) for name, schema in sorted(schemas.items())},
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}},
        },
    }


def _tidy(schema: Any) -> Any:
    """Without what pydantic adds for its own sake: titles, and null for members that we leave out instead."""
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _tidy(value) for name, value in schema.items() if name not in {"title", "default"}}
    if "properties" in schema:
        kept["properties"] = {name: _tidy(value) for name, value in schema["properties"].items()}
    choices = [one for one in kept.get("anyOf", []) if one != {"type": "null"}]
    if len(choices) == 1:
        return {name: value for name, value in kept.items() if name != "anyOf"} | choices[0]
    return kept


def _put_image(item: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary", "maxLength": 2 * 1024 * 1024}
    return {
        "operationId": "putImage",
        "summary": "Give an item its image, served at /images/{itemId}",
        "tags": ["write"],
        "security": [{"apiKey": []}],
        "parameters": [item, _IDEMPOTENCY_KEY],
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": schema} for kind in ("image/png", "image/jpeg", "image/webp")},
        },
        "responses": _ACCEPTED | _problems(400, 401, 404, 409, 411, 413),
    }


def _paths() -> dict[str, Any]:
    item, comment, rating = _path_id("itemId"), _path_id("commentId"), _path_id("ratingId")
    found = _ok(_ref(CatalogItem), headers=_ETAG) | {"304": {"description": "The client has this version"}}
    items = _ok({"type": "array", "items": _ref(CatalogItem)}, headers=_LINK)
    comments = _ok({"type": "array", "items": _ref(Comment)}, headers=_LINK)
    operation = {"name": "operationId", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/api/1.0/catalogitem": {
            "get": _read("listItems", "Items by name", [_limit(100, 500), _CONTINUATION], items, 400),
            "post": _write("postItem", "Create or replace an item", [], NewItem, admin=True),
        },
        _ITEM: {
            "get": _read("getItem", "One item", [item, _IF_NONE_MATCH], found, 400, 404),
            "put": _write("putItem", "Change fields of an item", [item, _IF_MATCH], ItemChanges, 404, 412, admin=True),
            "delete": _delete("deleteItem", "Remove an item and all that belongs to it", [item, _IF_MATCH], 409, 412),
        },
        f"{_ITEM}/image": {"put": _put_image(item)},
        f"{_ITEM}/comments": {
            "get": _read(
                "listComments", "Comments, newest first", [item, _limit(10, 100), _CONTINUATION], comments, 400, 404
            ),
            "post": _write("postComment", "Comment on an item", [item, _TEST_DATA], NewComment, 404, admin=False),
        },
        f"{_ITEM}/comments/{{commentId}}": {
            "get": _read("getComment", "One comment", [item, comment], _ok(_ref(Comment)), 404),
            "delete": _delete("deleteComment", "Remove a comment", [item, comment]),
        },
        f"{_ITEM}/ratings": {
            "get": _read("getRatingSummary", "Average and number of votes", [item], _ok(_ref(RatingSummary)), 404),
            "post": _write("postRating", "Rate an item", [item, _TEST_DATA], NewRating, 404, admin=False),
        },
        f"{_ITEM}/ratings/{{ratingId}}": {
            "get": _read("getRating", "One rating", [item, rating], _ok(_ref(Rating)), 404),
            "delete": _delete("deleteRating", "Remove a rating", [item, rating]),
        },
        "/api/1.0/operations/{operationId}": {
            "get": _read("getOperation", "What became of a write", [operation], _ok(_ref(Operation)), 404)
        },
    }


if __name__ == "__main__":
    # `make openapi` writes the committed copy, from which the page's types are made.
    print(json.dumps(document(), indent=1))
