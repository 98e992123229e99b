"""What goes wrong while a rehearsal drains its backlog."""

import asyncio
import itertools
import json
import os
import sys
import time
from typing import Any

import aiohttp
from azure.storage.blob.aio import BlobServiceClient

from local.kubernetes.measure import Record
from local.kubernetes.scenarios import Scenario, Watch
from local.kubernetes.stage import NAMESPACE, Stage, connection
from local.stack import ROOT, resources

HUB_AWAY_S = 25.0
ZONE_AWAY_S = 60.0
# KEDA takes a checkpoint that is further ahead than 10,000 for a huge lag, and a nearer one for none.
FAR_BEYOND = 1_000_000


async def lose_a_zone(stage: Stage, record: Record, watch: Watch) -> list[str]:
    """All machines of a zone vanish while it is busy, and come back a minute later."""
    await watch.until(lambda one: one.ready >= 3, "three processors")
    struck = await stage.agent.lose_zone("zone-1")
    record.mark(f"zone-1 lost with {len(struck)} pods")
    await asyncio.sleep(ZONE_AWAY_S)
    await asyncio.to_thread(stage.agent.nodes.join, stage.agent.nodes.in_zone("zone-1"))
    record.mark("zone-1 back")
    return []


async def roll_out(stage: Stage, record: Record, watch: Watch) -> list[str]:
    """Another version of the processor while it is busy: every pod drains and is replaced."""
    await watch.until(lambda one: one.ready >= 3, "three processors")
    annotation = {"rollout": str(time.time())}
    change = {"spec": {"template": {"metadata": {"annotations": annotation}}}}
    before = {one.name for one in stage.agent.named("processor")}
    await asyncio.to_thread(stage.cluster.patch, "Deployment", "processor", change, NAMESPACE)
    record.mark("rollout begun")
    await watch.until(
        lambda _: not before & {one.name for one in stage.agent.named("processor")},
        "the last pod of the old version gone",
    )
    record.mark("rollout done")
    return []


async def lose_the_hub(stage: Stage, record: Record, watch: Watch) -> list[str]:
    """The broker is killed and away for a while: the autoscaler is blind, and must not shrink the processors."""
    await watch.until(lambda one: one.ready >= 3, "three processors")
    await stage.supervisor.stop(stage.hub, kill=True)
    record.mark("hub killed")
    at = len(record.samples)
    await asyncio.sleep(HUB_AWAY_S)
    wanted = [one.wanted for one in record.samples[at:] if one.wanted is not None]
    await stage.supervisor.restart(stage.hub)
    record.mark("hub back")
    if any(later < earlier for earlier, later in itertools.pairwise(wanted)):
        return [f"the autoscaler shrank the processors while it was blind: {wanted}"]
    return []


async def recreate_the_hub(stage: Stage) -> None:
    """The hub is made anew under its name, after a long life: checkpoints far beyond its log stay behind."""
    async with aiohttp.ClientSession() as session, session.post(f"{stage.hub_control}/recreate") as answer:
        answer.raise_for_status()
    names = resources()
    prefix = f"127.0.0.1/{names['eventHubs']['hub']}/{names['eventHubs']['consumerGroup']}/checkpoint/"
    account = stage.stack.storage_connection(stage.stack.stamp_account(0))
    async with BlobServiceClient.from_connection_string(account) as service:
        container = service.get_container_client(names["storage"]["hostContainer"])
        for partition in range(names["eventHubs"]["partitions"]):
            values = {
                "sequencenumber": str(FAR_BEYOND),
                "offset": str(FAR_BEYOND * 100),
                "clientidentifier": "another life",
            }
            await container.upload_blob(f"{prefix}{partition}", b"", metadata=values, overwrite=True)


async def mend_the_checkpoints(stage: Stage, record: Record, watch: Watch) -> list[str]:
    """KEDA scales out for nothing and stays; our health names it, with the command that mends it."""
    problems = []
    before = await watch.until(lambda one: one.replicas >= 8, "KEDA's answer to checkpoints of another life")
    record.mark("scaled out for nothing")
    await asyncio.sleep(15)
    if record.last.done != before.done or record.last.lag == 0:
        problems.append("something was processed behind checkpoints of another life")
    if "--beyond-log" not in (told := await _health(stage)):
        problems.append(f"health does not name the checkpoints: {told}")
    code, words = await _ops(stage, "queue", "reset-checkpoints", "--beyond-log", "--yes")
    record.mark("checkpoints mended")
    if code:
        problems.append(f"the command that mends them ended with {code}: {words}")
    return problems


async def _health(stage: Stage) -> str:
    async with aiohttp.ClientSession() as session:
        for _ in range(60):
            for pod in stage.ready("api"):
                async with session.get(f"{pod.address}/health/stamp") as answer:
                    report: dict[str, Any] = await answer.json()
                    if "--beyond-log" in (text := json.dumps(report)):
                        return text
            await asyncio.sleep(1)
    return text


async def _ops(stage: Stage, *arguments: str) -> tuple[int, str]:
    settings = stage.stack.app_settings(0) | {"EVENT_HUBS": connection(stage.stack)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", *arguments),
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    words, _ = await process.communicate()
    return process.returncode or 0, words.decode()


SCENARIOS = {
    "backlog": Scenario(),
    "zone": Scenario(lose_a_zone),
    "rollout": Scenario(roll_out),
    "broker": Scenario(lose_the_hub),
    "checkpoints": Scenario(mend_the_checkpoints, recreate_the_hub),
}
"""All that `rehearse` can play, by name."""
