"""Which partition a key belongs to: Jenkins' lookup3 over its UTF-8 bytes, as the service's own SDKs compute it."""

_MASK = 0xFFFFFFFF


def hash_of_key(key: str) -> int:
    """Signed 16-bit hash of a partition key."""
    c, b = _lookup3(key.encode())
    folded = (c ^ b) & 0xFFFF
    return folded - 0x10000 if folded & 0x8000 else folded


def partition_of_key(key: str, partition_count: int) -> int:
    """The partition, with a remainder truncated towards zero as JavaScript and .NET have it."""
    return abs(hash_of_key(key)) % partition_count


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _lookup3(data: bytes) -> tuple[int, int]:
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    padded = data + bytes(-len(data) % 12)
    words = [int.from_bytes(padded[at : at + 4], "little") for at in range(0, len(padded), 4)]
    for at in range(0, len(words) - 3, 3):
        a, b, c = _mixed((a + words[at]) & _MASK, (b + words[at + 1]) & _MASK, (c + words[at + 2]) & _MASK)
    if not words:
        return c, b
    a, b, c = (a + words[-3]) & _MASK, (b + words[-2]) & _MASK, (c + words[-1]) & _MASK
    c = _stirred(c, b, 14)
    a = _stirred(a, c, 11)
    b = _stirred(b, a, 25)
    c = _stirred(c, b, 16)
    a = _stirred(a, c, 4)
    b = _stirred(b, a, 14)
    return _stirred(c, b, 24), b


def _stirred(target: int, source: int, bits: int) -> int:
    return ((target ^ source) - _rotated(source, bits)) & _MASK


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _MASK) ^ _rotated(c, bits)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c
