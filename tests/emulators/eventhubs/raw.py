"""A client that speaks AMQP frame by frame: for what no SDK would send, and for quick looks at what is stored."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from local.eventhubs import codec, sections
from local.eventhubs import performatives as amqp
from local.eventhubs.codec import Described, Symbol, Timestamp, Ubyte, Uint, Ulong

KEY_NAME, KEY = "RootManageSharedAccessKey", "SAS_KEY_VALUE"
SELECTOR = Symbol("apache.org:selector-filter:string")


def sas(resource: str, key_name: str = KEY_NAME, key: str = KEY, lifetime_s: float = 3600) -> str:
    """A shared access signature as the SDKs make it."""
    encoded = quote(resource, safe="")
    expiry = str(int(time.time() + lifetime_s))
    signature = base64.b64encode(hmac.digest(key.encode(), f"{encoded}\n{expiry}".encode(), hashlib.sha256))
    return f"SharedAccessSignature sr={encoded}&sig={quote(signature.decode(), safe='')}&se={expiry}&skn={key_name}"


def message(body: bytes = b"event", *prefix: Described) -> bytes:
    """A message of one data section, after any other sections."""
    return b"".join(codec.encode(section) for section in (*prefix, Described(Ulong(sections.DATA), body)))


def batch(bodies: Sequence[bytes], *prefix: Described) -> bytes:
    """A batch envelope of plain messages."""
    parts = [codec.encode(section) for section in prefix]
    parts += [codec.encode(Described(Ulong(sections.DATA), message(body))) for body in bodies]
    return b"".join(parts)


@dataclass(frozen=True)
class Frame:
    """A frame that came in; `code` is None for an empty one."""

    channel: int
    code: int | None
    fields: list[Any]
    payload: bytes = b""


def error_of(value: Any) -> tuple[str, str]:
    """Condition and description of an AMQP error."""
    assert isinstance(value, Described), value
    return str(value.value[0]), str(value.value[1])


class RawClient:
    """One connection; `open` it, then send frames and `expect` answers in any order."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._unread: list[Frame] = []
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._next_handle = 0
        self._next_delivery = 0

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**22)

    # Bytes and frames

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def send(self, code: int, *fields: Any, channel: int = 0, payload: bytes = b"", kind: int = 0) -> None:
        self.write(amqp.frame(channel, amqp.performative(code, *fields) + payload, kind))

    async def exactly(self, size: int) -> bytes:
        return await asyncio.wait_for(self._reader.readexactly(size), 10)

    async def until_closed(self) -> bytes:
        """Whatever still comes, to the end of the stream."""
        try:
            return await asyncio.wait_for(self._reader.read(-1), 10)
        except ConnectionResetError:
            return b""

    async def frame(self) -> Frame:
        """The next frame, whatever it is."""
        size = int.from_bytes(await self.exactly(4), "big")
        data = await self.exactly(size - 4)
        body_at = data[0] * 4 - 4
        channel = int.from_bytes(data[2:4], "big")
        if body_at == len(data):
            return Frame(channel, None, [])
        if data[1] == 1:  # sasl frames that only servers send
            value, _ = codec.decode(data, body_at, len(data))
            return Frame(channel, int(value.descriptor), value.value)
        found = amqp.read_performative(data, body_at, len(data))
        return Frame(channel, found.code, found.fields, data[found.payload_at :])

    async def expect(self, code: int | None) -> Frame:
        """The next frame of this code; others wait for their own `expect`."""
        for at, frame in enumerate(self._unread):
            if frame.code == code:
                return self._unread.pop(at)
        while True:
            frame = await self.frame()
            if frame.code == code:
                return frame
            self._unread.append(frame)

    async def none_of(self, code: int, within_s: float = 0.2) -> bool:
        """Whether no such frame comes for a while."""
        try:
            async with asyncio.timeout(within_s):
                await self.expect(code)
        except TimeoutError:
            return True
        return False

    # The usual steps

    async def open(self, *, idle_ms: int | None = None, product: str = "raw", max_frame: int = 65536) -> None:
        """Headers, SASL ANONYMOUS, open, and a session on channel 0."""
        await self.sasl("ANONYMOUS", b"")
        self.write(amqp.AMQP_HEADER)
        assert await self.exactly(8) == amqp.AMQP_HEADER
        idle = Uint(idle_ms) if idle_ms else None
        properties = {Symbol("product"): product}
        self.send(amqp.OPEN, "raw", "localhost", Uint(max_frame), None, idle, None, None, None, None, properties)
        await self.expect(amqp.OPEN)
        await self.begin()

    async def sasl(self, mechanism: str, response: bytes) -> int:
        """The SASL exchange; returns the outcome's code."""
        self.write(amqp.SASL_HEADER)
        assert await self.exactly(8) == amqp.SASL_HEADER
        await self.expect(amqp.SASL_MECHANISMS)
        self.send(amqp.SASL_INIT, Symbol(mechanism), response, kind=1)
        outcome = await self.expect(amqp.SASL_OUTCOME)
        return int(outcome.fields[0])

    async def begin(self, channel: int = 0, window: int = 65536) -> Frame:
        self.send(amqp.BEGIN, None, Uint(0), Uint(window), Uint(65536), Uint(255), channel=channel)
        return await self.expect(amqp.BEGIN)

    async def attach(
        self,
        address: str,
        *,
        receive: bool,
        source: list[Any] | None = None,
        settle: tuple[int | None, int | None] = (None, None),
        properties: dict[Any, Any] | None = None,
        channel: int = 0,
        name: str | None = None,
    ) -> tuple[int, Frame]:
        """Attach a link; returns its handle and the answer (whose terminus is null when it is refused)."""
        handle = self._next_handle
        self._next_handle += 1
        near, far = Described(Ulong(0x28), source or [address]), Described(Ulong(0x29), [address])
        if receive:
            far = Described(Ulong(0x29), ["reply"])
        snd, rcv = (None if mode is None else Ubyte(mode) for mode in settle)
        first_count = None if receive else Uint(0)
        self.send(
            amqp.ATTACH,
            name or f"link-{handle}",
            Uint(handle),
            receive,
            snd,
            rcv,
            near,
            far,
            None,
            None,
            first_count,
            None,
            None,
            None,
            properties,
            channel=channel,
        )
        return handle, await self.expect(amqp.ATTACH)

    def grant(self, handle: int, credit: int, *, delivered: int = 0, window: int = 65536, drain: bool = False) -> None:
        """Give credit to a receiving link."""
        self.send(
            amqp.FLOW,
            Uint(0),
            Uint(window),
            Uint(0),
            Uint(65536),
            Uint(handle),
            Uint(delivered),
            Uint(credit),
            None,
            drain,
        )

    def transfer(self, handle: int, payload: bytes, message_format: int = 0, *, settled: bool = False) -> int:
        """Send one delivery in as many frames as it takes; returns its id."""
        delivery = self._next_delivery
        self._next_delivery += 1
        pieces = [payload[at : at + 60000] for at in range(0, len(payload), 60000)] or [b""]
        for at, piece in enumerate(pieces):
            more = at + 1 < len(pieces)
            self.send(
                amqp.TRANSFER,
                Uint(handle),
                Uint(delivery),
                delivery.to_bytes(4, "big"),
                Uint(message_format),
                settled,
                more,
                payload=piece,
            )
        return delivery

    async def request(self, node: str, properties: dict[Any, Any], body: Any = None) -> dict[str, Any]:
        """One request to `$cbs` or `$management`; the reply's application properties, its body under `body`."""
        sender, _ = await self.attach(node, receive=False)
        reply_link, _ = await self.attach(node, receive=True)
        self.grant(reply_link, 10)
        fields = [f"id-{sender}", None, None, None, "reply"]
        parts = ((sections.PROPERTIES, fields), (sections.APPLICATION_PROPERTIES, properties), (sections.VALUE, body))
        self.transfer(sender, b"".join(codec.encode(Described(Ulong(code), value)) for code, value in parts))
        assert await self.outcome() == (True, "")
        reply = await self.expect(amqp.TRANSFER)
        found: dict[str, Any] = {}
        for code, _, value_at, end in sections.sections(reply.payload, 0, len(reply.payload)):
            value, _ = codec.decode(reply.payload, value_at, end)
            if code == sections.APPLICATION_PROPERTIES:
                found |= value
            elif code == sections.VALUE:
                found["body"] = value
        self.send(amqp.DETACH, Uint(sender), True)
        self.send(amqp.DETACH, Uint(reply_link), True)
        await self.expect(amqp.DETACH)
        await self.expect(amqp.DETACH)
        return found

    async def put_token(self, audience: str, token: str | None = None, kind: str | None = None) -> dict[str, Any]:
        """Put a token (a good one unless given) for an audience."""
        properties = {
            "operation": "put-token",
            "name": audience,
            "type": kind or "servicebus.windows.net:sastoken",
            "expiration": Timestamp(0),
        }
        return await self.request("$cbs", properties, token if token is not None else sas(audience))

    async def authorize(self, hub: str = "commands") -> None:
        """Put a good token for a hub."""
        reply = await self.put_token(f"sb://localhost/{hub}")
        assert reply["status-code"] == 202, reply

    async def sender(self, address: str = "commands/Partitions/0") -> int:
        """An attached sending link."""
        handle, _ = await self.attach(address, receive=False)
        await self.expect(amqp.FLOW)
        return handle

    async def receiver(
        self,
        partition: int = 0,
        *,
        hub: str = "commands",
        group: str = "$Default",
        start: str = "amqp.annotation.x-opt-offset > '-1'",
        **options: Any,
    ) -> tuple[int, Frame]:
        """Attach a reading link at a position."""
        address = f"{hub}/ConsumerGroups/{group}/Partitions/{partition}"
        filters = {SELECTOR: Described(SELECTOR, start)}
        source = [address, None, None, None, None, None, None, filters]
        return await self.attach(address, receive=True, source=source, **options)

    async def outcome(self) -> tuple[bool, str]:
        """The next disposition: whether it accepts, and else the condition."""
        frame = await self.expect(amqp.DISPOSITION)
        state = frame.fields[4]
        if state.descriptor == 0x24:
            return True, ""
        return False, error_of(state.value[0])[0]


