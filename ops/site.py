"""Puts the built page into a storage account's static website, as every stamp serves it."""

import asyncio
import hashlib
import json
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path

from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import ContainerClient

# Vite names these after their content, so a new version never changes an old one.
HASHED = "assets/"
FOREVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
CONFIG = "config.js"
FIRST_PAGE = "index.html"


def config_script(values: Mapping[str, object]) -> bytes:
    """The page's config.js: one assignment to `window` for each value."""
    # `<` could end a script element, should somebody put this into a page.
    lines = [f"window.{name} = {json.dumps(value).replace('<', '\\u003c')};" for name, value in values.items()]
    return "\n".join([*lines, ""]).encode()


async def publish(website: ContainerClient, folder: Path, config: Mapping[str, object]) -> int:
    """Upload what differs from what is there; returns the number of files that did.

    Assets go first and the page that names them last, so that no visitor meets a page whose assets are not there yet.
    Nothing is deleted: a page that was opened before still asks for the assets of its own version.
    """
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
    files[CONFIG] = config_script(config)
    kept = {blob.name: blob.content_settings.content_md5 async for blob in website.list_blobs()}
    changed = [name for name, content in files.items() if kept.get(name) != _md5(content)]
    changed.sort(key=lambda name: (not name.startswith(HASHED), name == FIRST_PAGE))
    early = [name for name in changed if name.startswith(HASHED)]
    await asyncio.gather(*(_upload(website, name, files[name]) for name in early))
    for name in changed[len(early) :]:
        await _upload(website, name, files[name])
    return len(changed)


async def publish_probe(website: ContainerClient) -> None:
    """Put there what Front Door's probe asks the account of the images for."""
    await _upload(website, FIRST_PAGE, b"<!doctype html><title>Images</title><p>This account holds images.\n")


def _files(folder: Path) -> Iterable[Path]:
    if not (folder / FIRST_PAGE).is_file():
        raise FileNotFoundError(f"no page in {folder}: build it with `make web`")
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


async def _upload(website: ContainerClient, name: str, content: bytes) -> None:
    await website.upload_blob(
        name,
        content,
        overwrite=True,
        content_settings=ContentSettings(
            content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            cache_control=FOREVER if name.startswith(HASHED) else ASK_EACH_TIME,
            content_md5=_md5(content),
        ),
    )


def _md5(content: bytes) -> bytearray:
    # What the service itself stores to compare contents; nothing is protected by it.
    return bytearray(hashlib.md5(content, usedforsecurity=False).digest())
