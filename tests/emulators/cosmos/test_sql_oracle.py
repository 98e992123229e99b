"""Our grammar against Microsoft's own parser, where that is at hand.

COSMOS_QUERY_PLAN names a Python file with a function `plan(sql, parameters)` that raises an error with `code` and
`message` for what the service refuses. Without it these tests are skipped.
"""

import importlib.util
import os
import random
from pathlib import Path
from typing import Any

import pytest

from local.cosmos.errors import BadQuery
from local.cosmos.sql.parser import parse

_CANDIDATES = ("tools/cosmos_query_plan.py", "../shared/tools/cosmos_query_plan.py", "../tools/cosmos_query_plan.py")


@pytest.fixture(scope="module")
def oracle() -> Any:
    """The planner's module."""
    root = Path(__file__).parents[3]
    given = os.environ.get("COSMOS_QUERY_PLAN")
    places = [Path(given)] if given else [root / place for place in _CANDIDATES]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        pytest.skip("the service's query planner is not here: set COSMOS_QUERY_PLAN")
    spec = importlib.util.spec_from_file_location("cosmos_query_plan", found)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARAMETERS = [{"name": "@p", "value": "a"}, {"name": "@n", "value": 3}]

# Accepted by the service, refused by us on purpose: COVERAGE.md lists them.
NOT_OURS = (
    "SELECT VALUE 1",
    "SELECT x FROM c JOIN x IN c.arr",
    "SELECT x FROM x IN c.arr",
    "SELECT * FROM c.arr",
    "SELECT * FROM c WHERE EXISTS(SELECT VALUE 1 FROM x IN c.a)",
    "SELECT * FROM c WHERE c.a & 1 = 1",
    "SELECT * FROM c WHERE c.a | 1 = 1",
    "SELECT * FROM c WHERE ~ c.a = 1",
    "SELECT * FROM c WHERE c.a << 1 = 1",
    "SELECT * FROM c WHERE udf.foo(c.a)",
    "SELECT * FROM c WHERE c.a LIKE 'x%'",
    "SELECT * FROM c WHERE c.a NOT LIKE 'x%'",
    "SELECT ARRAY(SELECT VALUE 1) FROM c",
)

# (text, our answer is the service's)
CASES = """
select * from c
SELECT * FROM c WHERE startswith(c.a,'x')
SELECT c.a, c.b.a FROM c
SELECT c FROM c
SELECT c.a AS x FROM c x
SELECT x.a FROM c AS x
SELECT root.a FROM c
SELECT * FROM c WHERE c.a IN (1,2) AND c.b BETWEEN 1 AND 3
SELECT * FROM c WHERE c.b BETWEEN 1 AND 3 AND c.a=1
SELECT * FROM c WHERE (c.b BETWEEN 1 AND 3) AND c.a=1
SELECT * FROM c WHERE c.a NOT IN (1) AND NOT c.b
SELECT * FROM c WHERE c.a NOT BETWEEN 1 AND 2
SELECT TOP @n * FROM c
SELECT * FROM c OFFSET @n LIMIT @n
SELECT * FROM c LIMIT 1
SELECT * FROM c OFFSET 1
SELECT TOP 1 * FROM c OFFSET 0 LIMIT 1
SELECT * FROM c ORDER BY c.a, c.b DESC
SELECT * FROM c ORDER BY c.a+1
SELECT * FROM c ORDER BY 1
SELECT * FROM c ORDER BY a
SELECT * FROM c ORDER BY LOWER(c.a)
SELECT VALUE c.a, c.b FROM c
SELECT DISTINCT VALUE c.a FROM c
SELECT c.b, COUNT(1) AS n FROM c GROUP BY c.a
SELECT * FROM c GROUP BY c.a
SELECT VALUE {"a":c.a,'b':1} FROM c
SELECT VALUE {1:2} FROM c
SELECT VALUE COUNT(c.a)+1 FROM c
SELECT VALUE [COUNT(1)] FROM c
SELECT *
SELECT * FROM c WHERE
SELECT * FROM
SELECT
SELECT * FROM c WHERE c.a == 1
SELECT * FROM c WHERE c.a = 'x
SELECT * FROM c WHERE c.a = #
SELECT * FROM c WHERE FOO(c.a)
SELECT * FROM c -- hi
SELECT * FROM c /* hi */
SELECT COUNT() FROM c
SELECT COUNT(*) FROM c
SELECT STARTSWITH(c.a) FROM c
SELECT * FROM c WHERE COUNT(1) > 1
SELECT COUNT(SUM(c.a)) FROM c
SELECT COUNT(1), c.a FROM c
SELECT * FROM c WHERE c[@p] = 1
SELECT * FROM c WHERE c[c.a] = 1
SELECT * FROM c WHERE c.a = .5 OR c.a = 5. OR c.a = 0x1F OR c.a = -1.5e3
SELECT * FROM c WHERE c.value = 1
SELECT c.end FROM c
SELECT c.a v FROM c
SELECT c.a AS "x" FROM c
SELECT c.a AS [x] FROM c
SELECT * FROM c AS select
SELECT * FROM @p
SELECT * FROM c WHERE c.a = 1e400
SELECT * FROM c WHERE c.a = 'it''s'
SELECT * FROM c WHERE c.a = 'it\\'s \\u0041'
SELECT * FROM c WHERE (c.a, c.b) = 1
SELECT * FROM c WHERE (c.a
SELECT * FROM c WHERE c.a)
SELECT * FROM c WHERE c..a
SELECT * FROM c WHERE c.1x = 1
SELECT * FROM c WHERE c.$x = 1
SELECT * FROM c WHERE c.é = 1
SELECT c.a, FROM c
SELECT FROM c
SELECT * FROM c, d
SELECT * FROM c c2 c3
SELECT *, c.a FROM c
SELECT c.* FROM c
SELECT * FROM c;
SELECT * FROM c HAVING COUNT(1) > 1
SELECT TOP -1 * FROM c
SELECT TOP 1.5 * FROM c
SELECT TOP 'a' * FROM c
SELECT * FROM c OFFSET 1.0 LIMIT 1
SELECT * FROM c WHERE True
SELECT * FROM c WHERE true AND undefined != null
SELECT c["a"], c.a FROM c
SELECT c.a + 1 AS q, LOWER(c.a) FROM c GROUP BY c.a
SELECT c.a ?? 1, c.a ? 1 : 2, c.a || 'x' FROM c
SELECT * FROM c WHERE c.a = c.b IN (1)
SELECT * FROM c WHERE c.b IN (1) IN (true)
SELECT * FROM c WHERE c.a IN ()
SELECT * FROM c WHERE c.a != 1 ! 2
SELECT VALUE {"_rid": c._rid, "orderByItems": [{"item": c.n}], "payload": c} FROM c WHERE true ORDER BY c.n DESC
SELECT * FROM root WHERE ((root.id = @p AND root["pk"] = @n) OR (root.id = @n AND root["pk"] = @p))
SELECT LEFT(c.a, 1), RIGHT(c.a, 1), SUBSTRING(c.a, 0, 1), CONCAT(c.a, 'x'), ABS(c.n) FROM c
""".strip().split("\n")


