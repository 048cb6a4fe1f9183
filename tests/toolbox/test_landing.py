"""Where results land in QGIS: groups, order, what is hidden, colours, days, and what is in view."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest

from small_case import DATES, make_small_case, train_small_case
from smap_downscaler.geo.geotiff import Band, write_geotiff
from smap_downscaler.geo.grid import Grid


@pytest.fixture(scope="module")
def case(qgis_provider, tmp_path_factory):
    made = make_small_case(tmp_path_factory.mktemp("case"))
    return made, train_small_case(made)


def ends(layer):
    """The ends of a layer's colours, and what the legend writes behind them."""
    ramp = layer.renderer().shader().rasterShaderFunction()
    return ramp.minimumValue(), ramp.maximumValue(), ramp.legendSettings().suffix()


def test_maps_land_in_a_group_of_their_run_above_its_tables_with_the_colours_of_smap(
    from_dialog, case, tmp_path
):
    from qgis.core import Qgis, QgsProject

    files, forests = case
    smap = from_dialog("importsmap", {"INPUT": files.smap_folder, "OUTPUT": str(tmp_path / "smap")})
    run = {"FORESTS": forests, "COVARIATES": files.fine_stack, "OUTPUT": str(tmp_path / "maps")}
    shown = from_dialog("downscale", {**run, "DATES": "TEMPORARY_OUTPUT", "REPORT": None})
    assert smap.names == ["SMAP soil moisture 2020-12-30 to 2021-01-01"]
    assert shown.names == ["Soil moisture 2020-12-30 to 2021-01-01", "Result for each date"]
    assert shown.groups[0].startswith("Downscale, ")
    assert shown.groups[1].startswith("Import SMAP soil moisture, ")
    layers = [smap.layer(smap.names[0]), shown.layer(shown.names[0])]
    assert [ends(layer) for layer in layers] == [(0.0, 0.5, " m³ m⁻³")] * 2
    assert [layer.temporalProperties().isActive() for layer in layers] == [True, True]
    settings = QgsProject.instance().timeSettings()
    assert (settings.timeStepUnit(), settings.timeStep()) == (Qgis.TemporalUnit.Days, 1)
    assert len(list((tmp_path / "smap").glob("*.aux.xml"))) == 0


def test_stacks_lie_hidden_and_single_covariates_have_their_own_names_and_units(from_dialog, case, tmp_path):
    files, _ = case
    stacks = from_dialog(
        "harmonisecovariates", {"INPUT": [files.fine_stack], "SMAP": files.smap_folder, "REPORT": None}
    )
    assert sorted(stacks.names) == ["Coarse stack (SMAP cells)", "Fine stack"]
    assert [node.itemVisibilityChecked() for node in stacks.nodes] == [False, False]
    rows, columns = np.mgrid[:20, :20]
    dem = tmp_path / "dem.tif"
    write_geotiff(dem, Grid("EPSG:32719", 0, 2000, 100, 100, 20, 20), 100.0 - rows - 0.1 * columns)
    asked = {"INPUT": str(dem), "ENGINE": "built-in", "SLOPE": "TEMPORARY_OUTPUT", "REPORT": None}
    terrain = from_dialog("terrainindices", asked)
    assert terrain.names == ["twi_mtfd", "twi_fd8", "twi_mfdmd", "slope"]
    assert all(node.itemVisibilityChecked() for node in terrain.nodes)
    assert {layer.layer().renderer().type() for layer in terrain.nodes} == {"singlebandpseudocolor"}
    assert [ends(terrain.layer(name))[2] for name in ("twi_fd8", "slope")] == [" ln m", " °"]


def test_rain_lands_as_one_layer_of_days(from_dialog, tmp_path):
    grid = Grid("EPSG:4326", -70, -30, 0.1, 0.1, 4, 4)
    for day in range(1, 7):
        values = np.full(grid.shape, float(day), np.float32)
        write_geotiff(tmp_path / "rain" / f"rain_202101{day:02d}.tif", grid, values, [Band("rain", "mm/d")])
    asked = {"INPUT": str(tmp_path / "rain"), "DAYS": 3, "OUTPUT": str(tmp_path / "p_antecedent")}
    shown = from_dialog("antecedentprecipitation", asked)
    assert shown.names == ["p_antecedent 2021-01-04 to 2021-01-07"]
    layer = shown.layer(shown.names[0])
    # Means of 1 to 3 and of 4 to 6 mm a day, less two per cent at each end.
    assert ends(layer) == (pytest.approx(2.0, abs=0.1), pytest.approx(5.0, abs=0.1), " mm/d")
    assert layer.temporalProperties().isActive()
    assert shown.outputs["SERIES"] == str(tmp_path / "p_antecedent" / "series.vrt")


