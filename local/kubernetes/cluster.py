"""A Kubernetes API server, as far as rehearsals talk to it: documents are plain dictionaries, warnings are kept."""

import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import yaml
from kubernetes import client, config, watch
from urllib3.util.ssl_ import create_urllib3_context

type Document = dict[str, Any]

FIELD_MANAGER = "rehearsal"
# Kind: its name in paths, and whether it lives in a namespace.
_KINDS = {
    "APIService": ("apiservices", False),
    "Binding": ("bindings", True),
    "CustomResourceDefinition": ("customresourcedefinitions", False),
    "Deployment": ("deployments", True),
    "Event": ("events", True),
    "Gateway": ("gateways", True),
    "HTTPRoute": ("httproutes", True),
    "HorizontalPodAutoscaler": ("horizontalpodautoscalers", True),
    "Lease": ("leases", True),
    "Namespace": ("namespaces", False),
    "NetworkPolicy": ("networkpolicies", True),
    "Node": ("nodes", False),
    "Pod": ("pods", True),
    "PodDisruptionBudget": ("poddisruptionbudgets", True),
    "PriorityClass": ("priorityclasses", False),
    "ReferenceGrant": ("referencegrants", True),
    "ReplicaSet": ("replicasets", True),
    "ScaledObject": ("scaledobjects", True),
    "Secret": ("secrets", True),
    "SecretProviderClass": ("secretproviderclasses", True),
    "Service": ("services", True),
    "ServiceAccount": ("serviceaccounts", True),
    "TriggerAuthentication": ("triggerauthentications", True),
}
_VERSIONS = {
    "Deployment": "apps/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Lease": "coordination.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "ReplicaSet": "apps/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}


