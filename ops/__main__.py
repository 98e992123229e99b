"""`python -m ops`: what operators do by hand."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence

from domain.errors import CatalogError
from ops import letters_cli, queue_cli, settings_page, site_cli
from ops.environment import add_settings_option
from ops.estate import cli as estate_cli
from settings import SettingError


def parser() -> argparse.ArgumentParser:
    """The program's arguments."""
    common = argparse.ArgumentParser(add_help=False)
    add_settings_option(common)
    program = argparse.ArgumentParser(prog="python -m ops", description="What operators of the catalogue do by hand.")
    commands = program.add_subparsers(required=True, metavar="COMMAND")
    letters_cli.add_to(commands, common)
    queue_cli.add_to(commands, common)
    settings_page.add_to(commands)
    estate_cli.add_to(commands)
    site_cli.add_to(commands)
    return program


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code: 0 done, 1 refused or failed, 2 called wrongly."""
    options = parser().parse_args(arguments)
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # what matters of it is in our own errors
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except SettingError as error:
        _say(f"error: {error}")
        return 2
    except CatalogError as error:
        _say(f"error: {error}{_because(error)}")
        return 1
    except BrokenPipeError:  # `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        _say("interrupted: what was under way is safe to do again")
        return 130
    return code


def _because(error: CatalogError) -> str:
    """The kind of the vendor's error, never its text: that may quote addresses with signatures."""
    cause = error.__cause__
    if cause is None:
        return ""
    status = getattr(cause, "status_code", None)
    return f" ({type(cause).__name__}{f', status {status}' if status else ''})"


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
