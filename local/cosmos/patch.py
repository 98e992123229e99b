"""Partial updates: the six operations on a document."""

from dataclasses import dataclass
from typing import Any

from local.cosmos.catalog import Container
from local.cosmos.errors import bad_request
from local.cosmos.values import parse_json

MAX_OPERATIONS = 10
_SYSTEM = frozenset(("id", "_rid", "_self", "_etag", "_attachments", "_ts"))
_KINDS = frozenset(("add", "set", "replace", "remove", "incr", "increment", "move"))


@dataclass(slots=True)
class Patch:
    """What a patch request asks for."""

    operations: list[dict[str, Any]]
    condition: str | None


def patch_of(body: bytes) -> Patch:
    """The patch in a request's body: an object with operations, or (JS) a bare array."""
    return patch_from(parse_json(body))


def patch_from(content: Any) -> Patch:
    """As `patch_of`, for a value that is already parsed."""
    condition = None
    if isinstance(content, dict):
        condition = content.get("condition")
        content = content.get("operations")
    if not isinstance(content, list) or not all(isinstance(operation, dict) for operation in content):
        raise bad_request("The request body of a patch is an object with an array of operations.")
    if condition is not None and not isinstance(condition, str):
        raise bad_request("The condition of a patch is a string.")
    if not content:
        raise bad_request("The patch request has no operations.")
    if len(content) > MAX_OPERATIONS:
        raise bad_request(f"The number of patch operations can't exceed {MAX_OPERATIONS}.")
    return Patch(content, condition or None)


def apply(document: dict[str, Any], operations: list[dict[str, Any]], container: Container) -> None:
    """Change `document` (a private copy) by all operations, in order.

    Raises:
        CosmosError: 400 with the number of the operation that cannot be done.
    """
    protected = {path[0] for path in container.key_paths if len(path) == 1}
    for number, operation in enumerate(operations, 1):
        try:
            _apply_one(document, operation, protected)
        except _Refused as refusal:
            raise bad_request(f"For Operation({number}): {refusal}") from refusal


class _Refused(Exception):
    pass


def _apply_one(document: dict[str, Any], operation: dict[str, Any], protected: set[str]) -> None:
    kind = operation.get("op")
    if not isinstance(kind, str) or kind.lower() not in _KINDS:
        raise _Refused("the operation is none of add, set, replace, remove, incr, move.")
    kind = kind.lower()
    path = _pointer(operation.get("path"), protected)
    if kind in ("add", "set", "replace", "incr", "increment") and "value" not in operation:
        raise _Refused(f"{kind} needs a value.")
    if kind == "move":
        _move(document, operation, path, protected)
    elif kind == "remove":
        _remove(document, path)
    elif kind in ("incr", "increment"):
        _increment(document, path, operation["value"])
    elif kind == "replace":
        _replace(document, path, operation["value"])
    else:
        _put(document, path, operation["value"], insert=kind == "add")


def _pointer(path: object, protected: set[str]) -> list[str]:
    if not isinstance(path, str) or not path.startswith("/") or path == "/":
        raise _Refused("the path must start with '/' and name a property.")
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    if len(parts) == 1 and (parts[0] in _SYSTEM or parts[0] in protected):
        raise _Refused(f"the property '{parts[0]}' cannot be patched.")
    return parts


def _parent(document: Any, path: list[str]) -> Any:
    parent = document
    for part in path[:-1]:
        if isinstance(parent, dict) and part in parent:
            parent = parent[part]
        elif isinstance(parent, list):
            parent = parent[_index(part, len(parent) - 1)]
        else:
            raise _Refused(f"the parent of '{'/'.join(path)}' does not exist.")
    if not isinstance(parent, dict | list):
        raise _Refused(f"the parent of '{'/'.join(path)}' is neither an object nor an array.")
    return parent


def _index(part: str, highest: int) -> int:
    if not part.isascii() or not part.isdigit() or (len(part) > 1 and part[0] == "0") or int(part) > highest:
        raise _Refused(f"'{part}' is no index of the array.")
    return int(part)


def _put(document: dict[str, Any], path: list[str], value: Any, *, insert: bool) -> None:
    parent, last = _parent(document, path), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    else:
        index = _index(last, len(parent))
        if insert or index == len(parent):
            parent.insert(index, value)
        else:
            parent[index] = value


def _replace(document: dict[str, Any], path: list[str], value: Any) -> None:
    parent, last = _parent(document, path), path[-1]
    if isinstance(parent, list):
        parent[_index(last, len(parent) - 1)] = value
    elif last in parent:
        parent[last] = value
    else:
        raise _Refused("Replace Operation can only be used when the path exists.")


def _remove(document: dict[str, Any], path: list[str]) -> Any:
    parent, last = _parent(document, path), path[-1]
    if isinstance(parent, list):
        return parent.pop(_index(last, len(parent) - 1))
    if last not in parent:
        raise _Refused("Remove Operation can only be performed on an existing path.")
    return parent.pop(last)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _increment(document: dict[str, Any], path: list[str], by: Any) -> None:
    if not _is_number(by):
        raise _Refused("the value of Increment is not a number.")
    parent, last = _parent(document, path), path[-1]
    key: Any = _index(last, len(parent) - 1) if isinstance(parent, list) else last
    if isinstance(parent, dict) and last not in parent:
        parent[last] = by
        return
    if not _is_number(parent[key]):
        raise _Refused("Increment Operation can only be used on a number.")
    parent[key] += by


def _move(document: dict[str, Any], operation: dict[str, Any], path: list[str], protected: set[str]) -> None:
    source = _pointer(operation.get("from"), protected)
    if path[: len(source)] == source:
        raise _Refused("the target of Move cannot be the source or lie inside it.")
    value = _remove(document, source)
    _put(document, path, value, insert=True)
