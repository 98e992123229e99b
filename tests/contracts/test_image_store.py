"""The contract of ImageStore."""

from uuid import uuid4

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from adapters.blob_images import BlobImageStore
from domain.errors import StoreUnavailable
from settings import IMAGE_UPLOADS, WEBSITE


@pytest.fixture
def image_store(image_account: BlobServiceClient) -> BlobImageStore:
    uploads, images = (image_account.get_container_client(name) for name in (IMAGE_UPLOADS, WEBSITE))
    return BlobImageStore(uploads, images)


async def served(account: BlobServiceClient, item_id: object) -> tuple[bytes, str | None]:
    blob = await account.get_blob_client(WEBSITE, f"images/{item_id}").download_blob()
    return await blob.readall(), blob.properties.content_settings.content_type


async def test_what_is_staged_again_is_young_again(
    image_account: BlobServiceClient, image_store: BlobImageStore
) -> None:
    """Old uploads are removed; a write that was accepted a moment ago must not lose its image to that."""
    digest = uuid4().hex
    await image_store.stage(digest, b"same", "image/png")
    blob = image_account.get_blob_client(IMAGE_UPLOADS, digest)
    before = await blob.get_blob_properties()

    await image_store.stage(digest, b"same", "image/png")

    after = await blob.get_blob_properties()
    assert after.etag != before.etag
    assert after.last_modified >= before.last_modified


async def test_the_newest_versions_image_is_served(
    image_account: BlobServiceClient, image_store: BlobImageStore
) -> None:
    item_id, old, new = uuid4(), uuid4().hex, uuid4().hex
    await image_store.stage(old, b"old", "image/png")
    await image_store.stage(new, b"new", "image/webp")
    await image_store.stage(new, b"new", "image/webp")

    await image_store.publish(item_id, old, 1)
    assert await served(image_account, item_id) == (b"old", "image/png")
    await image_store.publish(item_id, new, 3)
    await image_store.publish(item_id, old, 2)

    assert await served(image_account, item_id) == (b"new", "image/webp")


async def test_a_withdrawn_image_is_gone_unless_a_newer_one_is_served(
    image_account: BlobServiceClient, image_store: BlobImageStore
) -> None:
    item_id, digest = uuid4(), uuid4().hex
    await image_store.stage(digest, b"image", "image/png")
    await image_store.publish(item_id, digest, 5)

    await image_store.withdraw(item_id, 4)
    assert await served(image_account, item_id) == (b"image", "image/png")
    for _ in range(2):
        await image_store.withdraw(item_id, 6)

    with pytest.raises(ResourceNotFoundError):
        await served(image_account, item_id)


async def test_an_image_that_was_never_staged_is_a_failure_that_comes_again(image_store: BlobImageStore) -> None:
    with pytest.raises(StoreUnavailable):
        await image_store.publish(uuid4(), uuid4().hex, 1)
