"""Between HTTP and a function: what the host hands over, and what it makes of the answer."""

import json
from typing import Any
from urllib.parse import unquote_plus

from .http_server import HttpRequest, HttpResponse
from .worker import bytes_datum, http_datum, text_datum

_HEX = frozenset("0123456789abcdefABCDEF")


def decode_path(target: str) -> str:
    """The path of a request target as routing sees it.

    Valid UTF-8 in percent codes is decoded, except `%2F`; anything else that is percent-coded stays as text. Dot
    segments are resolved afterwards.
    """
    path = target.partition("?")[0]
    if "://" in path:  # absolute form
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    if "%" in path:
        path = _decode_percent(path)
    return _without_dot_segments(path) if "/." in path else path


def _percent_byte(text: str, at: int) -> int | None:
    code = text[at + 1 : at + 3]
    if text[at : at + 1] == "%" and len(code) == 2 and _HEX.issuperset(code):
        return int(code, 16)
    return None


def _decode_percent(text: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(text):
        first = _percent_byte(text, at)
        if first is None or first == 0x2F:
            width = 1 if first is None else 3
            parts.append(text[at : at + width])
            at += width
            continue
        length = (
            1 if first < 0x80 else 2 if first >> 5 == 6 else 3 if first >> 4 == 14 else 4 if first >> 3 == 30 else 0
        )
        taken = bytearray([first])
        end = at + 3
        while len(taken) < length:
            following = _percent_byte(text, end)
            if following is None:
                break
            taken.append(following)
            end += 3
            if following >> 6 != 2:
                break
        try:
            parts.append(taken.decode("utf-8"))
        except UnicodeDecodeError:
            parts.append(text[at:end])
        at = end
    return "".join(parts)


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
            continue
        if position == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def query_values(target: str) -> dict[str, str]:
    """Query values: repeated names are joined with a comma, empty values left out."""
    values: dict[str, str] = {}
    spelling: dict[str, str] = {}
    for pair in target.partition("?")[2].partition("#")[0].split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        name = unquote_plus(name)
        value = unquote_plus(value)
        if not value:
            continue
        name = spelling.setdefault(name.lower(), name)
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def header_values(request: HttpRequest) -> dict[str, str]:
    """Headers by lower-case name, several values joined with a comma."""
    values: dict[str, str] = {}
    for name, value in request.headers:
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def request_datum(request: HttpRequest, route_values: dict[str, str]) -> Any:
    """The request as the worker receives it; a chunked body arrives empty, as the host copies by Content-Length."""
    host = request.header("host") or "localhost"
    url = request.target if "://" in request.target else f"http://{host}{request.target}"
    return http_datum(
        {
            "method": text_datum(request.method),
            "url": text_datum(url),
            "headers": {name: text_datum(value) for name, value in header_values(request).items()},
            "body": bytes_datum(b"" if request.chunked else request.body),
            "params": {name: text_datum(value) for name, value in route_values.items()},
            "query": {name: text_datum(value) for name, value in query_values(request.target).items()},
        }
    )


def response_of(value: Any) -> HttpResponse:
    """The answer the host makes of what the function returned.

    Raises:
        ValueError: the host could not use it (no number for a status, no response at all).
    """
    if value is None or value.type is None:
        return HttpResponse(200)
    if value.type == "http":
        return _from_http(value.value)
    if value.type == "string":
        return _from_text(value.value)
    raise ValueError(f"an HTTP function answered with {value.type}")


def _from_http(value: dict[str, Any]) -> HttpResponse:
    headers = [(str(name), str(header.value)) for name, header in value["headers"].items()]
    for cookie in value.get("cookies") or ():
        headers.extend(("Set-Cookie", morsel.OutputString()) for morsel in cookie.values())
    status = int(value["status_code"].value)
    if not 100 <= status <= 999:
        raise ValueError(f"{status} is no HTTP status")
    return HttpResponse(status, headers, value["body"].value or b"", host_made=False)


def _from_text(text: str) -> HttpResponse:
    """A plain text answer; the host parses it and takes an object with `body` for a whole response."""
    plain = [("Content-Type", "text/plain; charset=utf-8")]
    try:
        parsed = json.loads(text)
    except ValueError:
        return HttpResponse(200, plain, text.encode(), host_made=False)
    if not isinstance(parsed, dict):
        return HttpResponse(200, plain, text.encode(), host_made=False)
    members = {str(name).lower(): member for name, member in parsed.items()}
    if "body" not in members:
        content = [("Content-Type", "application/json; charset=utf-8")]
        return HttpResponse(200, content, text.encode(), host_made=False)
    status = int(members.get("status", members.get("statuscode", 200)))
    headers = [(str(name), str(header)) for name, header in dict(members.get("headers") or {}).items()]
    body = members["body"]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers += plain if isinstance(body, str) else [("Content-Type", "application/json; charset=utf-8")]
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return HttpResponse(status, headers, data, host_made=False)
