"""Several hosts on one consumer group: who reads what, and that nothing is lost while they come and go."""

import asyncio

from .hubs import HubLab, send_steadily
from .processes import wait_until


def test_a_stolen_partitions_invocation_runs_on_as_a_zombie_without_a_checkpoint(lab: HubLab) -> None:
    first = lab.start()
    lab.control.switch(f"hold-{first.process.pid}", "")
    lab.send({name: [name] for name in "0123"})
    wait_until(lambda: len(lab.control.record("start")) == 4)

    lab.start()
    wait_until(lambda: len(lab.control.record("done")) == 2)  # the second host has two of the four, and is quick
    stolen = {entry["partition"] for entry in lab.control.record("done")}
    wait_until(lambda: all(lab.blobs.checkpoint(name) for name in stolen))
    checkpoints = {name: lab.blobs.checkpoint(name) for name in "0123"}
    lab.control.switch(f"hold-{first.process.pid}", None)
    wait_until(lambda: len(lab.control.record("done")) == 6)
    wait_until(lambda: all(lab.blobs.checkpoint(name) for name in "0123"))

    zombies = {entry["partition"] for entry in lab.control.record("done") if entry["pid"] == first.process.pid}
    assert zombies == set("0123")
    assert {name for name in "0123" if checkpoints[name]} == stolen
    assert {name: lab.blobs.checkpoint(name) for name in stolen} == {name: checkpoints[name] for name in stolen}
    wait_until(lambda: "another host" in first.process.log)


async def test_hosts_take_over_from_each_other_under_load_and_nothing_is_lost(lab: HubLab) -> None:
    """A host joins, one is stopped, one joins, one is killed (its ownership has to expire), while events arrive."""

    def change_hosts() -> None:
        first = lab.start()
        assert lab.blobs.shares() == [4]
        second = lab.start()
        wait_until(lambda: lab.blobs.shares() == [2, 2])
        first.process.stop()
        wait_until(lambda: lab.blobs.shares() == [4])
        lab.start()
        wait_until(lambda: lab.blobs.shares() == [2, 2])
        second.process.kill()
        wait_until(lambda: lab.blobs.shares() == [4])

    stop = asyncio.Event()
    sending = asyncio.create_task(send_steadily(lab.broker, lab.hub, stop, 0.01))
    await asyncio.to_thread(change_hosts)
    stop.set()
    sent = await sending
    await asyncio.to_thread(wait_until, lambda: set(lab.control.done()) >= set(sent))

    delivered = lab.control.done()
    lost = set(sent) - set(delivered)
    print(f"sent {len(sent)}, delivered {sum(delivered.values())}, distinct {len(delivered)}, lost {len(lost)}")
    assert set(delivered) == set(sent)


async def test_a_refusing_dependency_while_hosts_end_loses_nothing(lab: HubLab) -> None:
    """Every attempt fails; meanwhile one host is stopped in good order and one is killed; then it heals."""
    first = lab.start(RETRY="forever")
    stop = asyncio.Event()
    sending = asyncio.create_task(send_steadily(lab.broker, lab.hub, stop, 0.02))
    await asyncio.to_thread(wait_until, lambda: all(lab.blobs.checkpoint(name) for name in "0123"))
    lab.control.switch("fail", "")
    await asyncio.to_thread(wait_until, lambda: len({e["partition"] for e in lab.control.record("fail")}) == 4)
    checkpoints = {name: lab.blobs.checkpoint(name) for name in "0123"}

    second = await asyncio.to_thread(lab.start, RETRY="forever")
    await asyncio.to_thread(first.process.stop)
    await asyncio.to_thread(wait_until, lambda: any(e["pid"] == second.process.pid for e in lab.control.record("fail")))
    await asyncio.to_thread(second.process.kill)
    third = await asyncio.to_thread(lab.start, RETRY="forever")
    await asyncio.to_thread(wait_until, lambda: any(e["pid"] == third.process.pid for e in lab.control.record("fail")))
    stop.set()
    sent = await sending
    assert {name: lab.blobs.checkpoint(name) for name in "0123"} == checkpoints

    lab.control.switch("fail", None)
    await asyncio.to_thread(wait_until, lambda: set(lab.control.done()) >= set(sent))
    assert set(lab.control.done()) == set(sent)
    print(f"sent {len(sent)}, failed attempts {len(lab.control.record('fail'))}, lost 0")
