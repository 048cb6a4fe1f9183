"""Maps of a part of the stack: to the last bit that part of the whole map, and no more is read for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from osgeo import ogr

from map_case import DAYS, FINE, FINER, Case, pooled_forests, refusal
from raster_cases import Listener, grid_raster
from smap_downscaler.geo.area import Area
from smap_downscaler.geo.datasets import dataset_grid, open_dataset, read_band
from smap_downscaler.geo.geotiff import TILE
from smap_downscaler.geo.grid import Bounds, Grid, Window
from smap_downscaler.geo.lattice import transform_bounds
from smap_downscaler.geo.placing import read_shapes
from smap_downscaler.series.stack import Stack
from smap_downscaler.steps.maps.cascade import cascade_file, make_cascade
from smap_downscaler.steps.maps.downscale import map_file
from smap_downscaler.steps.maps.mapped import Wanted
from smap_downscaler.steps.maps.preflight import check_maps

#: One pixel; in the middle of tiles; over their borders; the last rows and columns; a strip.
WINDOWS = [
    Window(5, 7, 1, 1),
    Window(60, 90, 70, 110),
    Window(TILE - 3, TILE - 9, 20, 40),
    Window(150, 240, FINE.height - 150, FINE.width - 240),
    Window(100, 0, 9, FINE.width),
]
SIDES = (1000.0, 150.0, 100.0)


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def over(window, grid=FINE):
    """An extent over some pixels, a bit smaller than they."""
    box, step = grid.crop(window).bounds, grid.cell_width / 4
    return Bounds(box.left + step, box.bottom + step, box.right - step, box.top - step), grid.crs


def area_of(*rings, crs=FINE.crs):
    """Polygons whose corners are given in kilometres east and south of the corner of the stack."""
    texts = [
        ", ".join(f"{FINE.left + 1000 * x} {FINE.top - 1000 * y}" for x, y in [*ring, ring[0]])
        for ring in rings
    ]
    shapes = [bytes(ogr.CreateGeometryFromWkt(f"POLYGON (({text}))").ExportToWkb()) for text in texts]
    return Area(read_shapes(shapes, crs), "watershed")


def bits(path):
    dataset = open_dataset(path)
    return [read_band(dataset, band).view(np.uint32) for band in range(1, dataset.RasterCount + 1)]


def rasters_of(case, grid):
    values = np.random.default_rng(5).gamma(2, 0.5, (2, *grid.shape)).astype(np.float32)
    values[0, grid.height // 3 : grid.height // 2, grid.width // 4 : grid.width // 2] = np.nan
    for date, day in zip(DAYS, values):
        grid_raster(case.folder / "p_antecedent" / f"{date:%Y%m%d}.tif", grid, day)


#: Where dated rasters lie: coarse in degrees, on the pixels, finer on them, finer and askew.
DATED = {
    "degrees": None,
    "as the stack": FINE,
    "finer": FINER,
    "askew": Grid("EPSG:32719", 34_000.0, 8_545_000.0, 60.0, 60.0, 1100, 700),
}


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("kind", list(DATED))
def test_a_part_is_that_of_the_whole_to_the_last_bit(case, kind, pooled):
    if DATED[kind] is not None:
        rasters_of(case, DATED[kind])
    if pooled:
        pooled_forests(case)
    case.make(case.folder / "whole", memory_mb=4096)
    whole = {day: bits(map_file(case.folder / "whole", day))[0] for day in DAYS[:2]}
    assert np.isfinite(whole[DAYS[0]].view(np.float32)).mean() > 0.5
    for number, window in enumerate(WINDOWS):
        folder = case.folder / f"part{number}"
        case.make(folder, threads=1 + number % 2, memory_mb=1, wanted=Wanted(over(window)))
        for day in DAYS[:2]:
            path = map_file(folder, day)
            assert dataset_grid(open_dataset(path), "map") == FINE.crop(window)
            assert np.array_equal(bits(path)[0], whole[day][window.slices])


@pytest.mark.parametrize("kind", ["degrees", "finer"])
def test_a_cascade_of_a_part_is_that_of_the_whole(case, kind):
    if DATED[kind] is not None:
        rasters_of(case, DATED[kind])

    def make(name, wanted):
        inputs, scratch = case.inputs(wanted=wanted), case.folder / f"scratch_{name}"
        scratch.mkdir()
        with inputs.forests:
            make_cascade(inputs, case.folder / name, DAYS[1], SIDES, scratch, progress=Listener())
        return [cascade_file(case.folder / name, DAYS[1], side) for side in SIDES]

    whole = make("whole", Wanted())
    for number, window in enumerate(WINDOWS[1:]):
        for side, path, other in zip(SIDES, make(f"part{number}", Wanted(over(window))), whole):
            # The cells that hold the first and the last pixel, counted from the corner of the stack.
            pixels = side / FINE.cell_width
            top, left = int((window.row + 0.25) / pixels), int((window.col + 0.25) / pixels)
            bottom = int((window.row + window.height - 0.25) / pixels) + 1
            right = int((window.col + window.width - 0.25) / pixels) + 1
            cells = Window(top, left, bottom - top, right - left)
            grid = dataset_grid(open_dataset(other), "map")
            assert dataset_grid(open_dataset(path), "map") == grid.crop(cells)
            assert np.array_equal(bits(path)[0], bits(other)[0][cells.slices])


def test_an_extent_in_another_crs_is_snapped_outward(case):
    box = transform_bounds(FINE.crop(Window(40, 50, 30, 20)).bounds, FINE.crs, "EPSG:4326")
    case.make(dates=DAYS[:1], wanted=Wanted((box, "EPSG:4326")))
    grid = dataset_grid(open_dataset(map_file(case.maps, DAYS[0])), "map")
    row, col = grid.cell_offset_in(FINE)
    assert 36 <= row <= 40 <= 70 <= row + grid.height <= 74
    assert 46 <= col <= 50 <= 70 <= col + grid.width <= 74


@pytest.fixture
def windows_read(monkeypatch):
    read, plain = [], Stack.read

    def watched(self, names, window=None):
        read.append(window)
        return plain(self, names, window)

    monkeypatch.setattr(Stack, "read", watched)
    return read


def test_of_the_stack_only_the_part_is_read(case, windows_read):
    case.make(dates=DAYS[:1], wanted=Wanted(over(WINDOWS[2])))
    assert windows_read == [WINDOWS[2]]


def inside(grid, *rings):
    """Pixels whose centre lies in one of some convex rings, by the side of each edge on which it lies."""
    x = (grid.x_centres()[None, :] - FINE.left) / 1000
    y = (FINE.top - grid.y_centres()[:, None]) / 1000
    out = np.zeros(grid.shape, bool)
    for ring in rings:
        sides = [
            (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
            for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]])
        ]
        out |= np.all([side > 0 for side in sides], axis=0) | np.all([side < 0 for side in sides], axis=0)
    return out


RINGS = [[(3.03, 2.01), (14.02, 5.03), (6.01, 20.02)], [(40.01, 22.02), (49.03, 21.01), (45.02, 27.03)]]


def test_outside_of_an_area_there_is_no_value_and_inside_that_of_the_whole(case, windows_read):
    case.make(case.folder / "whole", dates=DAYS[:1])
    windows_read.clear()
    case.make(dates=DAYS[:1], memory_mb=1, wanted=Wanted(aoi=area_of(*RINGS)))
    path = map_file(case.maps, DAYS[0])
    grid = dataset_grid(open_dataset(path), "map")
    # From the first to the last pixel that the polygons touch.
    window = Window(20, 30, 271 - 20, 491 - 30)
    assert grid == FINE.crop(window)
    whole = read_band(open_dataset(map_file(case.folder / "whole", DAYS[0])), 1)[window.slices]
    kept = inside(grid, *RINGS)
    assert 5000 < kept.sum() < 12000
    expected = np.where(kept, whole, np.float32(np.nan)).view(np.uint32)
    assert np.array_equal(bits(path)[0], expected)
    # Blocks of one file tile, counted from the corner of the map.
    assert windows_read == [Window(20, 30, 251, 256), Window(20, 286, 251, 205)]


def test_only_blocks_that_meet_the_area_are_read(case, windows_read):
    rings = [[(0.03, 0.02), (3.03, 0.02), (3.03, 3.04)], [(52.03, 0.02), (55.03, 0.02), (55.03, 3.04)]]
    case.make(dates=DAYS[:1], memory_mb=1, wanted=Wanted(aoi=area_of(*rings)))
    assert [(window.col, window.width) for window in windows_read] == [(0, TILE), (2 * TILE, 39)]
    got = case.map(DAYS[0])
    expected = inside(FINE.crop(Window(0, 0, *got.shape)), *rings) & np.isfinite(case.fine[0, :31, :551])
    assert np.array_equal(np.isfinite(got), expected)


def test_extent_and_area_both_count(case):
    extent = over(Window(0, 0, 100, 100))
    case.make(dates=DAYS[:1], wanted=Wanted(extent, area_of(*RINGS)))
    path = map_file(case.maps, DAYS[0])
    grid = dataset_grid(open_dataset(path), "map")
    assert grid == FINE.crop(Window(20, 30, 80, 70))
    assert np.array_equal(np.isfinite(case.map(DAYS[0])), inside(grid, *RINGS))
    tags = open_dataset(path).GetMetadata()
    assert tags["SMAP_DOWNSCALER_PART"] == "rows 21 to 100 of 286, columns 31 to 100 of 552"
    assert tags["SMAP_DOWNSCALER_AREA"].startswith("watershed: 2 polygons, ")


def test_in_a_cascade_cells_that_the_area_touches_are_mapped(case):
    inputs, scratch = case.inputs(wanted=Wanted(aoi=area_of(RINGS[0]))), case.folder / "scratch"
    scratch.mkdir()
    listener = Listener()
    with inputs.forests:
        make_cascade(inputs, case.maps, DAYS[1], [3000.0, 100.0], scratch, progress=listener)
    coarse = open_dataset(cascade_file(case.maps, DAYS[1], 3000.0))
    grid = dataset_grid(coarse, "map")
    assert grid.cell_offset_in(Grid(FINE.crs, FINE.left, FINE.top, 3000.0, 3000.0, 19, 10)) == (0, 1)
    assert (grid.height, grid.width) == (7, 4)
    fine = Grid(grid.crs, grid.left, grid.top, 10.0, 10.0, 300 * 4, 300 * 7)
    touched = inside(fine, RINGS[0]).reshape(7, 300, 4, 300).any(axis=(1, 3))
    assert np.array_equal(np.isfinite(read_band(coarse, 1)), touched)
    own = open_dataset(cascade_file(case.maps, DAYS[1], 100.0))
    assert np.isfinite(read_band(own, 1)).sum() == inside(dataset_grid(own, "map"), RINGS[0]).sum()
    assert f"3000 m: 4 x 7 cells of 19 x 10, {touched.sum()} of them in AOI" in listener.lines
    assert listener.warnings == []


def test_a_cell_larger_than_what_is_mapped_is_told(case):
    inputs, scratch = case.inputs(wanted=Wanted(over(Window(8, 8, 15, 12)))), case.folder / "scratch"
    scratch.mkdir()
    listener = Listener()
    with inputs.forests:
        made = make_cascade(inputs, case.maps, DAYS[1], [3000.0, 1000.0], scratch, progress=listener)
    assert listener.warnings == [
        f"RESOLUTIONS: a cell of 3000 m is larger than what is mapped of {case.stack} (1200 x 1500 m), and "
        "most of it lies beyond; leave it out, or map a larger area"
    ]
    assert [open_dataset(path).RasterXSize for path in made] == [1, 2]


def test_maps_of_another_part_are_made_anew_and_that_is_told(case):
    def make(wanted):
        listener = Listener()
        return len(case.make(progress=listener, wanted=wanted).kept), listener.warnings

    told = [
        f"{case.maps}: its 2 maps of another EXTENT or AOI, such as soil_moisture_20191231.tif, will be "
        "replaced; stop the run and choose another OUTPUT to keep them"
    ]
    extent, area = over(WINDOWS[1]), area_of(RINGS[0])
    assert make(Wanted()) == (0, [])
    for wanted in (
        Wanted(extent),
        Wanted(aoi=area),
        Wanted(aoi=area_of(RINGS[1])),
        Wanted(extent, area),
        Wanted(),
    ):
        assert make(wanted) == (0, told)
        assert make(wanted) == (2, [])
    # The same polygons in a layer of another name.
    make(Wanted(aoi=area))
    assert make(Wanted(aoi=replace(area, name="basin"))) == (2, [])
    # An extent of other numbers over the same pixels, and one over all of them.
    make(Wanted(extent))
    assert make(Wanted((FINE.crop(WINDOWS[1]).bounds, FINE.crs))) == (2, [])
    make(Wanted())
    assert make(Wanted((FINE.bounds, FINE.crs))) == (2, [])


def test_what_does_not_meet_the_stack(case):
    sentence = f"EXTENT: it does not meet the cells of {case.stack}; choose an extent over them."
    far = Bounds(FINE.left - 900, FINE.top, FINE.left + 900, FINE.top + 900), FINE.crs
    assert refusal(case.make, wanted=Wanted(far)) == sentence
    assert refusal(case.make, wanted=Wanted((Bounds(10, 40, 11, 41), "EPSG:4326"))) == sentence
    extent = over(Window(200, 300, 9, 9))
    assert refusal(case.make, wanted=Wanted(extent, area_of(RINGS[0]))) == (
        f"AOI (watershed) and EXTENT do not meet on {case.stack}; leave one of them empty."
    )
    tiny = area_of([(1.01, 1.01), (1.03, 1.01), (1.03, 1.03)])
    assert refusal(case.make, wanted=Wanted(aoi=tiny)) == (
        f"AOI (watershed): no pixel of {case.stack} has its centre in the polygons; choose larger ones."
    )
    assert not case.maps.exists()


def test_a_stack_around_the_earth_is_not_mapped_over_its_ends():
    world = Grid("EPSG:4326", 0.0, 10.0, 0.5, 0.5, 720, 40)
    extent = Bounds(-1.0, 0.0, 1.0, 2.0), "EPSG:4326"
    assert refusal(Wanted(extent).part, world, "stack.tif") == (
        "EXTENT: it lies over both ends of stack.tif, which goes around the earth; map each side by itself."
    )
    west = Bounds(-3.0, 0.0, -1.0, 2.0), "EPSG:4326"
    assert Wanted(west).part(world, "stack.tif").window == Window(16, 714, 4, 4)


def test_an_extent_within_a_pixel_is_that_pixel_and_told():
    extent = Bounds(FINE.left + 110, FINE.top - 170, FINE.left + 130, FINE.top - 150), FINE.crs
    assert Wanted(extent).part(FINE, "stack.tif").window == Window(1, 1, 1, 1)
    assert Wanted(extent).doubt(FINE, "stack.tif") == (
        "EXTENT: it is smaller than a pixel of stack.tif (100 m), and only 1 pixel is mapped; check its "
        "numbers and its CRS"
    )
    assert Wanted(over(WINDOWS[1])).doubt(FINE, "stack.tif") == ""
    assert Wanted().doubt(FINE, "stack.tif") == ""


def test_the_look_before_the_work_is_at_the_polygons(case):
    """Not at what lies in their box, nor beyond it: there the covariate is another one."""
    x, y = (FINE.x_centres() - FINE.left) / 1000, (FINE.top - FINE.y_centres()) / 1000
    case.fine[2] = np.random.default_rng(1).uniform(0.5, 1.5, FINE.shape)
    # Half a kilometre around the first ring.
    wide = [(2.0, 1.0), (16.0, 4.5), (6.0, 23.0)]
    case.fine[2][inside(FINE, wide)] = ((x[None, :] + y[:, None]) / 100)[inside(FINE, wide)]
    grid_raster(case.folder / "fine.tif", FINE, case.fine, names=("twi_fd8", "aspect", "clay"), nodata=-1)
    inputs = case.inputs(wanted=Wanted(aoi=area_of(RINGS[0])))
    with inputs.forests:
        found = check_maps(inputs, DAYS[:1])
    clay = next(row for row in found.rows if row.name == "clay")
    ring = inside(FINE, RINGS[0])
    assert clay.covered == 1
    assert clay.low == pytest.approx(case.fine[2][ring].min(), abs=0.005)
    assert clay.high == pytest.approx(case.fine[2][ring].max(), abs=0.005)
    assert found.area == "the part of the stack to be mapped"
