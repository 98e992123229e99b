"""Every environment against every rule; and every rule against faults planted into production."""

import pytest

from . import access, clusters, edge, exposure, observability, resilience, shape
from .snapshots import ENVIRONMENTS, Rule, estate

RULES = (
    shape.RULES + exposure.RULES + resilience.RULES + clusters.RULES + observability.RULES + edge.RULES + access.RULES
)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_promise(rule: Rule, environment: str) -> None:
    assert list(rule(estate(environment))) == []
