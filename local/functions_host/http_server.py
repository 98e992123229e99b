"""An HTTP/1.1 server that answers as Kestrel does: its limits, its refusals, its headers.

Written out because the differences matter to tests: which malformed targets are refused, 414 and 431, the 100 MB limit,
bodies that arrive chunked, answers without Content-Length.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

MAX_REQUEST_LINE = 8192
MAX_HEADER_BYTES = 32768
MAX_HEADERS = 100
MAX_BODY = 104_857_600
HEADERS_TIMEOUT_S = 30.0
KEEP_ALIVE_TIMEOUT_S = 130.0
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = (204, 205, 304)


@dataclass
class HttpRequest:
    """One request with its whole body; header names are in lower case, in the order they came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunked: bool = False
    keep_alive: bool = True
    version: int = 11

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class HttpResponse:
    """One answer; `host_made` ones have Content-Length, those of functions are chunked."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    host_made: bool = True


class Refused(Exception):
    """The request is refused before any handler sees it; the connection closes."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


type Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


def parse_head(head: bytes) -> tuple[HttpRequest, int | None]:
    """Request line and headers, and the announced body length (None: chunked).

    Raises:
        Refused: Kestrel would not accept them.
    """
    lines = head.split(b"\r\n")
    request = _request_line(lines[0])
    if len(lines) - 1 > MAX_HEADERS:
        raise Refused(431)
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or b"\0" in value or b"\n" in line or b"\r" in line:
            raise Refused(400)
        request.headers.append((name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")))
    return request, _framing(request)


def _request_line(line: bytes) -> HttpRequest:
    parts = line.split(b" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]) or not parts[1]:
        raise Refused(400)
    method, target, version = parts
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refused(505 if version.startswith(b"HTTP/") else 400)
    if any(byte <= 0x20 or byte >= 0x7F for byte in target) or b"%00" in target.partition(b"?")[0]:
        raise Refused(400)
    if target[:1] != b"/" and target != b"*" and b"://" not in target:
        raise Refused(400)
    return HttpRequest(method.decode("ascii"), target.decode("ascii"), [], version=10 if version[-1:] == b"0" else 11)


def _framing(request: HttpRequest) -> int | None:
    hosts = [value for name, value in request.headers if name == "host"]
    if len(hosts) > 1 or (request.version == 11 and not hosts):
        raise Refused(400)
    connection = (request.header("connection") or "").lower()
    request.keep_alive = "keep-alive" in connection if request.version == 10 else "close" not in connection
    encoding = request.header("transfer-encoding")
    lengths = {value for name, value in request.headers if name == "content-length"}
    if encoding is not None:
        if encoding.lower() != "chunked":
            raise Refused(501 if request.version == 11 else 400)
        request.chunked = True
        return None
    if not lengths:
        return 0
    text = lengths.pop()
    if lengths or not re.fullmatch(r"[0-9]{1,19}", text):
        raise Refused(400)
    if int(text) > MAX_BODY:
        raise Refused(500)  # seen on the real host, which turns Kestrel's 413 into this
    return int(text)


class ChunkedBody:
    """Takes a chunked body apart, however its bytes are cut."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def take(self, buffer: bytearray) -> bytes | None:
        """Consume whole chunks from `buffer`; the body once its last chunk has come.

        Raises:
            Refused: the framing is broken, or the body is too large.
        """
        while True:
            end = buffer.find(b"\r\n")
            if end < 0:
                if len(buffer) > 1024:
                    raise Refused(400)
                return None
            size_text = bytes(buffer[:end]).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size_text):
                raise Refused(400)
            size = int(size_text, 16)
            if self._size + size > MAX_BODY:
                raise Refused(500)
            if size == 0:
                return self._trailer(buffer, end)
            if len(buffer) < end + 2 + size + 2:
                return None
            if buffer[end + 2 + size : end + 4 + size] != b"\r\n":
                raise Refused(400)
            self._parts.append(bytes(buffer[end + 2 : end + 2 + size]))
            self._size += size
            del buffer[: end + 4 + size]

    def _trailer(self, buffer: bytearray, end: int) -> bytes | None:
        if buffer[end + 2 : end + 4] == b"\r\n":
            del buffer[: end + 4]
        else:
            finish = buffer.find(b"\r\n\r\n", end)
            if finish < 0:
                if len(buffer) > MAX_HEADER_BYTES:
                    raise Refused(431)
                return None
            del buffer[: finish + 4]
        return b"".join(self._parts)


_date_cache: tuple[int, str] = (0, "")


def _date(loop: asyncio.AbstractEventLoop) -> str:
    global _date_cache  # noqa: PLW0603 - one text per second, shared by all connections
    second = int(loop.time())
    if _date_cache[0] != second:
        _date_cache = (second, formatdate(usegmt=True))
    return _date_cache[1]


def encode_response(response: HttpResponse, method: str, version: int, close: bool, date: str) -> bytes:
    """Status line, headers and body as they go to the peer."""
    reason = _REASONS.get(response.status, "")
    lines = [f"HTTP/1.1 {response.status} {reason}", f"Date: {date}", "Server: Kestrel"]
    body = b"" if response.status in _BODILESS or method == "HEAD" else response.body
    length: int | None = len(response.body) if response.host_made and response.status not in _BODILESS else None
    for name, value in response.headers:
        lowered = name.lower()
        if lowered == "content-length":
            length = _stated_length(value, response, method)
        elif lowered not in ("transfer-encoding", "connection", "date", "server", "keep-alive"):
            lines.append(f"{name}: {value}")
    if close:
        lines.append("Connection: close")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    elif method != "HEAD" and response.status not in _BODILESS and version == 11:
        lines.append("Transfer-Encoding: chunked")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + body


def _stated_length(value: str, response: HttpResponse, method: str) -> int | None:
    """A Content-Length the function set, where it is true (or the answer is to HEAD); else the answer is chunked."""
    if not value.isdecimal() or response.status in _BODILESS:
        return None
    return int(value) if method == "HEAD" or int(value) == len(response.body) else None


class KestrelProtocol(asyncio.Protocol):
    """One connection: requests one after another, pipelined ones wait."""

    def __init__(self, server: "HttpServer") -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._request: HttpRequest | None = None
        self._length = 0
        self._chunks: ChunkedBody | None = None
        self._busy = False
        self._last_activity = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport and start watching for silence."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_server promises, for the type checker
        self._transport = transport
        self._server.connections.add(self)
        self._timer = self._loop.call_later(HEADERS_TIMEOUT_S, self._watch)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; a function that runs for it goes on, as on the real host."""
        self._transport = None
        self._server.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Gather bytes until a request is whole."""
        self._buffer += data
        self._last_activity = self._loop.time()
        if not self._busy:
            self._advance()
        elif len(self._buffer) > 2 * MAX_HEADER_BYTES and self._transport is not None:
            self._transport.pause_reading()  # the peer pipelines faster than we answer

    def eof_received(self) -> bool:
        """A half-closed peer still gets the answer to what it asked."""
        return self._busy

    def close_when_idle(self) -> None:
        """Close at once, or right after the answer that is being made."""
        if not self._busy and self._transport is not None:
            self._transport.close()

    def _watch(self) -> None:
        limit = HEADERS_TIMEOUT_S if self._buffer or self._request else KEEP_ALIVE_TIMEOUT_S
        silent = self._loop.time() - self._last_activity
        if not self._busy and silent >= limit and self._transport is not None:
            self._transport.close()
            return
        self._timer = self._loop.call_later(HEADERS_TIMEOUT_S, self._watch)

    def _advance(self) -> None:
        try:
            request = self._next_request()
        except Refused as refusal:
            self._answer(None, HttpResponse(refusal.status), close=True)
            return
        if request is not None:
            self._busy = True
            task = self._loop.create_task(self._serve(request))
            self._server.tasks.add(task)
            task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._server.tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # a fault of this host; the peer must not wait for ever
            self._loop.call_exception_handler({"message": "a request was not served", "exception": error})
            self._answer(None, HttpResponse(500), close=True)

    def _next_request(self) -> HttpRequest | None:
        if self._request is None and not self._take_head():
            return None
        request = self._request
        if request is None:
            return None
        if self._chunks is not None:
            body = self._chunks.take(self._buffer)
            if body is None:
                return None
            request.body = body
        else:
            if len(self._buffer) < self._length:
                return None
            if self._length:
                request.body = bytes(self._buffer[: self._length])
                del self._buffer[: self._length]
        self._request = self._chunks = None
        return request

    def _take_head(self) -> bool:
        while self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
        end = self._buffer.find(b"\r\n\r\n")
        line_end = self._buffer.find(b"\r\n")
        if (line_end < 0 and len(self._buffer) > MAX_REQUEST_LINE) or line_end > MAX_REQUEST_LINE:
            raise Refused(414)
        if (end < 0 and len(self._buffer) - line_end > MAX_HEADER_BYTES) or end - line_end > MAX_HEADER_BYTES:
            raise Refused(431)
        if end < 0:
            return False
        request, length = parse_head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._request = request
        self._length = length or 0
        self._chunks = ChunkedBody() if length is None else None
        expects = (request.header("expect") or "").lower() == "100-continue"
        if expects and (length is None or length > len(self._buffer)) and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    async def _serve(self, request: HttpRequest) -> None:
        response = await self._server.handler(request)
        close = not request.keep_alive or self._server.closing
        self._answer(request, response, close)

    def _answer(self, request: HttpRequest | None, response: HttpResponse, close: bool) -> None:
        self._busy = False
        self._last_activity = self._loop.time()
        if self._transport is None:
            return
        method = request.method if request else "GET"
        version = request.version if request else 11
        self._transport.write(encode_response(response, method, version, close, _date(self._loop)))
        if close:
            self._transport.close()
            return
        self._transport.resume_reading()
        if self._buffer:
            self._advance()


class HttpServer:
    """Listens on 127.0.0.1 and hands whole requests to one handler, which must not raise."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.closing = False
        self.connections: set[KestrelProtocol] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen; returns the port, chosen by the system for port 0.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: KestrelProtocol(self), "127.0.0.1", port, backlog=512)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop listening at once; requests in flight are still answered."""
        self.closing = True
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self.connections):
            connection.close_when_idle()

    async def wait_for_requests(self, timeout_s: float) -> int:
        """Wait until every request is answered; the number of those that were not in time."""
        if self.tasks:
            await asyncio.wait(set(self.tasks), timeout=timeout_s)
        return len(self.tasks)
