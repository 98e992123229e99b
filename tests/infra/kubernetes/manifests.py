"""The built manifests of every environment, and ways to find things in them."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
KUBERNETES = ROOT / "infra" / "kubernetes"
DATA = Path(__file__).parent / "data"
DEFINITIONS = ROOT / "local" / "kubernetes" / "definitions"
OVERLAYS = sorted(folder.name for folder in (KUBERNETES / "overlays").iterdir())
IN_AZURE = [name for name in OVERLAYS if name != "rehearsal"]
DEPLOYMENTS = ("api", "processor")

type Document = dict[str, Any]


@cache
def _built(overlay: str) -> list[Document]:
    text = (KUBERNETES / "rendered" / f"{overlay}.yaml").read_text()
    return list(yaml.safe_load_all(text))


def built(overlay: str) -> "Manifests":
    """What `scripts/render-manifests` made for an environment: a copy of its own for each caller."""
    return Manifests(overlay, copy.deepcopy(_built(overlay)))


class Manifests:
    """The documents of one environment."""

    def __init__(self, overlay: str, documents: list[Document]) -> None:
        self.overlay = overlay
        self.documents = documents

    def all(self, kind: str) -> list[Document]:
        return [one for one in self.documents if one["kind"] == kind]

    def one(self, kind: str, name: str) -> Document:
        """The document of a kind and name; an AssertionError when there is none, or more than one."""
        found = [one for one in self.all(kind) if one["metadata"]["name"] == name]
        assert len(found) == 1, f"{self.overlay} has {len(found)} {kind} {name}"
        return found[0]

    def pod(self, deployment: str) -> Document:
        """A Deployment's pod template's spec."""
        found: Document = self.one("Deployment", deployment)["spec"]["template"]["spec"]
        return found

    def container(self, deployment: str) -> Document:
        containers = self.pod(deployment)["containers"]
        assert len(containers) == 1, f"{deployment} has {len(containers)} containers"
        found: Document = containers[0]
        return found

    def environment(self, deployment: str) -> dict[str, str]:
        """The variables that are given in place; one from a Secret reads as `secret NAME/KEY`."""
        values: dict[str, str] = {}
        for one in self.container(deployment)["env"]:
            assert one["name"] not in values, f"{deployment} sets {one['name']} twice"
            if "value" in one:
                values[one["name"]] = one["value"]
            else:
                key = one["valueFrom"]["secretKeyRef"]
                values[one["name"]] = f"secret {key['name']}/{key['key']}"
        return values

    def trigger(self, scaled_object: str) -> Document:
        triggers = self.one("ScaledObject", scaled_object)["spec"]["triggers"]
        assert len(triggers) == 1, f"{scaled_object} has {len(triggers)} triggers"
        found: Document = triggers[0]
        return found
