"""Indexes made when a query has shown the need: the service indexes every path, SQLite only those it is told.

A query that examined many documents more than it returned names the paths it needed. Those that the container's
indexing policy covers get a column of sort keys and an index; small containers need neither, and write faster.
"""

import asyncio

from local.cosmos.sql import tree
from local.cosmos.sql.planner import Plan, is_indexed
from local.cosmos.state import RegionStore
from local.cosmos.tables import Table

WASTE = 300  # documents examined in vain from which on an index is worth its making


def learn(store: RegionStore, table: Table, plan: Plan, query: tree.Query, wasted: int) -> None:
    """Make the columns and the index that would have served this query, if it was a waste."""
    if wasted < WASTE:
        return
    policy = table.container.settings.get("indexingPolicy", {})
    if policy.get("indexingMode", "consistent").lower() == "none":
        return
    paths = [path for path in sorted(plan.wanted) if is_indexed(policy, path) and path not in table.paths]
    paths = [path for path in paths if path != ("id",)]
    asyncio.get_running_loop().call_soon(_grow, store, table, paths, plan, query)


def learn_partition(store: RegionStore, table: Table, plan: Plan) -> None:
    """Index the partition key in order of creation, once a partition is seen to be longer than a page.

    Without it SQLite reads and sorts the whole partition for every page.
    """
    if plan.equal_columns == ["pk"] and ("pk",) not in table.indexes:
        asyncio.get_running_loop().call_soon(_index_partition, store, table)


def _index_partition(store: RegionStore, table: Table) -> None:
    if store.tables.get(table.container.number) is table:
        store.add_index(table, ("pk",), [])


def _grow(store: RegionStore, table: Table, paths: list[tuple[str, ...]], plan: Plan, query: tree.Query) -> None:
    if store.tables.get(table.container.number) is not table:
        return  # deleted meanwhile
    store.add_key_columns(table, [path for path in paths if path not in table.paths])
    columns = list(dict.fromkeys(plan.equal_columns))
    for path in sorted(plan.wanted):
        if path in table.paths and f"k{table.paths.index(path)}" not in columns:
            ordered = {tuple(str(step) for step in order.path) for order in query.order_by}
            if path not in ordered:
                columns.append(f"k{table.paths.index(path)}")
    directions: list[tuple[str, bool]] = []
    for order in query.order_by:
        steps = tuple(str(step) for step in order.path)
        if steps == ("id",):
            directions.append(("id", order.descending))
        elif steps in table.paths:
            directions.append((f"k{table.paths.index(steps)}", order.descending))
        else:
            directions = []
            break
    if columns or directions:
        store.add_index(table, columns, directions)
