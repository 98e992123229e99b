"""What our image means on this machine: start script, variables and stop signal, read from the Dockerfile."""

import os
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NOBODY = "http://127.0.0.1:1"
"""An address at which nothing listens."""
ROOT = Path(__file__).parents[2]


class BadImage(Exception):
    """The Dockerfile does not say what the agent needs; the message says which instruction."""


@dataclass(frozen=True)
class Image:
    """The image of a Dockerfile in the root of the repository."""

    entry_point: Path
    environment: Mapping[str, str]
    stop_signal: signal.Signals
    files: Mapping[str, Path]
    """Path in the image to the file here, for the scripts that a pod's manifest may name."""

    def program(self, path: str) -> str:
        """Where a program of the image is here; one that we do not have is taken as it is named."""
        return str(self.files.get(path, path))


def our_image(folder: Path = ROOT) -> Image:
    """The image that the folder's Dockerfile describes.

    Raises:
        BadImage: it lacks an instruction that the agent follows.
    """
    text = (folder / "Dockerfile").read_text().replace("\\\n", " ")
    found = {name: re.findall(rf"^{name} (.+)$", text, re.MULTILINE) for name in ("ENTRYPOINT", "STOPSIGNAL", "ENV")}
    if len(found["ENTRYPOINT"]) != 1 or len(found["STOPSIGNAL"]) != 1:
        raise BadImage(f"{folder / 'Dockerfile'} must have one ENTRYPOINT and one STOPSIGNAL")
    files: dict[str, Path] = {}
    for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE):
        *sources, target = shlex.split(line)
        files |= {f"{target}{Path(source).name}": folder / source for source in sources if target.endswith("/")}
    start = shlex.split(found["ENTRYPOINT"][0].strip("[]").replace(",", " "))[0]
    if start not in files:
        raise BadImage(f"ENTRYPOINT {start} is none of the files that the Dockerfile copies")
    variables = dict(pair.split("=", 1) for line in found["ENV"] for pair in shlex.split(line))
    return Image(files[start], variables, signal.Signals[found["STOPSIGNAL"][0].strip()], files)


def host_environment(folder: Path) -> dict[str, str]:
    """What every process of a pod gets beside its own variables: where this pod's files are, and who plays the host."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "FUNCTIONS_KEYS_DIR": str(folder / "functions-keys"),
        "FUNCTIONS_HOST": sys.executable,
    }


def host_arguments(name: str) -> list[str]:
    """What the start script hands on: the stand-in host in place of the real one, on a port of its own."""
    return ["-m", "local.kubernetes.host", "--app", str(ROOT), "--port", "0", "--name", name, "--ignore-sigterm"]
