"""The service's own error codes and bodies.

Every answer from 400 up carries a JSON body with `code` and `message`: SDKs fail on an empty or plain one.
"""

import json
from collections.abc import Mapping

NAMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    424: "FailedDependency",
    429: "TooManyRequests",
    431: "RequestHeaderFieldsTooLarge",
    449: "RetryWith",
    500: "InternalServerError",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}


class CosmosError(Exception):
    """An answer other than success; `substatus` travels in `x-ms-substatus`."""

    def __init__(
        self,
        status: int,
        message: str,
        substatus: int = 0,
        *,
        code: str | None = None,
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.substatus = substatus
        self.code = code or NAMES.get(status, "Error")
        self.extra = extra
        self.headers = headers or {}

    def body(self, activity_id: str, uri: str) -> bytes:
        """The JSON body as the gateway words it."""
        errors = json.dumps({"Errors": [self.message]})
        content: dict[str, object] = {
            "code": self.code,
            "message": f"Message: {errors}\r\nActivityId: {activity_id}, Request URI: {uri}",
        }
        if self.extra:
            content.update(self.extra)
        return json.dumps(content).encode()


class BadQuery(CosmosError):
    """A query outside the grammar: where it went wrong and the service's SC code."""

    def __init__(self, code: str, message: str, start: int, end: int) -> None:
        detail = {
            "errors": [
                {"severity": "Error", "location": {"start": start, "end": end}, "code": code, "message": message}
            ]
        }
        # JS recognises a refused query by additionalErrorInfo; the others read errors or the text.
        super().__init__(400, json.dumps(detail), extra={**detail, "additionalErrorInfo": json.dumps(detail)})
        self.sc_code = code
        self.start = start
        self.end = end


def bad_request(message: str, substatus: int = 0) -> CosmosError:
    """400."""
    return CosmosError(400, message, substatus)


def not_found(what: str = "Resource Not Found.") -> CosmosError:
    """404 with substatus 0: the resource is not there."""
    return CosmosError(404, what)


def conflict(what: str = "Entity with the specified id already exists in the system.") -> CosmosError:
    """409."""
    return CosmosError(409, what)


def precondition_failed() -> CosmosError:
    """412: the ETag given is not the current one."""
    return CosmosError(412, "One of the specified pre-condition is not met.")


def too_large(what: str = "Request size is too large.") -> CosmosError:
    """413."""
    return CosmosError(413, what)


def not_implemented(what: str) -> CosmosError:
    """501: this stand-in does not have it; COVERAGE.md lists what is missing."""
    return CosmosError(501, f"{what} is not implemented by this stand-in.")


def storage_failed(error: Exception) -> CosmosError:
    """503: the disk is full or broken. Nothing of the request was stored."""
    return CosmosError(503, f"The request could not be stored: {error}")
