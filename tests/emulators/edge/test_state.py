"""Which origin a request goes to."""

from collections import Counter
from dataclasses import replace

from local.edge.description import OriginGroup
from local.edge.state import Group, Origin, Sample

SETTINGS = OriginGroup("api", "gateway", sample_size=4, successful_samples_required=3, additional_latency_ms=50)


def seen(origin: Origin, *statuses: int | None, ms: float = 5) -> Origin:
    for status in statuses:
        origin.saw(Sample(0, status, ms))
    return origin


def chosen(group: Group, times: int = 100) -> Counter[str]:
    picked = [group.choose() for _ in range(times)]
    return Counter(origin.name for origin in picked if origin is not None)


def test_only_200_is_healthy() -> None:
    for status in (204, 301, 401, 404, 503, None):
        group = Group(SETTINGS, [seen(Origin("a", ""), 200, 200, status, status)])

        assert not group.is_healthy(group.origins[0]), status


def test_an_origin_is_out_after_more_failures_than_the_sample_may_hold_and_back_when_they_have_left_it() -> None:
    origin = Origin("a", "")
    group = Group(SETTINGS, [origin])
    states = []
    for status in (503, 503, 200, 200, 200, 200):
        seen(origin, status)
        states.append(group.is_healthy(origin))

    assert states == [True, False, False, False, True, True]


def test_all_unhealthy_means_that_all_are_used() -> None:
    group = Group(SETTINGS, [seen(Origin("a", ""), None, None), seen(Origin("b", ""), 503, 503)])

    assert group.all_unhealthy
    assert chosen(group) == {"a": 50, "b": 50}


def test_the_lowest_priority_number_takes_everything_while_it_is_healthy() -> None:
    first, second = Origin("first", "", priority=1), Origin("second", "", priority=2)
    group = Group(SETTINGS, [first, second])

    assert chosen(group) == {"first": 100}
    seen(first, 503, 503)
    assert chosen(group) == {"second": 100}


def test_weights_share_the_requests_evenly_spread() -> None:
    group = Group(SETTINGS, [Origin("a", "", weight=75), Origin("b", "", weight=25)])

    assert chosen(group, 4) == {"a": 3, "b": 1}
    assert chosen(group, 400) == {"a": 300, "b": 100}


def test_only_origins_near_the_fastest_are_used() -> None:
    near, alike = seen(Origin("near", ""), 200, ms=10), seen(Origin("alike", ""), 200, ms=55)
    far = seen(Origin("far", ""), 200, ms=90)

    assert chosen(Group(SETTINGS, [near, alike, far])) == {"near": 50, "alike": 50}
    assert chosen(Group(replace(SETTINGS, additional_latency_ms=0), [alike, near, far])) == {"near": 100}


def test_the_far_origin_takes_over_when_the_near_ones_are_ill() -> None:
    near, far = seen(Origin("near", ""), 200, 503, 503, ms=10), seen(Origin("far", ""), 200, ms=900)

    assert chosen(Group(SETTINGS, [near, far])) == {"far": 100}


def test_without_the_one_that_failed_there_may_be_nobody_left() -> None:
    only = Origin("a", "")

    assert Group(SETTINGS, [only]).choose(without=only) is None
