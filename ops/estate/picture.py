"""The estate as a picture: edge, then regions (each a stamp and what outlives it), then what all share."""

from collections.abc import Iterable, Sequence

from ops.estate.boxes import BOXED, FOLDED, Boxes
from ops.estate.snapshots import Estate, Resource
from ops.estate.svg import Box, Canvas, Place, stacked
from ops.estate.text import many

_WIDTH = 1440
_EDGE = (24, 236)  # x and width of each column
_REGIONS = (328, 780)
_SHARED = (1172, 244)
_TOP = 116
_GAP = 16
_INSET = 12
_BETWEEN = 28  # columns of a stamp: room for lines
_CLUSTER, _HUB = "Microsoft.ContainerService/managedClusters", "Microsoft.EventHub/namespaces"
_VAULT, _STORAGE = "Microsoft.KeyVault/vaults", "Microsoft.Storage/storageAccounts"
_NETWORK, _GATEWAY = "Microsoft.Network/virtualNetworks", "Microsoft.Network/applicationGateways"
_TRAFFIC, _FRONT_DOOR = "Microsoft.Network/trafficManagerProfiles", "Microsoft.Cdn/profiles"
_DATABASE, _REGISTRY = "Microsoft.DocumentDB/databaseAccounts", "Microsoft.ContainerRegistry/registries"
# A stamp's grid: three columns; events lie below, right above the archive that Capture writes to.
_COLUMNS = ((_CLUSTER, _GATEWAY), (_VAULT, _HUB), (_STORAGE, _NETWORK))
_WIDTHS = (218, 224, 234)
_TELEMETRY = ("Microsoft.Insights/components", "Microsoft.OperationalInsights/workspaces", "Microsoft.Monitor/accounts")


def draw(estate: Estate) -> str:
    """The whole SVG file."""
    return _Picture(estate).drawn()


