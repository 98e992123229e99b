"""HTTP triggers: the table of what was seen on the running host, line by line."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import Host, StartHost
from .processes import wait_until

GUID = "5f0c4b33-8d9f-4d38-9a86-6d2ba0a6b2d3"


@pytest.fixture(scope="module")
def host(start_shared_host: StartHost) -> Host:
    return start_shared_host("http")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nowhere"),
        ("POST", "/api/hello"),
        ("OPTIONS", "/api/hello"),
        ("HEAD", "/api/hello"),
        ("GET", "/hello"),
        ("GET", "/api/hello/more"),
        ("GET", "/api//hello"),
        ("GET", "/api/status/x"),
    ],
)
def test_an_unknown_route_or_method_is_an_empty_404(host: Host, method: str, path: str) -> None:
    answer = host.call(path, method)

    assert answer.status == 404
    assert answer.body == b""
    assert "Allow" not in answer.headers
    assert answer.headers["Content-Length"] == "0"
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/same/search", "a_param search"),
        ("/api/other/search", "c_literal"),
        ("/api/other/x", "d_param x"),
        (f"/api/items/{GUID}", "by_guid"),
        (f"/api/items/{GUID.upper()}", "by_guid"),
        ("/api/items/pen", "by_name pen"),
    ],
)
def test_routes_are_tried_in_the_order_of_function_names(host: Host, path: str, expected: str) -> None:
    assert host.call(path).body.decode() == expected


@pytest.mark.parametrize("path", ["/api/hello/", "/API/Hello", "/api/%68ello", "/api/x/../hello", "/api/./hello"])
def test_a_trailing_slash_another_case_and_codes_match(host: Host, path: str) -> None:
    assert host.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()).endswith(
        b"hello\r\n0\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("segment", "value"),
    [
        ("a%2Fb", "a%2Fb"),
        ("a%2fb", "a%2fb"),
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("%zz", "%zz"),
        ("a%", "a%"),
        ("%c3%28", "%c3%28"),
        ("%c3%a9", "é"),
        ("%f0%9f%98%80", "😀"),
        ("%ed%a0%bd", "%ed%a0%bd"),
    ],
)
def test_route_values_keep_what_cannot_be_decoded(host: Host, segment: str, value: str) -> None:
    answer = host.raw(f"GET /api/same/{segment} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert f"a_param {value}".encode() in answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/same/%00 HTTP/1.1\r\nHost: x",
        b"GET /api/same/a b HTTP/1.1\r\nHost: x",
        "GET /api/same/é HTTP/1.1\r\nHost: x".encode(),
        b"GET /api/hello HTTP/1.1",
        b"GET /api/hello HTTP/1.1\r\nHost: x\r\nHost: y",
        b"POST /api/echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: many",
        b"POST /api/echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2",
        b"GET /api/hello HTTP/1.1\r\nHost: x\r\nbad header: 1",
        b"\x16\x03\x01\x02",
    ],
)
def test_a_malformed_request_is_refused_and_the_connection_closed(host: Host, head: bytes) -> None:
    answer = host.raw(head + b"\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Content-Length: 0" in answer
    assert b"Connection: close" in answer
    assert host.call("/api/hello").status == 200


def test_a_long_target_is_414_and_large_headers_are_431(host: Host) -> None:
    long_target = host.raw(b"GET /api/hello?" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    large_headers = host.raw(b"GET /api/hello HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 33000 + b"\r\n\r\n")

    assert long_target.startswith(b"HTTP/1.1 414 ")
    assert large_headers.startswith(b"HTTP/1.1 431 ")


def test_a_body_over_100_mb_is_500_before_it_is_sent(host: Host) -> None:
    answer = host.raw(b"POST /api/echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 104857601\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"Content-Length: 0" in answer


def test_a_chunked_body_arrives_empty_with_its_header(host: Host) -> None:
    chunks = b'6\r\n{"rati\r\n6\r\nng":5}\r\n0\r\n\r\n'
    head = b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    answer = host.raw(head + chunks)

    seen = json.loads(answer.partition(b"\r\n\r\n")[2].split(b"\r\n")[1])
    assert seen["body"] == ""
    assert seen["headers"]["transfer-encoding"] == "chunked"


def test_headers_query_and_body_arrive_as_the_host_hands_them_over(host: Host) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port)
    connection.putrequest("POST", "/api/echo/a/b?x=1&x=2&empty=&y=%20z+q&X=3")
    for name, value in [("X-Many", "one"), ("x-many", "two"), ("Content-Length", "3")]:
        connection.putheader(name, value)
    connection.endheaders(b"abc")
    seen = json.loads(connection.getresponse().read())
    connection.close()

    assert seen["params"] == {"x": "1,2,3", "y": " z q"}
    assert seen["headers"]["x-many"] == "one,two"
    assert seen["route"] == {"rest": "a/b"}
    assert seen["body"] == "abc"
    assert seen["url"] == f"http://127.0.0.1:{host.port}/api/echo/a/b?x=1&x=2&empty=&y=%20z+q&X=3"


def test_answers_look_like_kestrels(host: Host) -> None:
    answer = host.call("/api/hello")

    assert answer.headers["Server"] == "Kestrel"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("code", [204, 304])
def test_204_and_304_lose_their_body_and_keep_their_type(host: Host, code: int) -> None:
    answer = host.call(f"/api/status/{code}")

    assert (answer.status, answer.body) == (code, b"")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Transfer-Encoding" not in answer.headers


@pytest.mark.parametrize("path", ["/api/raises", "/api/none", "/api/number"])
def test_what_is_no_response_is_an_empty_500(host: Host, path: str) -> None:
    answer = host.call(path)

    assert (answer.status, answer.body) == (500, b"")
    assert b"secret" not in answer.body


def test_a_failure_is_in_the_log_with_its_stack(host: Host) -> None:
    host.call("/api/raises")

    wait_until(lambda: "ValueError: secret detail" in host.process.log)
    wait_until(lambda: "Executed 'Functions.raises' (Failed, Id=" in host.process.log)


def test_a_text_answer_is_plain_text(host: Host) -> None:
    answer = host.call("/api/text")

    assert (answer.body, answer.headers["Content-Type"]) == (b"plain words", "text/plain; charset=utf-8")


def test_set_cookie_may_repeat(host: Host) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", host.port)
    connection.request("GET", "/api/cookies")
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.headers.get_all("Set-Cookie") == ["a=1; Path=/", "b=2; HttpOnly"]
    assert answer.headers["x-one"] == "1"


def test_head_where_it_is_declared_has_no_body(host: Host) -> None:
    answer = host.call("/api/echo/x", "HEAD")

    assert (answer.status, answer.body) == (200, b"")


def test_expect_continue_pipelining_and_http_1_0_work(host: Host) -> None:
    expecting = host.raw(b"POST /api/echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
    pipelined = host.raw(b"GET /api/hello HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    old = host.raw(b"GET /api/hello HTTP/1.0\r\n\r\n")

    assert expecting == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert pipelined.count(b"HTTP/1.1 200 OK") == 3
    assert old.endswith(b"\r\n\r\nhello")


def test_sync_functions_run_side_by_side(host: Host) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: host.call("/api/slow_sync?s=0.2"), range(8)))

    assert {answer.body for answer in answers} == {b"slow_sync"}


def test_a_retry_policy_on_http_keeps_the_invocation_id(host: Host) -> None:
    seen = host.call("/api/flaky").json()

    assert len(seen["ids"]) == 3
    assert len(set(seen["ids"])) == 1
    assert (seen["retry_count"], seen["max_retry_count"]) == (2, 2)


def test_a_function_that_ends_the_worker_fails_what_is_in_flight(host: Host) -> None:
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(host.call, "/api/slow?s=30")
        while "Executing 'Functions.slow'" not in host.process.log:
            host.call("/admin/host/ping")
        leaver = host.call("/api/leaves")
        other = slow.result()

    assert (leaver.status, other.status) == (500, 500)
    assert host.call("/api/leaves_sync").status == 500
    assert host.call("/api/hello").status == 200


def test_the_callers_trace_goes_on(host: Host) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"

    answer = host.call("/api/trace", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})

    assert answer.body.decode().split("-")[1] == trace
    assert "b7ad6b7169203331" not in answer.body.decode()


def test_log_lines_the_real_host_would_lose_are_marked(host: Host) -> None:
    host.call("/api/logs")
    while "line after the answer" not in host.process.log:
        host.call("/admin/host/ping")

    texts = {line.rpartition(" line ")[2]: line for line in host.process.err if " line " in line and "File" not in line}
    lines = {text: "[lost by the real host]" in line for text, line in texts.items()}
    assert lines == {
        "at import": True,
        "in the function": False,
        "in a task": False,
        "in to_thread": True,
        "in a thread": True,
        "after the answer": True,
    }


def test_the_host_lists_its_functions_with_their_bindings(host: Host) -> None:
    listed = {function["name"]: function["config"]["bindings"] for function in host.call("/admin/functions").json()}

    assert listed["only_get"][0]["type"] == "httpTrigger"
    assert listed["only_get"][0]["methods"] == ["GET"]
    wait_until(lambda: f"by_guid: [any method] {host.url}/api/items/{{item_id:guid}}" in host.process.log)
