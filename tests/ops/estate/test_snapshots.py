"""What can be wrong with snapshots is said, with what to do."""

from pathlib import Path

import pytest

from ops.estate.snapshots import BrokenSnapshot, UnknownEnvironment, environments, read_estate
from tests.ops.estate.small import a_database, a_hub, an_account, an_estate, write


def test_regions_come_in_the_order_of_the_database(tmp_path: Path) -> None:
    estate = an_estate(
        tmp_path,
        global_=[a_database("West Europe", "North Europe")],
        stamp_northeurope=[a_hub("northeurope", "neu")],
        stamp_westeurope=[a_hub()],
    )

    assert estate.regions == ("westeurope", "northeurope")


def test_types_and_ids_do_not_mind_upper_and_lower_case(tmp_path: Path) -> None:
    account = an_account()
    estate = an_estate(tmp_path, global_=[account])

    assert [one.name for one in estate.of("microsoft.storage/STORAGEACCOUNTS")] == ["stshoptest"]
    assert estate.find(str(account["id"]).upper()) is not None


def test_an_unknown_environment_lists_the_known_ones(tmp_path: Path) -> None:
    write(tmp_path, "one", global_=[])
    write(tmp_path, "two", global_=[])

    with pytest.raises(UnknownEnvironment, match="known: one, two"):
        read_estate("three", tmp_path)


@pytest.mark.parametrize("name", ["..", "../one", "", "one/"])
def test_only_a_name_of_a_folder_is_an_environment(tmp_path: Path, name: str) -> None:
    write(tmp_path, "one", global_=[])

    with pytest.raises(UnknownEnvironment):
        read_estate(name, tmp_path)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownEnvironment, match="--snapshots"):
        environments(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no snapshot of Bicep"),
        ("[]", "no snapshot of Bicep"),
        ('{"resources": []}', "no snapshot of Bicep"),
        ('{"predictedResources": [{"id": "x"}]}', "no snapshot of Bicep"),
        ('{"predictedResources": ["x"]}', "no snapshot of Bicep"),
        ('{"predictedResources": [], "diagnostics": [{"code": "NestedDeploymentShortCircuited"}]}', "not complete"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_is_no_whole_snapshot_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    write(tmp_path, global_=[])
    (tmp_path / "test" / "edge.json").write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(BrokenSnapshot, match=said):
        read_estate("test", tmp_path)


def test_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, somewhere=[])

    with pytest.raises(BrokenSnapshot, match="global, edge, region-REGION or stamp-REGION"):
        read_estate("test", tmp_path)


def test_parameters_that_are_none_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "snapshots", global_=[])
    (tmp_path / "environments" / "test").mkdir(parents=True)
    (tmp_path / "environments" / "test" / "estate.json").write_text("[]")

    with pytest.raises(BrokenSnapshot, match=r"estate\.json"):
        read_estate("test", folder)
