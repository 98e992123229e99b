"""Whatever comes in: the service's own error, a JSON body, and the account serves on."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.cosmos.process import CosmosProcess
from local.faults import UnknownFault
from tests.emulators.cosmos.conftest import WEST
from tests.emulators.cosmos.raw import send, signature

KEY = '["p"]'


@pytest.fixture
def link(account: CosmosProcess) -> Iterator[str]:
    """A container; it must still serve at the end."""
    name = f"bad-{time.time_ns()}"
    send(account.endpoint, "POST", "/dbs", "dbs", "", {"id": name})
    definition = {"id": "c", "partitionKey": {"paths": ["/pk"]}, "defaultTtl": -1}
    send(account.endpoint, "POST", f"/dbs/{name}/colls", "colls", f"dbs/{name}", definition)
    yield f"dbs/{name}/colls/c"
    status, _, _ = _create(account, f"dbs/{name}/colls/c", {"id": "last", "pk": "p"})
    assert status == 201


def _create(account: CosmosProcess, link: str, body: Any, **headers: str) -> tuple[int, dict[str, str], Any]:
    given = {"x_ms_documentdb_partitionkey": KEY, **headers}
    return send(account.regions[WEST], "POST", f"/{link}/docs", "docs", link, body, **given)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'\x80{"id":"1"}',
        b'{"id":"1","pk":"p","pk":"p"}',
        b'{"id":"1","pk":"p","deep":{"a":1,"a":2}}',
        b'{"id":"1","pk":"p","t":"\\ud83d"}',
        b'{"id":"\\ud83d","pk":"p"}',
        b'{"id":"1","pk":"\\ud83d"}',
        b'{"id":"1","pk":"p","n":NaN}',
        b'{"id":"1","pk":"p","n":1e999}',
        b'{"id":"1","pk":["p"]}',
        b'{"id":"1","pk":"p","ttl":"x"}',
        b'{"id":"1","pk":"p","ttl":0}',
        b'{"id":"1","pk":"p","ttl":true}',
        b'{"id":"1","pk":"p","ttl":1e99}',
        b"[" * 100_000,
        b'{"id":"1","pk":"p","n":' + b"9" * 5000 + b"}",
    ],
)
def test_malformed_documents_are_400(account: CosmosProcess, link: str, body: bytes) -> None:
    status, _, error = _create(account, link, body)
    assert status == 400
    assert (error["code"], type(error["message"])) == ("BadRequest", str)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", ""])
def test_the_content_type_of_a_document_does_not_matter(account: CosmosProcess, link: str, content_type: str) -> None:
    """Go, .NET and JS send documents with various types or none."""
    assert _create(account, link, {"id": "typed", "pk": "p"}, content_type=content_type)[0] == 201


def test_a_pair_of_surrogates_and_a_zero_survive(account: CosmosProcess, link: str) -> None:
    text = "\ud83d\ude00 \\u0000".encode("utf-16", "surrogatepass").decode("utf-16")
    assert _create(account, link, b'{"id":"1","pk":"p","t":"\\ud83d\\ude00\\u0000x"}')[0] == 201
    query = {
        "query": "SELECT VALUE c.t FROM c WHERE c.t = @t",
        "parameters": [{"name": "@t", "value": "\U0001f600\0x"}],
    }
    status, _, found = _create(account, link, query, x_ms_documentdb_isquery="true")
    assert (status, found["Documents"]) == (200, ["\U0001f600\0x"])
    assert text.startswith("\U0001f600")


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/dbs/../dbs", 400),
        ("GET", "/dbs/%2e%2e/colls", 400),
        ("GET", "/dbs//colls", 400),
        ("GET", "/dbs/%ff", 400),
        ("GET", "/nothing", 404),
        ("GET", "/docs", 404),
        ("GET", "/dbs/none/docs", 404),
        ("GET", "/dbs/none/colls/none/sprocs", 501),
        ("PATCH", "/dbs", 405),
        ("POST", "/", 405),
        ("OPTIONS", "/dbs", 405),
        ("DELETE", "/offers", 405),
        ("GET", "/dbs/none", 401),
    ],
)
def test_odd_paths_and_verbs(account: CosmosProcess, verb: str, path: str, status: int) -> None:
    found, _, error = send(account.endpoint, verb, path, "dbs", "x")
    assert found == status
    assert isinstance(error["message"], str)
    assert isinstance(error["code"], str)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /dbs HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_broken_http_is_answered_and_closed(account: CosmosProcess, request_bytes: bytes) -> None:
    answer = _exchange(account, request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] in (b"400", b"431")
    assert isinstance(json.loads(body)["message"], str)


def _exchange(account: CosmosProcess, data: bytes) -> bytes:
    parts = urlsplit(account.regions[WEST])
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(data)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def test_a_chunked_body_and_pipelined_requests_are_served(account: CosmosProcess, link: str) -> None:
    date = "Wed, 25 Nov 2026 12:00:00 GMT"
    create = (
        f"POST /{link}/docs HTTP/1.1\r\nx-ms-date: {date}\r\nauthorization: {signature('post', 'docs', link, date)}\r\n"
        f"x-ms-documentdb-partitionkey: {KEY}\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        '9\r\n{"id":"ch\r\nc\r\nunk","pk":"p\r\n2\r\n"}\r\n0\r\n\r\n'
    )
    path = f"{link}/docs/chunk"
    read = (
        f"GET /{path} HTTP/1.1\r\nx-ms-date: {date}\r\nauthorization: {signature('get', 'docs', path, date)}\r\n"
        f"x-ms-documentdb-partitionkey: {KEY}\r\nConnection: close\r\n\r\n"
    )
    answer = _exchange(account, (create + read).encode())
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created")
    assert b"HTTP/1.1 200 OK" in answer


def test_500_connections_at_once_are_served(account: CosmosProcess, link: str) -> None:
    parts = urlsplit(account.regions[WEST])
    date = "Wed, 25 Nov 2026 12:00:00 GMT"
    connections = [socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) for _ in range(500)]
    try:
        for number, connection in enumerate(connections):
            body = json.dumps({"id": str(number), "pk": "p"})
            connection.sendall(
                f"POST /{link}/docs HTTP/1.1\r\nx-ms-date: {date}\r\n"
                f"authorization: {signature('post', 'docs', link, date)}\r\nx-ms-documentdb-partitionkey: {KEY}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
        statuses = {connection.recv(65536).split(b" ")[1] for connection in connections}
    finally:
        for connection in connections:
            connection.close()
    assert statuses == {b"201"}
    counted = {"query": "SELECT VALUE COUNT(1) FROM c"}
    assert _create(account, link, counted, x_ms_documentdb_isquery="true")[2]["Documents"] == [500]


def test_a_container_definition_is_checked(account: CosmosProcess, link: str) -> None:
    owner = link.rpartition("/colls/")[0]
    good: dict[str, Any] = {"id": "x", "partitionKey": {"paths": ["/pk"]}}
    changes: tuple[dict[str, Any], ...] = (
        {"partitionKey": None},
        {"partitionKey": {"paths": []}},
        {"partitionKey": {"paths": ["pk"]}},
        {"partitionKey": {"paths": ["/a", "/b"]}},
        {"defaultTtl": 0},
        {"defaultTtl": "x"},
        {"id": "a/b"},
        {"conflictResolutionPolicy": {"mode": "LastWriterWins", "conflictResolutionPath": "version"}},
        {"indexingPolicy": {"compositeIndexes": [[{"path": "/a"}]]}},
    )
    for change in changes:
        status, _, error = send(account.endpoint, "POST", f"/{owner}/colls", "colls", owner, good | change)
        assert (status, error["code"]) == (400, "BadRequest"), change


def test_misspelt_faults_are_refused(account: CosmosProcess) -> None:
    for wrong in (
        lambda: account.control.add_fault("explode"),
        lambda: account.control.add_fault("status", match={"planet": "earth"}),
        lambda: account.control.call("POST", "/_control/partition", {"regions": [WEST, WEST]}),
        lambda: account.control.call("POST", "/_control/replication", {"lagMs": -1}),
        lambda: account.control.call("POST", "/_control/replication", {"lag": 1}),
        lambda: account.control.call("POST", "/_control/regions/Atlantis/down"),
        lambda: account.control.call("POST", "/_control/regions/westeurope/sideways"),
    ):
        with pytest.raises(UnknownFault):
            wrong()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--region", "West Europe"], "write it as"),
        (["--region", "A=0", "--region", "a=0"], "the same name"),
        (["--region", "A=0", "--account", "localhost"], "other than localhost"),
        (["--region", "A=0", "--key", "no key"], "base64"),
    ],
)
def test_a_wrong_start_says_what_to_do(tmp_path: Path, arguments: list[str], words: str) -> None:
    command = [sys.executable, "-m", "local.cosmos", "--data", str(tmp_path), "--global-port", "0", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert ended.stdout == ""


def test_a_data_folder_has_one_owner(tmp_path: Path) -> None:
    process = CosmosProcess(tmp_path, [WEST])
    process.start()
    try:
        command = [
            sys.executable,
            "-m",
            "local.cosmos",
            "--data",
            str(tmp_path),
            "--global-port",
            "0",
            "--region",
            "A=0",
        ]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert ended.returncode == 2
        assert "in use by another process" in ended.stderr
    finally:
        process.stop()


def test_a_taken_port_says_so(tmp_path: Path, account: CosmosProcess) -> None:
    port = account.endpoint.rstrip("/").rpartition(":")[2]
    command = [sys.executable, "-m", "local.cosmos", "--data", str(tmp_path), "--global-port", port, "--region", "A=0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "Is the port taken" in ended.stderr
