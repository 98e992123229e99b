"""Uploads of images: by content, re-encoded, and refused before anything is staged or sent."""

import io
import struct
import zlib
from uuid import UUID

import pytest
from PIL import Image

from domain.commands import SetImage
from tests.builders import an_item
from tests.triggers.conftest import App


def an_image(kind: str = "PNG", size: tuple[int, int] = (40, 30), mode: str = "RGB", **options: object) -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, 120 if mode in {"L", "P"} else (10, 20, 30)[: len(mode)]).save(written, kind, **options)
    return written.getvalue()


@pytest.fixture
def item_id(app: App) -> UUID:
    item = an_item()
    app.items.stored[item.item_id] = item
    return item.item_id


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGB"), ("PNG", "P"), ("PNG", "L"), ("JPEG", "RGB"), ("JPEG", "L"), ("WEBP", "RGB")]
)
async def test_an_image_is_staged_and_its_command_sent(app: App, item_id: UUID, kind: str, mode: str) -> None:
    response = await app.as_admin(
        "put_image", item_id=item_id, body=an_image(kind, mode=mode), headers={"Content-Type": "text/plain"}
    )

    [(command, _)] = app.queue.sent
    assert isinstance(command, SetImage)
    assert (response.status_code, response.headers["Location"]) == (202, f"/api/1.0/catalogitem/{item_id}")
    with Image.open(io.BytesIO(app.images.staged[command.image])) as image:
        assert (image.format, image.size) == (kind, (40, 30))


async def test_what_hides_in_an_image_does_not_survive(app: App, item_id: UUID) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    body = an_image("JPEG", exif=exif.tobytes()) + b"<script>alert(1)</script>"

    await app.as_admin("put_image", item_id=item_id, body=body)

    [staged] = app.images.staged.values()
    assert b"secret" not in staged
    assert b"script" not in staged


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_photo_that_lies_on_its_side_is_turned(app: App, item_id: UUID, kind: str) -> None:
    """A phone writes the way up into the metadata, which does not survive."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right

    response = await app.as_admin("put_image", item_id=item_id, body=an_image(kind, exif=exif.tobytes()))

    assert response.status_code == 202
    [staged] = app.images.staged.values()
    with Image.open(io.BytesIO(staged)) as image:
        assert image.size == (30, 40)


def a_bomb() -> bytes:
    """A PNG of 60,000 x 60,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b""))
    return bytes.fromhex("89504e470d0a1a0a") + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


BAD = {
    "empty": b"",
    "text": b"an image",
    "markup": b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
    "gif": an_image("GIF"),
    "a page that begins like an image": b"\x89PNG\r\n\x1a\n<script>",
    "cut short": an_image("JPEG", (400, 300))[:300],
    "a bomb": a_bomb(),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
async def test_what_is_no_image_is_400(app: App, item_id: UUID, body: bytes) -> None:
    response = await app.as_admin("put_image", item_id=item_id, body=body)

    assert (response.status_code, app.images.staged, app.queue.sent) == (400, {}, [])


async def test_an_image_of_one_byte_too_many_is_413(app: App, item_id: UUID) -> None:
    response = await app.as_admin("put_image", item_id=item_id, body=b"x" * (2 * 1024 * 1024 + 1))

    assert response.status_code == 413


async def test_an_image_needs_a_key_and_an_item(app: App, item_id: UUID) -> None:
    assert (await app.call("put_image", item_id=item_id, body=an_image())).status_code == 401
    assert (await app.as_admin("put_image", item_id=UUID(int=9), body=an_image())).status_code == 404
    assert app.queue.sent == []


async def test_images_that_cannot_be_staged_are_not_accepted(app: App, item_id: UUID) -> None:
    app.images.outage.failures = 1

    response = await app.as_admin("put_image", item_id=item_id, body=an_image())

    assert (response.status_code, app.queue.sent) == (503, [])
