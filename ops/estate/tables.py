"""The tables of SLAs and list prices: dated data with sources, in which a gap is `null` and stays one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domain.errors import PermanentError
from ops.estate.snapshots import REPOSITORY, same_region
from ops.estate.traits import Traits

SLA_FILE = REPOSITORY / "infra" / "data" / "azure-sla.json"
PRICE_FILE = REPOSITORY / "infra" / "data" / "azure-prices.json"


class BrokenTable(PermanentError):
    """A data file that is missing or has another form."""


@dataclass(frozen=True)
class Promise:
    """One row of the SLA table."""

    kind: str
    name: str
    percent: float | None
    read_percent: float | None
    condition: str
    covers: str
    when: Mapping[str, Sequence[str | bool]]
    source: str
    dated: str


@dataclass(frozen=True)
class Price:
    """One row of the price table."""

    key: str
    service: str
    sku: str
    unit: str
    usd: float | None
    region: str
    source: str
    dated: str
    note: str


@dataclass(frozen=True)
class SlaTable:
    """All promises, with the addresses of their sources."""

    seen: str
    addresses: Mapping[str, str]
    rows: tuple[Promise, ...]

    def find(self, kind: str, traits: Traits) -> Promise | None:
        """The first row of the type whose condition the traits meet."""
        for row in self.rows:
            if row.kind.lower() == kind.lower() and all(
                traits.get(name) in values for name, values in row.when.items()
            ):
                return row
        return None


@dataclass(frozen=True)
class PriceTable:
    """All prices, with the addresses of their sources."""

    seen: str
    currency: str
    hours: float
    addresses: Mapping[str, str]
    rows: tuple[Price, ...]

    def find(self, key: str, region: str = "") -> Price | None:
        """The row of a key: that of the region where there is one, else the first."""
        found = [row for row in self.rows if row.key == key]
        return next((row for row in found if same_region(row.region, region)), found[0] if found else None)

    def with_own(self, own: Mapping[str, float]) -> "PriceTable":
        """The table with figures of one's own in place of its own.

        Raises:
            UnknownPrice: a key that no row has.
        """
        unknown = sorted(set(own) - {row.key for row in self.rows})
        if unknown:
            raise UnknownPrice(f"no price is called {unknown[0]!r}; the keys are in {PRICE_FILE.name}, in infra/data")
        return replace(
            self,
            rows=tuple(
                replace(row, usd=own[row.key], source="command line", dated="now", note="", region="own")
                if row.key in own
                else row
                for row in self.rows
            ),
        )


class UnknownPrice(PermanentError):
    """A price of one's own for something the table does not know."""


def read_sla(file: Path = SLA_FILE) -> SlaTable:
    """Read the SLA table."""
    content = _read(file)
    try:
        dates = {name: source["dated"] or "undated" for name, source in content["sources"].items()}
        rows = tuple(
            Promise(
                row["type"],
                row["name"],
                row["percent"],
                row.get("readPercent", row["percent"]),
                row["condition"],
                row.get("covers", ""),
                row["when"],
                row["source"] or "",
                dates[row["source"]] if row["source"] else "",
            )
            for row in content["sla"]
        )
        return SlaTable(content["seen"], _addresses(content), rows)
    except (KeyError, TypeError, AttributeError) as error:
        raise BrokenTable(f"{file} has another form than its README says: {error!r}") from error


def read_prices(file: Path = PRICE_FILE) -> PriceTable:
    """Read the price table."""
    content = _read(file)
    try:
        rows = tuple(
            Price(
                row["key"],
                row["service"],
                row["sku"],
                row["unit"],
                row["usd"],
                row["region"],
                row["source"] or "",
                row["dated"] or "",
                row.get("note", ""),
            )
            for row in content["prices"]
        )
        return PriceTable(content["seen"], content["currency"], content["hoursPerMonth"], _addresses(content), rows)
    except (KeyError, TypeError, AttributeError) as error:
        raise BrokenTable(f"{file} has another form than its README says: {error!r}") from error


def _addresses(content: Mapping[str, Any]) -> Mapping[str, str]:
    return {name: source["address"] for name, source in content["sources"].items()}


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BrokenTable(f"{file} cannot be read: {error}") from error
