"""Plays the Azure Functions host for HTTP, Event Hubs and timer triggers, in one process.

Functions are indexed and invoked by `azure-functions-runtime`, the library that runs them in production; this package
is the other side: the host's decisions about routes, batches, checkpoints, retries, ownership and shutdown.
`COVERAGE.md` says what is played, what is missing and what differs.
"""
