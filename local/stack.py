"""What the local cloud consists of: every process, its ports and its settings, for any number of regions."""

import json
import signal
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local.supervisor import Component

ROOT = Path(__file__).parent.parent
REGIONS = ("West Europe", "North Europe", "Sweden Central")

# The emulators' published keys: they open nothing but what runs on this machine.
COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
HUB_KEY = "SAS_KEY_VALUE"
API_KEY = "local-admin-key-1"
FRONT_DOOR_ID = "00000000-0000-0000-0000-00000000f00d"

# A laptop that is busy with something else may take longer than Azure's 10 s to import the app.
INIT_LIMIT_S = "60"
_HUBS = "AzureFunctionsJobHost__extensions__eventHubs"
_HOST = {
    # A killed processor's partitions are taken over in seconds here; in Azure host.json's half minute costs less.
    f"{_HUBS}__loadBalancingUpdateInterval": "00:00:05",
    f"{_HUBS}__partitionOwnershipExpirationInterval": "00:00:12",
    # Two lines an invocation are half the work of a small one.
    "AzureFunctionsJobHost__logging__logLevel__default": "Warning",
}


def resources() -> dict[str, Any]:
    """The one description of hub, containers, functions and storage that code and infrastructure share."""
    read: dict[str, Any] = json.loads((ROOT / "infra" / "resources.json").read_text())
    return read


