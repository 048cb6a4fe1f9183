"""What a manifest says of files: path and SHA-256, and why there is none."""

from __future__ import annotations

import hashlib

from smap_downscaler.core.progress import SILENT


def test_files(qgis_provider, tmp_path, monkeypatch):
    from smap_downscaler.processing import inputs_used

    small, large = tmp_path / "ñ.csv", tmp_path / "large.tif"
    small.write_bytes(b"a,b\n")
    large.write_bytes(bytes(4097))
    monkeypatch.setattr(inputs_used, "_LARGEST", 4096)
    files = {"table": str(small), "stack": str(large), "mask": "", "rain": 'NETCDF:"a.nc":p'}
    assert inputs_used.files_used(files, SILENT) == {
        "table": str(small),
        "table, SHA-256": hashlib.sha256(b"a,b\n").hexdigest(),
        "stack": str(large),
        "stack, SHA-256": "not worked out: the file is large (0.0 GiB)",
        "mask": "",
        "rain": 'NETCDF:"a.nc":p',
    }
