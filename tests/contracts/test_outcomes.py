"""The contract of Outcomes."""

from uuid import uuid4

from domain.ports import Outcomes
from domain.records import Failure


async def test_a_failure_is_found_by_its_exact_request(outcomes: Outcomes) -> None:
    failure = Failure(uuid4(), "0" * 32, "unknown-item")

    await outcomes.record(failure)
    await outcomes.record(failure)

    assert await outcomes.find(failure.command_id, failure.digest) == failure
    assert await outcomes.find(failure.command_id, "1" * 32) is None
    assert await outcomes.find(uuid4(), failure.digest) is None
