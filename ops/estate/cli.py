"""`python -m ops estate`, `sla` and `cost`: an environment computed from its committed snapshots, without Azure."""

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ops.estate import availability, cost, cost_page, difference_page, overview, picture, sla_page
from ops.estate.difference import difference
from ops.estate.snapshots import REPOSITORY, SNAPSHOTS, read_estate
from ops.estate.tables import read_prices, read_sla
from ops.estate.text import wants_colour

PICTURES = REPOSITORY / "docs" / "estate"

_ESTATE = """\
Prints an environment as infra/snapshots/ENV holds it: counts, regions, what is public and what private, who may do what
where, and what survives the loss of a zone, a region, a stamp. Nothing is asked of Azure and no setting is read.

examples:
  python -m ops estate prod
  python -m ops estate prod --svg              draw it into docs/estate/prod.svg
  python -m ops estate prod --diff int         what prod and int have in common, and what not
  python -m ops estate prod --json | jq .grants"""

_SLA = """\
Multiplies what Microsoft promises (infra/data/azure-sla.json) along each user flow: one stamp alone, and all stamps
that take over for each other. What has no figure is named, never guessed; the product is then an upper bound.

examples:
  python -m ops sla prod
  python -m ops sla prod --objective 99.95
  python -m ops sla prod --json | jq '.flows[] | {name, combined}'"""

_COST = """\
Counts what an environment is billed by and multiplies it with list prices (infra/data/azure-prices.json), each with its
date. A range where sizes scale; what has no price is listed as missing, never as 0.

examples:
  python -m ops cost prod
  python -m ops cost prod --requests 400 --logs-gb 20
  python -m ops cost prod --price vm.Standard_D4ds_v5.hour=0.25    a price of your own contract, for this run"""


def add_to(commands: Any) -> None:
    """Add the three commands to the program's."""
    estate = _command(commands, "estate", "what an environment consists of, public, private, roles, survival", _ESTATE)
    estate.add_argument("--svg", nargs="?", const="", metavar="FILE", help="draw it (default: docs/estate/ENV.svg)")
    estate.add_argument("--diff", metavar="OTHER", help="compare with another environment")
    estate.set_defaults(run=_estate)
    sla = _command(commands, "sla", "composite SLA of each user flow, against the objective", _SLA)
    sla.add_argument("--objective", type=_percent, default=99.99, metavar="PERCENT", help="default 99.99")
    sla.set_defaults(run=_sla)
    priced = _command(commands, "cost", "monthly cost, resource by resource, with dated list prices", _COST)
    _add_traffic(priced)
    priced.set_defaults(run=_cost)


def _command(commands: Any, name: str, tells: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=tells, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("environment", metavar="ENV", help="an environment of infra/snapshots, such as prod")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--snapshots", type=Path, default=SNAPSHOTS, metavar="FOLDER", help="default infra/snapshots")
    return parser


def _add_traffic(parser: argparse.ArgumentParser) -> None:
    usual = cost.Traffic()
    for name, default, tells in (
        ("requests", usual.requests / 1e6, "million requests a month"),
        ("response-kb", usual.response_kb, "kB of an answer"),
        ("data-gb", usual.data_gb, "GB in the database"),
        ("images-gb", usual.images_gb, "GB of images"),
        ("logs-gb", usual.logs_gb_per_day, "GB of logs a day and region"),
    ):
        parser.add_argument(
            f"--{name}", type=_amount, default=default, metavar="N", help=f"{tells} (default {default:g})"
        )
    parser.add_argument(
        "--write-share",
        type=_share,
        default=usual.write_share,
        metavar="N",
        help=f"writes among requests, 0 to 1 (default {usual.write_share:g})",
    )
    parser.add_argument(
        "--price",
        type=_own_price,
        action="append",
        default=[],
        metavar="KEY=USD",
        help="a price of your own; may be repeated",
    )


def _estate(options: argparse.Namespace) -> int:
    here = read_estate(options.environment, options.snapshots)
    if options.diff is not None:
        found = difference(here, read_estate(options.diff, options.snapshots))
        return _print(options, lambda: asdict(found), lambda: difference_page.page(found, colour=wants_colour()))
    if options.svg is not None:
        file = Path(options.svg) if options.svg else PICTURES / f"{here.environment}.svg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(picture.draw(here), encoding="utf-8", newline="\n")
        print(f"drawn: {file}", file=sys.stderr)
        return 0
    return _print(options, lambda: overview.as_json(here), lambda: overview.page(here, colour=wants_colour()))


def _sla(options: argparse.Namespace) -> int:
    here, table = read_estate(options.environment, options.snapshots), read_sla()
    found, start = availability.flows(here, table), availability.start_only(here, table)
    return _print(
        options,
        lambda: sla_page.as_json(here, found, start, table, options.objective),
        lambda: sla_page.page(here, found, start, table, options.objective, colour=wants_colour()),
    )


def _cost(options: argparse.Namespace) -> int:
    here, prices = read_estate(options.environment, options.snapshots), read_prices().with_own(dict(options.price))
    traffic = cost.Traffic(
        requests=options.requests * 1e6,
        write_share=options.write_share,
        response_kb=options.response_kb,
        data_gb=options.data_gb,
        images_gb=options.images_gb,
        logs_gb_per_day=options.logs_gb,
    )
    found = cost.bill(here, prices, traffic)
    return _print(
        options,
        lambda: cost_page.as_json(here, found, prices, traffic),
        lambda: cost_page.page(here, found, prices, traffic, colour=wants_colour()),
    )


def _print(options: argparse.Namespace, data: Callable[[], Any], text: Callable[[], str]) -> int:
    print(json.dumps(data(), indent=1, ensure_ascii=False) if options.json else text())
    return 0


def _number(value: str, least: float, most: float, says: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{value!r} is not {says}")
    return number


def _amount(value: str) -> float:
    return _number(value, 0, 1e9, "a number from 0 on")


def _share(value: str) -> float:
    return _number(value, 0, 1, "a share from 0 to 1")


def _percent(value: str) -> float:
    return _number(value, 50, 99.9999999, "a percentage such as 99.99")


def _own_price(value: str) -> tuple[str, float]:
    key, separator, usd = value.partition("=")
    if not separator or not key:
        raise argparse.ArgumentTypeError(f"{value!r} is not KEY=USD, such as vm.Standard_D4ds_v5.hour=0.25")
    return key, _amount(usd)
