"""The Event Hubs trigger on one host: what arrives and what is checkpointed, against the stand-in and Azurite."""

import asyncio
import json
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from local.faults import ControlClient

from .conftest import Broker, Host, StartHost
from .hubs import Control, HubLab
from .processes import python_module, run, wait_until


@pytest.fixture(scope="module")
def shared(
    start_shared_host: StartHost, broker: Broker, storage: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[HubLab, Host]:
    """A host without a retry policy, on a hub of its own; tests tell their events apart by body and partition."""
    lab = HubLab(broker, "shared", storage, Control(tmp_path_factory.mktemp("shared")), start_shared_host)
    return lab, lab.start()


def test_a_single_event_and_a_burst_arrive_as_lists(shared: tuple[HubLab, Host]) -> None:
    lab, _ = shared

    lab.send({"0": ["alone"]})
    wait_until(lambda: lab.control.done()["alone"])
    lab.send({"0": [f"b{number}" for number in range(300)]})
    wait_until(lambda: lab.control.done()["b299"])

    entries = [entry for entry in lab.control.record("done") if entry["partition"] == "0"]
    assert len(entries[0]["bodies"]) == 1
    assert max(len(entry["bodies"]) for entry in entries) <= 50
    assert [body for entry in entries for body in entry["bodies"]] == [
        "alone",
        *(f"b{number}" for number in range(300)),
    ]


def test_one_batch_at_a_time_runs_for_each_partition_and_partitions_run_side_by_side(
    shared: tuple[HubLab, Host],
) -> None:
    lab, _ = shared
    lab.control.switch("slow", "0.2")

    lab.send({name: [f"{name}-{number}" for number in range(120)] for name in ("1", "2", "3")})
    wait_until(lambda: sum(lab.control.done()[f"{name}-119"] for name in ("1", "2", "3")) == 3)
    lab.control.switch("slow", None)

    running: set[str] = set()
    most = 0
    for entry in lab.control.record("start", "done"):
        if entry["phase"] == "start":
            assert entry["partition"] not in running
            running.add(entry["partition"])
        else:
            running.discard(entry["partition"])
        most = max(most, len(running))
    assert most == 3


async def test_metadata_has_every_array_of_the_extension(shared: tuple[HubLab, Host]) -> None:
    lab, _ = shared
    lab.control.switch("metadata", "")
    events = [EventData(b"\x00\xff"), EventData("two")]
    events[0].properties = {"trace": "t0", "n": 1}
    events[0].content_type, events[0].message_id, events[0].correlation_id = "application/json", "m", "c"
    async with EventHubProducerClient.from_connection_string(lab.broker.connection, eventhub_name="shared") as producer:
        await producer.send_batch([*events], partition_key="key")
    await asyncio.to_thread(wait_until, lambda: lab.control.done()["two"])
    lab.control.switch("metadata", None)

    metadata = json.loads((lab.control.folder / "metadata-seen").read_text())
    naive_times = json.loads((lab.control.folder / "naive-times").read_text())
    entry = lab.control.record("done")[-1]
    first, second = metadata["SystemPropertiesArray"]
    assert entry["bodies"] == ["\x00\xff", "two"]
    assert metadata["PartitionContext"] == metadata["TriggerPartitionContext"]
    assert metadata["PartitionContext"] == {
        "FullyQualifiedNamespace": lab.broker.namespace,
        "EventHubName": "shared",
        "ConsumerGroup": "processor",
        "PartitionId": entry["partition"],
        "IsCheckpointingAfterInvocation": True,
    }
    assert metadata["PropertiesArray"] == [{"trace": "t0", "n": 1}, {}]
    assert metadata["SequenceNumberArray"] == entry["sequences"] == [first["SequenceNumber"], second["SequenceNumber"]]
    assert metadata["PartitionKeyArray"] == ["key", "key"]
    assert metadata["OffsetArray"] == [int(offset) for offset in metadata["OffsetStringArray"]]
    assert len(metadata["EnqueuedTimeUtcArray"]) == 2
    assert (first["content-type"], first["message-id"], first["correlation-id"]) == ("application/json", "m", "c")
    assert (first["PartitionKey"], first["x-opt-partition-key"]) == ("key", "key")
    assert first["SequenceNumber"] == first["x-opt-sequence-number"]
    assert first["OffsetString"] == metadata["OffsetStringArray"][0]
    assert not first["EnqueuedTimeUtc"].endswith(("Z", "+00:00"))
    assert naive_times == [True, True]


def test_events_without_a_key_are_left_out_of_the_partition_keys(shared: tuple[HubLab, Host]) -> None:
    lab, _ = shared
    lab.control.switch("metadata", "")
    lab.send({"0": ["keyless"]})
    wait_until(lambda: lab.control.done()["keyless"])
    lab.control.switch("metadata", None)

    metadata = json.loads((lab.control.folder / "metadata-seen").read_text())
    assert metadata["PartitionKeyArray"] == []
    assert metadata["SystemPropertiesArray"][0]["PartitionKey"] is None


def test_a_failed_batch_without_a_retry_policy_is_checkpointed_and_gone(shared: tuple[HubLab, Host]) -> None:
    lab, host = shared
    before = lab.blobs.checkpoint("1")
    lab.control.switch("fail", "")
    lab.send({"1": ["lost"]})
    wait_until(lambda: lab.blobs.checkpoint("1") != before)
    lab.control.switch("fail", None)
    lab.send({"1": ["kept"]})
    wait_until(lambda: lab.control.done()["kept"])

    assert [entry["bodies"] for entry in lab.control.record("fail")] == [["lost"]]
    assert lab.control.done()["lost"] == 0
    wait_until(lambda: "Executed 'Functions.ingest' (Failed" in host.process.log)


def test_readers_turned_out_by_the_service_come_back_and_lose_nothing(shared: tuple[HubLab, Host]) -> None:
    """Another reader steals every partition behind the ownership blobs, then new links are refused for a while."""
    lab, host = shared
    faults = ControlClient(lab.broker.control)

    faults.add_fault("refuse-attach", match={"operation": "receive", "hub": "shared"}, count=2)
    faults.add_fault("steal-epoch", match={"hub": "shared"})
    lab.send({"0": ["after"], "1": ["too"]})

    wait_until(lambda: lab.control.done()["after"] and lab.control.done()["too"])
    wait_until(lambda: "another host has taken the partition" in host.process.log)
    wait_until(lambda: "reading failed" in host.process.log)


def test_batches_of_a_partition_never_overlap_within_a_host_not_even_with_its_own_zombie(
    shared: tuple[HubLab, Host],
) -> None:
    lab, host = shared
    lab.control.switch(f"hold-{host.process.pid}", "")
    lab.send({"2": ["held"]})
    wait_until(lambda: any(entry["bodies"] == ["held"] for entry in lab.control.record("start")))
    turned_out = host.process.log.count("another host has taken the partition")

    ControlClient(lab.broker.control).add_fault("steal-epoch", match={"hub": "shared"})
    wait_until(lambda: host.process.log.count("another host has taken the partition") >= turned_out + 4)
    time.sleep(1.5)  # longer than the balancing interval: the host has its partition back
    assert [entry["bodies"] for entry in lab.control.record("start")].count(["held"]) == 1

    lab.control.switch(f"hold-{host.process.pid}", None)
    wait_until(lambda: lab.control.done()["held"] == 2)  # the zombie wrote no checkpoint


def test_retries_keep_the_invocation_id_and_a_last_failure_is_checkpointed(lab: HubLab) -> None:
    lab.control.switch("fail", "")
    lab.start(RETRY="twice")

    lab.send({"1": ["x"]})
    wait_until(lambda: lab.blobs.checkpoint("1") is not None)

    attempts = lab.control.record("fail")
    assert [entry["retry"] for entry in attempts] == [0, 1, 2]
    assert len({entry["id"] for entry in attempts}) == 1


def test_nothing_is_checkpointed_while_a_retry_runs_nor_when_a_drain_ends_it(lab: HubLab) -> None:
    lab.control.switch("fail", "")
    host = lab.start(RETRY="forever")

    lab.send({"2": ["a"], "3": ["b"]})
    wait_until(lambda: len(lab.control.record("fail")) >= 4)
    assert lab.blobs.checkpoint("2") is lab.blobs.checkpoint("3") is None
    assert host.call("/admin/host/drain/status").json()["outstandingInvocations"] == 2

    host.call("/admin/host/drain", "POST")
    wait_until(lambda: host.call("/admin/host/drain/status").json()["state"] == "Completed")
    assert lab.blobs.checkpoint("2") is lab.blobs.checkpoint("3") is None
    assert len(lab.blobs.owners()) == 4
    assert not any(lab.blobs.owners().values())  # given up, so that others need not wait

    lab.control.switch("fail", None)
    lab.start(RETRY="forever")
    wait_until(lambda: lab.control.done() == {"a": 1, "b": 1})
    wait_until(lambda: lab.blobs.checkpoint("2") and lab.blobs.checkpoint("3"))


def test_a_batch_in_flight_at_a_stop_is_finished_not_checkpointed_and_comes_again(lab: HubLab) -> None:
    lab.control.switch("slow", "0.5")
    host = lab.start()
    lab.send({"0": ["a"]})
    wait_until(lambda: lab.control.record("start"))

    assert host.process.stop(signal.SIGTERM) == 0

    assert lab.control.done() == {"a": 1}
    assert lab.blobs.checkpoint("0") is None
    lab.start()
    wait_until(lambda: lab.control.done() == {"a": 2})


def test_batch_settings_of_host_json_are_honoured(lab: HubLab) -> None:
    """At least 3 events for each batch, a checkpoint after every second one, and nothing from before the start."""
    lab.send({"0": ["old"]})
    prefix = "AzureFunctionsJobHost__extensions__eventHubs__"
    settings: dict[str, Any] = {
        "minEventBatchSize": "3",
        "maxEventBatchSize": "3",
        "maxWaitTime": "00:10:00",
        "batchCheckpointFrequency": "2",
        "initialOffsetOptions__type": "fromEnd",
    }
    lab.start(**{prefix + name: value for name, value in settings.items()})
    listening = ControlClient(lab.broker.control)
    wait_until(lambda: all(p["receivers"] for p in listening.call("GET", f"/_control/hubs/{lab.hub}")["partitions"]))

    lab.send({"0": ["e0"]})
    lab.send({"0": [f"e{number}" for number in range(1, 7)]})
    wait_until(lambda: lab.blobs.checkpoint("0"))

    assert [entry["bodies"] for entry in lab.control.record("done")] == [["e0", "e1", "e2"], ["e3", "e4", "e5"]]
    assert (lab.blobs.checkpoint("0") or {})["sequencenumber"] == "6"


def test_checkpoints_are_where_and_what_keda_reads(lab: HubLab) -> None:
    """3 of 32 partitions are used: the lag is what is waiting, and nothing once drained."""
    lab.hub = "big"
    used = {name: [f"{name}-{number}" for number in range(10)] for name in ("3", "17", "31")}
    lab.send(used)
    assert lab.blobs.lag(lab.broker, lab.hub) == 30

    host = lab.start()
    wait_until(lambda: all((lab.blobs.checkpoint(name) or {}).get("sequencenumber") == "9" for name in used))
    assert lab.blobs.lag(lab.broker, lab.hub) == 0
    host.process.stop()

    prefix = f"{lab.broker.namespace}/big/processor"
    names = lab.blobs.names()
    checkpoint = lab.blobs.checkpoint("17")
    assert {name for name in names if "/checkpoint/" in name} == {f"{prefix}/checkpoint/{name}" for name in used}
    assert {name for name in names if "/ownership/" in name} == {f"{prefix}/ownership/{name}" for name in range(32)}
    assert checkpoint is not None
    assert set(checkpoint) == {"offset", "sequencenumber", "clientidentifier"}
    assert all(name == name.lower() for name in names)


def test_the_host_waits_for_a_broker_that_comes_late_and_outlives_one_that_dies(
    lab: HubLab, tmp_path: Path, free_port: int
) -> None:
    command = python_module("local.eventhubs", "--port", str(free_port), "--control-port", "0")
    command += ["--hub", "late=2:processor", "--data", str(tmp_path / "log")]
    lab = replace(lab, hub="late", broker=replace(lab.broker, address=f"sb://127.0.0.1:{free_port}"))
    host = lab.start(ready=False, AzureFunctionsJobHost__extensions__eventHubs__clientRetryOptions__delay="00:00:00.1")
    wait_until(lambda: "the listener was unable to start" in host.process.log)

    broker = run(command)
    broker.ready()
    host.process.ready()
    lab.send({"0": ["a"], "1": ["b"]})
    wait_until(lambda: lab.control.done() == {"a": 1, "b": 1})
    broker.kill()
    wait_until(lambda: "reading failed" in host.process.log)
    again = run(command)
    again.ready()
    lab.send({"0": ["c"], "1": ["d"]})
    wait_until(lambda: set(lab.control.done()) == set("abcd"))
    again.kill()
