"""Schemas of what we apply: Kubernetes' own from its package, the others from their projects' definitions."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
import yaml

from .manifests import DATA, DEFINITIONS, Document

VERSION = "1.36"  # what the clusters run
# No schema of them is kept here: the rehearsal's API server has theirs, and promises.py says what must be in them.
WITHOUT_SCHEMA = {"Gateway", "HTTPRoute", "ReferenceGrant"}
CUSTOM = {
    "ScaledObject": DATA / "keda.sh_scaledobjects.yaml",
    "TriggerAuthentication": DATA / "keda.sh_triggerauthentications.yaml",
    "SecretProviderClass": DEFINITIONS / "secrets-store.csi.x-k8s.io_secretproviderclasses.yaml",
}


def faults(document: Document) -> list[str]:
    """What the API server would refuse a document for, as far as a schema can tell."""
    kind = document["kind"]
    if kind in WITHOUT_SCHEMA:
        return []
    if kind in CUSTOM:
        version = document["apiVersion"].rpartition("/")[2]
        validator = jsonschema.Draft202012Validator(_custom(kind, version))
        return [f"{kind}: {error.json_path}: {error.message}" for error in validator.iter_errors(document)]
    try:
        kubernetes_validate.validate(document, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{kind}: {error}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{kind}: unknown"]
    return []


@cache
def _custom(kind: str, version: str) -> dict[str, Any]:
    definition = yaml.safe_load(CUSTOM[kind].read_text())
    schemas = {one["name"]: one["schema"]["openAPIV3Schema"] for one in definition["spec"]["versions"]}
    schema: dict[str, Any] = schemas[version]
    for closed in _objects(schema):
        closed["additionalProperties"] = False
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object that names its properties: what it does not name is a slip of the pen."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for value in schema.values():
            yield from _objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _objects(value)
