"""Timer schedules: NCRONTAB with seconds (`0 */5 * * * *`), without, and plain intervals (`00:05:00`)."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from .errors import IndexingError

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")
_INTERVAL = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})")
_LAST_YEAR = 2999


class Schedule(Protocol):
    """When a timer is due."""

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment`, in UTC."""


@dataclass(frozen=True)
class Interval:
    """Every so often, counted from the last time."""

    every: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment`, in UTC."""
        return moment + self.every


@dataclass(frozen=True)
class Crontab:
    """The values each field allows, in local time of `zone`; a day must suit both its day fields."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: tuple[int, ...]
    weekdays: frozenset[int]  # 0 is Sunday
    zone: tzinfo = UTC

    def next_after(self, moment: datetime) -> datetime:
        """The first time after `moment`, in UTC.

        Raises:
            OverflowError: there is none (such as 30 February).
        """
        local = moment.astimezone(self.zone).replace(tzinfo=None, microsecond=0) + timedelta(seconds=1)
        while True:
            if not self._day_suits(local):
                local = self._next_day(local)
                continue
            time = self._time_from(local)
            if time is None:
                local = self._next_day(local)
                continue
            due = time.replace(tzinfo=self.zone).astimezone(UTC)
            if due > moment:  # a clock put back shows local times that are over
                return due
            local = time + timedelta(seconds=1)

    def _day_suits(self, local: datetime) -> bool:
        return local.month in self.months and local.day in self.days and local.isoweekday() % 7 in self.weekdays

    def _next_day(self, local: datetime) -> datetime:
        if local.year > _LAST_YEAR:
            raise OverflowError("the schedule has no next occurrence")
        if local.month not in self.months:
            first = local.replace(day=1, hour=0, minute=0, second=0)
            return first + timedelta(days=calendar.monthrange(local.year, local.month)[1])
        return local.replace(hour=0, minute=0, second=0) + timedelta(days=1)

    def _time_from(self, local: datetime) -> datetime | None:
        """The first allowed time on that day from `local` on."""
        for hour in self.hours:
            if hour < local.hour:
                continue
            for minute in self.minutes:
                if hour == local.hour and minute < local.minute:
                    continue
                same = (hour, minute) == (local.hour, local.minute)
                second = next((s for s in self.seconds if not same or s >= local.second), None)
                if second is not None:
                    return local.replace(hour=hour, minute=minute, second=second)
        return None


def parse_schedule(text: str, zone: tzinfo = UTC) -> Schedule:
    """Read a schedule.

    Raises:
        IndexingError: it is neither NCRONTAB nor an interval.
    """
    interval = _INTERVAL.fullmatch(text.strip())
    if interval is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in interval.groups())
        every = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if not every:
            raise _refused(text)
        return Interval(every)
    fields = text.split()
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise _refused(text)
    try:
        schedule = Crontab(
            seconds=_values(fields[0], 0, 59),
            minutes=_values(fields[1], 0, 59),
            hours=_values(fields[2], 0, 23),
            days=frozenset(_values(fields[3], 1, 31)),
            months=_values(fields[4], 1, 12, _MONTHS),
            weekdays=frozenset(_values(fields[5], 0, 6, _DAYS)),
            zone=zone,
        )
    except ValueError as error:
        raise _refused(text) from error
    try:
        schedule.next_after(datetime.now(UTC))
    except OverflowError as error:
        raise IndexingError(f"The schedule expression '{text}' never occurs.") from error
    return schedule


def _refused(text: str) -> IndexingError:
    message = f"The schedule expression '{text}' was not recognized as a valid cron expression or timespan string."
    return IndexingError(message)


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> tuple[int, ...]:
    """The numbers a field allows, in order."""
    allowed: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(item)
        if match["first"] == "*":
            first, last = low, high
        else:
            first = _number(match["first"], names)
            last = _number(match["last"], names) if match["last"] else high if match["step"] else first
        step = int(match["step"] or 1)
        if not (low <= first <= last <= high and step):
            raise ValueError(item)
        allowed.update(range(first, last + 1, step))
    return tuple(sorted(allowed))


def _number(text: str, names: dict[str, int] | None) -> int:
    if text.isdecimal():
        return int(text)
    if names is None:
        raise ValueError(text)
    number = names.get(text[:3].lower())
    if number is None:
        raise ValueError(text)
    return number