class _Picture:
    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._boxes = Boxes(estate)
        self._canvas = Canvas()
        self._placed: dict[str, Place] = {}

    def drawn(self) -> str:
        bottom = _TOP
        for region in self._estate.regions:
            bottom = self._region(region, bottom) + _GAP
        edges = self._column(self._edge(), _EDGE)
        shared = self._column(self._shared(), _SHARED)
        self._wires(bottom)
        bottom = max(bottom, edges, shared)
        self._around(bottom)
        return self._canvas.written(_WIDTH, bottom + 44, f"The estate of {self._estate.environment}")

    def _edge(self) -> list[Resource]:
        walls = self._estate.of("Microsoft.Network/FrontDoorWebApplicationFirewallPolicies")
        spare = [one for one in self._estate.of(_TRAFFIC) if not self._nested(one)]
        first = [one for one in self._estate.of(_TRAFFIC) if one not in spare]
        return [*first, *self._estate.of(_FRONT_DOOR), *walls, *spare]

    def _nested(self, one: Resource) -> bool:
        return any(
            str(end.get("type", "")).lower().endswith("nestedendpoints") for end in one.get("properties.endpoints", [])
        )

    def _shared(self) -> list[Resource]:
        order = (_STORAGE, _DATABASE, _REGISTRY, _VAULT)
        first = [one for kind in order for one in self._estate.of(kind, lifetime="global")]
        done = {one.id for one in (*first, *self._edge())}
        return [
            *first,
            *(one for kind in BOXED for one in self._estate.of(kind, lifetime="global") if one.id not in done),
        ]

    def _column(self, found: Sequence[Resource], column: tuple[int, int]) -> int:
        """Boxes below each other; returns where they end."""
        bottom = _TOP
        for (box, place), one in zip(
            stacked(map(self._boxes.of, found), column[0], _TOP, column[1], 20), found, strict=True
        ):
            self._put(one, box, place)
            bottom = place.bottom
        return bottom

    def _put(self, one: Resource, box: Box, place: Place) -> None:
        self._placed[one.id.lower()] = place
        self._canvas.box(box, place)

    def _region(self, region: str, top: int) -> int:
        """One region's band; returns where it ends."""
        x, width = _REGIONS
        end = self._stamp(region, top + 34) + _GAP
        kept = [one for kind in BOXED for one in self._estate.of(kind, lifetime="region", region=region)]
        telemetry = [one for one in kept if any(one.is_a(kind) for kind in _TELEMETRY)]
        rest = sorted((one for one in kept if one not in telemetry), key=lambda one: not _letters(self._estate, one))
        cells = [(one,) for one in rest] + ([tuple(telemetry)] if telemetry else [])
        if cells:
            bottom = self._grid([cells[at::3] for at in range(3)], end + 30)
            self._canvas.panel(
                Place(x + _INSET, end, width - 2 * _INSET, bottom + _INSET - end),
                "Region",
                "outlives its stamps",
                inner=True,
            )
            end = bottom + _INSET
        self._canvas.panel(Place(x, top, width, end + _INSET - top), _display(self._estate, region), region)
        return end + _INSET

    def _stamp(self, region: str, top: int) -> int:
        x, width = _REGIONS
        columns = [[one for kind in column for one in self._stamps(kind, region)] for column in _COLUMNS]
        placed = {one.id for column in columns for one in column}
        columns[-1] += [
            one
            for kind in BOXED
            for one in self._estate.of(kind, lifetime="stamp", region=region)
            if one.id not in placed
        ]
        bottom = self._grid([[(one,) for one in column] for column in columns], top + 46)
        self._canvas.panel(
            Place(x + _INSET, top, width - 2 * _INSET, bottom + _INSET - top),
            "Stamp",
            "replaced as a whole",
            inner=True,
        )
        return bottom + _INSET

    def _stamps(self, kind: str, region: str) -> list[Resource]:
        return self._estate.of(kind, lifetime="stamp", region=region)

    def _grid(self, columns: Sequence[Sequence[tuple[Resource, ...]]], y: int) -> int:
        """Columns of boxes whose rows are aligned; the last box of a column reaches down to the end of the grid."""
        rows = max(map(len, columns), default=0)
        boxes = [[self._box(cell) for cell in column] for column in columns]
        heights = [
            max((column[row].height(_WIDTHS[at]) for at, column in enumerate(boxes) if row < len(column)), default=0)
            for row in range(rows)
        ]
        x = _REGIONS[0] + 2 * _INSET
        for at, column in enumerate(columns):
            top = y
            for row, cell in enumerate(column):
                last = row == len(column) - 1
                height = sum(heights[row:]) + _GAP * (rows - 1 - row) if last else heights[row]
                place = Place(x, top, _WIDTHS[at], height)
                self._canvas.box(boxes[at][row], place)
                self._placed |= {one.id.lower(): place for one in cell}
                top += heights[row] + _GAP
            x += _WIDTHS[at] + _BETWEEN
        return y + sum(heights) + _GAP * max(rows - 1, 0)

    def _box(self, cell: tuple[Resource, ...]) -> Box:
        return self._boxes.of(cell[0]) if len(cell) == 1 else self._boxes.together("Telemetry", cell)

    def _wires(self, bottom: int) -> None:
        """Who calls whom: right angles, through the gaps between columns."""
        door = self._at(self._estate.of(_FRONT_DOOR))
        spare = self._at([one for one in self._estate.of(_TRAFFIC) if not self._nested(one)])
        first = self._at([one for one in self._estate.of(_TRAFFIC) if self._nested(one)])
        if first and door:
            self._canvas.wire([(first.centre, first.bottom), (door.centre, door.y)])
        wall = self._at(self._estate.of("Microsoft.Network/FrontDoorWebApplicationFirewallPolicies"))
        if door and wall:
            self._canvas.wire([(door.centre, door.bottom), (wall.centre, wall.y)], arrow=False)
        images = self._at(self._estate.of(_STORAGE, lifetime="global"))
        if door and images:
            high = _TOP - 14
            self._canvas.wire(
                [
                    (door.right, door.y + 20),
                    (276, door.y + 20),
                    (276, high),
                    (1148, high),
                    (1148, images.y + 20),
                    (images.x, images.y + 20),
                ]
            )
            self._canvas.label(_REGIONS[0] + 300, high + 4, "/images/* through a private link")
        for region in self._estate.regions:
            self._stamp_wires(region, door, spare)

    def _stamp_wires(self, region: str, door: Place | None, spare: Place | None) -> None:
        cluster, hub = self._at(self._stamps(_CLUSTER, region)), self._at(self._stamps(_HUB, region))
        gateway, network = self._at(self._stamps(_GATEWAY, region)), self._at(self._stamps(_NETWORK, region))
        vault, storage = self._at(self._stamps(_VAULT, region)), self._at(self._stamps(_STORAGE, region))
        if door and cluster:
            self._canvas.wire(
                [(door.right, door.middle), (290, door.middle), (290, cluster.y + 20), (cluster.x, cluster.y + 20)]
            )
        if door and storage:
            above = storage.y - 12
            self._canvas.wire(
                [
                    (door.right, door.middle),
                    (290, door.middle),
                    (290, above),
                    (storage.centre, above),
                    (storage.centre, storage.y),
                ]
            )
            self._canvas.label(storage.x - 120, above + 4, "/* pages")
        if spare and gateway:
            self._canvas.wire(
                [(spare.right, spare.middle), (304, spare.middle), (304, gateway.y + 20), (gateway.x, gateway.y + 20)],
                spare=True,
            )
        if gateway and cluster:
            self._canvas.wire([(gateway.centre, gateway.y), (gateway.centre, cluster.bottom)], spare=True)
        if cluster:
            self._inside(cluster, [vault, hub], [storage, network])
        archive = self._at(
            [
                one
                for one in self._estate.of(_STORAGE, lifetime="region", region=region)
                if not _letters(self._estate, one)
            ]
        )
        if hub and archive:
            self._canvas.wire([(hub.centre, hub.bottom), (hub.centre, archive.y)])
        if network:
            self._to_shared(network)

    def _inside(self, cluster: Place, near: Iterable[Place | None], far: Iterable[Place | None]) -> None:
        """From the pods to what is in the next column, and around it to the last one."""
        start, first = (cluster.right, cluster.y + 20), cluster.right + 14
        near_places, far_places = [one for one in near if one], [one for one in far if one]
        for one in near_places:
            self._canvas.wire([start, (first, start[1]), (first, one.y + 20), (one.x, one.y + 20)])
        if near_places and far_places:
            between = near_places[0].bottom + _GAP // 2
            second = near_places[0].right + 14
            for one in far_places:
                self._canvas.wire(
                    [
                        start,
                        (first, start[1]),
                        (first, between),
                        (second, between),
                        (second, one.y + 20),
                        (one.x, one.y + 20),
                    ]
                )

    def _to_shared(self, network: Place) -> None:
        """From a stamp's private endpoints to what all stamps share."""
        for kind in (_STORAGE, _DATABASE, _REGISTRY):
            target = self._at(self._estate.of(kind, lifetime="global"))
            if target:
                y = target.y + (40 if kind == _STORAGE else 20)
                self._canvas.wire([(network.right, network.y + 20), (1132, network.y + 20), (1132, y), (target.x, y)])

    def _at(self, found: Sequence[Resource]) -> Place | None:
        return self._placed.get(found[0].id.lower()) if found else None

    def _around(self, bottom: int) -> None:
        """Title, column heads and what is not in the picture."""
        estate, canvas = self._estate, self._canvas
        canvas.heading(24, 40, f"The estate of {estate.environment}", "h1")
        drawn = sum(any(one.is_a(kind) for kind in (*BOXED, *FOLDED)) for one in estate.resources)
        name = estate.environment
        counts = f"{many(len(estate.resources), 'resource')}, {many(len(estate.regions), 'region')}"
        source = f"Computed from infra/snapshots/{name} by `python -m ops estate {name} --svg`."
        canvas.heading(24, 62, f"{counts}. {source}", "soft")
        for (x, _), title in (
            (_EDGE, "Edge"),
            (_REGIONS, "Regions, all of them active" if len(estate.regions) > 1 else "Region"),
            (_SHARED, "Shared by all regions" if len(estate.regions) > 1 else "Global"),
        ):
            canvas.heading(x, _TOP - 26, title, "h2")
        words = (
            "Solid: requests and data; dashed: stand-by. Coloured words: which identity does what, by its roles. "
            f"{drawn} of {len(estate.resources)} resources are drawn or named in a tooltip; the others are parts and "
            "attachments of these (roles, diagnostics, rules, DNS)."
        )
        canvas.heading(24, bottom + 26, words, "label")


def _letters(estate: Estate, one: Resource) -> bool:
    """Whether a region's account is the one for dead letters."""
    return any(each.short == "dead-letters" for each in estate.under(one, f"{_STORAGE}/blobServices/containers"))


def _display(estate: Estate, region: str) -> str:
    """`West Europe`, as the database spells it."""
    for one in estate.of(_DATABASE):
        for place in one.get("properties.locations", []):
            if str(place.get("locationName", "")).replace(" ", "").lower() == region:
                return str(place["locationName"])
    return region
