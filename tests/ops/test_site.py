"""Publishing the page, against real storage calls."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.stack import STORAGE_KEY, azurite_command
from ops.__main__ import main
from ops.site import config_script
from settings import WEBSITE
from tests.processes import free_port, start

VARIABLE = "SITE_ACCOUNT"


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A storage account of its own."""
    folder, port = tmp_path_factory.mktemp("azurite"), free_port()
    process = start(
        azurite_command(port, folder / "blobs"),
        folder / "azurite.log",
        ready="successfully listens",
        AZURITE_ACCOUNTS=f"site:{STORAGE_KEY}",
    )
    yield (
        f"DefaultEndpointsProtocol=http;AccountName=site;AccountKey={STORAGE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/site;"
    )
    process.stop()


@pytest.fixture
def website(connection: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerClient]:
    """An empty static website, whose account the environment names."""
    monkeypatch.setenv(VARIABLE, connection)
    with BlobServiceClient.from_connection_string(connection) as service:
        container = service.create_container(WEBSITE)
        yield container
        container.delete_container()


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built page."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><script src=/assets/a-1.js></script>")
    (tmp_path / "config.js").write_text("window.API_URL = 'replaced';")
    (tmp_path / "assets" / "a-1.js").write_text("1")
    return tmp_path


def publish(folder: Path, *more: str) -> int:
    return main(["site", "publish", str(folder), "--connection", VARIABLE, *more])


def kept(website: ContainerClient) -> dict[str, tuple[str, str]]:
    blobs = website.list_blobs()
    return {
        blob.name: (str(blob.content_settings.content_type), str(blob.content_settings.cache_control)) for blob in blobs
    }


def test_assets_are_kept_for_ever_and_the_rest_is_asked_for_each_time(website: ContainerClient, built: Path) -> None:
    assert publish(built) == 0

    assert kept(website) == {
        "assets/a-1.js": ("text/javascript", "public, max-age=31536000, immutable"),
        "config.js": ("text/javascript", "no-cache"),
        "index.html": ("text/html", "no-cache"),
    }


def test_the_page_is_told_where_it_runs(website: ContainerClient, built: Path) -> None:
    publish(built, "--set", "VERSION_LABEL=1.4", "--stamp", "West Europe", "--stamp", "North Europe")

    config = website.get_blob_client("config.js").download_blob().readall().decode()
    assert config == (
        'window.API_URL = "/api";\nwindow.VERSION_LABEL = "1.4";\nwindow.STAMPS = ["West Europe", "North Europe"];\n'
    )


def test_only_what_has_changed_is_uploaded_and_old_assets_stay(
    website: ContainerClient, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(built)
    (built / "assets" / "a-1.js").rename(built / "assets" / "a-2.js")
    (built / "index.html").write_text("<!doctype html><script src=/assets/a-2.js></script>")
    capsys.readouterr()

    assert publish(built) == 0

    assert capsys.readouterr().out.startswith("2 files uploaded")
    assert {"assets/a-1.js", "assets/a-2.js"} <= kept(website).keys()


def test_no_visitor_meets_a_page_before_its_assets(website: ContainerClient, built: Path) -> None:
    publish(built)

    written = {blob.name: blob.last_modified for blob in website.list_blobs()}
    order = sorted(written, key=lambda name: (written[name], name == "index.html"))
    assert order[-1] == "index.html"
    assert written["assets/a-1.js"] <= written["index.html"]


def test_the_images_account_gets_what_the_probe_asks_for(website: ContainerClient) -> None:
    assert main(["site", "publish-probe", "--connection", VARIABLE]) == 0

    assert kept(website)["index.html"][0] == "text/html"


def test_a_value_cannot_end_a_script_element() -> None:
    assert config_script({"A": "</script><script>x"}) == b'window.A = "\\u003c/script>\\u003cscript>x";\n'


def test_a_variable_without_a_connection_string_is_named(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(built) == 2
    assert "SITE_ACCOUNT holds no connection string" in capsys.readouterr().err


def test_an_account_that_does_not_answer_is_said(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/x"
    account = f"DefaultEndpointsProtocol=http;AccountName=x;AccountKey={STORAGE_KEY};BlobEndpoint={nobody};"
    monkeypatch.setenv(VARIABLE, account)

    assert publish(built) == 1
    assert "does not answer" in capsys.readouterr().err


def test_a_folder_without_a_page_is_said(
    website: ContainerClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish(tmp_path) == 1
    assert "build it with `make web`" in capsys.readouterr().err


@pytest.mark.parametrize("pair", ["x", "=1", "a-b=1"])
def test_a_setting_that_is_no_pair_is_refused(pair: str, built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        publish(built, "--set", pair)

    assert ended.value.code == 2
    assert "is not NAME=VALUE" in capsys.readouterr().err
