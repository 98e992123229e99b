"""Queries over small lists that are in memory: databases, containers, offers."""

import json
from typing import Any

from local.cosmos.errors import bad_request
from local.cosmos.sql.parser import parse
from local.cosmos.sql.program import compile_expression
from local.cosmos.values import UNDEFINED


def query_text(content: Any) -> tuple[str, dict[str, Any]]:
    """Text and parameters of a query body. Raises 400."""
    if not isinstance(content, dict) or not isinstance(content.get("query"), str):
        raise bad_request("The query body is an object with the text of a query.")
    parameters: dict[str, Any] = {}
    given = content.get("parameters") or []
    if not isinstance(given, list):
        raise bad_request("The parameters of a query are an array.")
    for parameter in given:
        if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
            raise bad_request("A parameter of a query has a name and a value.")
        parameters[parameter["name"]] = parameter.get("value", UNDEFINED)
    return content["query"], parameters


def query_list(content: Any, resources: list[dict[str, Any]]) -> list[Any]:
    """The resources that a plain query (SELECT, WHERE) chooses."""
    text, parameters = query_text(content)
    query = parse(text)
    if query.group_by or query.aggregates or query.order_by or query.distinct:
        raise bad_request("Only SELECT and WHERE are supported for this kind of resource.")
    chosen = resources
    if query.where is not None:
        test = compile_expression(query.where)
        chosen = [resource for resource in chosen if test(resource, parameters) is True]
    if query.star:
        return chosen
    if query.value is not None:
        value = compile_expression(query.value)
        shaped = [value(resource, parameters) for resource in chosen]
        return [json.loads(json.dumps(one)) for one in shaped if one is not UNDEFINED]
    columns = [(name, compile_expression(column)) for name, column in query.columns]
    return [
        {name: found for name, run in columns if (found := run(resource, parameters)) is not UNDEFINED}
        for resource in chosen
    ]
