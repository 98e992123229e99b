"""What hub tests share: sending, the app's record, the blobs, and KEDA's arithmetic."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient, EventHubProducerClient
from azure.storage.blob import BlobServiceClient

from local.faults import ControlClient

from .conftest import PARTITIONS, Broker, Host, StartHost

CONTAINER = "azure-webjobs-eventhub"
GROUP = "processor"


def send(broker: Broker, hub: str, bodies: Mapping[str, Sequence[str]]) -> None:
    """Send bodies to partitions with the SDK's own producer."""

    async def send_all() -> None:
        async with EventHubProducerClient.from_connection_string(broker.connection, eventhub_name=hub) as producer:
            steps = [
                producer.send_batch([EventData(text) for text in texts], partition_id=partition_id)
                for partition_id, texts in bodies.items()
            ]
            await asyncio.gather(*steps)

    asyncio.run(send_all())


async def send_steadily(broker: Broker, hub: str, stop: asyncio.Event, pause_s: float) -> list[str]:
    """Send numbered events round robin until told to stop; the bodies that were acknowledged."""
    acknowledged: list[str] = []
    async with EventHubProducerClient.from_connection_string(broker.connection, eventhub_name=hub) as producer:
        number = 0
        while not stop.is_set():
            bodies = [f"e{number + step}" for step in range(5)]
            await producer.send_batch([EventData(body) for body in bodies], partition_id=str(number // 5 % PARTITIONS))
            acknowledged += bodies
            number += 5
            await asyncio.sleep(pause_s)
    return acknowledged


class Control:
    """The folder that steers the hub app and holds what it recorded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read_to = 0
        self._entries: list[dict[str, Any]] = []

    def switch(self, name: str, text: str | None) -> None:
        """Write a control file, or remove it with None."""
        file = self.folder / name
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(text)

    def record(self, *phases: str) -> list[dict[str, Any]]:
        """What the app recorded, of these phases (all when none is given)."""
        file = self.folder / "record.jsonl"
        if file.exists():
            with file.open("rb") as lines:
                lines.seek(self._read_to)
                new = lines.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read_to += len(whole)
            self._entries += [json.loads(line) for line in whole.splitlines()]
        return [entry for entry in self._entries if not phases or entry["phase"] in phases]

    def done(self) -> Counter[str]:
        """How often each body was handled to the end."""
        return Counter(body for entry in self.record("done") for body in entry["bodies"])


class Blobs:
    """The checkpoint container, read as KEDA reads it."""

    def __init__(self, storage: str, namespace: str, hub: str) -> None:
        self._service = BlobServiceClient.from_connection_string(storage)
        self._container = self._service.get_container_client(CONTAINER)
        self._prefix = f"{namespace}/{hub}/{GROUP}"

    def checkpoint(self, partition_id: str) -> dict[str, str] | None:
        """Metadata of a checkpoint blob."""
        try:
            blob = self._container.get_blob_client(f"{self._prefix}/checkpoint/{partition_id}").get_blob_properties()
        except ResourceNotFoundError:
            return None
        return dict(blob.metadata)

    def owners(self) -> dict[str, str]:
        """Owner of each partition; empty where it was given up."""
        prefix = f"{self._prefix}/ownership/"
        try:
            blobs = list(self._container.list_blobs(name_starts_with=prefix, include=["metadata"]))
        except ResourceNotFoundError:
            return {}
        return {blob.name.removeprefix(prefix): (blob.metadata or {}).get("ownerid", "") for blob in blobs}

    def names(self) -> set[str]:
        """Every blob of this hub."""
        return {blob.name for blob in self._container.list_blobs(name_starts_with=self._prefix + "/")}

    def shares(self) -> list[int]:
        """How many partitions each owner has, fewest first."""
        return sorted(Counter(owner for owner in self.owners().values() if owner).values())

    def lag(self, broker: Broker, hub: str) -> int:
        """The lag KEDA's blobMetadata strategy computes: last sequence number less the checkpoint's, summed.

        Partitions that the stand-in shows as never used are not asked for one by one; their lag is 0.
        """
        listed = ControlClient(broker.control).call("GET", f"/_control/hubs/{hub}")["partitions"]
        return sum(asyncio.run(self._lags(broker, hub, [facts["id"] for facts in listed if facts["sizeBytes"]])))

    async def _lags(self, broker: Broker, hub: str, names: Sequence[str]) -> list[int]:
        client = EventHubConsumerClient.from_connection_string(broker.connection, GROUP, eventhub_name=hub)
        async with client:
            facts = await asyncio.gather(*(client.get_partition_properties(name) for name in names))
        return [self._partition_lag(name, fact) for name, fact in zip(names, facts, strict=True)]

    def _partition_lag(self, partition_id: str, facts: Mapping[str, Any]) -> int:
        first, last = facts["beginning_sequence_number"], facts["last_enqueued_sequence_number"]
        checkpoint = self.checkpoint(partition_id)
        if facts["is_empty"]:
            return 0
        if checkpoint is not None:
            return int(last) - int(checkpoint["sequencenumber"])
        return 0 if first == last and first else int(last - first + 1)


@dataclass
class HubLab:
    """One hub with its checkpoints, and hosts on it that run the recording app."""

    broker: Broker
    hub: str
    storage: str
    control: Control
    start_host: StartHost

    @cached_property
    def blobs(self) -> Blobs:
        """The checkpoint container."""
        return Blobs(self.storage, self.broker.namespace, self.hub)

    @property
    def environ(self) -> dict[str, str]:
        """The app settings of a host on this hub."""
        return {
            "HUB_CONNECTION": self.broker.connection,
            "HUB_NAME": self.hub,
            "AzureWebJobsStorage": self.storage,
            "CONTROL": str(self.control.folder),
        }

    def start(self, ready: bool = True, **more: str) -> Host:
        """Start a host."""
        return self.start_host("hub", ready=ready, **self.environ, **more)

    def send(self, bodies: Mapping[str, Sequence[str]]) -> None:
        """Send bodies to partitions."""
        send(self.broker, self.hub, bodies)
