"""All rules over an environment's resources."""

from . import (
    access,
    clusters,
    edge,
    exposure,
    firewall,
    localcloud,
    networks,
    observability,
    resilience,
    served,
    shape,
    standby,
    truths,
)

RULES = [
    *shape.RULES,
    *exposure.RULES,
    *networks.RULES,
    *resilience.RULES,
    *clusters.RULES,
    *observability.RULES,
    *firewall.RULES,
    *edge.RULES,
    *standby.RULES,
    *access.RULES,
    *truths.RULES,
    *served.RULES,
    *localcloud.RULES,
]
