"""Request units: an estimate that grows with the kind of operation and the size, as the service's charges do.

Sources: a point read of 1 KB costs 1 RU, its write about 5 to 6, a replace about twice that, a query 2 to 3 and
more with what it examines. The service's exact formula is not public.
"""


def _kilobytes(size: int) -> int:
    return max(1, -(-size // 1024))


def read(size: int) -> float:
    """A point read that returns `size` bytes (0: nothing was there)."""
    return 1.0 * _kilobytes(size)


def write(kind: str, size: int) -> float:
    """A write of a document of `size` bytes."""
    base = {"create": 5.71, "upsert": 6.29, "replace": 10.29, "patch": 10.67, "delete": 5.71}[kind]
    return round(base + 1.14 * (_kilobytes(size) - 1), 2)


def query(examined: int, size: int) -> float:
    """One page that looked at `examined` documents and returns `size` bytes."""
    return round(2.28 + 0.03 * examined + 0.25 * (size / 1024), 2)


def feed(size: int) -> float:
    """One page of a change or read feed."""
    return round(1.0 + 0.5 * (size / 1024), 2)
