"""The codec: values survive, and whatever bytes come, only its own error is raised."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.eventhubs import codec, sections
from local.eventhubs import performatives as amqp
from local.eventhubs.codec import (
    Byte,
    Described,
    Float32,
    Int,
    Long,
    Short,
    Symbol,
    Timestamp,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    Uuid,
)
from local.eventhubs.errors import AmqpError, DecodeError

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 2**8 - 1).map(Ubyte),
    st.integers(0, 2**16 - 1).map(Ushort),
    st.integers(0, 2**32 - 1).map(Uint),
    st.integers(0, 2**64 - 1).map(Ulong),
    st.integers(-(2**7), 2**7 - 1).map(Byte),
    st.integers(-(2**15), 2**15 - 1).map(Short),
    st.integers(-(2**31), 2**31 - 1).map(Int),
    st.integers(-(2**63), 2**63 - 1).map(Long),
    st.integers(-(2**63), 2**63 - 1).map(Timestamp),
    st.floats(allow_nan=False),
    st.binary(min_size=16, max_size=16).map(Uuid),
    st.binary(max_size=300),
    st.text(st.characters(codec="utf-8"), max_size=300),
    st.text(st.characters(codec="ascii"), max_size=300).map(Symbol),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=9), inner, max_size=5),
        st.builds(Described, st.integers(0, 2**64 - 1).map(Ulong), inner),
    ),
    max_leaves=20,
)
quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def types_of(value: Any) -> Any:
    """The value's type, and those of what it holds."""
    if isinstance(value, list):
        return [types_of(item) for item in value]
    if isinstance(value, dict):
        return {key: types_of(item) for key, item in value.items()}
    if isinstance(value, Described):
        return types_of(value.value)
    return type(value)


@quick
@given(VALUES)
def test_a_value_comes_back_with_its_type(value: Any) -> None:
    """A correlation id must go back exactly as the message id came."""
    back = codec.decode_all(codec.encode(value))

    assert back == value
    assert types_of(back) == types_of(value)


def test_a_short_float_comes_back() -> None:
    assert math.isclose(codec.decode_all(codec.encode(Float32(1.5))), 1.5)


@quick
@given(VALUES, st.data())
def test_a_value_that_is_cut_or_changed_raises_nothing_but_a_decode_error(value: Any, data: st.DataObject) -> None:
    encoded = bytearray(codec.encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    harmed = bytes(encoded[: data.draw(st.integers(0, len(encoded)))])

    try:
        codec.decode_all(harmed)
    except DecodeError:
        return


@quick
@given(st.binary(max_size=200))
def test_any_bytes_are_a_performative_or_a_decode_error(data: bytes) -> None:
    for prefix in (b"", b"\x00\x53\x14", b"\x00\x53\x12\xc0", b"\x00\x80" + bytes(7) + b"\x10\xd0"):
        body = prefix + data
        try:
            found = amqp.read_performative(body, 0, len(body))
        except DecodeError:
            continue
        assert len(found.fields) == amqp.FIELD_COUNT[found.code]


@quick
@given(st.binary(max_size=200), st.sampled_from([0, sections.BATCH_FORMAT]))
def test_any_bytes_are_a_message_or_a_decode_error(data: bytes, message_format: int) -> None:
    for prefix in (b"", b"\x00\x53\x75", b"\x00\x53\x72\xd1", b"\x00\x53\x75\xa0\x05\x00\x53\x75\xa0\x00"):
        try:
            incoming = sections.events_of(prefix + data, message_format)
        except AmqpError:
            continue
        assert incoming.events


@pytest.mark.parametrize(
    "bomb",
    [
        b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40",  # four billion nulls in ten bytes
        b"\xd0\x00\x00\x00\x04\xff\xff\xff\xff",
        b"\x00" * 5000,  # descriptors of descriptors
        b"".join(b"\xc0" + bytes((2 * (60 - n) + 1, 1)) for n in range(60)) + b"\x40",
    ],
)
def test_small_bytes_that_claim_to_be_huge_or_deep_are_refused(bomb: bytes) -> None:
    with pytest.raises(DecodeError):
        codec.decode_all(bomb)


def test_plain_ints_are_not_guessed_at() -> None:
    with pytest.raises(TypeError):
        codec.encode(5)
