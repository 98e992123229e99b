"""Faults on command: the one fault API that every stand-in serves under `/_control`.

A rule names a fault, the traffic it hits (`match`: every given fact must be equal, ignoring case) and how long it
lives (`count` hits, `seconds`, or both; neither: until removed). The stand-in decides what a fault's name means and
refuses names and facts it does not know, so that a misspelt rule never passes as a test without faults.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


class UnknownFault(ValueError):
    """The rule names a fault, a fact or an argument that this stand-in does not have."""


@dataclass
class FaultRule:
    """One rule; `hits` counts the traffic it has struck so far."""

    id: int
    fault: str
    match: Mapping[str, str]
    args: Mapping[str, Any]
    count: int | None
    expires_at: float | None
    hits: int = field(default=0)

    def as_json(self, now: float) -> dict[str, Any]:
        """The rule as `/_control/faults` shows it."""
        left = None if self.expires_at is None else max(0.0, self.expires_at - now)
        return {
            "id": self.id,
            "fault": self.fault,
            "match": dict(self.match),
            "args": dict(self.args),
            "count": self.count,
            "secondsLeft": left,
            "hits": self.hits,
        }


class FaultBook:
    """The rules in force, oldest first."""

    def __init__(
        self, faults: Sequence[str], facts: Sequence[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._known_faults = frozenset(faults)
        self._known_facts = frozenset(facts)
        self._clock = clock
        self._rules: list[FaultRule] = []
        self._next_id = 1

    def add(
        self,
        fault: str,
        *,
        match: Mapping[str, str] | None = None,
        args: Mapping[str, Any] | None = None,
        count: int | None = None,
        seconds: float | None = None,
    ) -> FaultRule:
        """Put a rule in force.

        Raises:
            UnknownFault: the fault or a fact to match is not this stand-in's, or count or seconds is not positive.
        """
        if fault not in self._known_faults:
            raise UnknownFault(f"no fault {fault!r}; known: {', '.join(sorted(self._known_faults))}")
        for fact in match or {}:
            if fact not in self._known_facts:
                raise UnknownFault(f"nothing to match called {fact!r}; known: {', '.join(sorted(self._known_facts))}")
        if count is not None and count < 1:
            raise UnknownFault("count must be 1 or more")
        if seconds is not None and seconds <= 0:
            raise UnknownFault("seconds must be more than 0")
        expires_at = None if seconds is None else self._clock() + seconds
        rule = FaultRule(self._next_id, fault, dict(match or {}), dict(args or {}), count, expires_at)
        self._next_id += 1
        self._rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> bool:
        """Take one rule out; False when there is none of that id."""
        before = len(self._rules)
        self._rules = [rule for rule in self._rules if rule.id != rule_id]
        return len(self._rules) < before

    def clear(self) -> None:
        """Take every rule out."""
        self._rules.clear()

    def take(self, faults: Sequence[str], **facts: str) -> FaultRule | None:
        """The oldest live rule among `faults` that these facts match; counts as one hit of it."""
        if not self._rules:  # the hot path: no fault is switched on
            return None
        for rule in self._live():
            if rule.fault in faults and _matches(rule.match, facts):
                rule.hits += 1
                return rule
        return None

    def active(self, fault: str, **facts: str) -> FaultRule | None:
        """Like `take`, for a standing condition: the look counts no hit."""
        if not self._rules:
            return None
        return next((r for r in self._live() if r.fault == fault and _matches(r.match, facts)), None)

    def as_json(self) -> list[dict[str, Any]]:
        """Every rule that can still strike."""
        now = self._clock()
        return [rule.as_json(now) for rule in self._live()]

    def _live(self) -> list[FaultRule]:
        now = self._clock()
        return [
            rule
            for rule in self._rules
            if (rule.count is None or rule.hits < rule.count) and (rule.expires_at is None or now < rule.expires_at)
        ]


def _matches(wanted: Mapping[str, str], facts: Mapping[str, str]) -> bool:
    return all(name in facts and facts[name].lower() == str(value).lower() for name, value in wanted.items())


def fault_routes(book: FaultBook, changed: Callable[[], None] = lambda: None) -> list[web.RouteDef]:
    """`/_control/faults` for an aiohttp application: GET, POST, DELETE all, DELETE one.

    `changed` is called after every change, for stand-ins that must act at once (close a listener, say).
    """

    async def list_rules(_: web.Request) -> web.Response:
        return web.json_response(book.as_json())

    async def add_rule(request: web.Request) -> web.Response:
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise UnknownFault("a rule is a JSON object")
            unknown = set(body) - {"fault", "match", "args", "count", "seconds"}
            if unknown:
                raise UnknownFault(f"no such member: {', '.join(sorted(unknown))}")
            rule = book.add(
                body.get("fault", ""),
                match=body.get("match"),
                args=body.get("args"),
                count=body.get("count"),
                seconds=body.get("seconds"),
            )
        except (UnknownFault, TypeError, AttributeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        changed()
        return web.json_response(rule.as_json(time.monotonic()), status=201)

    async def clear_rules(_: web.Request) -> web.Response:
        book.clear()
        changed()
        return web.Response(status=204)

    async def remove_rule(request: web.Request) -> web.Response:
        removed = book.remove(int(request.match_info["rule_id"]))
        changed()
        return web.Response(status=204 if removed else 404)

    return [
        web.get("/_control/faults", list_rules),
        web.post("/_control/faults", add_rule),
        web.delete("/_control/faults", clear_rules),
        web.delete(r"/_control/faults/{rule_id:\d+}", remove_rule),
    ]


class ControlClient:
    """Talks to a stand-in's `/_control` from tests and scripts; blocking, standard library only."""

    def __init__(self, base_url: str, timeout_s: float = 10.0) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s

    def add_fault(
        self,
        fault: str,
        *,
        match: Mapping[str, str] | None = None,
        args: Mapping[str, Any] | None = None,
        count: int | None = None,
        seconds: float | None = None,
    ) -> int:
        """Switch a fault on; returns its id.

        Raises:
            UnknownFault: the stand-in refused the rule; the message says why.
        """
        rule = {"fault": fault, "match": match, "args": args, "count": count, "seconds": seconds}
        answer = self.call("POST", "/_control/faults", {k: v for k, v in rule.items() if v is not None})
        return int(answer["id"])

    def remove_fault(self, rule_id: int) -> None:
        """Switch one fault off."""
        self.call("DELETE", f"/_control/faults/{rule_id}")

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self.call("DELETE", "/_control/faults")

    def faults(self) -> list[dict[str, Any]]:
        """The rules that can still strike."""
        rules: list[dict[str, Any]] = self.call("GET", "/_control/faults")
        return rules

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One request to the stand-in; the parsed JSON answer, or None for an empty one."""
        request = urllib.request.Request(  # noqa: S310 - the address is the caller's own stand-in
            self._base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout_s) as answer:  # noqa: S310
                data = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 400:
                raise UnknownFault(json.loads(error.read())["error"]) from error
            raise
        return json.loads(data) if data else None
