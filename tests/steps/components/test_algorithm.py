"""principalcomponents: scores and tables against NumPy, gaps, refusals, a stop; and the chain to it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from small_case import make_small_case

FIELDS = ["mu_clay", "mu_sand", "elevation"]


def layer_of_points(path, rows=20, extra=""):
    """A layer of points with a text, three fields, soil moisture with a gap, and one without a value."""
    from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsProject, QgsVectorFileWriter, QgsVectorLayer

    rng = np.random.default_rng(6)
    values = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, 3)) * [1, 30, 400] + [0, 200, 3000]
    moisture = 0.2 + 0.01 * values[:, 0] + 0.01 * rng.normal(size=rows)
    fields = "".join(f"&field={name}:double" for name in (*FIELDS, "sm", "lake", "flat", "pc1"))
    layer = QgsVectorLayer(f"Point?crs=EPSG:32719&field=name:string{fields}", "points", "memory")
    features = []
    for number in range(rows):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(number, 2.0 * number)))
        numbers = [*values[number].tolist(), float(moisture[number]), None, 5.0, -99.0]
        if number == 3:
            numbers[1] = None
        if number == 8:
            numbers[3] = None
        feature.setAttributes([f"Señal, {number}", *numbers])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    options = QgsVectorFileWriter.SaveVectorOptions()
    QgsVectorFileWriter.writeAsVectorFormatV3(
        layer, str(path), QgsProject.instance().transformContext(), options
    )


def rows_of(path):
    from qgis.core import NULL, QgsVectorLayer

    layer = QgsVectorLayer(str(path), "table", "ogr")
    assert layer.isValid()
    names = layer.fields().names()
    return [
        {name: None if value == NULL else value for name, value in zip(names, feature.attributes())}
        for feature in layer.getFeatures()
    ]


def test_a_whole_run(run, said, by_ids, tmp_path, qgis_provider):
    layer_of_points(tmp_path / "points.gpkg")
    given = rows_of(tmp_path / "points.gpkg")
    values = np.array([[row[name] for name in FIELDS] for row in given], float)
    moisture = np.array([row["sm"] for row in given], float)
    outputs = run(
        "principalcomponents",
        {
            "INPUT": str(tmp_path / "points.gpkg"),
            "FIELDS": FIELDS,
            "SUPPLEMENTARY": ["sm"],
            "OUTPUT": str(tmp_path / "made" / "scores.gpkg"),
            "LOADINGS": str(tmp_path / "made" / "loadings.gpkg"),
            "EIGENVALUES": str(tmp_path / "made" / "eigenvalues.csv"),
            "REPORT": str(tmp_path / "made" / "report.html"),
        },
    )
    used = np.arange(20) != 3
    correlation = np.corrcoef(values[used], rowvar=False)
    eigenvalues, vectors = np.linalg.eigh(correlation)
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    vectors = vectors * np.sign(vectors[np.argmax(np.abs(vectors), axis=0), range(3)])
    z = (values[used] - values[used].mean(axis=0)) / values[used].std(axis=0)
    rows = rows_of(outputs["OUTPUT"])
    assert [row["name"] for row in rows] == [f"Señal, {number}" for number in range(20)]
    scores = np.array([[row["pc1"], row["pc2"], row["pc3"]] for row in rows if row["pc1"] is not None])
    np.testing.assert_allclose(scores, z @ vectors, atol=1e-10)
    assert [row["pc1"] is None for row in rows] == (~used).tolist()
    loadings = rows_of(outputs["LOADINGS"])
    assert [(row["variable"], row["role"], row["n"]) for row in loadings] == [
        *((name, "active", 19) for name in FIELDS),
        ("sm", "supplementary", 18),
    ]
    active = np.array([[row[f"pc{number}"] for number in (1, 2, 3)] for row in loadings[:3]])
    np.testing.assert_allclose(active, vectors * np.sqrt(eigenvalues), atol=1e-10)
    elements = np.array([[row[f"eigenvector{number}"] for number in (1, 2, 3)] for row in loadings[:3]])
    np.testing.assert_allclose(elements, vectors, atol=1e-10)
    assert loadings[3]["eigenvector1"] is None
    known = np.arange(20)[used] != 8
    for number in (1, 2, 3):
        expected = np.corrcoef(moisture[used][known], (z @ vectors)[known, number - 1])[0, 1]
        assert loadings[3][f"pc{number}"] == pytest.approx(expected, abs=1e-10)
    lines = (tmp_path / "made" / "eigenvalues.csv").read_text().splitlines()
    assert lines[0] == "component,eigenvalue,share,cumulative"
    table = np.array([line.split(",") for line in lines[1:]], float)
    np.testing.assert_allclose(table[:, 1], eigenvalues, atol=1e-10)
    np.testing.assert_allclose(table[:, 3], np.cumsum(eigenvalues) / 3, atol=1e-10)
    assert outputs["COUNT"] == 19
    assert outputs["SHARE"] == pytest.approx(eigenvalues[:2].sum() / 3)
    assert said.warnings == ["INPUT: 1 of 20 rows lack a value of FIELDS; they have no scores"]
    assert "Fields of points replaced by new ones: pc1" in said.text
    page = (tmp_path / "made" / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 2
    for row in loadings:
        assert f"{row['pc2']:.3f}" in page
    assert f"<li>{said.warnings[0]}</li>" in by_ids(page)
    file = tmp_path / "points.gpkg"
    assert f"<dt>file</dt><dd>{file}</dd>" in page
    assert f"<dt>file, SHA-256</dt><dd>{hashlib.sha256(file.read_bytes()).hexdigest()}</dd>" in page


def squares_of_two_dates(path):
    """A table as of 'Moisture statistics': covariates, soil moisture of two dates and their mean, gaps."""
    rng = np.random.default_rng(9)
    hidden = rng.normal(size=(30, 2))
    columns = {
        f"{part}_{name}": hidden @ rng.normal(size=2) + 0.4 * rng.normal(size=30)
        for name in ("clay", "slope", "rain")
        for part in ("mu", "sd")
    }
    for day, share in (("20210115", 0.03), ("20210812", -0.02)):
        columns[f"mu_sm_{day}"] = 0.25 + share * hidden[:, 0] + 0.005 * rng.normal(size=30)
        columns[f"sd_sm_{day}"] = 0.02 + 0.004 * hidden[:, 1] + 0.001 * rng.normal(size=30)
    for part in ("mu", "sd"):
        columns[f"{part}_sm"] = (columns[f"{part}_sm_20210115"] + columns[f"{part}_sm_20210812"]) / 2
    columns |= {"cv_clay": rng.normal(size=30), "mu_flat": np.full(30, 2.0)}
    texts = {name: [f"{value:.9f}" for value in column] for name, column in columns.items()}
    texts["mu_sm_20210812"][4] = texts["mu_sm_20210115"][11] = ""
    rows = [",".join(row) for row in zip(*texts.values())]
    path.write_text("\n".join([",".join(texts), *rows]), encoding="utf-8")
    return {name: np.array([float(text or "nan") for text in column]) for name, column in texts.items()}


def eigen(values):
    """Eigenvalues and vectors of the correlation matrix, greatest first."""
    eigenvalues, vectors = np.linalg.eigh(np.corrcoef(values, rowvar=False))
    return eigenvalues[::-1], vectors[:, ::-1]


BOTH = "all mu_ and sd_ fields"
COVARIATES = ["mu_clay", "sd_clay", "mu_slope", "sd_slope", "mu_rain", "sd_rain"]


def test_all_fields_of_a_set(run, said, tmp_path):
    values = squares_of_two_dates(tmp_path / "squares.csv")
    inputs = {"INPUT": str(tmp_path / "squares.csv"), "OUTPUT": "memory:"}
    for number, (more, names) in enumerate(
        (
            ({"FIELD_SET": BOTH}, [*COVARIATES, "mu_sm", "sd_sm"]),
            ({"FIELD_SET": BOTH, "SUPPLEMENTARY": "mu_sm_20210812;sd_sm"}, COVARIATES),
            ({"FIELD_SET": "all mu_ fields", "FIELDS": "cv_clay"}, [*COVARIATES[::2], "mu_sm", "cv_clay"]),
        )
    ):
        loadings = tmp_path / f"loadings {number}.gpkg"
        outputs = run("principalcomponents", {**inputs, **more, "LOADINGS": str(loadings)})
        warning = "FIELD_SET: mu_flat has one value only in the rows used and is left out"
        assert said.warnings.count(warning) == number + 1
        rows = [row for row in rows_of(loadings) if row["role"] == "active"]
        assert [row["variable"] for row in rows] == names
        eigenvalues, vectors = eigen(np.column_stack([values[name] for name in names]))
        np.testing.assert_allclose(
            np.abs([row["pc1"] for row in rows]), np.abs(vectors[:, 0] * np.sqrt(eigenvalues[0])), atol=1e-7
        )
        assert outputs["COUNT"] == 30


def test_two_dates(run, said, tmp_path):
    """Each by itself, with the date's soil moisture; the second one points the way of the first."""
    values = squares_of_two_dates(tmp_path / "squares.csv")
    made = tmp_path / "made"
    outputs = run(
        "principalcomponents",
        {
            "INPUT": str(tmp_path / "squares.csv"),
            "FIELD_SET": BOTH,
            "SUPPLEMENTARY": ["sd_sm"],
            "DATES": "2021-08-12, 2021-01-15",
            "COLOUR": "mu_sm",
            "COMPONENTS": 2,
            "OUTPUT": str(made / "scores.gpkg"),
            "LOADINGS": str(made / "loadings.gpkg"),
            "EIGENVALUES": str(made / "eigenvalues.csv"),
            "REPORT": str(made / "report.html"),
        },
    )
    rows, loadings = rows_of(outputs["OUTPUT"]), rows_of(outputs["LOADINGS"])
    assert list(rows[0])[-4:] == ["pc1_20210115", "pc2_20210115", "pc1_20210812", "pc2_20210812"]
    names, first = [*COVARIATES, "mu_sm"], None
    lines = (made / "eigenvalues.csv").read_text().splitlines()
    assert lines[0] == "date,component,eigenvalue,share,cumulative"
    for day, gap in (("20210115", 11), ("20210812", 4)):
        table = np.column_stack([values[name] for name in [*COVARIATES, f"mu_sm_{day}"]])
        used = np.arange(30) != gap
        eigenvalues, vectors = eigen(table[used])
        largest = vectors[np.argmax(np.abs(vectors), axis=0), range(7)]
        vectors = vectors * np.sign(largest if first is None else (vectors * first).sum(axis=0))
        first = vectors if first is None else first
        z = (table[used] - table[used].mean(axis=0)) / table[used].std(axis=0)
        for number in (1, 2):
            scores = np.array([row[f"pc{number}_{day}"] for row in rows], float)
            assert np.isnan(scores).tolist() == (~used).tolist()
            np.testing.assert_allclose(scores[used], z @ vectors[:, number - 1], atol=1e-7)
        own = [row for row in loadings if str(row["date"].toString("yyyyMMdd")) == day]
        assert [(row["variable"], row["n"]) for row in own] == [
            *((name, 29) for name in names),
            ("sd_sm", 29),
        ]
        found = np.array([[row[f"pc{number}"] for number in range(1, 8)] for row in own])
        np.testing.assert_allclose(found[:7], vectors * np.sqrt(eigenvalues), atol=1e-7)
        expected = [np.corrcoef(values[f"sd_sm_{day}"][used], z @ vector)[0, 1] for vector in vectors.T]
        np.testing.assert_allclose(found[7], expected, atol=1e-7)
        text = f"{day[:4]}/{day[4:6]}/{day[6:]}"
        numbers = np.array([line.split(",")[2] for line in lines[1:] if line.startswith(text)], float)
        np.testing.assert_allclose(numbers, eigenvalues, atol=1e-7)
    assert outputs["COUNT"] == 29
    date = "INPUT: 1 of 30 rows lack a value of FIELDS on"
    assert [w for w in said.warnings if w.startswith("INPUT")] == [
        f"{date} {day}; they have no scores" for day in ("2021-01-15", "2021-08-12")
    ]
    page = (made / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 3
    assert "Their colour: mean soil moisture (mu_sm), m³ m⁻³." in page
    assert [
        line for line in said.info if line.startswith("2021-08-12: 29 rows, 7 variables: the first 2 of 7")
    ]


def test_what_a_dialog_sends_for_empty_fields(run, tmp_path, qgis_provider):
    from qgis.core import NULL
    from qgis.PyQt.QtCore import QVariant

    squares_of_two_dates(tmp_path / "squares.csv")
    nothing = {"SUPPLEMENTARY": [], "DATES": "", "COLOUR": QVariant(QVariant.String), "COMPONENTS": NULL}
    values = {"INPUT": str(tmp_path / "squares.csv"), "OUTPUT": "memory:", **nothing}
    found = run("principalcomponents", {**values, "FIELD_SET": BOTH, "FIELDS": NULL})
    assert found["COUNT"] == 30
    found = run("principalcomponents", {**values, "FIELD_SET": NULL, "FIELDS": "mu_clay;mu_rain"})
    assert found["SHARE"] == pytest.approx(1)


def test_few_components_of_a_table(run, tmp_path, qgis_provider):
    """A CSV file has no geometry."""
    rng = np.random.default_rng(2)
    lines = ["name,a,b,c", *(f"n{i},{x},{y},{z}" for i, (x, y, z) in enumerate(rng.normal(size=(9, 3))))]
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    values = {"INPUT": str(tmp_path / "table.csv"), "FIELDS": "a;b;c", "COMPONENTS": 2}
    outputs = run("principalcomponents", {**values, "OUTPUT": str(tmp_path / "scores.gpkg")})
    rows = rows_of(outputs["OUTPUT"])
    assert list(rows[0])[-5:] == ["a", "b", "c", "pc1", "pc2"]
    assert len(rows) == 9


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"FIELDS": ["mu_clay"]},
            "FIELDS holds fewer than two fields; a principal component analysis needs more.",
        ),
        (
            {"SUPPLEMENTARY": ["mu_sand"]},
            "SUPPLEMENTARY: mu_sand is one of FIELDS too; leave it out of one of them.",
        ),
        (
            {"FIELDS": ["mu_clay", "soil"]},
            "FIELDS: INPUT has no field soil (it has sm, fid, lake, flat, mu_clay and 4 more); choose "
            "another one.",
        ),
        (
            {"FIELDS": ["mu_clay", "name"]},
            "FIELDS: the field name holds 'Señal, 0', which is no number; choose numeric fields.",
        ),
        ({"FIELDS": ["mu_clay", "lake"]}, "FIELDS: lake has no number in any row; leave it out."),
        (
            {"FIELDS": ["mu_clay", "flat"]},
            "FIELDS: flat has one value only in the rows used; leave it out.",
        ),
        (
            {"FIELDS": ["mu_clay", "MU_CLAY"]},
            "FIELDS holds fewer than two fields; a principal component analysis needs more.",
        ),
        (
            {"SUPPLEMENTARY": ["Mu_Sand"]},
            "SUPPLEMENTARY: Mu_Sand is one of FIELDS too; leave it out of one of them.",
        ),
        (
            {"FIELDS": None, "FIELD_SET": "all mu_ and sd_ fields", "SUPPLEMENTARY": ["mu_sand"]},
            "FIELD_SET: INPUT has fewer than two fields of 'all mu_ and sd_ fields' that vary and are not "
            "supplementary; give the layer of 'Moisture statistics' with covariates, or choose fields in "
            "FIELDS.",
        ),
        ({"COLOUR": "lake"}, "COLOUR: lake has no number in the rows used; choose another field, or none."),
        (
            {"COLOUR": "name"},
            "COLOUR: the field name holds 'Señal, 0', which is no number; choose numeric fields.",
        ),
        (
            {"DATES": "yesterday"},
            "DATES: 'yesterday' is no date; write dates as YYYY-MM-DD, separated by commas.",
        ),
        (
            {"DATES": "2021-01-01, 2021-01-02, 2021-01-03"},
            "DATES holds more than two dates; give two, one or none.",
        ),
        (
            {"DATES": "2021-01-01", "FIELDS": ["sm", "sand"], "SUPPLEMENTARY": ["sm_20210101"]},
            "SUPPLEMENTARY: sm_20210101 is one of FIELDS too; leave it out of one of them.",
        ),
        (
            {"DATES": "2021-01-01"},
            "DATES: none of the fields has a field of single dates beside it, such as mu_sm_20210115; leave "
            "DATES empty, or give the layer of 'Moisture statistics' with soil moisture as FIELDS, "
            "SUPPLEMENTARY or COLOUR.",
        ),
        (
            {"SUPPLEMENTARY": ["flat"]},
            "SUPPLEMENTARY: flat has one value only in the rows used; leave it out.",
        ),
    ],
)
def test_bad_input(refusal, tmp_path, qgis_provider, change, sentence):
    layer_of_points(tmp_path / "points.gpkg")
    values = {
        "INPUT": str(tmp_path / "points.gpkg"),
        "FIELDS": FIELDS,
        "OUTPUT": str(tmp_path / "out.gpkg"),
        **change,
    }
    assert refusal("principalcomponents", values) == sentence
    assert not (tmp_path / "out.gpkg").exists()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (
            ["1,2", "2,-9999", "3,1", "4,-9999.0"],
            "FIELDS: the field b holds -9999 in 2 places, far from its other values (1 to 2), most likely "
            "for a missing value; make it NULL there, or leave the field out.",
        ),
        (["1,2", "2,3"], "INPUT: it has 2 rows of at least 3; give more."),
    ],
)
def test_tables_that_would_mislead(refusal, tmp_path, lines, sentence):
    (tmp_path / "table.csv").write_text("\n".join(["a,b", *lines]), encoding="utf-8")
    values = {"INPUT": str(tmp_path / "table.csv"), "FIELDS": "a;b", "OUTPUT": "memory:"}
    assert refusal("principalcomponents", values) == sentence


