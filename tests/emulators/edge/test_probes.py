"""Health probes, and what follows from them."""

import asyncio
from collections.abc import Callable

from local.faults import ControlClient
from tests.emulators.edge.conftest import Running, Starter


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is awaited happens in the edge, which tells nobody
            await asyncio.sleep(0.01)


def healthy(running: Running) -> dict[str, bool]:
    return {origin.name: running.group.is_healthy(origin) for origin in running.group.origins}


async def test_a_probe_is_a_head_on_a_connection_of_its_own(start_edge: Starter) -> None:
    running = await start_edge(probe_s=0.02)

    await until(lambda: len(running.backends["a"].probes) >= 3)

    probe = running.backends["a"].probes[0]
    assert (probe.method, probe.path) == ("HEAD", "/health/stamp")
    assert len({id(one.protocol) for one in running.backends["a"].probes[:3]}) == 3


async def test_an_ill_origin_is_left_out_and_comes_back(start_edge: Starter) -> None:
    running = await start_edge(probe_s=0.02)
    running.backends["a"].health = 503

    await until(lambda: healthy(running) == {"a": False, "b": True})
    assert {(await running.ask("POST", "/api/x"))[2] for _ in range(6)} == {"b"}

    running.backends["a"].health = 200
    await until(lambda: healthy(running) == {"a": True, "b": True})
    assert {(await running.ask("POST", "/api/x"))[2] for _ in range(6)} == {"a", "b"}


async def test_a_dead_origin_is_left_out_and_comes_back_on_its_port(start_edge: Starter) -> None:
    running = await start_edge(probe_s=0.02)
    await running.backends["a"].stop()

    await until(lambda: healthy(running) == {"a": False, "b": True})
    await running.backends["a"].start()
    await until(lambda: healthy(running) == {"a": True, "b": True})


async def test_the_report_shows_probes_and_traffic(start_edge: Starter) -> None:
    running = await start_edge()
    running.backends["b"].health = 404
    for _ in range(4):
        await running.get("/api/x")

    async with running.session.get(running.url + "/_control/status") as answer:
        report = await answer.json()

    group = report["originGroups"][0]
    assert group["probe"] == {
        "path": "/health/stamp",
        "method": "HEAD",
        "intervalInSeconds": 5.0,
        "sampleSize": 4,
        "successfulSamplesRequired": 3,
    }
    for origin in group["origins"]:
        assert origin["probes"][0]["status"] == 200
        assert origin["traffic"]["requests"] == 2
        assert sum(row[1] for row in origin["traffic"]["seconds"]) == 2


async def test_the_report_has_a_page(start_edge: Starter) -> None:
    running = await start_edge()

    status, headers, text = await running.get("/_control/")

    assert (status, headers["Content-Type"]) == (200, "text/html")
    assert "/_control/status" in text


async def test_an_origin_can_be_made_unreachable_and_slow(start_edge: Starter) -> None:
    running = await start_edge(probe_s=0.02)
    control = ControlClient(running.url)
    await asyncio.to_thread(control.add_fault, "unreachable", match={"origin": "a"})

    await until(lambda: healthy(running) == {"a": False, "b": True})
    await asyncio.to_thread(control.clear_faults)
    await until(lambda: healthy(running) == {"a": True, "b": True})
    running.edge.faults.add("slow", match={"origin": "b"}, args={"seconds": 0.2}, count=1)
    running.edge.faults.add("slow", match={"origin": "a"}, args={"seconds": 0.2}, count=1)
    before = len(running.group.origins[1].samples)
    await until(lambda: len(running.group.origins[1].samples) > before)

    assert max(sample.ms for sample in running.group.origins[1].samples) >= 200
