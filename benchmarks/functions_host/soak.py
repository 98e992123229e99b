"""Hosts join, leave in good order and are killed, again and again, while events arrive: what is lost or repeated."""

import asyncio
import contextlib
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from .programs import APP, Program, broker, running, storage

PARTITIONS = 8
EXPIRATION_S = 8
SECTION = "AzureFunctionsJobHost__extensions__eventHubs__"


async def _send(connection: str, rate: int, end: float) -> Counter[str]:
    """Send events round robin; how many each partition has acknowledged."""
    acknowledged: Counter[str] = Counter()
    number = 0
    async with EventHubProducerClient.from_connection_string(connection, eventhub_name="soak") as producer:
        started = time.monotonic()
        while time.monotonic() < end:
            partition = str(number % PARTITIONS)
            await producer.send_batch([EventData(f"{time.time():017.6f}") for _ in range(10)], partition_id=partition)
            acknowledged[partition] += 10
            number += 1
            await asyncio.sleep(max(0.0, started + number * 10 / rate - time.monotonic()))
    return acknowledged


async def _change_hosts(environ: dict[str, str], step_s: float, end: float) -> tuple[contextlib.ExitStack, str]:
    """Keep two or three hosts running, each change another kind; the hosts that are left, and what was done."""
    hosts: list[tuple[Program, contextlib.ExitStack]] = []
    done: Counter[str] = Counter()

    def join() -> None:
        stack = contextlib.ExitStack()
        hosts.append(
            (stack.enter_context(running(["local.functions_host", "--app", str(APP), "--port", "0"], **environ)), stack)
        )
        done["joined"] += 1

    await asyncio.to_thread(join)
    await asyncio.to_thread(join)
    turn = 0
    while time.monotonic() < end:
        await asyncio.to_thread(join)
        await asyncio.sleep(step_s)
        program, stack = hosts.pop(0)
        if turn % 3 == 2:
            program.send(signal.SIGSTOP)  # longer than its ownership lasts: it wakes up as a zombie
            await asyncio.sleep(EXPIRATION_S + 2)
            program.send(signal.SIGCONT)
            await asyncio.sleep(1)
            done["frozen and killed"] += 1
        elif turn % 3:
            program.send(signal.SIGINT)
            await asyncio.to_thread(program.wait)
            done["stopped"] += 1
        else:
            done["killed"] += 1
        stack.close()  # kills what still runs
        turn += 1
    rest = contextlib.ExitStack()
    for _, stack in hosts:
        rest.push(stack)
    return rest, ", ".join(f"{count} {name}" for name, count in done.items())


def _delivered(record: Path) -> list[tuple[str, int]]:
    lines = record.read_text().splitlines() if record.exists() else []
    return [(partition, int(sequence)) for _, partition, sequence in (line.split() for line in lines)]


async def soak(seconds: float, rate: int, step_s: float) -> bool:
    """Run and print; True when nothing was lost."""
    with contextlib.ExitStack() as stack:
        account = stack.enter_context(storage())
        connection = stack.enter_context(broker(f"soak={PARTITIONS}:processor"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        record = Path(folder) / "record"
        environ = {
            "AzureWebJobsStorage": account,
            "HUB_CONNECTION": connection,
            "HUB_NAME": "soak",
            "RECORD": str(record),
            SECTION + "loadBalancingUpdateInterval": "00:00:02",
            SECTION + "partitionOwnershipExpirationInterval": f"00:00:{EXPIRATION_S:02}",
        }
        end = time.monotonic() + seconds
        sending = asyncio.create_task(_send(connection, rate, end))
        rest, changes = await _change_hosts(environ, step_s, end)
        acknowledged = await sending
        expected = {(partition, number) for partition, count in acknowledged.items() for number in range(count)}
        with rest:
            missing = expected
            for _ in range(120):
                missing = expected - set(_delivered(record))
                if not missing:
                    break
                await asyncio.sleep(0.5)
        delivered = Counter(_delivered(record))
    total = sum(delivered.values())
    print(f"soak of {seconds:.0f} s: {changes}")
    print(f"  acknowledged {len(expected)}, delivered {total}, repeated {total - len(delivered)}, lost {len(missing)}")
    return not missing
