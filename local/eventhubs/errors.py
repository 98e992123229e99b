"""The service's own error conditions, and the exceptions that carry them to the peer."""

DECODE_ERROR = "amqp:decode-error"
FRAMING_ERROR = "amqp:connection:framing-error"
CONNECTION_FORCED = "amqp:connection:forced"
INTERNAL_ERROR = "amqp:internal-error"
NOT_ALLOWED = "amqp:not-allowed"
NOT_FOUND = "amqp:not-found"
NOT_IMPLEMENTED = "amqp:not-implemented"
INVALID_FIELD = "amqp:invalid-field"
RESOURCE_LIMIT_EXCEEDED = "amqp:resource-limit-exceeded"
UNAUTHORIZED_ACCESS = "amqp:unauthorized-access"
HANDLE_IN_USE = "amqp:session:handle-in-use"
UNATTACHED_HANDLE = "amqp:session:unattached-handle"
LINK_STOLEN = "amqp:link:stolen"
DETACH_FORCED = "amqp:link:detach-forced"
MESSAGE_SIZE_EXCEEDED = "amqp:link:message-size-exceeded"
ARGUMENT_ERROR = "com.microsoft:argument-error"
ARGUMENT_OUT_OF_RANGE = "com.microsoft:argument-out-of-range"
SERVER_BUSY = "com.microsoft:server-busy"


class EventHubsError(Exception):
    """Everything this stand-in raises on purpose."""


class SettingsError(EventHubsError):
    """The settings or the data folder do not fit; the message says what to change."""


class DamagedLog(EventHubsError):
    """A closed segment of a partition does not hold what was written to it."""


class AmqpError(EventHubsError):
    """A condition to tell the peer; its scope (outcome, detach, end or close) is the catcher's choice."""

    def __init__(self, condition: str, description: str) -> None:
        super().__init__(f"{condition}: {description}")
        self.condition = condition
        self.description = description


class DecodeError(AmqpError):
    """Bytes that are not AMQP, or not what AMQP allows in this place."""

    def __init__(self, description: str) -> None:
        super().__init__(DECODE_ERROR, description)


class FramingError(AmqpError):
    """A frame whose size or header no peer may send."""

    def __init__(self, description: str) -> None:
        super().__init__(FRAMING_ERROR, description)


class MessageTooLarge(AmqpError):
    """The message exceeds what the link takes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            MESSAGE_SIZE_EXCEEDED,
            f"The received message (delivery-id:0, size:{size} bytes) exceeds the limit ({limit} bytes) "
            "currently allowed on the link.",
        )


def entity_not_found(entity: str) -> AmqpError:
    """The service's words for a hub or a consumer group it does not have; SDKs look for them."""
    return AmqpError(NOT_FOUND, f"The messaging entity '{entity}' could not be found.")


def unauthorized(what: str) -> AmqpError:
    """The peer has shown no valid token for what it asks."""
    return AmqpError(UNAUTHORIZED_ACCESS, f"Unauthorized access. {what}")