@dataclass(frozen=True)
class Stored:
    """An event as a reader gets it."""

    sequence: int
    offset: str
    time_ms: int
    annotations: dict[str, Any]
    body: bytes


def stored(payload: bytes) -> Stored:
    """Read a delivered message."""
    annotations: dict[str, Any] = {}
    body = b""
    for code, _, value_at, end in sections.sections(payload, 0, len(payload)):
        value, _ = codec.decode(payload, value_at, end)
        if code == sections.MESSAGE_ANNOTATIONS:
            annotations = {str(key): item for key, item in value.items()}
        elif code == sections.DATA:
            body += value
    return Stored(
        int(annotations["x-opt-sequence-number"]),
        annotations["x-opt-offset"],
        int(annotations["x-opt-enqueued-time"]),
        annotations,
        body,
    )


async def look(
    port: int, partition: int = 0, start: str = "amqp.annotation.x-opt-offset > '-1'", hub: str = "commands"
) -> list[Stored]:
    """Every event of a partition, from a position on."""
    async with RawClient(port) as client:
        await client.open()
        await client.authorize(hub)
        handle, _ = await client.receiver(partition, hub=hub, start=start)
        client.grant(handle, 100_000, drain=True)
        events: list[Stored] = []
        payload = b""
        while True:
            frame = await client.frame()
            if frame.code == amqp.TRANSFER:
                payload += frame.payload
                if not frame.fields[5]:
                    events.append(stored(payload))
                    payload = b""
            elif frame.code == amqp.FLOW and frame.fields[8]:
                return events
