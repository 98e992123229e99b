"""Route templates of HTTP triggers, as ASP.NET Core reads them, and the table that picks a function.

Routes are tried in alphabetical order of function names and the first match wins: a literal has no precedence over a
parameter, a constraint that fails or another method lets the next function try.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .errors import IndexingError
from .route_constraints import Check, constraint_check
from .worker import Function

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>[^{}:=?*]+)(?P<constraints>(?::(?:[^{}:=?()]|\((?:[^()]|\([^()]*\))*\))+)*)(?P<default>=[^{}?]*)?(?P<optional>\?)?\}"
)
_CONSTRAINT = re.compile(r":((?:[^:()]|\((?:[^()]|\([^()]*\))*\))+)")
_RESERVED = ("admin", "runtime")


@dataclass(frozen=True)
class RouteTemplate:
    """One compiled template."""

    text: str
    pattern: re.Pattern[str]
    checks: tuple[tuple[str, str, Check], ...]  # (regex group, parameter, test)
    names: tuple[tuple[str, str], ...]  # (regex group, parameter)
    defaults: dict[str, str] = field(default_factory=dict)

    def match(self, path: str) -> dict[str, str] | None:
        """Route values when `path` (decoded, without slashes at its ends) matches, else None."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        for group, _, check in self.checks:
            value = found[group]
            if value is not None and not check(value):
                return None
        values = dict(self.defaults)
        values.update({name: found[group] for group, name in self.names if found[group]})
        return values


def compile_template(template: str) -> RouteTemplate:
    """Compile `items/{item_id:guid}` and the like.

    Raises:
        IndexingError: ASP.NET Core would refuse the template.
    """
    text = template.removeprefix("~").removeprefix("/").removesuffix("/")
    if "//" in text:
        raise IndexingError(
            f"The route template '{template}' is invalid: the separator character '/' cannot appear consecutively."
        )
    compiler = _Compiler(template)
    segments = _split(text)
    for position, segment in enumerate(segments):
        compiler.add(segment, last=position == len(segments) - 1)
    pattern = re.compile("".join(compiler.pattern), re.IGNORECASE)
    return RouteTemplate(text, pattern, tuple(compiler.checks), tuple(compiler.names), compiler.defaults)


def _split(text: str) -> list[str]:
    """Segments of a template; a slash inside braces (a regex constraint) does not split."""
    segments, depth, current = [], 0, ""
    for character in text:
        depth += (character == "{") - (character == "}")
        if character == "/" and depth == 0:
            segments.append(current)
            current = ""
        else:
            current += character
    return [*segments, current] if text else []


class _Compiler:
    """Turns the segments of one template into one regular expression."""

    def __init__(self, template: str) -> None:
        self._template = template
        self.pattern: list[str] = []
        self.checks: list[tuple[str, str, Check]] = []
        self.names: list[tuple[str, str]] = []
        self.defaults: dict[str, str] = {}

    def add(self, segment: str, last: bool) -> None:
        slash = "/" if self.pattern else ""
        whole = _PARAMETER.fullmatch(segment)
        if whole is None:
            self.pattern.append(slash + self._mixed(segment))
            return
        group = self._parameter(whole)
        if whole["star"]:
            if not last:
                raise IndexingError(f"A catch-all parameter can only be the last segment: '{self._template}'.")
            self.pattern.append(f"(?:{slash}(?P<{group}>.*))?")
        elif whole["optional"] or whole["default"] is not None:
            self.pattern.append(f"(?:{slash}(?P<{group}>[^/]+))?")
        else:
            self.pattern.append(f"{slash}(?P<{group}>[^/]+)")

    def _mixed(self, segment: str) -> str:
        """A segment of literals and parameters, such as `v{major}.{minor}` or plain text."""
        parts, position = [], 0
        for found in _PARAMETER.finditer(segment):
            parts.append(self._literal(segment[position : found.start()]))
            parts.append(f"(?P<{self._parameter(found)}>[^/]+?)")
            position = found.end()
        parts.append(self._literal(segment[position:]))
        return "".join(parts)

    def _literal(self, text: str) -> str:
        plain = text.replace("{{", "\0").replace("}}", "\1")
        if "{" in plain or "}" in plain or "?" in plain:
            raise IndexingError(f"The route template '{self._template}' is invalid near '{text}'.")
        return re.escape(plain.replace("\0", "{").replace("\1", "}"))

    def _parameter(self, found: re.Match[str]) -> str:
        name = found["name"].strip()
        if any(name.lower() == known.lower() for _, known in self.names):
            raise IndexingError(f"The route parameter name '{name}' appears more than once in '{self._template}'.")
        group = f"p{len(self.names)}"
        self.names.append((group, name))
        for constraint in _CONSTRAINT.findall(found["constraints"]):
            self.checks.append((group, name, constraint_check(constraint, self._template)))
        if found["default"] is not None:
            self.defaults[name] = found["default"][1:]
        return group


@dataclass(frozen=True)
class HttpRoute:
    """One HTTP function and where it answers; no methods means every method."""

    function: Function
    template: RouteTemplate
    methods: frozenset[str]


@dataclass(frozen=True)
class RouteMatch:
    """The function that answers a request, and its route values."""

    function: Function
    values: dict[str, str]


def http_route(function: Function, prefix: str) -> HttpRoute:
    """The route of an HTTP function.

    Raises:
        IndexingError: the host would refuse the route.
    """
    route = function.trigger.get("route")
    route = function.name if route is None else str(route)
    template = compile_template(f"{prefix}/{route}" if prefix else route)
    first = template.text.partition("/")[0].lower()
    if not prefix and first.startswith(_RESERVED):
        raise IndexingError("The specified route conflicts with one or more built in routes.")
    methods = frozenset(str(method).upper() for method in function.trigger.get("methods") or ())
    return HttpRoute(function, template, methods)


def _by_name(route: HttpRoute) -> tuple[str, str]:
    # .NET orders names by culture: punctuation before digits before letters, whatever the case.
    name = route.function.name
    return name.casefold().replace("_", "\x01").replace("-", "\x02"), name


class RouteTable:
    """All HTTP routes, in the order the host tries them."""

    def __init__(self, routes: Iterable[HttpRoute]) -> None:
        self.routes = tuple(sorted(routes, key=_by_name))

    def find(self, method: str, path: str) -> RouteMatch | None:
        """The function for a decoded path; None means 404, also where only the method differs."""
        path = path.removeprefix("/").removesuffix("/")
        for route in self.routes:
            if route.methods and method not in route.methods:
                continue
            values = route.template.match(path)
            if values is not None:
                return RouteMatch(route.function, values)
        return None
