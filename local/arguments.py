"""The arguments of `python -m local`, and the commands that act on a cloud that runs already."""

import argparse
import sys
import urllib.error
from pathlib import Path

from local.control import ask, show
from local.faults import ControlClient, UnknownFault
from local.regions import ACTIONS
from local.stack import REGIONS, ROOT, Stack

EXAMPLES = """examples:
  python -m local                                   start everything: two regions, the sample catalogue
  python -m local kill westeurope                   a whole region dies: pods, queue, storage, its Cosmos endpoint
  python -m local start westeurope                  ... and comes back
  python -m local drain northeurope                 take a region out without losing a request
  python -m local kill processor-westeurope         one component; `status` lists them
  python -m local fault cosmos status --set status=429 --count 20   the next 20 database requests are throttled
  python -m local fault eventhubs-westeurope server-busy --seconds 10
  python -m local fault edge slow origin=westeurope --set seconds=0.3
  python -m local faults                            what is switched on
  python -m local mend                              switch every fault off
"""
FAULT_COMMANDS = ("fault", "faults", "mend")


def read_arguments() -> argparse.Namespace:
    """What was asked for; ends the process with 2 where that makes no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Run the whole system on this machine: storage, Cosmos DB, Event Hubs, both hosts and the edge.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = ("run", "status", *ACTIONS, *FAULT_COMMANDS)
    parser.add_argument("command", nargs="?", choices=commands, default="run", help="default: run")
    parser.add_argument("target", nargs="?", help="a component or a region")
    parser.add_argument("words", nargs="*", metavar="…", help="for fault: its name, and what it strikes as FACT=VALUE")
    parser.add_argument("--port", type=int, default=8080, help="the edge's port; the others follow it (default 8080)")
    parser.add_argument("--data", type=Path, default=ROOT / ".local", help="where everything is kept (default .local)")
    parser.add_argument(
        "--regions", type=int, default=2, choices=range(1, len(REGIONS) + 1), help="how many stamps (default 2)"
    )
    parser.add_argument("--probe-interval", type=float, metavar="S", help="seconds between the edge's health probes")
    parser.add_argument("--fresh", action="store_true", help="forget everything that was kept, and begin anew")
    parser.add_argument("--no-seed", action="store_true", help="do not load the sample catalogue")
    parser.add_argument("--count", type=int, help="for fault: how often it strikes (default: until mended)")
    parser.add_argument("--seconds", type=float, help="for fault: how long it stays (default: until mended)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="for fault: one of its values")
    arguments = parser.parse_args()
    if not 1024 <= arguments.port <= 65_000:
        parser.error("--port must be from 1024 to 65000")
    if arguments.probe_interval is not None and arguments.probe_interval <= 0:
        parser.error("--probe-interval must be more than 0")
    if (arguments.command in {*ACTIONS, "fault"}) != (arguments.target is not None):
        needs = "needs a" if arguments.command in {*ACTIONS, "fault"} else "takes no"
        parser.error(f"{arguments.command} {needs} target")
    if arguments.command == "fault" and not arguments.words:
        parser.error("fault needs a target and the name of a fault")
    if arguments.command != "fault" and arguments.words:
        parser.error(f"{arguments.command} takes no {arguments.words[0]!r}")
    return arguments


def carry_out(arguments: argparse.Namespace, stack: Stack) -> None:
    """Do something to the cloud that runs; ends the process with 1 when it cannot be done."""
    state = ask(stack.control_port, arguments.command, arguments.target if arguments.command in ACTIONS else None)
    if arguments.command not in FAULT_COMMANDS:
        show(state)
        return
    addresses = {name: stack.fault_address(name) for name in state}
    try:
        if arguments.command == "fault":
            _switch_on(arguments, {name: address for name, address in addresses.items() if address})
            return
        for name, address in addresses.items():
            if address and state[name] == "running":
                client = ControlClient(address)
                if arguments.command == "mend":
                    client.clear_faults()
                    print(f"{name:<26} behaves again")
                for rule in client.faults():
                    print(f"{name:<26} {rule['fault']} {rule['match'] or ''} struck {rule['hits']} times")
    except (UnknownFault, urllib.error.URLError) as error:
        sys.exit(str(error))


def _switch_on(arguments: argparse.Namespace, addresses: dict[str, str]) -> None:
    address = addresses.get(arguments.target)
    if address is None:
        sys.exit(f"{arguments.target} has no faults to switch on; these have: {', '.join(addresses)}")
    name, *facts = arguments.words
    number = ControlClient(address).add_fault(
        name,
        match=_pairs(facts),
        args={key: _value(value) for key, value in _pairs(arguments.set).items()},
        count=arguments.count,
        seconds=arguments.seconds,
    )
    print(f"fault {number} is on in {arguments.target}; `python -m local mend` switches it off")


def _pairs(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            sys.exit(f"{text!r} is not NAME=VALUE")
    return dict(text.split("=", 1) for text in texts)


def _value(text: str) -> object:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