def _ours(text: str) -> tuple[str, str] | None:
    try:
        parse(text)
    except BadQuery as error:
        return error.sc_code, error.args[0]
    return None


def _theirs(oracle: Any, text: str) -> tuple[str, str] | None:
    try:
        oracle.plan(text, PARAMETERS)
    except oracle.Refused as error:
        return str(error.code or ""), error.message
    return None


@pytest.mark.parametrize("text", CASES)
def test_we_accept_and_refuse_as_the_service_does(oracle: Any, text: str) -> None:
    ours, theirs = _ours(text), _theirs(oracle, text)
    assert (ours is None) == (theirs is None), (ours, theirs)
    if ours is not None and theirs is not None:
        assert ours[0] == theirs[0], (ours, theirs)


@pytest.mark.parametrize("text", NOT_OURS)
def test_what_we_lack_is_refused_with_its_place(oracle: Any, text: str) -> None:
    assert _theirs(oracle, text) is None
    refused = _ours(text)
    assert refused is not None
    assert "not supported by this stand-in" in refused[1]


_WORDS = (  # noqa: SIM905 - a list of quoted words reads worse
    "SELECT * FROM c WHERE c.a c.b ['x'] [0] = != < > <= >= AND OR NOT IN ( ) BETWEEN 1 2.5 'x' @p ORDER BY GROUP DESC"
    " ASC TOP OFFSET LIMIT DISTINCT VALUE COUNT SUM LOWER IS_DEFINED + - * / % || ?? ? : , { } a : true false null"
).split()


def _mutations(count: int) -> list[str]:
    choose = random.Random(4)
    mutated = []
    for _ in range(count):
        words = choose.choice(CASES).replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()
        for _ in range(choose.randint(1, 2)):
            place = choose.randrange(len(words) + 1)
            match choose.randrange(3) if words else 0:
                case 0:
                    words.insert(place, choose.choice(_WORDS))
                case 1:
                    del words[min(place, len(words) - 1)]
                case _:
                    words[min(place, len(words) - 1)] = choose.choice(_WORDS)
        mutated.append(" ".join(words))
    return mutated


def test_mutated_queries_are_never_accepted_by_us_alone(oracle: Any) -> None:
    """What the service refuses we refuse; what we refuse with its words, it refuses."""
    accepted_alone, refused_alone = [], []
    for text in _mutations(1500):
        ours, theirs = _ours(text), _theirs(oracle, text)
        if ours is None and theirs is not None:
            accepted_alone.append((text, theirs))
        if theirs is None and ours is not None and "not supported by this stand-in" not in ours[1]:
            refused_alone.append((text, ours))
    assert accepted_alone == []
    assert refused_alone == []