@pytest.mark.parametrize(
    ("kind", "keys", "name"),
    [
        ("Integer", ["7", "7", "8"], "fid_1"),
        ("Integer", ["7", "", "8"], "fid_1"),
        ("Integer", ["7", "9", "8"], "fid"),
        ("Real", ["7", "9", "8"], "fid_1"),
        ("String", ["a", "b", "c"], "fid_1"),
    ],
)
def test_a_field_fid_of_any_values(run, tmp_path, kind, keys, name):
    """Exported and merged layers have such; a GeoPackage's key must be whole and unique."""
    rows = [f"{key},{x},{y}" for key, x, y in zip(keys, (1, 2, 4), (3, 1, 2))]
    (tmp_path / "table.csv").write_text("\n".join(["fid,a,b", *rows]), encoding="utf-8")
    (tmp_path / "table.csvt").write_text(f"{kind},Real,Real", encoding="utf-8")
    values = {"INPUT": str(tmp_path / "table.csv"), "FIELDS": "a;b"}
    outputs = run("principalcomponents", {**values, "OUTPUT": str(tmp_path / "scores.gpkg")})
    found = {row["a"]: row.get(name) for row in rows_of(outputs["OUTPUT"])}
    whole = [key if kind == "String" else int(key) if key else None for key in keys]
    assert found == dict(zip((1, 2, 4), whole))


