"""The picture: everything is in it, nothing lies on anything, the committed files are up to date."""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ops.estate.boxes import BOXED, FOLDED
from ops.estate.cli import PICTURES
from ops.estate.picture import draw
from ops.estate.snapshots import REPOSITORY, Estate, environments, read_estate
from tests.ops.estate.small import (
    PRINCIPAL,
    a_cluster,
    a_database,
    a_hub,
    a_resource,
    an_account,
    an_assignment,
    an_estate,
    an_identity,
    principal_of,
)

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=environments())
def estate(request: pytest.FixtureRequest) -> Estate:
    return read_estate(request.param)


def test_every_resource_of_the_drawn_types_is_in_it(estate: Estate) -> None:
    root = ElementTree.fromstring(draw(estate))
    words = {word for group in root.iter(f"{_SVG}g") for word in (group.findtext(f"{_SVG}title") or "").split()}
    drawn = [one for one in estate.resources if any(one.is_a(kind) for kind in (*BOXED, *FOLDED))]

    assert len(drawn) > 20
    assert [one.id for one in drawn if one.name not in words and one.short not in words] == []


def test_every_box_is_in_the_page_and_none_lies_on_another(estate: Estate) -> None:
    root = ElementTree.fromstring(draw(estate))
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    boxes = []
    for group in root.iter(f"{_SVG}g"):
        shape = next(group.iter(f"{_SVG}rect"))
        x, y, w, h = (int(shape.attrib[name]) for name in ("x", "y", "width", "height"))
        boxes.append((x, y, x + w, y + h))
        assert all(y < int(text.attrib["y"]) < y + h for text in group.iter(f"{_SVG}text"))

    assert all(0 < x < right < width and 0 < y < bottom < height for x, y, right, bottom in boxes)
    for one, other in itertools.combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def test_every_box_says_what_it_is(estate: Estate) -> None:
    root = ElementTree.fromstring(draw(estate))

    assert all((group.findtext(f"{_SVG}title") or "").strip() for group in root.iter(f"{_SVG}g"))
    assert "prefers-color-scheme: dark" in (root.findtext(f"{_SVG}style") or "")


def test_the_committed_picture_is_up_to_date(estate: Estate) -> None:
    file = PICTURES / f"{estate.environment}.svg"

    assert file.read_bytes() == draw(estate).encode(), f"run: python -m ops estate {estate.environment} --svg"


def test_no_picture_of_an_environment_that_is_gone() -> None:
    assert {one.stem for one in PICTURES.glob("*.svg")} == set(environments())


def test_the_same_estate_gives_the_same_bytes_in_any_process() -> None:
    code = "import sys; from ops.estate import picture, snapshots as read; "
    code += "sys.stdout.buffer.write(picture.draw(read.read_estate('dev')).encode())"
    drawn = [
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONHASHSEED": seed, "LANG": "C", "TZ": "Asia/Tokyo"},
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert drawn[0] == drawn[1] == draw(read_estate("dev")).encode()
    assert b"\r" not in drawn[0]


def test_an_estate_with_hardly_anything_is_drawn_too(tmp_path: Path) -> None:
    nothing = an_estate(tmp_path, "nothing", global_=[])
    one_box = an_estate(tmp_path, "one", global_=[an_account()])
    stamp = an_estate(tmp_path, "stamp", stamp_westeurope=[a_cluster(), a_hub()])

    for estate in (nothing, one_box, stamp):
        ElementTree.fromstring(draw(estate))


def test_what_names_hold_is_escaped(tmp_path: Path) -> None:
    estate = an_estate(tmp_path, global_=[an_account("st<&>")])

    text = "".join(ElementTree.fromstring(draw(estate)).itertext())
    assert "st<&>" in text


def test_a_box_says_which_identity_does_what_with_it(tmp_path: Path) -> None:
    hub, api, keda = a_hub(), an_identity("api"), an_identity("keda")
    send, receive = "2b629674-e913-4c01-ae53-ef4638d8f975", "a638d3c7-ab3a-418d-83e6-5f17a39d4fde"
    inside = f"{hub['id']}/eventhubs/commands"
    rights = [
        an_assignment(inside, principal_of(api), send),
        an_assignment(inside, principal_of(keda), receive),
        an_assignment(inside, PRINCIPAL, send),  # people are not in the picture
    ]
    estate = an_estate(tmp_path, stamp_westeurope=[hub, api, keda, *rights])

    root = ElementTree.fromstring(draw(estate))
    told = " ".join(text.text or "" for text in root.iter(f"{_SVG}text") if text.attrib["class"] == "who")
    assert told.replace("\N{NO-BREAK SPACE}", " ") == "api: send; keda: receive"


def test_a_name_too_long_for_its_box_is_cut_and_whole_in_the_tooltip(tmp_path: Path) -> None:
    long = "cosmos-with-a-name-that-no-box-could-ever-hold-in-one-line"
    database = a_database("West Europe")
    database |= {"name": long, "id": str(database["id"]).replace("cosmos-shop-test-ab1cd", long)}
    estate = an_estate(tmp_path, global_=[database])

    root = ElementTree.fromstring(draw(estate))
    (group,) = root.iter(f"{_SVG}g")
    assert long in (group.findtext(f"{_SVG}title") or "")
    assert any((text.text or "").endswith("…") for text in group.iter(f"{_SVG}text"))


def test_more_stamps_need_more_room(tmp_path: Path) -> None:
    def height(estate: Estate) -> int:
        return int(ElementTree.fromstring(draw(estate)).attrib["height"])

    vault = a_resource("Microsoft.KeyVault/vaults", "kv", "rg-shop-test-stamp-westeurope")
    one = an_estate(tmp_path, "one", stamp_westeurope=[a_cluster(), a_hub(), vault])
    two = an_estate(
        tmp_path, "two", stamp_westeurope=[a_cluster(), a_hub()], stamp_northeurope=[a_cluster("northeurope")]
    )

    assert height(two) > height(one)
