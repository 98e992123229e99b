"""The rehearsal's program without a cluster: what it says when it cannot begin, and what it draws."""

import contextlib
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from local.kubernetes import picture, scenarios, stage
from local.kubernetes.load import Account
from local.kubernetes.measure import Record, Sample, quantity
from local.stack import ROOT


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local.kubernetes", *arguments]
    environment = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_without_a_cluster_it_says_how_to_name_one() -> None:
    done = _run("rehearse")

    assert done.returncode == 2
    assert "REHEARSAL_KUBECONFIG" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no: [yaml", "no usable kubeconfig"),
        ("apiVersion: v1\nkind: Config\n", "no usable kubeconfig"),
        (
            "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
            "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\nusers: [{name: u, user: {token: t}}]\n",
            "no API server answers at https://127.0.0.1:1",
        ),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    done = _run("--kubeconfig", str(file), "agent")

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # taken already: as well
            stack.enter_context(socket.create_server(("127.0.0.1", stage.HUB_PORT)))
        with pytest.raises(stage.NotPossible, match=r"port 5672 of 127\.0\.0\.1 is in use.*unshare"):
            stage.check_ports()


@pytest.mark.parametrize(
    ("text", "number"), [("256", 256.0), ("103400m", 103.4), ("8k", 8000.0), (None, None), ("", None)]
)
def test_kubernetes_quantities_are_numbers(text: str | None, number: float | None) -> None:
    assert quantity(text) == number


def test_the_picture_shows_every_run_with_its_lines_and_its_events() -> None:
    record = Record("zone <1>")
    record.events.append((1.0, "zone-1 lost"))
    record.samples += [
        Sample(0.0, 100, 0, None, None, 3, 3, 3, 10.0),
        Sample(1.0, None, None, 50.0, 4, 4, 3, 4, 10.0),
        Sample(2.0, 0, 100, 0.0, 3, 3, 3, 3, 10.0),
    ]
    outcome = scenarios.Outcome(record, Account(100, 100, 0, 0, 0), 4, 1.0, 0.0, 1.0, 1.0, 2.0, 2.0, 10.0, [])

    drawing = ElementTree.fromstring(picture.drawn([outcome, outcome]))

    texts = [one.text or "" for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert texts.count("zone <1>") == texts.count("zone-1 lost") == 2
    assert texts.count("100 accepted, 100 applied, 0 lost, 0 doubled") == 2
    lines = [one.get("class") for one in drawing.iter("{http://www.w3.org/2000/svg}path")]
    assert {"lag", "wanted", "pods", "ready", "rate"} == set(lines)
