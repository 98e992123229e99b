"""Every rule against faults planted into production: a rule that finds none would find nothing."""

from functools import cache

import pytest

from tests.infra.kubernetes.manifests import built

from . import faults_access, faults_edge, faults_exposure, faults_networks, faults_resilience, manifests
from .planting import Fault
from .rules import RULES
from .snapshots import changed, estate

FAULTS = [
    *faults_exposure.FAULTS,
    *faults_networks.FAULTS,
    *faults_resilience.FAULTS,
    *faults_edge.FAULTS,
    *faults_access.FAULTS,
]
BY_NAME = {rule.__name__: rule for rule in RULES}
OF_MANIFESTS = {rule.__name__: rule for rule in manifests.RULES}


@cache
def found_already(rule: str) -> set[str]:
    """What a rule finds in production as it is: a planted fault must add to it."""
    return set(BY_NAME[rule](estate("prod")))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.rule}: {fault.what}")
def test_the_rule_finds(fault: Fault) -> None:
    assert set(BY_NAME[fault.rule](changed("prod", fault.plant))) - found_already(fault.rule) != set()


@pytest.mark.parametrize("fault", faults_access.MANIFEST_FAULTS, ids=lambda fault: f"{fault[0]}: {fault[1]}")
def test_the_rule_over_manifests_finds(fault: faults_access.ManifestFault) -> None:
    name, _, plant = fault
    rule, given = OF_MANIFESTS[name], built("prod")
    plant(given)

    assert set(rule(estate("prod"), given)) - set(rule(estate("prod"), built("prod"))) != set()


def test_an_output_that_the_manifests_ask_for_is_missed() -> None:
    given = changed("prod", lambda one: one.parts["stamp-northeurope"].outputs.pop("apiClientId"))

    assert list(manifests.outputs_fill_the_stamps_file(given, built("prod"))) != []


def test_every_rule_has_a_fault_that_it_finds() -> None:
    found = {fault.rule for fault in FAULTS} | {fault[0] for fault in faults_access.MANIFEST_FAULTS}

    assert set(BY_NAME) | set(OF_MANIFESTS) == found | {"outputs_fill_the_stamps_file"}
    assert len(BY_NAME) == len(RULES), "two rules have one name"
