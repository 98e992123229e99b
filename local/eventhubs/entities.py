"""The namespace's hubs, partitions and consumer groups, and who reads what."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from local.eventhubs import log, reader
from local.eventhubs.address import Position
from local.eventhubs.commit import Committer
from local.eventhubs.errors import (
    ARGUMENT_ERROR,
    ARGUMENT_OUT_OF_RANGE,
    LINK_STOLEN,
    RESOURCE_LIMIT_EXCEEDED,
    AmqpError,
    SettingsError,
    entity_not_found,
)
from local.eventhubs.log import Done, LogLimits, PartitionLog
from local.eventhubs.partitioning import partition_of_key
from local.eventhubs.sections import Event, Plain
from local.eventhubs.segment import sync_folder

DEFAULT_GROUP = "$Default"
NON_EPOCH_READERS = 5
_DESCRIPTION = "hub.json"


class Receiver(Protocol):
    """A consumer link as a partition sees it."""

    @property
    def epoch(self) -> int | None:
        """The epoch it came with; None when it came without."""

    @property
    def name(self) -> str:
        """What to call it in messages."""

    def pump(self) -> None:
        """Deliver what can be delivered now."""

    def evict(self, problem: AmqpError) -> None:
        """Detach, telling the client why; must not touch the partition's list of receivers."""


