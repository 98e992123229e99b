"""`python -m ops site publish`: puts the built page into a stamp's storage account."""

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity.aio import DefaultAzureCredential
from azure.storage.blob.aio import BlobServiceClient, ContainerClient

from adapters.blobs import CLIENT_SETTINGS
from domain.errors import PermanentError, StoreUnavailable
from ops import site
from settings import WEBSITE, SettingError

EXAMPLES = """examples:
  python -m ops site publish web/dist --account https://ststampwesteurope.blob.core.windows.net \\
      --set API_URL=/api --set VERSION_LABEL=1.4.0 --stamp "West Europe" --stamp "North Europe"
  python -m ops site publish-probe --account https://stglobal.blob.core.windows.net

Who runs it needs the role Storage Blob Data Contributor on container $web of the account. Assets go first and the page
that names them last; nothing is deleted, for a page that was opened before still asks for the assets of its version.
"""


class CannotPublish(PermanentError):
    """What was to be published is not there, or the account refuses us."""


def add_to(commands: "argparse._SubParsersAction[Any]") -> None:
    """Add the command `site`."""
    program = commands.add_parser("site", help="publish the page to a stamp's static website")
    actions = program.add_subparsers(required=True, metavar="ACTION")
    where = argparse.ArgumentParser(add_help=False)
    account = where.add_mutually_exclusive_group(required=True)
    account.add_argument(
        "--account", metavar="URL", help="blob endpoint of the account; signs in as you, or as the job"
    )
    account.add_argument(
        "--connection", metavar="NAME", help="name of the environment variable with its connection string"
    )
    publish = actions.add_parser(
        "publish",
        parents=[where],
        help="upload what has changed",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    publish.add_argument("folder", type=Path, help="the built page, web/dist after `make web`")
    publish.add_argument("--set", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="for config.js")
    publish.add_argument("--stamp", action="append", default=[], metavar="REGION", help="a region; repeat for each")
    publish.set_defaults(run=lambda options: asyncio.run(_publish(options)))
    probe = actions.add_parser(
        "publish-probe", parents=[where], help="upload what Front Door's probe asks the images' account for"
    )
    probe.set_defaults(run=lambda options: asyncio.run(_publish_probe(options)))


def _pair(text: str) -> tuple[str, str]:
    name, there, value = text.partition("=")
    if not there or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


async def _publish(options: argparse.Namespace) -> int:
    config: dict[str, object] = {"API_URL": "/api", **dict(options.set)}
    if options.stamp:
        config["STAMPS"] = options.stamp
    try:
        async with _website(options) as website:
            changed = await site.publish(website, options.folder, config)
    except FileNotFoundError as error:
        raise CannotPublish(str(error)) from None
    print(f"{changed} files uploaded, the rest was there already")
    return 0


async def _publish_probe(options: argparse.Namespace) -> int:
    async with _website(options) as website:
        await site.publish_probe(website)
    print("uploaded")
    return 0


@asynccontextmanager
async def _website(options: argparse.Namespace) -> AsyncIterator[ContainerClient]:
    """The account's static website.

    Raises:
        SettingError: the named variable holds no connection string.
        CannotPublish: the account lets nobody in, or not us.
        StoreUnavailable: it does not answer.
    """
    try:
        if options.account:
            async with (
                DefaultAzureCredential() as credential,
                BlobServiceClient(options.account, credential=credential, **CLIENT_SETTINGS) as service,
            ):
                yield service.get_container_client(WEBSITE)
            return
        async with _by_connection(options.connection) as service:
            yield service.get_container_client(WEBSITE)
    except ClientAuthenticationError as error:
        raise CannotPublish("signing in failed, or the role Storage Blob Data Contributor is missing") from error
    except AzureError as error:
        raise StoreUnavailable("the storage account does not answer, or refuses") from error


def _by_connection(name: str) -> BlobServiceClient:
    text = os.environ.get(name, "")
    try:
        return BlobServiceClient.from_connection_string(text, **CLIENT_SETTINGS)
    except ValueError as error:
        raise SettingError(f"{name} holds no connection string of a storage account") from error