def test_a_script_that_asks_for_no_layer_gets_none(run, case, tmp_path):
    files, _ = case
    outputs = run("importsmap", {"INPUT": files.smap_folder, "OUTPUT": str(tmp_path / "smap")})
    assert "SERIES" not in outputs
    assert not (tmp_path / "smap" / "series.vrt").exists()


def test_a_cascade_shows_a_layer_a_resolution_the_finest_above(from_dialog, case, tmp_path):
    files, forests = case
    asked = {"FORESTS": forests, "COVARIATES": files.fine_stack, "DATE": "2021-01-01", "REPORT": None}
    asked |= {"RESOLUTIONS": "9008, 3000", "OUTPUT": str(tmp_path / "cascade")}
    shown = from_dialog("cascade", asked)
    assert [name.rpartition(", ")[2] for name in shown.names] == ["3000 m", "9008 m"]
    shown = from_dialog("cascade", {**asked, "LOAD": False})
    assert len(shown.groups) == 1


def test_demo_data_land_as_layers(from_dialog, tmp_path):
    shown = from_dialog("createdemodata", {"DAYS": 2, "CELLS": 30, "OUTPUT": str(tmp_path / "demo")})
    visible = {node.name() for node in shown.nodes if node.itemVisibilityChecked()}
    smap = next(name for name in shown.names if name.startswith("SMAP soil moisture"))
    assert visible == {"stations", "demo basin", smap, "elevation"}
    assert {"clay", "sand", "soc", "mask"} < set(shown.names)
    assert ends(shown.layer("elevation"))[2] == " m"
    assert ends(shown.layer("clay"))[2] == " g/kg"
    assert all(node.layer().isValid() for node in shown.nodes)
    assert shown.layer("stations").featureCount() > 0
    assert shown.layer(smap).temporalProperties().isActive()


def test_squares_are_outlines_and_their_group_is_their_own_each_run(from_dialog, case, tmp_path):
    files, _ = case
    asked = {"COVARIATES": files.fine_stack, "COUNT": 5}
    first, second = from_dialog("samplesquares", asked), from_dialog("samplesquares", asked)
    assert first.names == second.names == ["Squares"]
    assert len(set(second.groups)) == 2
    (symbol,) = second.layer("Squares").renderer().symbols(_context())
    assert symbol.color().alpha() < 128


