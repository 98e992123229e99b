"""One client connection: protocol headers, SASL, open, frames, heartbeats, close."""

import asyncio
import logging
import socket
import struct
import time
from enum import Enum, auto
from typing import Any

from local.eventhubs import performatives as amqp
from local.eventhubs.auth import Grant
from local.eventhubs.broker import Broker
from local.eventhubs.codec import Symbol, Uint, Ushort
from local.eventhubs.errors import (
    CONNECTION_FORCED,
    NOT_ALLOWED,
    AmqpError,
    DecodeError,
    FramingError,
    unauthorized,
)
from local.eventhubs.sasl import Refused, Sasl
from local.eventhubs.session import Session

MAX_FRAME_BYTES = 65536
CHANNEL_MAX = 4999
_SMALLEST_FRAME = 512
_PAUSE_ABOVE_BYTES = 8 * 1024 * 1024  # of events that are not on disk yet: stop reading from this client
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)

_log = logging.getLogger(__name__)


class _State(Enum):
    SASL_HEADER = auto()
    SASL = auto()
    AMQP_HEADER = auto()
    OPENING = auto()
    OPEN = auto()
    CLOSED = auto()


class Connection(asyncio.Protocol):
    """The server's end of one AMQP connection."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.loop = asyncio.get_running_loop()
        self.number = next(broker.numbers)
        self.container_id = ""
        self.product = ""
        self.max_frame_bytes = _SMALLEST_FRAME
        self.write_is_paused = False
        self.grants: dict[str, Grant] = {}
        self.sessions: dict[int, Session] = {}
        self._state = _State.SASL_HEADER
        self._transport: asyncio.Transport | None = None
        self._socket: Any = None
        self._buffer = b""
        self._out: list[bytes] = []
        self._flush_is_due = False
        self._reading = False
        self._wrote = False
        self._last_read_s = self.loop.time()
        self._uncommitted_bytes = 0
        self._read_is_paused = False
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # Transport --------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or reset the connection at once when a fault says so."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server hands over
        self._transport = transport
        self._socket = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # finds out peers that are gone
        self.broker.connections.add(self)
        if self.broker.faults.take(("refuse-connections",)):
            self.reset()
            return
        self._after("handshake", self.broker.settings.handshake_s, self._give_up_handshake)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything about this client."""
        self._state = _State.CLOSED
        self.broker.connections.discard(self)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._out.clear()
        sessions, self.sessions = self.sessions, {}
        for session in sessions.values():
            session.forget()

    def pause_writing(self) -> None:
        """The client does not take what it asked for: stop delivering."""
        self.write_is_paused = True

    def resume_writing(self) -> None:
        """Go on delivering."""
        self.write_is_paused = False
        for session in list(self.sessions.values()):
            session.pump()

    def data_received(self, data: bytes) -> None:
        """Handle every whole frame; answers leave together."""
        self._last_read_s = self.loop.time()
        if _QUICKACK is not None:  # else a client with Nagle's algorithm waits 40 ms for a delayed ACK
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        if self._buffer:
            data = self._buffer + data
        self._reading = True
        try:
            self._buffer = data[self._consume(data) :]
        except AmqpError as problem:
            self.close(problem)
        finally:
            self._reading = False
            self.flush()

    def write(self, *frames: bytes) -> None:
        """Queue frames; they leave at the end of this turn of the loop."""
        self._out.extend(frames)
        if not self._reading and not self._flush_is_due:
            self._flush_is_due = True
            self.broker.flush_soon(self)

    def flush(self) -> None:
        """Send what is queued."""
        self._flush_is_due = False
        if self._out and self._transport is not None:
            self._transport.write(b"".join(self._out))
            self._out.clear()
            self._wrote = True

    def reset(self) -> None:
        """Cut the connection hard, as a failing network does; nothing queued is sent."""
        if self._state is _State.CLOSED:
            return
        self._state = _State.CLOSED
        self._out.clear()
        if self._transport is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()

    def close(self, problem: AmqpError | None = None) -> None:
        """End the connection, telling the client why if it has come far enough to understand."""
        if self._state is _State.CLOSED or self._transport is None:
            return
        if problem is not None:
            _log.info("connection %d (%s): %s", self.number, self.container_id, problem)
        if self._state is _State.OPENING:
            self._send_open()
        if self._state in {_State.OPENING, _State.OPEN}:
            self.write(amqp.frame(0, amqp.performative(amqp.CLOSE, amqp.error_of(problem) if problem else None)))
        self.flush()
        self._state = _State.CLOSED
        self._transport.close()

    # Backpressure -----------------------------------------------------------------------------------------------

    def holds(self, size: int) -> None:
        """Count bytes of events that wait for the disk; negative when they need not wait any more."""
        self._uncommitted_bytes += size
        too_many = self._uncommitted_bytes > _PAUSE_ABOVE_BYTES
        if too_many is self._read_is_paused:
            return
        if self._transport is None or self._transport.is_closing():
            return
        self._read_is_paused = too_many
        if too_many:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # Frames -----------------------------------------------------------------------------------------------------

    def _consume(self, data: bytes) -> int:
        pos, size = 0, len(data)
        while self._state is not _State.CLOSED and size - pos >= 8:
            if self._state in {_State.SASL_HEADER, _State.AMQP_HEADER}:
                self._take_header(data[pos : pos + 8])
                pos += 8
                continue
            frame_size = int.from_bytes(data[pos : pos + 4], "big")
            body_at = pos + 4 * data[pos + 4]
            end = pos + frame_size
            if not 8 <= frame_size <= MAX_FRAME_BYTES or not pos + 8 <= body_at <= end:
                raise FramingError(f"a frame of {frame_size} bytes (data at {4 * data[pos + 4]}) is not allowed")
            if end > size:
                break
            self._take_frame(data, pos, body_at, end)
            pos = end
        return size if self._state is _State.CLOSED else pos

    def _take_header(self, header: bytes) -> None:
        if self._state is _State.SASL_HEADER and header == amqp.SASL_HEADER:
            self._state = _State.SASL
            self.write(amqp.SASL_HEADER, Sasl.offer())
        elif self._state is _State.AMQP_HEADER and header == amqp.AMQP_HEADER:
            self._state = _State.OPENING
            self.write(amqp.AMQP_HEADER)
        else:  # the answer to any other header is the one that would have been right, and the end
            self.write(amqp.SASL_HEADER if self._state is _State.SASL_HEADER else amqp.AMQP_HEADER)
            self.close()

    def _take_frame(self, data: bytes, pos: int, body_at: int, end: int) -> None:
        frame_type = data[pos + 5]
        if frame_type != (amqp.SASL_FRAME if self._state is _State.SASL else amqp.AMQP_FRAME):
            raise FramingError(f"a frame of type {frame_type} is not allowed now")
        if body_at == end:
            return  # a heartbeat
        channel = (data[pos + 6] << 8) | data[pos + 7]
        performative = amqp.read_performative(data, body_at, end)
        if self._state is _State.SASL:
            self._take_sasl(performative)
        elif performative.code == amqp.OPEN:
            self._take_open(performative.fields)
        elif self._state is not _State.OPEN:
            raise AmqpError(NOT_ALLOWED, "The first performative of a connection is open.")
        elif performative.code == amqp.CLOSE:
            self.close()
        elif performative.code == amqp.BEGIN:
            self._take_begin(channel, performative.fields)
        else:
            session = self.sessions.get(channel)
            if session is not None:
                session.take(performative.code, performative.fields, data[performative.payload_at : end])
            elif performative.code not in {amqp.DISPOSITION, amqp.END, amqp.DETACH, amqp.FLOW}:
                # those may cross our own end; anything else on a channel without session is a mistake
                raise AmqpError(NOT_ALLOWED, f"No session has begun on channel {channel}.")

    def _take_sasl(self, performative: amqp.Performative) -> None:
        if performative.code != amqp.SASL_INIT:
            raise DecodeError("sasl-init was expected")
        try:
            grant = Sasl.accept(performative.fields, self.broker.verifier)
        except Refused:
            self.write(Sasl.outcome(ok=False))
            self.close()
            return
        if grant is not None:
            self.grants[grant.path] = grant
        self.write(Sasl.outcome(ok=True))
        self._state = _State.AMQP_HEADER

    # Open and what keeps it open --------------------------------------------------------------------------------

    def _take_open(self, fields: list[Any]) -> None:
        if self._state is not _State.OPENING:
            raise AmqpError(NOT_ALLOWED, "The connection is open already.")
        container_id, max_frame, idle_ms, properties = fields[0], fields[2], fields[4], fields[9]
        if not isinstance(container_id, str):
            raise DecodeError("open has no container-id")
        self.container_id = container_id
        if isinstance(properties, dict):
            self.product = str(properties.get("product", ""))
        self.max_frame_bytes = min(int(max_frame), MAX_FRAME_BYTES) if isinstance(max_frame, Uint) else MAX_FRAME_BYTES
        if self.max_frame_bytes < _SMALLEST_FRAME:
            self.max_frame_bytes = _SMALLEST_FRAME
            raise AmqpError(NOT_ALLOWED, f"max-frame-size must be {_SMALLEST_FRAME} or more.")
        self._send_open()
        self._state = _State.OPEN
        self._cancel("handshake")
        if isinstance(idle_ms, Uint) and idle_ms > 0:
            self._beat_every(max(0.05, idle_ms / 2000))
        if self.broker.settings.idle_timeout_s:
            self._after("idle", self.broker.settings.idle_timeout_s, self._check_idle)

    def _send_open(self) -> None:
        idle_s = self.broker.settings.idle_timeout_s
        self.write(
            amqp.frame(
                0,
                amqp.performative(
                    amqp.OPEN,
                    f"eventhubs-stand-in-{self.number}",
                    None,
                    Uint(MAX_FRAME_BYTES),
                    Ushort(CHANNEL_MAX),
                    Uint(int(idle_s * 1000)) if idle_s else None,
                    None,
                    None,
                    None,
                    None,
                    {Symbol("product"): "eventhubs-stand-in", Symbol("platform"): "python"},
                ),
            )
        )

    def _give_up_handshake(self) -> None:
        self.close(AmqpError(CONNECTION_FORCED, "The connection was not opened in time."))

    def _beat_every(self, interval_s: float) -> None:
        if not self._wrote:
            self.write(amqp.EMPTY_FRAME)
        self._wrote = False
        self._after("heartbeat", interval_s, lambda: self._beat_every(interval_s))

    def _check_idle(self) -> None:
        allowed_s = self.broker.settings.idle_timeout_s or 0.0
        left_s = self._last_read_s + allowed_s - self.loop.time()
        if left_s > 0:
            self._after("idle", left_s, self._check_idle)
            return
        self.close(
            AmqpError(
                CONNECTION_FORCED,
                f"The connection was inactive for more than the allowed {int(allowed_s * 1000)} milliseconds and is "
                "closed by container.",
            )
        )

    def _after(self, name: str, delay_s: float, action: Any) -> None:
        self._cancel(name)
        self._timers[name] = self.loop.call_later(delay_s, action)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    # Sessions and rights ----------------------------------------------------------------------------------------

    def _take_begin(self, channel: int, fields: list[Any]) -> None:
        if channel > CHANNEL_MAX or channel in self.sessions:
            raise AmqpError(NOT_ALLOWED, f"No session may begin on channel {channel}.")
        self.sessions[channel] = Session(self, channel, fields)

    def session_ended(self, channel: int) -> None:
        """A session is over, by whoever's wish."""
        session = self.sessions.pop(channel, None)
        if session is not None:
            session.forget()

    def grant(self, grant: Grant) -> None:
        """Remember what a token opens, until it expires."""
        self.grants[grant.path.lower()] = grant
        self._watch_expiry()

    def require(self, entity_path: str) -> None:
        """Refuse access to an entity that no live token opens.

        Raises:
            AmqpError: amqp:unauthorized-access.
        """
        now_s = time.time()
        if not any(grant.expires_at_s > now_s and grant.covers(entity_path) for grant in self.grants.values()):
            raise unauthorized(f"No valid token has been put for '{entity_path}'.")

    def _watch_expiry(self) -> None:
        next_s = min((grant.expires_at_s for grant in self.grants.values()), default=float("inf"))
        if next_s < float("inf"):
            self._after("expiry", min(3600.0, max(0.0, next_s - time.time()) + 0.5), self._drop_expired)

    def _drop_expired(self) -> None:
        now_s = time.time()
        self.grants = {path: grant for path, grant in self.grants.items() if grant.expires_at_s > now_s}
        for session in list(self.sessions.values()):
            session.detach_unauthorized()
        self._watch_expiry()
