"""`terrainindices` through the real SAGA NextGen plugin, against `saga_cmd`, and cancelled between its tools.

python3 tools/try_saganextgen.py PLUGIN_FOLDER [DEM.tif]

PLUGIN_FOLDER is that of the plugin, `processing_saga_nextgen`; without a DEM the Andes near Lima are taken
(../shared/data).  Ends with 1 where a raster differs, the cancelled run leaves something behind, or the
stand-in of the tests has other parameters than the plugin.  Run by tools/offscreen.sh, so that the user's
own profile is left alone.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from bench_terrain import values_of  # noqa: E402
from qgis_session import qgis_session  # noqa: E402
from real_cases import write_andes_dem  # noqa: E402
from smap_downscaler.steps.terrain.builtin import OUTPUT_BANDS  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
#: The tool after which the second run is cancelled, as the log names it.
CANCELLED_AFTER = "SAGA ta_preprocessor 4"
PROVIDER = "sagang"


def load_provider(plugin: Path, program: str) -> Any:
    """Register the plugin's provider as QGIS would, with SAGA's folder set as the user would."""
    from processing.core.ProcessingConfig import ProcessingConfig
    from qgis.core import QgsApplication

    sys.path.insert(0, str(plugin.resolve().parent))
    from processing_saga_nextgen.processing.provider import SagaNextGenAlgorithmProvider

    provider = SagaNextGenAlgorithmProvider()
    if not QgsApplication.processingRegistry().addProvider(provider):
        sys.exit("QGIS does not take the provider")
    ProcessingConfig.setSettingValue("SAGA_FOLDER", str(Path(program).parent))
    print(f"{provider.longName()}, plugin {provider.versionInfo()}, {len(provider.algorithms())} algorithms")
    return provider


def parameters_of(algorithm: Any) -> list[tuple[str, str, bool, int]]:
    """Name, kind, whether it may be left out, and choices of each parameter, by name."""
    from qgis.core import Qgis

    optional = Qgis.ProcessingParameterFlag.Optional
    return sorted(
        (
            definition.name(),
            definition.type(),
            bool(definition.flags() & optional),
            len(definition.options()) if definition.type() == "enum" else 0,
        )
        for definition in algorithm.parameterDefinitions()
    )


def stand_in_is_alike(provider: Any) -> bool:
    """Whether the tools of the tests' stand-in have the plugin's parameters; says which have not."""
    from saga_stand_in import TOOLS, Behaviour, StandInTool

    good = True
    for name in TOOLS:
        real, stand_in = provider.algorithm(name), StandInTool(name, Behaviour())
        stand_in.initAlgorithm()
        other = set(parameters_of(real)) ^ set(parameters_of(stand_in))
        print(
            f"{name}: {len(real.parameterDefinitions())} parameters, {len(other)} other than the stand-in's"
        )
        for one in sorted(other):
            print("  ", one)
        good = good and not other
    return good


def run(dem: Path, folder: Path, feedback: Any, **more: str) -> dict[str, Any]:
    """All rasters of `terrainindices` with SAGA, in a folder."""
    import processing

    outputs = {key.upper(): str(folder / f"{key}.tif") for key in OUTPUT_BANDS}
    parameters = {"INPUT": str(dem), "ENGINE": "SAGA", **more, **outputs}
    made: dict[str, Any] = processing.run("smapdownscaler:terrainindices", parameters, feedback=feedback)
    return made


def same_rasters(one: Path, other: Path) -> bool:
    """Whether all rasters of two runs are equal, cell for cell; says what is not."""
    good = True
    for key in OUTPUT_BANDS:
        first, second = values_of(one / f"{key}.tif"), values_of(other / f"{key}.tif")
        differ = int((~((first == second) | (np.isnan(first) & np.isnan(second)))).sum())
        print(f"{key:10s} {differ:,} of {first.size:,} cells differ")
        good = good and not differ
    return good


def cancelled_well(dem: Path, folder: Path) -> bool:
    """Cancel once between tools: nothing is made, no further tool runs, and no folder of the run is left."""
    from qgis.core import QgsProcessingUtils

    from console import Console

    folder.mkdir()
    heard = Console(cancel_after=CANCELLED_AFTER)
    made = run(dem, folder, heard)
    tools = [line for line in heard.lines if line.startswith("SAGA ta_")]
    written = list(folder.iterdir())
    left = list(Path(QgsProcessingUtils.tempFolder()).glob("saga_*"))
    print(f"cancelled after {len(tools)} of 6 tools; outputs {len(written)}, folders left {len(left)}")
    return len(tools) == 1 and not (written or left or made)


def main(words: list[str]) -> None:
    """See the head of this file."""
    program = shutil.which("saga_cmd")
    if len(words) not in (1, 2) or not (Path(words[0]) / "metadata.txt").is_file():
        sys.exit(__doc__)
    if program is None:
        sys.exit("saga_cmd is not on the PATH")
    with tempfile.TemporaryDirectory() as name, qgis_session(Path(name) / "profile"):
        from qgis.core import QgsApplication

        from console import Console

        folder = Path(name)
        dem = folder / "andes.tif"
        if len(words) == 2:
            dem = Path(words[1])
        else:
            write_andes_dem(DATA, dem, whole=True)
        provider = load_provider(Path(words[0]), program)
        good = stand_in_is_alike(provider)
        by_provider, by_program = Console(), Console()
        for place in ("provider", "program"):
            (folder / place).mkdir()
        run(dem, folder / "provider", by_provider)
        run(dem, folder / "program", by_program, SAGA_CMD=program)
        good = any(f"QGIS provider {PROVIDER} " in line for line in by_provider.lines) and good
        good = same_rasters(folder / "provider", folder / "program") and good
        good = cancelled_well(dem, folder / "cancelled") and good
        QgsApplication.processingRegistry().removeProvider(provider)
        del provider, by_provider, by_program
    print("as it should be" if good else "NOT as it should be")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