def test_cancelled(run, feedback, said, tmp_path):
    layer_of_points(tmp_path / "points.gpkg")
    feedback.cancel_when = lambda text: "rows read" in text
    values = {"INPUT": str(tmp_path / "points.gpkg"), "FIELDS": FIELDS, "OUTPUT": str(tmp_path / "out.gpkg")}
    assert run("principalcomponents", values) == {}
    assert not (tmp_path / "out.gpkg").exists()
    assert said.info[-1].startswith("Cancelled")


def test_from_maps_to_components(run, said, tmp_path):
    """Squares, their statistics, and the components with soil moisture projected."""
    small = make_small_case(tmp_path)
    squares = run(
        "samplesquares",
        {
            "COVARIATES": small.fine_stack,
            "SMAP": small.smap_folder,
            "COUNT": 40,
            "SIZE": 3000,
            "OUTPUT": str(tmp_path / "squares.gpkg"),
        },
    )
    statistics = run(
        "moisturestatistics",
        {
            "INPUT": squares["OUTPUT"],
            "SERIES": [small.smap_folder],
            "COVARIATES": small.fine_stack,
            "WEIGHTS": "area",
            "OUTPUT": str(tmp_path / "statistics.gpkg"),
        },
    )
    fields = [f"{part}_{name}" for name in ("elevation", "clay", "sand") for part in ("mu", "sd")]
    found = run(
        "principalcomponents",
        {
            "INPUT": statistics["OUTPUT"],
            "FIELDS": fields,
            "SUPPLEMENTARY": ["mu_sm_20201230"],
            "OUTPUT": str(tmp_path / "scores.gpkg"),
            "LOADINGS": str(tmp_path / "loadings.gpkg"),
        },
    )
    rows = rows_of(found["OUTPUT"])
    assert len(rows) == 40
    assert {"id", "row", "col", "mu_elevation", "mu_sm_20201230", "pc1", "pc6"} <= set(rows[0])
    table = np.array([[row[name] for name in fields] for row in rows])
    assert np.var([row["pc1"] for row in rows]) == pytest.approx(
        np.linalg.eigvalsh(np.corrcoef(table, rowvar=False))[-1], rel=1e-9
    )
    dates = sorted(small.smap)[:2]
    found = run(
        "principalcomponents",
        {
            "INPUT": statistics["OUTPUT"],
            "FIELD_SET": "all mu_ and sd_ fields",
            "DATES": ", ".join(str(date) for date in dates),
            "OUTPUT": str(tmp_path / "scores of dates.gpkg"),
            "LOADINGS": str(tmp_path / "loadings of dates.gpkg"),
        },
    )
    # An SD of one cell is none.
    assert f"FIELD_SET: sd_sm_{dates[0]:%Y%m%d} has no number in any row and is left out" in said.warnings
    loadings = rows_of(tmp_path / "loadings of dates.gpkg")
    active = [row["variable"] for row in loadings]
    assert len(active) == 2 * len(set(active))
    assert {"mu_elevation", "sd_sand", "mu_sm"} <= set(active)
    of_dates = rows_of(found["OUTPUT"])
    for date in dates:
        names = [*dict.fromkeys(active)]
        of_date = [f"mu_sm_{date:%Y%m%d}" if name == "mu_sm" else name for name in names]
        table = np.array([[row[name] for name in of_date] for row in of_dates], float)
        table = table[np.isfinite(table).all(axis=1)]
        scores = [row[f"pc1_{date:%Y%m%d}"] for row in of_dates if row[f"pc1_{date:%Y%m%d}"] is not None]
        assert len(scores) == len(table)
        assert np.var(scores) == pytest.approx(
            np.linalg.eigvalsh(np.corrcoef(table, rowvar=False))[-1], rel=1e-9
        )
    # SMAP itself: a square inside one cell has that cell's value, and a lone cell has no SD.
    for row in rows:
        assert row["sd_sm_20201230"] is None
        value = small.smap[min(small.smap)][row["row"], row["col"]]
        assert row["mu_sm_20201230"] == (None if np.isnan(value) else pytest.approx(float(value), rel=1e-6))


