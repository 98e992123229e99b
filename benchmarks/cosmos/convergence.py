"""`python -m benchmarks.cosmos.convergence --histories N`: random histories, all regions the same bytes in the end."""

import argparse
import asyncio
import sys
import time

from benchmarks.cosmos.histories import Diverged, run_history


async def _run(histories: int, steps: int, first_seed: int) -> int:
    diverged = operations = 0
    began = time.monotonic()
    for seed in range(first_seed, first_seed + histories):
        try:
            operations += await run_history(seed, steps, regions=2 + seed % 2)
        except Diverged as error:
            diverged += 1
            print(f"seed {seed}: {error}", file=sys.stderr)
        await asyncio.sleep(0)
    seconds = time.monotonic() - began
    print(f"{histories} histories, {operations} steps, {diverged} diverged ({histories / seconds:.0f} histories/s)")
    return 1 if diverged else 0


def main() -> int:
    """0 when nothing diverged."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cosmos.convergence", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=60, help="of each history")
    parser.add_argument("--seed", type=int, default=0, help="of the first history")
    arguments = parser.parse_args()
    return asyncio.run(_run(arguments.histories, arguments.steps, arguments.seed))


if __name__ == "__main__":
    sys.exit(main())