class Clock:
    """The broker's clock in ms since 1970; tests and the control port can move it."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        """The time now."""
        return time.time_ns() // 1_000_000 + self.ahead_ms


class Partition:
    """A log and its readers."""

    def __init__(self, hub: str, number: int, events: PartitionLog, committer: Committer) -> None:
        self.hub = hub
        self.id = str(number)
        self.log = events
        self._committer = committer
        self._receivers: dict[str, list[Receiver]] = {}
        self._waiting: dict[Receiver, None] = {}
        events.on_commit = self._wake

    def append(self, events: Sequence[Event | Plain], done: Done) -> None:
        """Store events; `done` hears when they are on disk, or why they are not."""
        if self.log.closed:
            done(entity_not_found(self.hub))
            return
        self.log.append(events, done)
        self._committer.commit_soon(self.log)

    def start_of(self, position: Position) -> int:
        """The sequence number where a reader at this position begins.

        Raises:
            AmqpError: the position is beyond the end of the log.
        """
        events = self.log
        if position.sequence is not None:
            if position.sequence > events.last_sequence:
                raise _beyond("sequence number", position.sequence, events.last_sequence)
            return position.sequence + (0 if position.inclusive else 1)
        if position.offset is not None:
            last = events.last_offset
            if position.offset > last and position.offset >= 0 and not self._was_expired(position.offset):
                raise _beyond("offset", position.offset, last)
            return reader.first_after_offset(events, position.offset, inclusive=position.inclusive)
        if position.time_ms is not None:
            return reader.first_after_time(events, position.time_ms, inclusive=position.inclusive)
        return events.next_sequence - (1 if position.inclusive and not events.is_empty else 0)

    def _was_expired(self, offset: int) -> bool:
        return self.log.is_empty and offset < self.log.segments[0].first_offset

    def wait(self, receiver: Receiver) -> None:
        """Pump this receiver at the next commit."""
        self._waiting[receiver] = None

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for receiver in waiting:
            receiver.pump()

    def join(self, group: str, receiver: Receiver) -> None:
        """Let a receiver in; a higher or equal epoch turns the others out.

        Raises:
            AmqpError: the group has a reader of a higher epoch, or too many readers.
        """
        others = self._receivers.setdefault(group.lower(), [])
        epochs = [other.epoch for other in others if other.epoch is not None]
        epoch = receiver.epoch
        if epoch is None:
            if epochs:
                raise AmqpError(
                    LINK_STOLEN,
                    f"At least one receiver for the endpoint is created with epoch of '{max(epochs)}', and so "
                    "non-epoch receiver is not allowed. Either reconnect with a higher epoch, or make sure all epoch "
                    "receivers are closed or disconnected.",
                )
            if len(others) >= NON_EPOCH_READERS:
                raise AmqpError(
                    RESOURCE_LIMIT_EXCEEDED,
                    f"Exceeded the maximum number of allowed receivers per partition in a consumer group which is "
                    f"{NON_EPOCH_READERS}.",
                )
        elif epochs and epoch < max(epochs):
            raise AmqpError(
                LINK_STOLEN,
                f"Receiver '{receiver.name}' with a higher epoch of '{max(epochs)}' already exists. Receiver "
                f"'{receiver.name}' with epoch '{epoch}' cannot be created. Make sure you are creating receiver with "
                "increasing epoch value to ensure connectivity, or ensure all old epoch receivers are closed or "
                "disconnected.",
            )
        else:
            self._turn_out(others, receiver.name, str(epoch))
        others.append(receiver)

    def steal(self, group: str | None = None) -> int:
        """Turn every reader out as if one of a higher epoch had come; returns how many."""
        lists = [r for name, r in self._receivers.items() if group is None or name == group.lower()]
        count = sum(len(others) for others in lists)
        for others in lists:
            self._turn_out(others, "nil", "9223372036854775807")
        return count

    def _turn_out(self, others: list[Receiver], by: str, epoch: str) -> None:
        leaving = others[:]
        others.clear()
        for other in leaving:
            self._waiting.pop(other, None)
            other.evict(
                AmqpError(
                    LINK_STOLEN,
                    f"New receiver '{by}' with higher epoch of '{epoch}' is created hence current receiver "
                    f"'{other.name}' with epoch '{other.epoch if other.epoch is not None else -1}' is getting "
                    "disconnected. If you are recreating the receiver, make sure a higher epoch is used.",
                )
            )

    def leave(self, receiver: Receiver) -> None:
        """Forget a receiver; one that has been turned out already is no error."""
        self._waiting.pop(receiver, None)
        for others in self._receivers.values():
            if receiver in others:
                others.remove(receiver)

    @property
    def receivers(self) -> Mapping[str, Sequence[Receiver]]:
        """Who reads, by consumer group in lower case."""
        return self._receivers

    def turn_out_all(self, problem: AmqpError) -> None:
        """Detach every reader."""
        for others in self._receivers.values():
            leaving = others[:]
            others.clear()
            for other in leaving:
                other.evict(problem)
        self._waiting.clear()


def _beyond(what: str, given: int, last: int) -> AmqpError:
    return AmqpError(
        ARGUMENT_ERROR, f"The supplied {what} '{given}' is invalid. The last {what} in the system is '{last}'"
    )


@dataclass(frozen=True)
class HubSettings:
    """A hub that must exist."""

    name: str
    partition_count: int
    groups: tuple[str, ...] = ()


@dataclass
class Hub:
    """A hub as it is being served."""

    name: str
    created_at_ms: int
    groups: list[str]
    partitions: list[Partition]
    _next: int = field(default=0)

    def group(self, name: str) -> str:
        """The group's own spelling.

        Raises:
            AmqpError: the hub has no such group.
        """
        for group in self.groups:
            if group.lower() == name.lower():
                return group
        raise entity_not_found(f"{self.name}/consumergroups/{name}")

    def partition(self, number: str) -> Partition:
        """A partition by its id.

        Raises:
            AmqpError: the id is not one of this hub's.
        """
        if number.isascii() and number.isdigit() and len(number) < 5 and int(number) < len(self.partitions):
            return self.partitions[int(number)]
        raise AmqpError(
            ARGUMENT_OUT_OF_RANGE,
            f"The specified partition is invalid for an EventHub partition sender or receiver. It should be between "
            f"0 and {len(self.partitions) - 1}.\nParameter name: PartitionId\nActual value was {number}.",
        )

    def partition_for(self, key: str | None) -> Partition:
        """Where an event of this key goes; without one, the next in turn."""
        if key is not None:
            return self.partitions[partition_of_key(key, len(self.partitions))]
        self._next = (self._next + 1) % len(self.partitions)
        return self.partitions[self._next]


class Namespace:
    """All hubs under one data folder."""

    def __init__(
        self, folder: Path, hubs: Sequence[HubSettings], limits: LogLimits, committer: Committer, clock: Clock
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._committer = committer
        self._clock = clock
        self.before_write: Callable[[Partition], None] = lambda _: None
        self._hubs: dict[str, Hub] = {}
        for settings in hubs:
            self._hubs[settings.name.lower()] = self._open(settings)

    @property
    def hubs(self) -> Sequence[Hub]:
        """Every hub."""
        return list(self._hubs.values())

    def hub(self, name: str) -> Hub:
        """A hub by name, in any case.

        Raises:
            AmqpError: there is none.
        """
        hub = self._hubs.get(name.lower())
        if hub is None:
            raise entity_not_found(name)
        return hub

    def _open(self, settings: HubSettings) -> Hub:
        folder = self._folder / settings.name.lower()
        description = folder / _DESCRIPTION
        if description.exists():
            facts = json.loads(description.read_text())
            if facts["partitions"] != settings.partition_count:
                raise SettingsError(
                    f"hub {settings.name!r} has {facts['partitions']} partitions in {folder}, not "
                    f"{settings.partition_count}: ask for {facts['partitions']}, or delete that folder to begin anew"
                )
        else:
            facts = {"name": settings.name, "partitions": settings.partition_count, "created_at_ms": self._clock()}
            folder.mkdir(parents=True, exist_ok=True)
            unfinished = description.with_suffix(".new")
            with unfinished.open("w") as file:
                json.dump(facts, file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(description)
        groups = [DEFAULT_GROUP]
        groups += [name for name in settings.groups if name.lower() != DEFAULT_GROUP.lower()]
        partitions = [self._partition(settings.name, folder, number) for number in range(settings.partition_count)]
        for parent in (folder, self._folder):  # a partition's folder must not be lost with what is acknowledged in it
            sync_folder(parent)
        return Hub(facts["name"], facts["created_at_ms"], groups, partitions)

    def _partition(self, hub: str, folder: Path, number: int) -> Partition:
        events = PartitionLog(folder / f"partition-{number:04d}", self._limits, self._clock)
        partition = Partition(hub, number, events, self._committer)
        events.before_write = lambda: self.before_write(partition)
        return partition

    async def recreate(self, name: str) -> Hub:
        """Delete a hub with its events and make it anew: it counts from 0 again."""
        old = self.hub(name)
        for partition in old.partitions:
            partition.turn_out_all(entity_not_found(old.name))
        await self._committer.settle()
        for partition in old.partitions:
            partition.log.close()
        log.remove(self._folder / old.name.lower())
        new = self._open(HubSettings(old.name, len(old.partitions), tuple(old.groups)))
        self._hubs[name.lower()] = new
        return new

    def expire(self) -> int:
        """Apply retention everywhere; returns the number of segments dropped."""
        return sum(partition.log.expire() for hub in self.hubs for partition in hub.partitions)

    def close(self) -> None:
        """Close every log."""
        for hub in self.hubs:
            for partition in hub.partitions:
                partition.log.close()
