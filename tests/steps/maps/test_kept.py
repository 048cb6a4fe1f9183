"""A finished map with a damaged block is made anew when the run goes on, and no other."""

from __future__ import annotations

import shutil

from small_case import make_small_case


def test_a_map_with_a_damaged_block_is_made_anew(run, said, tmp_path):
    case = make_small_case(tmp_path)
    matrix, forests, maps = tmp_path / "m.gpkg", tmp_path / "f.smapforest", tmp_path / "maps"
    run(
        "regressionmatrix",
        {"SMAP": case.smap_folder, "COVARIATES": case.coarse_stack, "OUTPUT": str(matrix)},
    )
    run(
        "trainforests",
        {"INPUT": str(matrix), "PRESET": "custom", "N_ESTIMATORS": 5, "OUTPUT": str(forests)},
    )
    values = {"FORESTS": str(forests), "COVARIATES": case.fine_stack, "OUTPUT": str(maps)}
    run("downscale", values)
    files = sorted(maps.glob("*.tif"))
    whole = [path.read_bytes() for path in files]
    assert len(files) >= 2
    damaged = bytearray(whole[0])
    place = len(damaged) // 2
    damaged[place] ^= 0x10
    files[0].write_bytes(damaged)
    shutil.copystat(files[1], files[0])
    run("downscale", values)
    assert [path.read_bytes() for path in files] == whole
    assert f"{len(files)} maps, {len(files) - 1} of them from an earlier run" in said.info