def test_the_chain_as_a_model(qgis_provider, feedback, tmp_path):
    """The same three steps strung together in the modeler, layers handed on from one to the next."""
    from qgis.core import (
        QgsProcessingContext,
        QgsProcessingModelAlgorithm,
        QgsProcessingModelChildAlgorithm,
        QgsProcessingModelChildParameterSource,
        QgsProcessingModelOutput,
    )

    small = make_small_case(tmp_path)
    fields = ["mu_elevation", "mu_clay", "sd_sand"]
    steps = {
        "samplesquares": {"COVARIATES": small.fine_stack, "COUNT": 20, "SIZE": 3000},
        "moisturestatistics": {"COVARIATES": small.fine_stack},
        "principalcomponents": {"FIELDS": fields},
    }
    model = QgsProcessingModelAlgorithm("chain", "tests")
    before = None
    for name, values in steps.items():
        child = QgsProcessingModelChildAlgorithm(f"smapdownscaler:{name}")
        child.setChildId(name)
        for parameter, value in values.items():
            source = QgsProcessingModelChildParameterSource.fromStaticValue(value)
            child.addParameterSources(parameter, [source])
        if before:
            source = QgsProcessingModelChildParameterSource.fromChildOutput(before, "OUTPUT")
            child.addParameterSources("INPUT", [source])
        if name == "principalcomponents":
            output = QgsProcessingModelOutput("scores")
            output.setChildId(name)
            output.setChildOutputName("OUTPUT")
            child.setModelOutputs({"scores": output})
        model.addChildAlgorithm(child)
        before = name
    (destination,) = model.destinationParameterDefinitions()
    values = {destination.name(): str(tmp_path / "scores.gpkg")}
    _results, good = model.run(values, QgsProcessingContext(), feedback, {}, False)
    assert good
    rows = rows_of(tmp_path / "scores.gpkg")
    assert len(rows) == 20
    table = np.array([[row[name] for name in fields] for row in rows], float)
    assert np.var([row["pc1"] for row in rows]) == pytest.approx(
        np.linalg.eigvalsh(np.corrcoef(table, rowvar=False))[-1], rel=1e-9
    )
