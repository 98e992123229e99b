"""Every environment's resources against every rule."""

import importlib
from functools import cache

import pytest

from tests.infra.kubernetes.manifests import Manifests, built

from . import manifests
from .exactly import APPLICATION_GATEWAY, CERTIFICATE, DOMAIN, GATEWAY_FIREWALL, PUBLIC_ADDRESS, REPLICA
from .grants import NEEDED
from .rules import RULES
from .snapshots import ENVIRONMENTS, Rule, estate

TRAFFIC_AS_SPELT = "Microsoft.Network/trafficmanagerprofiles"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_promise(rule: Rule, environment: str) -> None:
    assert list(rule(estate(environment))) == []


@cache
def _built(environment: str) -> Manifests:
    return built(environment)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("rule", manifests.RULES, ids=lambda rule: rule.__name__)
def test_what_pods_are_told(rule: manifests.ManifestRule, environment: str) -> None:
    assert list(rule(estate(environment), _built(environment))) == []


def test_every_right_names_the_code_that_needs_it() -> None:
    """What is renamed or gone takes its right along."""
    for need in NEEDED:
        if not need.code:
            continue
        module, _, path = need.code.partition(":")
        found = importlib.import_module(module)
        for name in path.split("."):
            assert hasattr(found, name), f"{need.who} has {need.role} for {need.code}, which is gone"
            found = getattr(found, name)


def test_environments_differ_in_sizes_only() -> None:
    """What is tried in one environment must be there in the next. Only one region needs no copy of the registry, and
    only int and prod have an own domain and a way in past Front Door."""
    kinds: dict[str, dict[str, set[str]]] = {}
    for environment in ENVIRONMENTS:
        for part in estate(environment).parts.values():
            found = {one["type"] for one in part.resources} - {REPLICA}
            kinds.setdefault(environment, {}).setdefault(part.lifetime, set()).update(found)

    assert kinds["int"] == kinds["prod"]
    assert kinds["dev"] == kinds["e2e"]
    for lifetime in ("global", "region"):
        assert kinds["dev"][lifetime] == kinds["prod"][lifetime]
    missing = set().union(*kinds["prod"].values()) - set().union(*kinds["dev"].values())
    assert missing == {APPLICATION_GATEWAY, GATEWAY_FIREWALL, PUBLIC_ADDRESS, DOMAIN, CERTIFICATE, TRAFFIC_AS_SPELT}
