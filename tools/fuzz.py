"""Damaged files of all kinds, given to the algorithms that read them: what must never happen is counted.

    make fuzz                               1,000 files
    make fuzz FUZZ="--seed 7 --count 200 --kinds geotiff vrt"
    make fuzz FUZZ="--only geotiff:17"      one of them again, with what was said

A file is a small one of its kind with a flipped bit, bytes that are lost, doubled, exchanged, zero or 255, a
tail or none, or a field of its header set to an extreme number: the same each time for a seed, a kind and a
number.  A QGIS in a process of its own runs an algorithm on it, for at most `--seconds`.  Counted are

crashes         the process ends by a signal.  Where a process that only opens and reads the file with the
                library, without the plugin, ends by one too, it is a crash of the library, and named; hangs
                likewise
catch-alls      the run ends by an error that nobody foresaw, or for want of memory
hangs           it does not end in time
partial files   a file of the run that cannot be read whole, or is left over under a temporary name
silently other  the run ends well, says no warning that it does not say of the whole file, and its results
                differ from those of the whole file, although the damage could be seen: the file, read by the
                library alone (`fuzz_reader`), raises an error or a warning, fails a checksum, is no text, has
                a row with more values than columns, holds what the whole file holds (then the difference is
                ours), or is a finished result or journal, all of which stands behind checksums of the plugin.

A file that reads without complaint and holds other numbers or names than before is a good file with other
content (a flipped bit of a cell, another origin): whatever follows from it is counted as `other content`.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from child_runs import CRASH, FAULT, HANG, OK, Child, Ended
from fuzz_cases import KINDS, Trial, Trials, placed
from fuzz_mutations import mutate
from fuzz_reader import Look, apart, look, results_in

#: Bytes of memory that a run may take: a small file that asks for more lies.
_MEMORY = 6 << 30
_NO_MEMORY = "the memory of this machine does not suffice"
#: What is counted, in the order of the last line; the first five must be 0.
BAD = ("crashes", "catch-alls", "hangs", "partial files", "silently other")
FINE = ("library crashes", "library hangs", "refused", "warned", "same", "other content")


@dataclass(frozen=True)
class Verdict:
    """What became of a damaged file: one of `BAD` or `FINE`, and what was said."""

    kind: str
    told: str = ""


class Fuzz:
    """Damages files and judges the runs on them, in a folder of its own."""

    def __init__(self, folder: Path, seed: int, seconds: float):
        self._folder, self._seed, self._seconds = folder, seed, seconds
        self._child = Child(folder / "child")
        self.trials = Trials(folder / "files", self._child)
        self._whole: dict[int, tuple[Ended, str, Look]] = {}

    def __enter__(self) -> Fuzz:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()

    def one(self, kind: str, number: int) -> tuple[Trial, str, Verdict]:
        """The trial, the damage and the verdict of a file."""
        trials = self.trials.of(kind)
        trial = trials[number % len(trials)]
        generator = np.random.default_rng([self._seed, zlib.crc32(kind.encode()), number])
        whole = self._of_whole(trial)
        folder = self._fresh()
        target = self._lay_out(trial, folder) / trial.target
        data, damage = mutate(target.read_bytes(), trial.form, generator)
        stamp = target.stat()
        target.write_bytes(data)
        # Damage on a disk leaves the time of change.
        os.utime(target, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        return trial, damage, self._judge(trial, folder, target, whole)

    def _fresh(self) -> Path:
        folder = self._folder / "work"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "out").mkdir(parents=True)
        return folder

    def _lay_out(self, trial: Trial, folder: Path) -> Path:
        """Copy the files of a trial; returns the folder that they are in."""
        there = folder / ("out" if trial.resumed else "in")
        shutil.copytree(trial.folder, there, dirs_exist_ok=True)
        return there

    def _run(self, trial: Trial, folder: Path, seconds: float) -> Ended:
        return self._child.run(
            trial.algorithm, placed(trial.parameters, folder / "in", folder / "out"), seconds
        )

    def _of_whole(self, trial: Trial) -> tuple[Ended, str, Look]:
        """How a run on the whole files ends, its results, and what the file holds."""
        if id(trial) not in self._whole:
            folder = self._fresh()
            target = self._lay_out(trial, folder) / trial.target
            _, seen = apart(look, str(target))
            ended = self._run(trial, folder, 300)
            if ended.kind != OK:
                raise RuntimeError(f"{trial.name}, {trial.algorithm}: {ended.kind} {ended.told}")
            how, found = apart(results_in, str(folder / "out"))
            if how != OK or found[1]:
                raise RuntimeError(f"{trial.name}, {trial.algorithm}: {how} {found}")
            self._whole[id(trial)] = ended, found[0], seen
        return self._whole[id(trial)]

    def _judge(self, trial: Trial, folder: Path, target: Path, whole: tuple[Ended, str, Look]) -> Verdict:
        how_seen, seen = apart(look, str(target))
        ended = self._run(trial, folder, self._seconds)
        if ended.kind == CRASH:
            kind = "library crashes" if how_seen == "crash" else "crashes"
            return Verdict(kind, f"{ended.told}; {_libraries()}")
        if ended.kind == HANG:
            kind = "library hangs" if how_seen == "hang" else "hangs"
            return Verdict(kind, f"{ended.seconds:.0f} s; {_libraries()}")
        if ended.kind == FAULT or _NO_MEMORY in ended.told:
            return Verdict("catch-alls", ended.told)
        how, found = apart(results_in, str(folder / "out"))
        if how != OK or found[1]:
            return Verdict("partial files", f"{ended.kind} {ended.told}; {how} {found and found[1]}")
        if ended.kind != OK:
            return Verdict("refused", ended.told)
        before, results, content = whole
        said = [text for text in _plain(ended, folder) if text not in _plain(before, folder)]
        if said:
            return Verdict("warned", said[0])
        if found[0] == results and _numbers(ended) == _numbers(before):
            return Verdict("same")
        if how_seen != OK:
            reason = how_seen
        elif trial.guarded or seen.noticed:
            reason = seen.noticed or "behind checksums"
        elif seen.content == content.content:
            reason = "the library reads what the whole file holds"
        else:
            return Verdict("other content")
        return Verdict("silently other", reason)


def _plain(ended: Ended, folder: Path) -> list[str]:
    return [text.replace(str(folder), "") for text in ended.warnings]


def _numbers(ended: Ended) -> dict[str, Any]:
    return {name: value for name, value in ended.outputs.items() if isinstance(value, (int, float))}


def _libraries() -> str:
    import h5py
    from osgeo import gdal

    return f"GDAL {gdal.__version__}, HDF5 {h5py.version.hdf5_version}"


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Damaged files, given to the algorithms that read them.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000, help="files")
    parser.add_argument("--seconds", type=float, default=60, help="that a run may take")
    parser.add_argument("--kinds", nargs="+", choices=sorted(KINDS), default=list(KINDS))
    parser.add_argument("--only", help="KIND:NUMBER")
    chosen = parser.parse_args(words)
    files = [
        (chosen.kinds[index % len(chosen.kinds)], index // len(chosen.kinds)) for index in range(chosen.count)
    ]
    if chosen.only:
        kind, _, number = chosen.only.partition(":")
        files = [(kind, int(number))]
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    counts: Counter[str] = Counter()
    folder = Path(tempfile.mkdtemp())
    try:
        with Fuzz(folder, chosen.seed, chosen.seconds) as fuzz:
            for kind, number in files:
                trial, damage, verdict = fuzz.one(kind, number)
                counts[verdict.kind] += 1
                if verdict.kind in BAD or verdict.kind.startswith("library") or chosen.only:
                    what = f"{kind}:{number} {trial.name} {trial.algorithm} {damage}"
                    print(f"{what}: {verdict.kind}; {verdict.told}", flush=True)
    finally:
        if not chosen.only:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(folder)
    print(
        f"{len(files)} files, seed {chosen.seed}: "
        + ", ".join(f"{counts[name]} {name}" for name in (*BAD, *FINE))
    )
    return int(any(counts[name] for name in BAD))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
