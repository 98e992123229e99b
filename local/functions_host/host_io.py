"""Tells the host's own traffic from the app's.

In production the host's clients (blobs, Event Hubs) live in another process, so their log lines never reach the app's
logger. Here they share it: what runs in the host's context is kept out.
"""

import contextvars

is_host_io: contextvars.ContextVar[bool] = contextvars.ContextVar("is_host_io", default=False)


def host_context() -> contextvars.Context:
    """A context for the host's own tasks."""
    context = contextvars.copy_context()
    context.run(is_host_io.set, True)
    return context
