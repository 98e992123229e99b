"""Decisions that need no process: routes, schedules, shares, delays, host.json."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.balancing import Ownership, active, next_claim
from local.functions_host.errors import HostJsonError, IndexingError
from local.functions_host.host_json import EventHubOptions, read_host_json
from local.functions_host.http_server import ChunkedBody, Refused, parse_head
from local.functions_host.http_trigger import decode_path
from local.functions_host.invoker import retry_delay_s
from local.functions_host.ncrontab import parse_schedule
from local.functions_host.routes import RouteTable, compile_template, http_route
from local.functions_host.worker import Function, RetryPolicy

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/{x}", "a/1", {"x": "1"}),
        ("a/{x}", "a/1/2", None),
        ("a/{x}", "a", None),
        ("a/{x?}", "a", {}),
        ("a/{x=5}", "a", {"x": "5"}),
        ("{*rest}", "", {}),
        ("a/{*rest}", "a/b/c", {"rest": "b/c"}),
        ("a/{*rest}", "a", {}),
        ("a/{**rest}", "a/b/c", {"rest": "b/c"}),
        ("v{major}.{minor}/x", "v1.20/x", {"major": "1", "minor": "20"}),
        ("{id:int}", "12", {"id": "12"}),
        ("{id:int}", "1x", None),
        ("{id:int}", "99999999999", None),
        ("{id:long}", "99999999999", {"id": "99999999999"}),
        ("{id:int:min(3)}", "2", None),
        ("{id:range(1,5)}", "5", {"id": "5"}),
        ("{id:length(3)}", "ab", None),
        ("{id:length(1,3)}", "ab", {"id": "ab"}),
        ("{id:alpha}", "a1", None),
        ("{id:bool}", "TRUE", {"id": "TRUE"}),
        ("{id:regex(^[a-z]{{2}}-\\d+$)}", "AB-12", {"id": "AB-12"}),
        ("{id:regex(^(a|b)$)}", "c", None),
        ("{id:guid}", "5f0c4b338d9f4d389a866d2ba0a6b2d3", {"id": "5f0c4b338d9f4d389a866d2ba0a6b2d3"}),
        ("{id:guid}", "{5f0c4b33-8d9f-4d38-9a86-6d2ba0a6b2d3}", {"id": "{5f0c4b33-8d9f-4d38-9a86-6d2ba0a6b2d3}"}),
        ("{id:guid}", "5f0c4b33-8d9f-4d38-9a86-6d2ba0a6b2d", None),
        ("{id:datetime}", "2026-01-31", {"id": "2026-01-31"}),
        ("{id:double}", "-1.5e3", {"id": "-1.5e3"}),
    ],
)
def test_templates_match_as_asp_net_core_matches(template: str, path: str, values: dict[str, str] | None) -> None:
    assert compile_template(template).match(path) == values


@pytest.mark.parametrize(
    "template", ["api//{*route}", "{x}/{X}", "{*a}/b", "{id:colour}", "{id:min(x)}", "a{", "{id:regex([)}"]
)
def test_templates_that_asp_net_core_refuses(template: str) -> None:
    with pytest.raises(IndexingError):
        compile_template(template)


def _http_function(name: str, route: str | None) -> Function:
    binding = {"type": "httpTrigger", "name": "req"} | ({} if route is None else {"route": route})
    return Function(name, name, (binding,))


def test_routes_of_the_host_itself_are_refused() -> None:
    with pytest.raises(IndexingError, match="conflicts with one or more built in routes"):
        http_route(_http_function("f", "admin/x"), "")
    http_route(_http_function("f", "admin/x"), "api")


def test_names_are_tried_in_culture_order() -> None:
    names = ["b", "A_x", "a1", "aa", "B2", "a_b"]
    table = RouteTable(http_route(_http_function(name, "same"), "") for name in names)

    assert [route.function.name for route in table.routes] == ["a_b", "A_x", "a1", "aa", "b", "B2"]


@given(st.text(alphabet="%/.2fFeE0aé", max_size=30))
def test_any_path_decodes_to_something_that_begins_with_a_slash(path: str) -> None:
    assert decode_path("/" + path).startswith("/")


@given(st.binary(max_size=200))
def test_any_head_is_parsed_or_refused(head: bytes) -> None:
    status = None
    try:
        parse_head(head)
    except Refused as refusal:
        status = refusal.status
    assert status in (None, 400, 431, 500, 501, 505)


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(1, 7))
def test_a_chunked_body_is_read_however_it_is_cut(parts: list[bytes], cut: int) -> None:
    sent = b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nTrailer: 1\r\n\r\nNEXT"
    chunks, buffer, body = ChunkedBody(), bytearray(), None
    for start in range(0, len(sent), cut):
        buffer += sent[start : start + cut]
        if body is None:
            body = chunks.take(buffer)

    assert body == b"".join(parts)
    assert buffer == b"NEXT"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 */5 * * * *", "2026-03-01T12:05:00"),
        ("*/5 * * * *", "2026-03-01T12:05:00"),
        ("* * * * * *", "2026-03-01T12:00:31"),
        ("30 0 12 * * *", "2026-03-02T12:00:30"),
        ("0 30 9 * * Mon-Fri", "2026-03-02T09:30:00"),
        ("0 0 0 29 Feb *", "2028-02-29T00:00:00"),
        ("0 0 8,18 * * *", "2026-03-01T18:00:00"),
        ("0 0 0 1 */6 *", "2026-07-01T00:00:00"),
        ("15/20 * * * * *", "2026-03-01T12:00:35"),
        ("0 0 0 13 * 5", "2026-03-13T00:00:00"),
        ("00:05:00", "2026-03-01T12:05:30"),
        ("1.00:00:00", "2026-03-02T12:00:30"),
    ],
)
def test_schedules_find_their_next_time(text: str, expected: str) -> None:
    assert parse_schedule(text).next_after(NOW) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "60 * * * * *", "0 0 0 30 Feb *", "a b c d e f", "00:00:00", "5-1 * * * * *", "*/0 * * * * *"],
)
def test_schedules_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(IndexingError):
        parse_schedule(text)


def test_schedules_follow_the_time_zone_over_a_clock_change() -> None:
    schedule = parse_schedule("0 30 6 * * *", ZoneInfo("Europe/Berlin"))

    before = schedule.next_after(datetime(2026, 3, 28, 0, 0, tzinfo=UTC))
    after = schedule.next_after(before)

    assert before == datetime(2026, 3, 28, 5, 30, tzinfo=UTC)
    assert after == datetime(2026, 3, 29, 4, 30, tzinfo=UTC)


def test_retries_wait_as_the_webjobs_sdk_waits() -> None:
    exponential = RetryPolicy("exponential_backoff", -1, minimum_s=1.0, maximum_s=60.0)
    fixed = RetryPolicy("fixed_delay", 3, delay_s=5.0)

    steady = [retry_delay_s(exponential, retry, lambda low, high: 1.0) for retry in range(1, 9)]
    jittered = [retry_delay_s(exponential, 3) for _ in range(50)]

    assert steady == [1.0, 2.0, 3.0, 5.0, 9.0, 17.0, 33.0, 60.0]
    assert all(1 + 2 * 0.8 <= delay <= 1 + 2 * 1.2 for delay in jittered)
    assert retry_delay_s(exponential, 10_000) == 60.0
    assert [retry_delay_s(fixed, retry) for retry in (1, 2, 3)] == [5.0, 5.0, 5.0]


def test_reading_is_tried_again_with_the_clients_delays() -> None:
    assert [EventHubOptions().reconnect_delay_s(failures) for failures in range(1, 5)] == [0.8, 1.6, 3.2, 0.8]


def _owned(owner: str, *partition_ids: str, age_s: float = 0.0) -> list[Ownership]:
    return [Ownership(name, owner, NOW - timedelta(seconds=age_s), "e") for name in partition_ids]


def test_ownership_given_up_or_expired_is_none() -> None:
    listed = [*_owned("a", "0"), *_owned("", "1"), *_owned("b", "2", age_s=11), *_owned("c", "3", age_s=9)]

    assert set(active(listed, NOW, 10.0)) == {"0", "3"}


@given(st.integers(1, 40), st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True), st.randoms())
def test_hosts_that_claim_in_turn_end_with_even_shares(partitions: int, hosts: list[str], rng: object) -> None:
    names = [str(number) for number in range(partitions)]
    held: dict[str, Ownership] = {}
    for _ in range(partitions * 8):
        moved = False
        for host in hosts:
            claim = next_claim(host, names, held, rng.choice)  # type: ignore[attr-defined]
            if claim is not None:
                held[claim] = Ownership(claim, host, NOW, "e")
                moved = True
        if not moved:
            break

    shares = [sum(ownership.owner_id == host for ownership in held.values()) for host in hosts]
    assert len(held) == partitions
    assert max(shares) - min(shares) <= 1


def test_host_json_is_overridden_by_the_environment_whatever_the_case(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(
        json.dumps({"version": "2.0", "extensions": {"EventHubs": {"maxEventBatchSize": 10}}, "functions": ["a", "b"]})
    )
    environ = {
        "AzureFunctionsJobHost__extensions__eventhubs__maxEventBatchSize": "77",
        "azurefunctionsjobhost:Functions:0": "c",
        "AzureFunctionsJobHost__Logging__LogLevel__Function.x": "Warning",
    }

    options = read_host_json(tmp_path, environ)

    assert options.event_hubs.max_event_batch_size == 77
    assert options.functions == ("c", "b")
    assert options.log_levels == {"Function.x": "warning"}


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ({"maxEventBatchSize": 0}, "maxEventBatchSize"),
        ({"maxEventBatchSize": 5, "minEventBatchSize": 6}, "minEventBatchSize"),
        ({"maxWaitTime": "00:11:00"}, "maxWaitTime"),
        ({"prefetchCount": "many"}, "prefetchCount"),
        ({"webProxy": "http://x"}, "webProxy"),
        ({"transportType": "carrierPigeon"}, "transportType"),
        ({"initialOffsetOptions": {"type": "fromMiddle"}}, "initialOffsetOptions.type"),
        ({"initialOffsetOptions": {"type": "fromEnqueuedTime", "enqueuedTimeUtc": "x"}}, "enqueuedTimeUtc"),
        ({"clientRetryOptions": {"mode": "linear"}}, "clientRetryOptions.mode"),
        ({"enableCheckpointing": "perhaps"}, "enableCheckpointing"),
        ({"maxBatchSize": 10}, "maxBatchSize"),
        ({"loadBalancingUpdateInterval": 10}, "loadBalancingUpdateInterval"),
    ],
)
def test_event_hub_settings_are_refused_by_name(tmp_path: Path, section: dict[str, object], name: str) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"eventHubs": section}}))

    with pytest.raises(HostJsonError, match=name):
        read_host_json(tmp_path, {})


def test_every_event_hub_setting_of_extension_6_is_taken(tmp_path: Path) -> None:
    section = {
        "maxEventBatchSize": 200,
        "minEventBatchSize": 5,
        "maxWaitTime": "00:00:05",
        "batchCheckpointFrequency": 2,
        "prefetchCount": 400,
        "prefetchSizeInBytes": 1000,
        "transportType": "amqpTcp",
        "customEndpointAddress": "sb://x",
        "clientRetryOptions": {
            "mode": "fixed",
            "tryTimeout": "00:00:10",
            "delay": "00:00:00.5",
            "maximumDelay": "00:00:03",
            "maximumRetries": 4,
        },
        "initialOffsetOptions": {"type": "fromEnqueuedTime", "enqueuedTimeUtc": "2026-01-31T12:00:00Z"},
        "partitionOwnershipExpirationInterval": "00:01:00",
        "loadBalancingUpdateInterval": "00:00:10",
        "trackLastEnqueuedEventProperties": True,
        "targetUnprocessedEventThreshold": 75,
        "enableCheckpointing": False,
    }
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"eventHubs": section}}))

    options = read_host_json(tmp_path, {}).event_hubs

    assert options == EventHubOptions(
        max_event_batch_size=200,
        min_event_batch_size=5,
        max_wait_time_s=5.0,
        batch_checkpoint_frequency=2,
        prefetch_count=400,
        prefetch_size_in_bytes=1000,
        initial_offset="fromEnqueuedTime",
        initial_offset_time=datetime(2026, 1, 31, 12, tzinfo=UTC),
        ownership_expiration_s=60.0,
        load_balancing_interval_s=10.0,
        track_last_enqueued=True,
        enable_checkpointing=False,
        custom_endpoint_address="sb://x",
        retry_mode="fixed",
        retry_delay_s=0.5,
        retry_maximum_delay_s=3.0,
        try_timeout_s=10.0,
        maximum_retries=4,
    )
