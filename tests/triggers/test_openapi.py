"""The OpenAPI document: it describes what is served, and its committed copy is current."""

import base64
import hashlib
import json
import re
from pathlib import Path

from tests.triggers.conftest import BUILT, App, json_of
from triggers.openapi import document

ROOT = Path(__file__).parent.parent.parent


async def test_the_committed_copy_is_current(app: App) -> None:
    served = json_of(await app.call("get_openapi"))

    assert json.loads((ROOT / "docs" / "openapi.json").read_text()) == served, "run `make openapi`"


def test_every_route_is_described_and_every_description_is_served() -> None:
    served = set()
    for function in BUILT:
        trigger = function.get_trigger()
        binding = trigger.get_dict_repr() if trigger is not None else {}
        route = str(binding.get("route") or "")
        if route.startswith("api/1.0/"):
            path = re.sub(r"\{(\w+)\}", lambda match: "{" + _camel(match.group(1)) + "}", route)
            served |= {(f"/{path}", str(getattr(method, "value", method)).lower()) for method in binding["methods"]}

    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}
    assert described == served


def test_no_operation_is_called_like_another() -> None:
    names = [one["operationId"] for methods in document()["paths"].values() for one in methods.values()]

    assert len(names) == len(set(names))


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


async def test_the_page_describes_every_operation_and_every_problem(app: App) -> None:
    response = await app.call("get_docs")
    page = response.get_body().decode()

    assert response.mimetype == "text/html"
    for methods in document()["paths"].values():
        for operation in methods.values():
            assert f"id='{operation['operationId']}'" in page
            for status in operation["responses"]:
                assert int(status) < 400 or f"id='{status}'" in page
    anchors = set(re.findall(r"href='#([^']+)'", page))
    assert anchors <= set(re.findall(r"id='([^']+)'", page))


async def test_the_page_loads_nothing_and_runs_nothing(app: App) -> None:
    response = await app.call("get_docs")
    page = response.get_body().decode()

    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in response.headers["Content-Security-Policy"]