def test_scores_of_cells_are_squares_coloured_by_their_error(from_dialog, tmp_path):
    from smap_downscaler.steps.matrix.numbers.rows import DayRows
    from smap_downscaler.steps.matrix.write import create_matrix

    rng, cells = np.random.default_rng(3), Grid("EPSG:6933", 0, 0, 9000, 9000, 3, 2)
    with create_matrix(tmp_path / "m.gpkg", cells, ("p3",), {"p3": "mm/d"}) as writer:
        for day in range(30):
            rain = rng.gamma(2, 1, (6, 1)).astype(np.float32)
            y = 0.2 + 0.05 * np.tanh(rain[:, 0]) + 0.01 * rng.normal(size=6)
            date = dt.date(2021, 1, 1) + dt.timedelta(days=day)
            writer.write(DayRows(date, np.arange(6) // 3, np.arange(6) % 3, y, rain))
    asked = {"INPUT": str(tmp_path / "m.gpkg"), "MODE": "by cell", "PRESET": "custom", "N_ESTIMATORS": 12}
    asked |= {"MINIMUM_DATES": 20, "SCORES": "TEMPORARY_OUTPUT", "REPORT": None}
    shown = from_dialog("trainforests", asked)
    assert shown.names == ["Out-of-bag scores"]
    layer = shown.layer("Out-of-bag scores")
    assert layer.featureCount() == 6
    renderer = layer.renderer()
    assert (renderer.type(), renderer.classAttribute()) == ("graduatedSymbol", '"oob_rmse"')
    labels = [one.label() for one in renderer.ranges()]
    assert all(re.fullmatch(r"RMSE 0\.0\d+ to 0\.0\d+ m³ m⁻³", label) for label in labels), labels
    errors = [feature["oob_rmse"] for feature in layer.getFeatures()]
    assert renderer.ranges()[0].lowerValue() == pytest.approx(min(errors))
    assert renderer.ranges()[-1].upperValue() == pytest.approx(max(errors))


def _context():
    from qgis.core import QgsRenderContext

    return QgsRenderContext()


def test_a_series_opened_as_a_file_has_its_days_once_it_is_in_the_window(qgis_provider, tmp_path):
    from qgis.core import Qgis, QgsProject, QgsRasterLayer

    from smap_downscaler.toolbox.landing import wake
    from smap_downscaler.toolbox.layers import Dated, write_dated

    grid = Grid("EPSG:32719", 0, 300, 100, 100, 3, 3)
    dates, files = [dt.date(2021, 1, day) for day in (3, 5)], []
    for date in dates:
        files.append(tmp_path / f"m_{date:%Y%m%d}.tif")
        write_geotiff(files[-1], grid, np.full(grid.shape, 0.2, np.float32), [Band("m", "m3 m-3")])
    write_dated(str(tmp_path / "series.vrt"), grid, dates, files, Dated())
    layer, project = QgsRasterLayer(str(tmp_path / "series.vrt"), "series"), QgsProject()
    # As QGIS 3.40 leaves it.
    assert not layer.temporalProperties().isActive()
    project.layersAdded.connect(wake)
    project.addMapLayer(layer)
    assert layer.temporalProperties().isActive()
    assert project.timeSettings().timeStepUnit() == Qgis.TemporalUnit.Days
    # Whoever switches them off finds them off in the project.
    layer.temporalProperties().setIsActive(False)
    project.write(str(tmp_path / "project.qgz"))
    again = QgsProject()
    again.layersAdded.connect(wake)
    again.read(str(tmp_path / "project.qgz"))
    (opened,) = again.mapLayers().values()
    assert not opened.temporalProperties().isActive()


class Watched:
    """A window that notes what it is told."""

    def __init__(self, sees=True):
        self.looked, self.stepped, self._sees = [], [], sees

    def sees(self, layer):
        return self._sees

    def look_at(self, layer):
        self.looked.append(layer.name())

    def step_by_day(self, layer):
        self.stepped.append(layer.name())


@pytest.mark.parametrize("sees", [True, False])
def test_the_window_goes_to_the_first_map_and_to_others_only_where_they_are_out_of_sight(
    from_dialog, case, tmp_path, monkeypatch, sees
):
    from qgis.core import Qgis, QgsProject

    from smap_downscaler.toolbox import landing

    files, _ = case
    QgsProject.instance().timeSettings().setTimeStepUnit(Qgis.TemporalUnit.Hours)
    window = Watched(sees)
    monkeypatch.setattr(landing, "WINDOWS", [window])
    for _ in range(2):
        from_dialog("importsmap", {"INPUT": files.smap_folder, "OUTPUT": str(tmp_path / "smap")})
    name = f"SMAP soil moisture {DATES[0]} to {DATES[-1]}"
    assert window.looked == [name] * (1 if sees else 2)
    assert window.stepped == [name]


def test_another_step_than_a_day_is_left_alone(qgis_provider):
    from qgis.core import Qgis, QgsProject

    from smap_downscaler.toolbox.landing import step_by_day

    project = QgsProject()
    project.timeSettings().setTimeStepUnit(Qgis.TemporalUnit.Months)
    step_by_day(project, None)
    assert project.timeSettings().timeStepUnit() == Qgis.TemporalUnit.Months


def test_no_two_groups_have_one_name():
    from smap_downscaler.toolbox.landing import Groups

    groups, now = Groups(), dt.datetime(2026, 11, 30, 19, 5)
    assert [groups.name("Downscale", now) for _ in range(3)] == [
        "Downscale, 2026-11-30 19:05",
        "Downscale, 2026-11-30 19:05 (2)",
        "Downscale, 2026-11-30 19:05 (3)",
    ]
