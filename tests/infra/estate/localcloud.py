"""Rules that compare the local cloud with the resources: what runs on a laptop has the shape of what runs in Azure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from local.stack import REGIONS, Stack

from .exactly import CLUSTER, COSMOS, HUB, HUB_GROUP, HUBS
from .snapshots import DISPLAY, Estate, Rule, at, properties
from .truths import last

RULES: list[Rule] = []


def rule(check: Rule) -> Rule:
    RULES.append(check)
    return check


def stack_of(given: Estate) -> Stack:
    """The local cloud with an environment's regions; nothing of it is started."""
    return Stack(8080, Path("/nowhere"), tuple(DISPLAY[region] for region in given.regions))


def option(command: Sequence[str], name: str) -> list[str]:
    """The values of a command's option."""
    return [value for flag, value in pairwise(command) if flag == name]


@rule
def the_local_cloud_can_have_the_environments_regions(given: Estate) -> Iterator[str]:
    regions = [place["locationName"] for one in given.of(COSMOS) for place in properties(one)["locations"]]
    if regions != list(REGIONS[: len(regions)]):
        yield f"the database is in {regions}, the local cloud starts with {REGIONS}"
    kinds = Counter(one.name.partition("-")[0] for stage in stack_of(given).stages for one in stage)
    wanted = {"eventhubs": len(given.of(HUBS)), "api": len(given.of(CLUSTER)), "processor": len(given.of(CLUSTER))}
    if {kind: kinds[kind] for kind in wanted} != wanted or (kinds["cosmos"], kinds["edge"]) != (1, 1):
        yield f"the local cloud runs {dict(kinds)}, not {wanted}"


@rule
def local_hubs_are_the_hubs(given: Estate) -> Iterator[str]:
    components = {one.name: one.command for stage in stack_of(given).stages for one in stage}
    for stamp in given.stamps:
        command = components[f"eventhubs-{stamp.region}"]
        for one in stamp.of(HUB):
            groups = [last(group) for group in given.children(one, HUB_GROUP)]
            wanted = f"{last(one)}={properties(one)['partitionCount']}:{','.join(groups)}"
            if option(command, "--hub") != [wanted]:
                yield f"{stamp.name}: the local hub is {option(command, '--hub')}, not {wanted}"
            hours = str(at(properties(one), "retentionDescription.retentionTimeInHours"))
            if option(command, "--retention-hours") != [hours]:
                yield f"{stamp.name}: the local hub keeps events {option(command, '--retention-hours')}, not {hours} h"


@rule
def local_apps_prefer_the_regions_that_pods_prefer(given: Estate) -> Iterator[str]:
    stack = stack_of(given)
    for index, region in enumerate(given.regions):
        settings = stack.app_settings(index)
        told = given.parts[f"stamp-{region}"].outputs
        if (settings["REGION"], settings["COSMOS_REGIONS"]) != (told["region"], told["cosmosRegions"]):
            yield f"stamp-{region}: locally {settings['COSMOS_REGIONS']}, in Azure {told['cosmosRegions']}"
