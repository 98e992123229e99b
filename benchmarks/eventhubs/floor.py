"""The least a single durable event can cost in Python: read 400 bytes, write and sync them, answer with 33.

`python -m benchmarks.eventhubs.floor DIR` serves that and prints its port; the benchmark drives it in the same run, so
that what asyncio, sockets and the disk's sync take is not mistaken for the broker's work.
"""

import asyncio
import os
import socket
import sys
import tempfile


class _Floor(asyncio.Protocol):
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_soon(self._store, data)

    def _store(self, data: bytes) -> None:
        os.write(self._fd, data)
        os.fdatasync(self._fd)
        self._transport.write(bytes(33))


def drive(port: int, seconds: float) -> int:
    """Send one event after another, each after the answer to the one before; returns how many."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(seconds * 4)
        loop = asyncio.new_event_loop()
        until, sent = loop.time() + seconds, 0
        while loop.time() < until:
            connection.sendall(bytes(400))
            connection.recv(64)
            sent += 1
        loop.close()
        return sent


async def _serve(folder: str) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        server = await asyncio.get_running_loop().create_server(lambda: _Floor(file.fileno()), "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
