"""The SASL layer: anonymous for clients that put tokens afterwards, PLAIN with a key's name and value."""

import math
from typing import Any

from local.eventhubs import codec
from local.eventhubs import performatives as amqp
from local.eventhubs.auth import Grant, TokenVerifier
from local.eventhubs.errors import EventHubsError

_TOKENS_FOLLOW = frozenset({"MSSBCBS", "ANONYMOUS", "EXTERNAL"})


class Refused(EventHubsError):
    """The mechanism is not offered, or name and key are not this namespace's."""


class Sasl:
    """The server's half of the exchange."""

    @staticmethod
    def offer() -> bytes:
        """The frame that names the mechanisms."""
        mechanisms = codec.symbols(["MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL"])
        return amqp.frame(0, amqp.performative(amqp.SASL_MECHANISMS, mechanisms), amqp.SASL_FRAME)

    @staticmethod
    def outcome(*, ok: bool) -> bytes:
        """The frame that ends the exchange."""
        return amqp.frame(0, amqp.performative(amqp.SASL_OUTCOME, codec.Ubyte(0 if ok else 1)), amqp.SASL_FRAME)

    @staticmethod
    def accept(fields: list[Any], verifier: TokenVerifier) -> Grant | None:
        """Judge a sasl-init: what it opens at once, or None when tokens are to follow.

        Raises:
            Refused: no access.
        """
        mechanism, response = fields[0], fields[1]
        if mechanism in _TOKENS_FOLLOW:
            return None
        if mechanism == "PLAIN" and isinstance(response, bytes):
            parts = response.split(b"\x00")
            try:
                name, key = parts[1].decode(), parts[2].decode()
            except (IndexError, UnicodeDecodeError):
                raise Refused("a PLAIN response is \\0name\\0key") from None
            if verifier.key_is(name, key):
                return Grant("", math.inf)
        raise Refused(f"no access for {mechanism!r}")
