"""The Event Hubs trigger: what arrives, what is checkpointed, what is shared, against the stand-in and Azurite."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from local.faults import ControlClient

from .conftest import Broker, StartHost
from .hubs import Blobs, Control, send, send_steadily, start
from .processes import Process, python_module, wait_until


@pytest.fixture
def control(tmp_path: Path) -> Control:
    return Control(tmp_path)


@pytest.fixture
def blobs(storage: str, broker: Broker, hub: str) -> Blobs:
    return Blobs(storage, broker.namespace, hub)


def test_a_single_event_and_a_burst_arrive_as_lists(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control
) -> None:
    start(start_host, broker, hub, storage, control)

    send(broker, hub, {"0": ["alone"]})
    wait_until(lambda: control.done() == {"alone": 1})
    send(broker, hub, {"0": [f"b{number}" for number in range(300)]})
    wait_until(lambda: len(control.done()) == 301)

    batches = [len(entry["bodies"]) for entry in control.record("done")]
    order = [body for entry in control.record("done") for body in entry["bodies"]]
    assert batches[0] == 1
    assert max(batches) <= 50
    assert order == ["alone", *(f"b{number}" for number in range(300))]


def test_one_batch_at_a_time_runs_for_each_partition_and_partitions_run_side_by_side(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control
) -> None:
    control.switch("slow", "0.2")
    send(broker, hub, {name: [f"{name}-{number}" for number in range(120)] for name in ("0", "1", "2")})

    start(start_host, broker, hub, storage, control)
    wait_until(lambda: len(control.done()) == 360)

    running: set[str] = set()
    most = 0
    for entry in control.record("start", "done"):
        if entry["phase"] == "start":
            assert entry["partition"] not in running
            running.add(entry["partition"])
        else:
            running.discard(entry["partition"])
        most = max(most, len(running))
    assert most == 3


def test_metadata_has_every_array_of_the_extension(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control
) -> None:
    from azure.eventhub import EventData, EventHubProducerClient

    control.switch("metadata", "")
    events = [EventData(b"\x00\xff"), EventData("two")]
    events[0].properties = {"trace": "t0", "n": 1}
    events[0].content_type, events[0].message_id, events[0].correlation_id = "application/json", "m", "c"
    with EventHubProducerClient.from_connection_string(broker.connection, eventhub_name=hub) as producer:
        producer.send_batch(events, partition_key="key")
        partition = next(
            name for name in producer.get_partition_ids() if not producer.get_partition_properties(name)["is_empty"]
        )
        producer.send_batch([EventData("three")], partition_id=partition)

    start(start_host, broker, hub, storage, control)
    wait_until(lambda: len(control.done()) == 3)

    metadata = json.loads((control.folder / "metadata").read_text())
    times = json.loads((control.folder / "times").read_text())
    assert [body for entry in control.record("done") for body in entry["bodies"]] == ["\x00\xff", "two", "three"]
    assert metadata["PartitionContext"] == metadata["TriggerPartitionContext"]
    assert metadata["PartitionContext"] == {
        "FullyQualifiedNamespace": broker.namespace,
        "EventHubName": hub,
        "ConsumerGroup": "processor",
        "PartitionId": partition,
        "IsCheckpointingAfterInvocation": True,
    }
    assert metadata["PropertiesArray"] == [{"trace": "t0", "n": 1}, {}, {}]
    assert metadata["SequenceNumberArray"] == [0, 1, 2]
    assert metadata["PartitionKeyArray"] == ["key", "key"]  # shorter than the batch, as the real one
    assert metadata["OffsetArray"] == [int(offset) for offset in metadata["OffsetStringArray"]]
    assert len(metadata["EnqueuedTimeUtcArray"]) == 3
    first, _, third = metadata["SystemPropertiesArray"]
    assert first["content-type"] == "application/json"
    assert (first["message-id"], first["correlation-id"]) == ("m", "c")
    assert (first["PartitionKey"], third["PartitionKey"]) == ("key", None)
    assert first["SequenceNumber"] == first["x-opt-sequence-number"] == 0
    assert first["OffsetString"] == metadata["OffsetStringArray"][0]
    assert not first["EnqueuedTimeUtc"].endswith(("Z", "+00:00"))
    assert all(is_naive for _, is_naive in times)


def test_a_failed_batch_without_a_retry_policy_is_checkpointed_and_gone(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs
) -> None:
    control.switch("fail", "")
    host = start(start_host, broker, hub, storage, control)

    send(broker, hub, {"1": ["lost"]})
    wait_until(lambda: (blobs.checkpoint("1") or {}).get("sequencenumber") == "0")
    control.switch("fail", None)
    send(broker, hub, {"1": ["kept"]})
    wait_until(lambda: control.done() == {"kept": 1})

    assert [entry["bodies"] for entry in control.record("fail")] == [["lost"]]
    assert "Executed 'Functions.ingest' (Failed" in host.process.log


def test_retries_keep_the_invocation_id_and_a_last_failure_is_checkpointed(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs
) -> None:
    control.switch("fail", "")
    start(start_host, broker, hub, storage, control, RETRY="twice")

    send(broker, hub, {"1": ["x"]})
    wait_until(lambda: blobs.checkpoint("1") is not None)

    attempts = control.record("fail")
    assert [entry["retry"] for entry in attempts] == [0, 1, 2]
    assert len({entry["id"] for entry in attempts}) == 1


def test_nothing_is_checkpointed_while_a_retry_runs(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs
) -> None:
    control.switch("fail", "")
    host = start(start_host, broker, hub, storage, control, RETRY="forever")

    send(broker, hub, {"2": ["a"], "3": ["b"]})
    wait_until(lambda: len(control.record("fail")) >= 6)

    assert blobs.checkpoint("2") is None
    assert blobs.checkpoint("3") is None
    assert host.call("/admin/host/drain/status").json()["outstandingInvocations"] == 2
    control.switch("fail", None)
    wait_until(lambda: control.done() == {"a": 1, "b": 1})
    wait_until(lambda: blobs.checkpoint("2") is not None)


@pytest.mark.parametrize("way", ["drain", "sigint"])
def test_stopping_ends_a_retry_without_a_checkpoint(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs, way: str
) -> None:
    control.switch("fail", "")
    host = start(start_host, broker, hub, storage, control, RETRY="forever")
    send(broker, hub, {"0": ["a"]})
    wait_until(lambda: control.record("fail"))

    if way == "drain":
        host.call("/admin/host/drain", "POST")
        wait_until(lambda: host.call("/admin/host/drain/status").json()["state"] == "Completed")
    else:
        assert host.process.stop() == 0

    assert blobs.checkpoint("0") is None
    assert not any(blobs.owners().values())
    control.switch("fail", None)
    start(start_host, broker, hub, storage, control, RETRY="forever")
    wait_until(lambda: control.done() == {"a": 1})


def test_a_batch_in_flight_at_a_stop_is_finished_not_checkpointed_and_comes_again(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs
) -> None:
    control.switch("slow", "1")
    host = start(start_host, broker, hub, storage, control)
    send(broker, hub, {"0": ["a"]})
    wait_until(lambda: control.record("start"))

    assert host.process.stop(signal.SIGTERM) == 0

    assert control.done() == {"a": 1}
    assert blobs.checkpoint("0") is None
    start(start_host, broker, hub, storage, control)
    wait_until(lambda: control.done() == {"a": 2})


def test_checkpoints_are_where_and_what_keda_reads(
    start_host: StartHost, broker: Broker, storage: str, control: Control
) -> None:
    """3 of 32 partitions are used: the lag is what is waiting, and nothing once drained."""
    blobs = Blobs(storage, broker.namespace, "big")
    used = {name: [f"{name}-{number}" for number in range(10)] for name in ("3", "17", "31")}
    send(broker, "big", used)
    assert blobs.lag(broker, "big") == 30

    host = start(start_host, broker, "big", storage, control)
    wait_until(lambda: all((blobs.checkpoint(name) or {}).get("sequencenumber") == "9" for name in used))
    assert blobs.lag(broker, "big") == 0
    host.process.stop()

    prefix = f"{broker.namespace}/big/processor"
    assert {f"{prefix}/checkpoint/{name}" for name in used} <= blobs.names()
    assert len([name for name in blobs.names() if name.startswith(f"{prefix}/checkpoint/")]) == 3
    checkpoint = blobs.checkpoint("17")
    assert checkpoint is not None
    assert set(checkpoint) == {"offset", "sequencenumber", "clientidentifier"}
    assert checkpoint["sequencenumber"] == "9"
    assert all(name == name.lower() for name in blobs.names())
    assert len(blobs.owners()) == 32


def test_hosts_share_partitions_when_they_come_and_go(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs
) -> None:
    first = start(start_host, broker, hub, storage, control)
    assert blobs.shares() == [4]

    second = start(start_host, broker, hub, storage, control)
    wait_until(lambda: blobs.shares() == [2, 2])
    first.process.stop()
    wait_until(lambda: blobs.shares() == [4])
    start(start_host, broker, hub, storage, control)
    wait_until(lambda: blobs.shares() == [2, 2])
    second.process.kill()  # its ownership has to expire
    wait_until(lambda: blobs.shares() == [4])

    send(broker, hub, {name: [name] for name in "0123"})
    wait_until(lambda: control.done() == {"0": 1, "1": 1, "2": 1, "3": 1})


def test_a_stolen_partitions_invocation_runs_on_as_a_zombie_without_a_checkpoint(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs
) -> None:
    first = start(start_host, broker, hub, storage, control)
    control.switch(f"hold-{first.process.pid}", "")
    send(broker, hub, {name: [name] for name in "0123"})
    wait_until(lambda: len(control.record("start")) == 4)

    start(start_host, broker, hub, storage, control)
    wait_until(lambda: len(control.record("done")) == 2)  # the second host has two of the four, and is quick
    stolen = {entry["partition"] for entry in control.record("done")}
    wait_until(lambda: all(blobs.checkpoint(name) for name in stolen))
    checkpoints = {name: blobs.checkpoint(name) for name in "0123"}
    control.switch(f"hold-{first.process.pid}", None)
    wait_until(lambda: len(control.record("done")) == 6)
    wait_until(lambda: all(blobs.checkpoint(name) for name in "0123"))

    zombies = {entry["partition"] for entry in control.record("done") if entry["pid"] == first.process.pid}
    assert zombies == set("0123")
    assert {name for name in "0123" if checkpoints[name]} == stolen
    assert {name: blobs.checkpoint(name) for name in stolen} == {name: checkpoints[name] for name in stolen}
    assert "another host" in first.process.log


async def test_two_hosts_take_over_from_each_other_under_load_and_nothing_is_lost(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control
) -> None:
    """A host joins, one is stopped, one is killed, one joins again, while events arrive."""

    def change_hosts() -> None:
        first = start(start_host, broker, hub, storage, control)
        second = start(start_host, broker, hub, storage, control)
        time.sleep(1.5)
        first.process.stop()
        third = start(start_host, broker, hub, storage, control)
        time.sleep(1.5)
        second.process.kill()
        start(start_host, broker, hub, storage, control)
        time.sleep(1.0)
        third.process.stop()

    sending = asyncio.create_task(send_steadily(broker, hub, 4, 9.0, 0.01))
    await asyncio.to_thread(change_hosts)
    sent = await sending
    await asyncio.to_thread(wait_until, lambda: set(control.done()) >= set(sent))

    delivered = control.done()
    print(f"sent {len(sent)}, delivered {sum(delivered.values())}, lost {len(set(sent) - set(delivered))}")
    assert set(delivered) == set(sent)


async def test_a_refusing_dependency_while_hosts_end_loses_nothing(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control, blobs: Blobs
) -> None:
    """One host is stopped in good order and one killed while every attempt fails; then it heals."""
    first = start(start_host, broker, hub, storage, control, RETRY="forever")
    second = start(start_host, broker, hub, storage, control, RETRY="forever")
    sending = asyncio.create_task(send_steadily(broker, hub, 4, 6.0, 0.02))
    await asyncio.sleep(1.0)
    control.switch("fail", "")
    failing_since = len(control.record("fail"))
    await asyncio.to_thread(wait_until, lambda: len({e["partition"] for e in control.record("fail")}) == 4)
    checkpoints = {name: blobs.checkpoint(name) for name in "0123"}

    await asyncio.to_thread(first.process.stop)
    third = start(start_host, broker, hub, storage, control, RETRY="forever")
    await asyncio.to_thread(second.process.kill)
    sent = await sending
    await asyncio.to_thread(
        wait_until, lambda: len({e["partition"] for e in control.record("fail") if e["pid"] == third.process.pid}) == 4
    )
    assert {name: blobs.checkpoint(name) for name in "0123"} == checkpoints
    assert len(control.record("fail")) > failing_since

    control.switch("fail", None)
    await asyncio.to_thread(wait_until, lambda: set(control.done()) >= set(sent))
    assert set(control.done()) == set(sent)


def test_readers_turned_out_by_the_service_come_back_and_lose_nothing(
    start_host: StartHost, broker: Broker, hub: str, storage: str, control: Control
) -> None:
    """Another reader steals every partition behind the ownership blobs, then new links are refused for a while."""
    faults = ControlClient(broker.control)
    host = start(start_host, broker, hub, storage, control)
    send(broker, hub, {"0": ["before"]})
    wait_until(lambda: control.done() == {"before": 1})

    faults.add_fault("refuse-attach", match={"operation": "receive", "hub": hub}, count=2)
    faults.add_fault("steal-epoch", match={"hub": hub})
    send(broker, hub, {"0": ["after"], "1": ["too"]})

    wait_until(lambda: set(control.done()) == {"before", "after", "too"})
    assert "another host has taken the partition" in host.process.log
    assert "reading failed" in host.process.log


def test_the_host_waits_for_a_broker_that_comes_late_and_outlives_one_that_dies(
    start_host: StartHost, storage: str, control: Control, tmp_path: Path, free_port: int
) -> None:
    command = python_module(
        "local.eventhubs", "--port", str(free_port), "--control-port", "0", "--hub", "h=2:processor"
    )
    command += ["--data", str(tmp_path / "log")]
    address = f"sb://127.0.0.1:{free_port}"
    absent = Broker(Process(["true"]), address, "")
    environ = {"HUB_CONNECTION": absent.connection, "HUB_NAME": "h", "CONTROL": str(control.folder)}
    host = start_host("hub", ready=False, AzureWebJobsStorage=storage, **environ)
    wait_until(lambda: "the listener was unable to start" in host.process.log)

    broker = Process(command)
    broker.ready()
    host.process.ready()
    send(absent, "h", {"0": ["a"], "1": ["b"]})
    wait_until(lambda: control.done() == {"a": 1, "b": 1})
    broker.kill()
    wait_until(lambda: "reading failed" in host.process.log)
    again = Process(command)
    again.ready()
    send(absent, "h", {"0": ["c"], "1": ["d"]})
    wait_until(lambda: set(control.done()) == set("abcd"))
    again.kill()
