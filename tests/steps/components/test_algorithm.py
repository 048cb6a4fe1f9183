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


def test_a_whole_run(run, said, tmp_path, qgis_provider):
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
    assert f"<li>{said.warnings[0]}</li>" in page
    file = tmp_path / "points.gpkg"
    assert f"<dt>file</dt><dd>{file}</dd>" in page
    assert f"<dt>file, SHA-256</dt><dd>{hashlib.sha256(file.read_bytes()).hexdigest()}</dd>" in page


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


def test_from_maps_to_components(run, tmp_path):
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
