"""`python -m benchmarks.functions_host`: HTTP, events, latency and idle cost, beside their baselines."""

import argparse
import asyncio
import sys
import time
from contextlib import AbstractContextManager

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from .programs import APP, Program, broker, running, storage
from .soak import soak

HOST = ["local.functions_host", "--app", str(APP), "--port", "0"]
HTTP_ONLY = {"AzureFunctionsJobHost__functions__0": "constant"}
BASELINES = "benchmarks.functions_host.baselines"


class _Client(asyncio.Protocol):
    """Sends the next request as soon as an answer is there."""

    def __init__(self, port: int, path: str, end: float) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._end = end
        self._buffer = b""
        self.answers = 0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not (self._buffer.endswith((b"0\r\n\r\n", b"}"))):
            return
        self._buffer = b""
        self.answers += 1
        if time.perf_counter() < self._end:
            self._transport.write(self._request)
        else:
            self._transport.close()
            self.finished.set_result(None)


async def requests_per_s(program: Program, in_flight: int, seconds: float) -> float:
    """Answers per second of the constant handler."""
    port = int(program.address.rpartition(":")[2])
    loop = asyncio.get_running_loop()
    start = time.perf_counter()
    clients = []
    for _ in range(in_flight):
        _, client = await loop.create_connection(
            lambda: _Client(port, "/api/constant", start + seconds), "127.0.0.1", port
        )
        clients.append(client)
    await asyncio.gather(*(client.finished for client in clients))
    return sum(client.answers for client in clients) / (time.perf_counter() - start)


def _stamp() -> str:
    return f"{time.time():017.6f}"


async def fill(connection: str, hub: str, partitions: int, count: int) -> None:
    """Put events into a hub, 300 bytes each."""
    async with EventHubProducerClient.from_connection_string(connection, eventhub_name=hub) as producer:
        for number in range(0, count, 500):
            events = [EventData(_stamp() + "x" * 283) for _ in range(min(500, count - number))]
            await producer.send_batch([*events], partition_id=str(number // 500 % partitions))


async def trickle(connection: str, program: Program, count: int, pause_s: float) -> list[float]:
    """Send single events to the hub of 32 partitions, one after another; how late each came, in ms, sorted."""
    async with EventHubProducerClient.from_connection_string(connection, eventhub_name="wide") as producer:

        async def send(number: int) -> None:
            await producer.send_batch([EventData(_stamp())], partition_id=str(number % 2))
            await asyncio.sleep(pause_s)

        for number in range(10):  # opens the links
            await send(number)
        await asyncio.to_thread(program.get, "/api/stats")
        for number in range(count):
            await send(number)
        await asyncio.sleep(0.5)
    late: list[float] = (await asyncio.to_thread(program.get, "/api/stats"))["late_ms"]
    return late


async def measure_http(seconds: float) -> None:
    """Throughput of a constant handler."""
    print("HTTP, constant handler, requests/s (baseline: a bare aiohttp handler = 1)")
    with running([BASELINES, "http"]) as bare, running(HOST, **HTTP_ONLY) as host:
        for in_flight in (1, 16, 64):
            baseline = await requests_per_s(bare, in_flight, seconds)
            measured = await requests_per_s(host, in_flight, seconds)
            ratio = measured / baseline
            print(f"  {in_flight:3} in flight: host {measured:7.0f}, bare {baseline:7.0f}, ratio {ratio:.2f}")


async def _drained(program: Program, count: int) -> float:
    stats = {"count": 0, "span_s": 0.0}
    while stats["count"] < count:
        await asyncio.sleep(0.2)
        stats = await asyncio.to_thread(program.get, "/api/stats")
    return count / float(stats["span_s"])


async def measure_events(connection: str, start_host: AbstractContextManager[Program], count: int) -> None:
    """Throughput of the trigger with a backlog."""
    print(f"Event Hubs, backlog of {count} events in 4 partitions, events/s (baseline: the SDK's receive_batch = 1)")
    await fill(connection, "backlog", 4, count)
    with running([BASELINES, "consumer"], HUB_CONNECTION=connection, HUB_NAME="backlog") as plain:
        baseline = await _drained(plain, count)
    with start_host as host:
        measured = await _drained(host, count)
    print(f"  host {measured:.0f}, SDK {baseline:.0f}, ratio {measured / baseline:.2f}")


async def measure_waiting(name: str, program: Program, connection: str, idle_s: float) -> None:
    """Share of a core while idle, and how late single events come, in the hub of 32 partitions."""
    await asyncio.sleep(3.0)
    before = program.cpu_s
    await asyncio.sleep(idle_s)
    idle = (program.cpu_s - before) / idle_s
    late = await trickle(connection, program, 200, 0.05)
    quantiles = ", ".join(f"p{part} {late[len(late) * part // 100]:.1f} ms" for part in (50, 90, 99))
    print(f"  {name}: idle {idle:.1%} of a core; sender to function {quantiles}")


async def _run(arguments: argparse.Namespace) -> None:
    await measure_http(arguments.seconds)
    with storage() as account, broker("backlog=4:processor", "wide=32:processor") as connection:
        environ = {"AzureWebJobsStorage": account, "HUB_CONNECTION": connection}
        await measure_events(connection, running(HOST, HUB_NAME="backlog", **environ), arguments.events)
        print("Event Hubs, 32 partitions, one reader")
        with running(HOST, HUB_NAME="wide", **environ) as host:
            await measure_waiting("host", host, connection, arguments.seconds * 2)
        with running([BASELINES, "consumer"], HUB_CONNECTION=connection, HUB_NAME="wide") as plain:
            await measure_waiting("SDK receive_batch", plain, connection, arguments.seconds * 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.functions_host", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each HTTP measurement")
    parser.add_argument("--events", type=int, default=20000, help="events of the backlog")
    parser.add_argument(
        "--soak", type=float, metavar="S", help="instead: hosts come and go under load for so many seconds"
    )
    parser.add_argument("--rate", type=int, default=200, help="events per second of the soak")
    parser.add_argument("--step", type=float, default=10.0, help="seconds between two changes of the soak")
    arguments = parser.parse_args()
    if arguments.soak is not None:
        sys.exit(0 if asyncio.run(soak(arguments.soak, arguments.rate, arguments.step)) else 1)
    asyncio.run(_run(arguments))


if __name__ == "__main__":
    main()
