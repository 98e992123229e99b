"""The built manifests, as a rehearsal needs them: in namespaces of its choice, with what Azure adds around them."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from local.kubernetes.cluster import Cluster, Document, Refused

ROOT = Path(__file__).parents[2]
RENDERED = ROOT / "infra" / "kubernetes" / "rendered"
DEFINITIONS = Path(__file__).parent / "definitions"
NAMESPACES = ("catalog", "catalog-gateway")
_NAMESPACE_FIELDS = ("namespace", "kubernetes.io/metadata.name")


def built(overlay: str, suffix: str = "") -> list[Document]:
    """What `scripts/render-manifests` made, moved into namespaces with a suffix."""
    documents = list(yaml.safe_load_all((RENDERED / f"{overlay}.yaml").read_text()))
    if suffix:
        for one in documents:
            if one["kind"] == "Namespace":
                one["metadata"]["name"] += suffix
            _move(one, suffix)
    return documents


def _move(value: Any, suffix: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in _NAMESPACE_FIELDS and inner in NAMESPACES:
                value[key] = f"{inner}{suffix}"
            else:
                _move(inner, suffix)
    elif isinstance(value, list):
        for inner in value:
            _move(inner, suffix)


def secret(name: str, namespace: str, values: Mapping[str, str]) -> Document:
    """A Secret, as the secrets driver or an operator makes it."""
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}


def api_keys(namespace: str, first_key: str) -> Document:
    """The Secret that the secrets driver fills once an API pod mounts it. KEDA reads it too: without it no scaling."""
    return secret("api-keys", namespace, {"api-key-1": first_key, "api-key-2": ""})


def give_nodes_storage(cluster: Cluster) -> None:
    """Fake nodes come without ephemeral storage, and our pods ask for some."""
    for node in cluster.all("Node"):
        if "ephemeral-storage" not in node["status"].get("allocatable", {}):
            room = {"ephemeral-storage": "100Gi"}
            change = {"status": {"allocatable": room, "capacity": room}}
            cluster.patch("Node", node["metadata"]["name"], change, part="status")


def install_definitions(cluster: Cluster) -> None:
    """The custom resource that AKS's secrets add-on brings."""
    for file in DEFINITIONS.glob("*.yaml"):
        cluster.apply(yaml.safe_load(file.read_text()), force=True)


def apply_all(
    cluster: Cluster, documents: list[Document], change: Callable[[Document], None] | None = None
) -> list[str]:
    """Apply in order; the server's warnings.

    Raises:
        Refused: with the kind and name of what was refused.
    """
    warnings = []
    for one in documents:
        if change is not None:
            change(one)
        try:
            warnings += [f"{one['kind']} {one['metadata']['name']}: {text}" for text in cluster.apply(one)[1]]
        except Refused as error:
            raise Refused(error.status, f"{one['kind']} {one['metadata']['name']}: {error.message}") from error
    return warnings


def copy_of(document: Document) -> Document:
    """A deep copy."""
    copied: Document = json.loads(json.dumps(document))
    return copied