class Refused(Exception):
    """The API server said no: its status and its words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class NoCluster(Exception):
    """There is no API server to talk to; the message says what to do."""


class Cluster:
    """One API server, reached by a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        try:
            self._api = config.new_client_from_config(config_file=str(kubeconfig))  # type: ignore[no-untyped-call]
        except (config.ConfigException, yaml.YAMLError, OSError) as error:
            raise NoCluster(f"{kubeconfig} is no usable kubeconfig: {error}") from error
        # Authorities of throw-away clusters often lack extensions that Python demands since 3.13; trust is by the
        # authority that the kubeconfig names, as ever.
        context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._api.rest_client.pool_manager.connection_pool_kw["ssl_context"] = context

    def check(self) -> None:
        """Fail early and clearly.

        Raises:
            NoCluster: nobody answers, or KEDA or the Gateway API is missing there.
        """
        try:
            crds = {one["metadata"]["name"] for one in self.all("CustomResourceDefinition", version=_CRD)}
        except urllib3.exceptions.HTTPError as error:
            raise NoCluster(f"no API server answers at {self._api.configuration.host}: {error}") from error
        for name in ("scaledobjects.keda.sh", "httproutes.gateway.networking.k8s.io"):
            if name not in crds:
                raise NoCluster(f"the cluster has no {name}: install KEDA and the Gateway API's definitions first")

    def apply(self, document: Document, *, force: bool = False) -> tuple[Document, list[str]]:
        """Server-side, strict; what the server made of it, and its warnings.

        Raises:
            Refused: the server did not take it.
        """
        metadata = document["metadata"]
        path = _path(document["kind"], document["apiVersion"], metadata.get("namespace"), metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"} | ({"force": "true"} if force else {})
        return self._call("PATCH", path, query, document, "application/apply-patch+yaml")

    def create(self, document: Document, *, namespace: str | None = None) -> tuple[Document, list[str]]:
        """As apply, for what must not be there yet."""
        path = _path(document["kind"], document["apiVersion"], namespace or document["metadata"].get("namespace"))
        return self._call("POST", path, {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}, document)

    def get(self, kind: str, name: str, namespace: str | None = None) -> Document:
        """One document.

        Raises:
            Refused: 404 when there is none.
        """
        return self._call("GET", _path(kind, _VERSIONS.get(kind, "v1"), namespace, name))[0]

    def all(
        self, kind: str, namespace: str | None = None, *, labels: str = "", version: str | None = None
    ) -> list[Document]:
        """All of a kind, in one namespace or in all."""
        path = _path(kind, version or _VERSIONS.get(kind, "v1"), namespace)
        found: list[Document] = self._call("GET", path, {"labelSelector": labels} if labels else {})[0]["items"]
        return found

    def patch(
        self, kind: str, name: str, change: Document, namespace: str | None = None, *, part: str = ""
    ) -> Document:
        """Merge a change into a document, or into a part of it such as `status` or `scale`."""
        path = _path(kind, _VERSIONS.get(kind, "v1"), namespace, name, part)
        content = "application/merge-patch+json"
        # Another manager than that of `apply`: what is changed by hand does not become the manifests' property.
        return self._call("PATCH", path, {"fieldManager": f"{FIELD_MANAGER}-by-hand"}, change, content)[0]

    def patch_status(self, pod: str, namespace: str, status: Document) -> None:
        """A pod's status, conditions and containers merged by type and name, as the node agent must."""
        path = _path("Pod", "v1", namespace, pod, "status")
        self._call("PATCH", path, {}, {"status": status}, "application/strategic-merge-patch+json")

    def delete(self, kind: str, name: str, namespace: str | None = None, *, grace_s: int | None = None) -> None:
        """Ask for the end of a document; one that is gone already is well."""
        query = {} if grace_s is None else {"gracePeriodSeconds": str(grace_s)}
        try:
            self._call("DELETE", _path(kind, _VERSIONS.get(kind, "v1"), namespace, name), query)
        except Refused as error:
            if error.status != 404:
                raise

    def evict(self, pod: str, namespace: str) -> None:
        """Ask for a pod's place, as a drain of its node does.

        Raises:
            Refused: 429 when that would break its disruption budget.
        """
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
        self._call("POST", _path("Pod", "v1", namespace, pod, "eviction"), {}, body)

    def raw(self, path: str, query: Mapping[str, str]) -> Document:
        """What any path of the API answers."""
        return self._call("GET", path, query)[0]

    def watch_pods(self, labels: str) -> Iterator[tuple[str, Document]]:
        """The pods of all namespaces with these labels: those there are, then every change, for some minutes."""
        core = client.CoreV1Api(self._api)
        stop = watch.Watch()  # type: ignore[no-untyped-call]
        for event in stop.stream(  # type: ignore[no-untyped-call]
            core.list_pod_for_all_namespaces, label_selector=labels, timeout_seconds=300, _request_timeout=330
        ):
            yield event["type"], event["raw_object"]

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Document | None = None,
        content_type: str = "application/json",
    ) -> tuple[Document, list[str]]:
        headers = {"Accept": "application/json"} | ({"Content-Type": content_type} if body is not None else {})
        self._api.update_params_for_auth(headers, [], ["BearerToken"], None, None, None)
        address = f"{self._api.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        response = self._api.rest_client.pool_manager.request(
            method, address, headers=headers, body=None if body is None else json.dumps(body), timeout=70, retries=False
        )
        document = _json(response.data)
        if response.status >= 300:
            raise Refused(response.status, str(document.get("message", response.data[:500])))
        return document, _warnings(response.headers)


_CRD = "apiextensions.k8s.io/v1"


def _path(kind: str, version: str, namespace: str | None, name: str = "", part: str = "") -> str:
    plural, namespaced = _KINDS[kind]
    parts: Sequence[str] = [
        "/api" if "/" not in version else "/apis",
        version,
        *(["namespaces", namespace] if namespaced and namespace else []),
        plural,
        *([name] if name else []),
        *([part] if part else []),
    ]
    return "/".join(parts)


def _json(data: bytes) -> Document:
    try:
        document = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")[:500]}
    return document if isinstance(document, dict) else {"items": document}


def _warnings(headers: Any) -> list[str]:
    """The texts of `Warning: 299 - "…"`."""
    lines = headers.getlist("Warning") if hasattr(headers, "getlist") else []
    return [line.partition('"')[2].rstrip('"') for line in lines]
