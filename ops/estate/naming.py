"""Names without what differs between regions and environments, so that like finds like."""

import re
from collections.abc import Sequence

from ops.estate.snapshots import Estate, Resource

_GUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class Names:
    """What the names of one estate are made of: workload, environment, codes of regions, and a suffix."""

    def __init__(self, estate: Estate, also: Sequence[str] = ()) -> None:
        """`also`: regions that this estate lacks and texts may name all the same."""
        self._estate = estate
        self._places = tuple(dict.fromkeys((*estate.regions, *also)))
        self.workload, self.environment = self._tags()
        self.codes, self.suffix = self._codes()

    def across_regions(self, text: str) -> str:
        """The text with `{region}` and `{code}` in place of one region's: alike for all regions.

        With a single region nothing is replaced: the real name tells more.
        """
        return text if len(self._estate.regions) < 2 else self._without_regions(text)

    def across_environments(self, text: str) -> str:
        """The text without region, environment and what makes names unique, for comparing environments."""
        text = self._without_regions(text)
        if self._estate.domain:
            text = text.replace(self._estate.domain, "{domain}")
        text = re.sub(r"/subscriptions/[0-9a-f-]{36}", "/subscriptions/{subscription}", text)
        if self.suffix:
            text = text.replace(self.suffix, "{unique}")
            text = re.sub(rf"-{self.suffix[:3]}\w{{0,1}}\b", "-{unique}", text)  # cut short where names are limited
        return re.sub(rf"(?<![a-z]){self.environment}(?![a-z])|(?<={self.workload}){self.environment}", "{env}", text)

    def identity(self, resource: Resource) -> str:
        """`api` for `id-catalog-prod-westeurope-api`."""
        start = rf"id-{re.escape(self.workload)}-{re.escape(self.environment)}-(?:[a-z0-9]+-)?"
        return re.sub(f"^{start}", "", resource.short) or resource.short

    def regions_in(self, text: str) -> list[str]:
        """The regions that a text names, by name or code."""
        return [one for one in self._estate.regions if one in text or self._coded(one).search(text)]

    def _without_regions(self, text: str) -> str:
        for region in self._places:
            text = text.replace(region, "{region}")
            text = self._coded(region).sub("{code}", text)
        return text

    def _coded(self, region: str) -> re.Pattern[str]:
        code = self.codes.get(region)
        if code is None:
            return re.compile(r"(?!)")
        return re.compile(rf"(?<={self.workload}{self.environment}){code}|(?<=-{self.environment}-){code}(?=-)")

    def _tags(self) -> tuple[str, str]:
        for one in self._estate.resources:
            if one.get("tags.workload") and one.get("tags.environment"):
                return str(one.get("tags.workload")), str(one.get("tags.environment"))
        return "", self._estate.environment

    def _codes(self) -> tuple[dict[str, str], str]:
        """A region's code and the suffix, from a name like `evhns-catalog-prod-weu-w5vmy`."""
        codes: dict[str, str] = {}
        suffix = ""
        shape = re.compile(
            rf".+-{re.escape(self.workload)}-{re.escape(self.environment)}-([a-z0-9]{{2,4}})-([a-z0-9]+)"
        )
        for one in self._estate.resources:
            found = shape.fullmatch(one.name) if one.region else None
            if found and found[1] != one.region:
                codes.setdefault(one.region, found[1])
                suffix = max(suffix, found[2], key=len)
        for one in self._estate.of("Microsoft.DocumentDB/databaseAccounts"):
            start, _, last = one.name.rpartition("-")
            if not suffix and start.endswith(f"-{self.workload}-{self.environment}"):
                suffix = last
        return codes, suffix


def without_guids(text: str) -> str:
    """The text with `{guid}` in place of every GUID: names of role assignments are hashes of their parts."""
    return _GUID.sub("{guid}", text)
