"""How long a write takes to become readable, through a running local cloud.

`python -m benchmarks.write_path --url http://127.0.0.1:8080 --count 50` rates an item `count` times, one by one,
and prints the time to the 202 and from there to the first 200 at `Location`. The baseline of the same run is a read
that needs no queue.
"""

import argparse
import asyncio
import statistics
import time

import aiohttp


def line(name: str, seconds: list[float], baseline: float) -> str:
    milliseconds = sorted(one * 1000 for one in seconds)
    median = statistics.median(milliseconds)
    return f"{name:<34} {median:8.1f} {milliseconds[-1]:8.1f} {median / baseline:8.1f}"


async def measure(url: str, count: int) -> None:
    read, accepted, readable = [], [], []
    async with aiohttp.ClientSession(url) as session:
        async with session.get("/api/1.0/catalogitem?limit=1") as answer:
            [item] = await answer.json()
        path = f"/api/1.0/catalogitem/{item['id']}"
        for _ in range(count):
            begun = time.perf_counter()
            async with session.get(path) as answer:
                assert answer.status == 200
            read.append(time.perf_counter() - begun)

            begun = time.perf_counter()
            async with session.post(f"{path}/ratings", json={"rating": 5}) as answer:
                assert answer.status == 202
                location = answer.headers["Location"]
            accepted.append(time.perf_counter() - begun)

            begun = time.perf_counter()
            status = 404
            while status == 404:
                async with session.get(location) as answer:
                    status = answer.status
                await asyncio.sleep(0.005)
            assert status == 200
            readable.append(time.perf_counter() - begun)
    baseline = statistics.median(read) * 1000
    print(f"{'of ' + str(count):<34} {'median':>8} {'max':>8} {'ratio':>8}   (ms; ratio to the median read)")
    for name, seconds in (("GET item", read), ("POST rating to 202", accepted), ("202 to 200 at Location", readable)):
        print(line(name, seconds, baseline))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.write_path", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--count", type=int, default=50)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.url, arguments.count))


if __name__ == "__main__":
    main()
