"""The stand-in host with the master key that the image's start script wrote, as the real host would read it."""

import os
import sys
from pathlib import Path

from local.functions_host.__main__ import main


def run() -> None:
    """Run it with this process's arguments."""
    key = Path(os.environ["FUNCTIONS_KEYS_DIR"]) / "host.master"
    sys.argv += ["--master-key", key.read_text()]
    main()


if __name__ == "__main__":
    run()
