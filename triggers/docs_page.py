"""The contract as a page that people read: plain HTML from the OpenAPI document, no script, nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from html import escape
from http import HTTPStatus
from typing import Any

from triggers.openapi import document

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; } h3 { margin: 2rem 0 .25rem; overflow-wrap: anywhere; }
code, .verb { font-family: ui-monospace, monospace; font-size: .9em; }
.verb { display: inline-block; min-width: 4.5em; padding: 0 .4em; border-radius: .3em; background: var(--soft); }
.key { font-size: .8em; border: 1px solid var(--line); border-radius: .3em; padding: 0 .4em; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .92em; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line); }
nav a { display: block; } a { color: inherit; }
"""


def policy() -> str:
    """The page's Content-Security-Policy: its own style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"


@cache
def page() -> str:
    """The whole page."""
    contract = document()
    info = contract["info"]
    operations = [
        (path, verb, operation) for path, verbs in contract["paths"].items() for verb, operation in verbs.items()
    ]
    parts = [
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(info['title'])} API</title>",
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body><main>",
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1><p>{escape(info['description'])} ",
        "<a href='/api/openapi.json'>OpenAPI 3.1</a></p><nav aria-label='Operations'>",
        *(f"<a href='#{operation['operationId']}'>{_line(path, verb)}</a>" for path, verb, operation in operations),
        "</nav><h2>Operations</h2>",
        *(part for path, verb, operation in operations for part in _operation(path, verb, operation)),
        "<h2>Resources</h2>",
        *(part for name, schema in contract["components"]["schemas"].items() for part in _schema(name, schema)),
        "<h2>Problems</h2><p>Errors are <code>application/problem+json</code> (RFC 9457); <code>type</code> is here.",
        "</p>",
        *_problems(operations),
        "</main></body></html>",
    ]
    return "".join(parts)


def _line(path: str, verb: str) -> str:
    return f"<span class='verb'>{verb.upper()}</span> <code>{escape(path)}</code>"


def _operation(path: str, verb: str, operation: dict[str, Any]) -> Iterator[str]:
    key = " <span class='key'>X-API-KEY</span>" if operation["security"] else ""
    yield f"<h3 id='{operation['operationId']}'>{_line(path, verb)}</h3><p>{escape(operation['summary'])}{key}</p>"
    if operation["parameters"]:
        rows = (
            (f"<code>{escape(one['name'])}</code>", escape(one["in"]), _kind(one["schema"]), escape(_text(one)))
            for one in operation["parameters"]
        )
        yield _table(("Parameter", "in", "type", ""), rows)
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(kind)}</code> {_kind(body['schema'])}</p>"
    answers = (
        (f"<a href='#{status}'>{status}</a>" if int(status) >= 400 else status, escape(one["description"]), _body(one))
        for status, one in sorted(operation["responses"].items())
    )
    yield _table(("Answer", "", "body"), answers)


def _schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"<h3 id='{escape(name)}'>{escape(name)}</h3><p>{escape(schema.get('description', ''))}</p>"
    required = set(schema.get("required", ()))
    rows = (
        (f"<code>{escape(member)}</code>", _kind(one), "required" if member in required else "", escape(_text(one)))
        for member, one in schema.get("properties", {}).items()
    )
    yield _table(("Member", "type", "", ""), rows)


def _problems(operations: list[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    texts = {
        status: one["description"]
        for _, _, operation in operations
        for status, one in operation["responses"].items()
        if int(status) >= 400
    }
    for status, text in sorted(texts.items()):
        yield f"<h3 id='{status}'>{status} {HTTPStatus(int(status)).phrase}</h3><p>{escape(text)}.</p>"


def _table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    head = "".join(f"<th scope='col'>{one}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _body(answer: dict[str, Any]) -> str:
    return ", ".join(_kind(one["schema"]) for one in answer.get("content", {}).values())


def _text(one: dict[str, Any]) -> str:
    return str(one.get("description") or one.get("schema", {}).get("description", ""))


def _kind(schema: dict[str, Any]) -> str:
    """A type in a few words, with its bounds."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[1])
        return f"<a href='#{name}'>{name}</a>"
    if "oneOf" in schema:
        return " or ".join(_kind(one) for one in schema["oneOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    words = [str(schema.get("format") or schema.get("type", "object"))]
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if low is not None or high is not None:
        words.append(f"{'' if low is None else low}…{'' if high is None else high}")
    return escape(" ".join(words))