@dataclass(frozen=True)
class Stack:
    """Where everything runs: one block of ports from `port` up, one folder of data."""

    port: int
    data: Path
    regions: tuple[str, ...]
    probe_interval_s: float | None = None
    """Seconds between the edge's probes; None: as Front Door is told to."""

    @property
    def base_url(self) -> str:
        """The edge: what people and clients open."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def control_port(self) -> int:
        """Where `python -m local kill …` and its like are heard."""
        return self.port + 1

    @property
    def blob_port(self) -> int:
        """The global storage account."""
        return self.port + 10

    def blob_region_port(self, index: int) -> int:
        """The storage accounts of one region; they die with it."""
        return self.port + 11 + index

    @property
    def cosmos_port(self) -> int:
        """The Cosmos account's global endpoint; its regions follow."""
        return self.port + 20

    def cosmos_region_port(self, index: int) -> int:
        """The Cosmos endpoint of one region."""
        return self.port + 21 + index

    def hub_port(self, index: int) -> int:
        """AMQP of one region's namespace; its control port follows."""
        return self.port + 30 + 2 * index

    def api_port(self, index: int) -> int:
        """One region's API host."""
        return self.port + 40 + index

    def processor_port(self, index: int) -> int:
        """One region's processor host."""
        return self.port + 50 + index

    @property
    def ports(self) -> list[int]:
        """Every port the stack listens on."""
        count = range(len(self.regions))
        each = [
            port
            for index in count
            for port in (
                self.blob_region_port(index),
                self.cosmos_region_port(index),
                self.hub_port(index),
                self.hub_port(index) + 1,
                self.api_port(index),
                self.processor_port(index),
            )
        ]
        return [self.port, self.control_port, self.blob_port, self.cosmos_port, *each]

    def hub_connection(self, index: int) -> str:
        """How clients reach one region's namespace."""
        return (
            f"Endpoint=sb://127.0.0.1:{self.hub_port(index)};SharedAccessKeyName=RootManageSharedAccessKey;"
            f"SharedAccessKey={HUB_KEY};UseDevelopmentEmulator=true"
        )

    def blob_endpoint(self, account: str) -> str:
        """Where one storage account is."""
        homes = {
            home(index): self.blob_region_port(index)
            for index in range(len(self.regions))
            for home in (self.stamp_account, self.region_account)
        }
        return f"http://127.0.0.1:{homes.get(account, self.blob_port)}/{account}"

    def storage_connection(self, account: str) -> str:
        """How clients reach one storage account."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={STORAGE_KEY};"
            f"BlobEndpoint={self.blob_endpoint(account)};"
        )

    def stamp(self, index: int) -> str:
        """A region's name in addresses and in names of components."""
        return _short(self.regions[index])

    def stamp_account(self, index: int) -> str:
        """The storage account that lives and dies with a stamp."""
        return f"ststamp{self.stamp(index)}"

    def region_account(self, index: int) -> str:
        """The storage account of a region, which outlives its stamps."""
        return f"stregion{self.stamp(index)}"

    @property
    def global_account(self) -> str:
        """The storage account of images."""
        return "stglobal"

    @cached_property
    def stages(self) -> list[list[Component]]:
        """Every process, by the order of start: stores, then what uses them, then what people use."""
        count = range(len(self.regions))
        hosts = [
            self._host(index, role, port(index))
            for index in count
            for role, port in (("processor", self.processor_port), ("api", self.api_port))
        ]
        return [
            [self._blobs(), self._cosmos(), *map(self._regional_blobs, count), *map(self._hub, count)],
            hosts,
            [self._edge()],
        ]

    def _blobs(self) -> Component:
        return self._azurite("blobs", self.blob_port, [self.global_account])

    def _regional_blobs(self, index: int) -> Component:
        accounts = [self.stamp_account(index), self.region_account(index)]
        return self._azurite(f"blobs-{self.stamp(index)}", self.blob_region_port(index), accounts)

    def _azurite(self, name: str, port: int, accounts: list[str]) -> Component:
        return Component(
            name=name,
            command=azurite_command(port, self.data / name),
            ready="successfully listens",
            address=f"http://127.0.0.1:{port}",
            environment={"AZURITE_ACCOUNTS": ";".join(f"{account}:{STORAGE_KEY}" for account in accounts)},
        )

    def _cosmos(self) -> Component:
        command = [
            *_python("local.cosmos"),
            "--data",
            str(self.data / "cosmos"),
            "--global-port",
            str(self.cosmos_port),
        ]
        for index, region in enumerate(self.regions):
            command += ["--region", f"{region}={self.cosmos_region_port(index)}"]
        return Component("cosmos", command, "ready:", f"http://127.0.0.1:{self.cosmos_port}")

    def _hub(self, index: int) -> Component:
        hub = resources()["eventHubs"]
        command = [
            *_python("local.eventhubs"),
            *("--data", str(self.data / f"eventhubs-{self.stamp(index)}")),
            *("--port", str(self.hub_port(index)), "--control-port", str(self.hub_port(index) + 1)),
            *("--hub", f"{hub['hub']}={hub['partitions']}:{hub['consumerGroup']}"),
            *("--retention-hours", str(hub["retentionHours"])),
        ]
        return Component(f"eventhubs-{self.stamp(index)}", command, "ready:", f"sb://127.0.0.1:{self.hub_port(index)}")

    def _host(self, index: int, role: str, port: int) -> Component:
        functions = resources()["functions"][role]
        chosen = {f"AzureFunctionsJobHost__functions__{number}": name for number, name in enumerate(functions)}
        name = f"{role}-{self.stamp(index)}"
        return Component(
            name=name,
            command=[
                *_python("local.functions_host"),
                *("--app", str(ROOT), "--port", str(port), "--name", name, "--init-limit", INIT_LIMIT_S),
            ],
            ready="ready:",
            address=f"http://127.0.0.1:{port}",
            environment=self.app_settings(index) | chosen | _HOST | {"LOCAL_CLOUD_DATA": str(self.data)},
            stop_signal=signal.SIGINT,
        )

    def app_settings(self, index: int) -> dict[str, str]:
        """What the app in one region is told, by the same names as in production."""
        own_first = [self.regions[index], *(region for region in self.regions if region != self.regions[index])]
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": self.storage_connection(self.stamp_account(index)),
            "REGION": self.regions[index],
            "EVENT_HUBS": self.hub_connection(index),
            "EVENT_HUB_PARTITIONS": str(resources()["eventHubs"]["partitions"]),
            "COSMOS_ENDPOINT": f"http://127.0.0.1:{self.cosmos_port}/",
            "COSMOS_KEY": COSMOS_KEY,
            "COSMOS_REGIONS": ",".join(own_first),
            "DEAD_LETTERS": self.storage_connection(self.region_account(index)),
            "IMAGES": self.storage_connection(self.global_account),
            "API_KEY_1": API_KEY,
            "FRONT_DOOR_ID": FRONT_DOOR_ID,
            "AZURE_COSMOS_ENABLE_CIRCUIT_BREAKER": "True",
        }

    @property
    def settings_files(self) -> dict[Path, dict[str, str]]:
        """A `local.settings.json` for each region: what `python -m ops --settings` and Core Tools read."""
        count = range(len(self.regions))
        return {self.data / f"settings-{self.stamp(index)}.json": self.app_settings(index) for index in count}

    def _edge(self) -> Component:
        command = [
            *_python("local.edge"),
            *("--description", str(ROOT / "infra" / "front-door.json")),
            *("--port", str(self.port), "--front-door-id", FRONT_DOOR_ID),
            f"--origin=images:global={self.website(self.global_account)}",
        ]
        for index in range(len(self.regions)):
            stamp = self.stamp(index)
            command += [
                f"--stamp={stamp}",
                f"--origin=gateway:{stamp}=http://127.0.0.1:{self.api_port(index)}",
                f"--origin=website:{stamp}={self.website(self.stamp_account(index))}",
            ]
        if self.probe_interval_s is not None:
            command.append(f"--probe-interval={self.probe_interval_s}")
        return Component("edge", command, "ready:", self.base_url, {"LOCAL_CLOUD_DATA": str(self.data)})

    def website(self, account: str) -> str:
        """An account's static website: Azurite has no endpoint for it, so the edge reads its container."""
        return f"{self.blob_endpoint(account)}/{resources()['storage']['websiteContainer']}"

    def fault_address(self, component: str) -> str | None:
        """Where a component takes orders to misbehave; None where it takes none."""
        hubs = {f"eventhubs-{self.stamp(index)}": self.hub_port(index) + 1 for index in range(len(self.regions))}
        port = {**hubs, "cosmos": self.cosmos_port, "edge": self.port}.get(component)
        return None if port is None else f"http://127.0.0.1:{port}"

    @property
    def page_config(self) -> dict[str, object]:
        """What the page's config.js says here."""
        return {
            "API_URL": "/api",
            "VERSION_LABEL": "local",
            "CURRENCY": "USD",
            "STAMPS": list(self.regions),
            "EDGE_STATUS_URL": "/_control/status",
        }


def azurite_command(port: int, folder: Path) -> list[str]:
    """Azurite's blobs alone, kept in a folder; it prints `successfully listens` once it serves."""
    program = ROOT / "local" / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    options = ["--silent", "--loose", "--skipApiVersionCheck", "--disableTelemetry", "--location", str(folder)]
    return ["node", str(program), *options, "--blobHost", "127.0.0.1", "--blobPort", str(port)]


def _python(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _short(region: str) -> str:
    return region.lower().replace(" ", "")
