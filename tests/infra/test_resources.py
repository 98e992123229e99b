"""The one description of names and shapes, and the code that relies on them."""

import json
import re
from pathlib import Path

import settings
from adapters import stamp_storage
from adapters.cosmos_items import TOMBSTONE_TTL_S
from local.stack import REGIONS, Stack, resources
from settings import Settings
from tests.triggers.conftest import BUILT

ROOT = Path(__file__).parent.parent.parent


def test_each_function_is_enabled_by_one_of_the_two_deployments() -> None:
    names = {str(one.get_function_name()) for one in BUILT}
    enabled = resources()["functions"]

    assert set(enabled["api"]) | set(enabled["processor"]) == names
    assert set(enabled["api"]) & set(enabled["processor"]) == {"health_live"}


def test_the_code_uses_the_names_that_are_deployed() -> None:
    described = resources()

    assert (
        described["eventHubs"]["hub"],
        described["eventHubs"]["consumerGroup"],
    ) == (settings.HUB, settings.CONSUMER_GROUP)
    assert described["cosmos"]["database"] == settings.DATABASE
    assert {one["id"] for one in described["cosmos"]["containers"]} == {
        settings.ITEMS,
        settings.ACTIVITY,
        settings.OUTCOMES,
    }
    assert described["storage"]["deadLetterContainer"] == settings.DEAD_LETTER_CONTAINER
    assert described["storage"]["websiteContainer"] == settings.WEBSITE
    assert described["storage"]["imageUploadContainer"] == settings.IMAGE_UPLOADS
    assert described["storage"]["hostContainer"] == stamp_storage.CHECKPOINTS
    assert (described["storage"]["healthContainer"], described["storage"]["healthBlob"]) == (
        stamp_storage.HEALTH,
        stamp_storage.SWITCH,
    )


def test_names_that_reach_keda_or_a_checkpoint_are_lower_case() -> None:
    hub = resources()["eventHubs"]

    for name in (hub["hub"], hub["consumerGroup"], resources()["storage"]["hostContainer"]):
        assert name == name.lower()


def test_tombstones_and_markers_outlive_every_replay() -> None:
    assert resources()["eventHubs"]["retentionHours"] * 3600 < TOMBSTONE_TTL_S


def test_documents_and_containers_agree_on_key_and_conflict_path() -> None:
    for container in resources()["cosmos"]["containers"]:
        if container["id"] == settings.OUTCOMES:
            continue
        assert container["partitionKey"]["paths"] == ["/itemId"]
        assert container["conflictResolutionPolicy"]["conflictResolutionPath"] == "/version"
        assert container["defaultTtl"] == -1


def test_the_sample_settings_and_the_local_cloud_start_the_app() -> None:
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    stack = Stack(8080, ROOT / ".local", REGIONS[:2])

    assert Settings.read(sample).region == "West Europe"
    assert Settings.read(stack.app_settings(1)).cosmos_regions == ("North Europe", "West Europe")


def test_no_two_parts_of_a_stack_share_a_port() -> None:
    ports = Stack(8080, ROOT, REGIONS).ports

    assert len(ports) == len(set(ports))
    assert max(ports) < 8080 + 60


def test_no_secret_is_shown_by_settings_in_a_log() -> None:
    secret = "a-secret-of-16-chars"
    values = {
        "REGION": "West Europe",
        "EVENT_HUBS": secret,
        "COSMOS_ENDPOINT": "https://x/",
        "COSMOS_KEY": secret,
        "COSMOS_REGIONS": "West Europe",
        "DEAD_LETTERS": secret,
        "AzureWebJobsStorage": secret,
        "IMAGES": secret,
        "API_KEY_1": secret,
        "API_KEY_2": secret,
    }

    assert secret not in repr(Settings.read(values))


def test_host_json_is_the_one_that_the_loss_free_path_needs() -> None:
    host = json.loads((ROOT / "host.json").read_text())

    assert host["extensions"]["http"]["routePrefix"] == ""
    assert host["extensions"]["eventHubs"]["batchCheckpointFrequency"] == 1
    assert re.fullmatch(r"\[4\.\*, 5\.0\.0\)", host["extensionBundle"]["version"])


def test_what_is_pinned_for_the_app_is_pinned_for_everybody() -> None:
    app, local, dev = (
        set((ROOT / f"requirements{name}.txt").read_text().split("\n")) for name in ("", "-local", "-dev")
    )

    assert app <= local <= dev
