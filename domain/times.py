"""Times as the contract writes them: UTC, `Z`, always six digits of a second."""

from datetime import UTC, datetime


def iso(moment: datetime) -> str:
    """`2026-11-25T18:00:00.000000Z`; `isoformat()` alone drops a zero fraction, which sorts and parses wrongly."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_iso(text: str) -> datetime:
    """The moment that `iso` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
