"""All rules over an environment's resources."""

from . import access, clusters, edge, exposure, localcloud, observability, resilience, shape, standby, truths

RULES = [
    *shape.RULES,
    *exposure.RULES,
    *resilience.RULES,
    *clusters.RULES,
    *observability.RULES,
    *edge.RULES,
    *standby.RULES,
    *access.RULES,
    *truths.RULES,
    *localcloud.RULES,
]
