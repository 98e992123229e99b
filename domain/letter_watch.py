"""The component `dead-letters`: how many letters of this stamp's hub lie in the box, and whether new ones came."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import KeyReused, PreconditionFailed, Superseded, UnknownItem
from domain.health import Finding
from domain.ports import LetterBox, LetterLine

# Rules that a customer's write met between acceptance and processing: a letter all the same, and nobody's fault here.
CUSTOMERS = frozenset(error.reason for error in (UnknownItem, PreconditionFailed, Superseded, KeyReused))
DEGRADED = 0.85
SHOW = "python -m ops dead-letters list"


@dataclass
class LetterWatch:
    """Looks once a minute, at no more letters than one request brings."""

    box: LetterBox
    hub: str
    """`{namespace}/{hub}/`, lower case: how the names of this stamp's letters begin."""
    now: Callable[[], datetime]
    every: timedelta = timedelta(seconds=60)
    new_for: timedelta = timedelta(minutes=10)
    most: int = 500
    _found: tuple[datetime, Finding] | None = None

    async def letters(self) -> Finding:
        """Degraded while letters are new that no customer caused, or when there are more than it looks at.

        Raises:
            DeadLettersUnavailable: the store cannot be read.
        """
        now = self.now()
        if self._found is None or now - self._found[0] >= self.every:
            lines = [line async for line in self.box.lines(self.hub, at_most=self.most)]
            self._found = (now, self._judged(lines, now))
        return self._found[1]

    def _judged(self, lines: list[LetterLine], now: datetime) -> Finding:
        if len(lines) >= self.most:
            return Finding(DEGRADED, detail=f"{self.most} letters or more", mend=SHOW)
        if not lines:
            return Finding(1.0)
        ours = [one for one in lines if one.reason not in CUSTOMERS and now - one.parked_at < self.new_for]
        counted = f"{len(lines)} letter{'s' if len(lines) != 1 else ''}"
        if not ours:
            return Finding(1.0, detail=counted)
        reasons = ", ".join(sorted({one.reason for one in ours}))
        minutes = self.new_for // timedelta(minutes=1)
        return Finding(DEGRADED, detail=f"{counted}, {len(ours)} of the last {minutes} min ({reasons})", mend=SHOW)
