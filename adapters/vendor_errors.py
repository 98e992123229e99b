"""How a vendor's errors become ours: each adapter has one table; what all of Azure's HTTP clients share is here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from azure.core import exceptions as core

from domain.errors import CatalogError

# Every error of azure-core, and those of asyncio, sockets and aiohttp that its clients let through.
HTTP_CLIENT_ERRORS: tuple[type[Exception], ...] = (
    core.AzureError,
    core.ServiceRequestError,
    core.ServiceRequestTimeoutError,
    core.ServiceResponseError,
    core.ServiceResponseTimeoutError,
    core.HttpResponseError,
    core.DecodeError,
    core.IncompleteReadError,
    core.ResourceExistsError,
    core.ResourceNotFoundError,
    core.ResourceModifiedError,
    core.ResourceNotModifiedError,
    core.ClientAuthenticationError,
    core.TooManyRedirectsError,
    core.ODataV4Error,
    core.StreamConsumedError,
    core.StreamClosedError,
    core.ResponseNotReadError,
    core.DeserializationError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
)


@dataclass(frozen=True)
class ErrorTable:
    """What one vendor's errors mean. A status or condition in it decides; otherwise the type, or its nearest base."""

    types: Mapping[type[Exception], type[CatalogError]]
    statuses: Mapping[int, type[CatalogError]] = field(default_factory=dict)
    conditions: Mapping[str, type[CatalogError]] = field(default_factory=dict)

    @property
    def caught(self) -> tuple[type[Exception], ...]:
        """What an adapter's `except` has to name."""
        return tuple(self.types)

    def meaning(
        self, error: Exception, *, status: int | None = None, condition: str | None = None
    ) -> type[CatalogError]:
        """Our error for one of those that are caught.

        Raises:
            KeyError: the table has neither the error's type nor a base of it.
        """
        if status is not None and status in self.statuses:
            return self.statuses[status]
        if condition is not None and condition in self.conditions:
            return self.conditions[condition]
        for base in type(error).__mro__:
            if base in self.types:
                return self.types[base]
        raise KeyError(type(error).__name__)
