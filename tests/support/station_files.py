"""Files of field readings, written anew in the forms that people and the ISMN have."""

from __future__ import annotations

from pathlib import Path

#: Records of a sensor: date, time, value, flag of the network, flag of the provider.
RECORDS = (
    ("2021/01/01", "00:00", "0.200", "G", "M"),
    ("2021/01/01", "12:00", "0.220", "G", "M"),
    ("2021/01/02", "00:00", "0.900", "C03", "M"),
    ("2021/01/02", "01:00", "0.300", "G", "OK,OK with a blank"),
    ("2021/01/02", "02:00", "0.310", "D01,D02", "M"),
    ("2021/01/03", "23:00", "-9999.0000", "M", "M"),
    ("2021/01/03", "23:30", "0.400", "G", "M"),
)


def ismn_file(
    root: Path,
    station: str = "Zamarron",
    network: str = "REMEDHUS",
    place: tuple[float, float] = (41.24, -5.543),
    depth: tuple[float, float] = (0.0, 0.05),
    records=RECORDS,
    variable: str = "sm",
    sensor: str = "Stevens-Hydra-Probe",
    ceop: bool = False,
) -> Path:
    """One file below its folders of network and station."""
    upper, lower = depth
    name = f"{network}_{network}_{station}_{variable}_{upper:.6f}_{lower:.6f}_{sensor}_20210101_20210131.stm"
    path = root / network / station / name
    path.parent.mkdir(parents=True, exist_ok=True)
    about = f"{network:<10} {network:<10} {station:<15} {place[0]:10.5f} {place[1]:10.5f}  855.00"
    depths = f"{upper:8.4f} {lower:8.4f}"
    if ceop:
        lines = [
            f"{date} {time} {date} {time} {about} {depths} {value:>10} {flag:<5} {provider}"
            for date, time, value, flag, provider in records
        ]
    else:
        lines = [f"{about} {depths} {sensor.replace('-', ' ')}"]
        lines += [
            f"{date} {time} {value:>10} {flag:<5} {provider}" for date, time, value, flag, provider in records
        ]
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode())
    return path
