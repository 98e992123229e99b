"""The contract of Heartbeats."""

from domain.health import Heartbeats
from tests.builders import a_stamp


async def test_the_newest_time_of_each_partition_is_kept(heartbeats: Heartbeats) -> None:
    await heartbeats.beat(a_stamp(1))
    await heartbeats.beat(a_stamp(2))

    assert (await heartbeats.latest())["0"] == a_stamp(2).enqueued
