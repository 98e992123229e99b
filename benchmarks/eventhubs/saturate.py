"""A sender that speaks AMQP directly and keeps many transfers in flight: shows what the broker can do at most."""

import asyncio
import time

from local.eventhubs import codec
from local.eventhubs import performatives as amqp
from local.eventhubs.codec import Described, Symbol, Ubyte, Uint, Ulong
from local.eventhubs.sections import BATCH_FORMAT
from local.eventhubs.settings import DEFAULT_KEYS


class Saturator(asyncio.Protocol):
    """One connection with one sending link; `transfer` frames are prepared, only their ids change."""

    def __init__(self, hub: str, payload: bytes, message_format: int, in_flight: int) -> None:
        self._hub = hub
        self._payload = payload
        self._format = message_format
        self._in_flight = in_flight
        self._until = float("inf")
        self._sent = 0
        self.acknowledged = 0
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        name, key = next(iter(DEFAULT_KEYS.items()))
        target = Described(Ulong(0x29), [f"{self._hub}/Partitions/0"])
        modes = (Ubyte(0), Ubyte(1))
        transport.write(
            amqp.SASL_HEADER
            + amqp.frame(0, amqp.performative(amqp.SASL_INIT, Symbol("PLAIN"), f"\0{name}\0{key}".encode()), 1)
            + amqp.AMQP_HEADER
            + amqp.frame(0, amqp.performative(amqp.OPEN, "saturator", None, Uint(65536)))
            + amqp.frame(0, amqp.performative(amqp.BEGIN, None, Uint(0), Uint(2**31), Uint(2**31)))
            + amqp.frame(
                0,
                amqp.performative(
                    amqp.ATTACH, "s", Uint(0), False, *modes, Described(Ulong(0x28), ["s"]), target, None, None, Uint(0)
                ),
            )
        )

    def start(self, seconds: float) -> None:
        """Send for so long."""
        self._until = time.perf_counter() + seconds
        self._send(self._in_flight)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data
        at = 0
        while len(data) - at >= 8:
            if data[at : at + 4] == b"AMQP":
                at += 8
                continue
            size = int.from_bytes(data[at : at + 4], "big")
            if len(data) - at < size:
                break
            if data[at + 5] == 0 and data[at + 10] == amqp.DISPOSITION:
                self.acknowledged += 1
            elif data[at + 5] == 0 and data[at + 10] == amqp.FLOW:
                self.ready.set()
            at += size
        self._buffer = data[at:]
        if self._until == float("inf"):
            return
        if time.perf_counter() < self._until:
            self._send(self._in_flight - (self._sent - self.acknowledged))
        elif self.acknowledged == self._sent:
            self.done.set()

    def _send(self, count: int) -> None:
        frames = []
        for _ in range(count):
            tag = self._sent.to_bytes(4, "big")
            head = amqp.performative(amqp.TRANSFER, Uint(0), Uint(self._sent), tag, Uint(self._format), False, False)
            frames.append(amqp.frame(0, head + self._payload))
            self._sent += 1
        self._transport.write(b"".join(frames))


async def open_saturator(port: int, hub: str, batch: int, body: bytes, in_flight: int) -> Saturator:
    """Connect, and return when the link may send."""
    event = codec.encode(Described(Ulong(0x75), body))
    payload = codec.encode(Described(Ulong(0x75), event)) * batch if batch > 1 else event
    message_format = BATCH_FORMAT if batch > 1 else 0
    _, saturator = await asyncio.get_running_loop().create_connection(
        lambda: Saturator(hub, payload, message_format, in_flight), "127.0.0.1", port
    )
    await asyncio.wait_for(saturator.ready.wait(), 10)
    return saturator
