"""Names without what differs between regions and environments."""

from pathlib import Path

from ops.estate.naming import Names
from tests.ops.estate.small import a_database, a_hub, an_estate


def test_with_several_regions_their_names_and_codes_are_left_open(tmp_path: Path) -> None:
    names = Names(an_estate(tmp_path, stamp_westeurope=[a_hub()], stamp_northeurope=[a_hub("northeurope", "neu")]))

    assert names.codes == {"westeurope": "weu", "northeurope": "neu"}
    assert names.across_regions("aks-shop-test-northeurope") == "aks-shop-test-{region}"
    assert names.across_regions("evhns-shop-test-neu-ab1cd") == "evhns-shop-test-{code}-ab1cd"
    assert names.across_regions("stshoptestweuab1cd") == "stshoptest{code}ab1cd"


def test_a_code_inside_another_word_is_left_alone(tmp_path: Path) -> None:
    names = Names(an_estate(tmp_path, stamp_westeurope=[a_hub()], stamp_northeurope=[a_hub("northeurope", "neu")]))

    assert names.across_regions("neural-weu") == "neural-weu"


def test_with_one_region_names_stay_as_they_are(tmp_path: Path) -> None:
    names = Names(an_estate(tmp_path, stamp_westeurope=[a_hub()]))

    assert names.across_regions("evhns-shop-test-weu-ab1cd in westeurope") == "evhns-shop-test-weu-ab1cd in westeurope"


def test_across_environments_only_the_role_of_a_name_is_left(tmp_path: Path) -> None:
    names = Names(an_estate(tmp_path, global_=[a_database("West Europe")], stamp_westeurope=[a_hub()]))

    assert names.across_environments("cosmos-shop-test-ab1cd") == "cosmos-shop-{env}-{unique}"
    assert names.across_environments("kv-shop-test-weu-ab1") == "kv-shop-{env}-{code}-{unique}"  # cut to 24 letters
    assert names.across_environments("stshoptestweuab1cd") == "stshop{env}{code}{unique}"
    assert names.across_environments("latest tests") == "latest tests"
