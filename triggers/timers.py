"""What runs by the clock, once per stamp: the host's lease lets only one process fire a timer."""

import logging

import azure.functions as func

from wiring import parts

timers = func.Blueprint()  # type: ignore[no-untyped-call]
log = logging.getLogger("catalog.timers")


@timers.function_name("recount")
@timers.timer_trigger(arg_name="timer", schedule="30 * * * * *")
async def recount(timer: func.TimerRequest) -> None:
    """Every minute: totals of which another region deleted ratings. A failure is tried again in a minute."""
    wrong = await parts().sweeper.recount_waiting()
    if wrong:
        log.info("recounted %d totals after deletes in another region", wrong)


@timers.function_name("sweep")
@timers.timer_trigger(arg_name="timer", schedule="0 0 3 * * *")
async def sweep(timer: func.TimerRequest) -> None:
    """Every night: all totals of this region, and what deleted items left behind."""
    swept = await parts().sweeper.sweep()
    log.info("swept: %d totals were wrong, %d entries of deleted items removed", swept.recounted, swept.entries_removed)
