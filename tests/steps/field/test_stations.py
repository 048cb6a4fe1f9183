"""Stations from CSV and ISMN files: what is read, what is refused, and with which line."""

from __future__ import annotations

import datetime as dt
import tracemalloc
import zipfile

import numpy as np
import pytest

from raster_cases import Listener
from smap_downscaler.base.errors import Cancelled, InputError
from smap_downscaler.steps.field.ismn_files import IsmnChoices, read_sensor
from smap_downscaler.steps.field.numbers.delimited import CsvChoices
from smap_downscaler.steps.field.stations import StationChoices, read_stations
from smap_downscaler.steps.field.stations_ismn import parse_depth
from station_files import RECORDS, ismn_file

HEADER = "station,date,replicate,lon,lat,soil_moisture"


def csv_file(folder, *rows, header=HEADER, encoding="utf-8", name="stations.csv"):
    path = folder / name
    path.write_bytes("\n".join((header, *rows)).encode(encoding))
    return path


def read(path, progress=None, **choices):
    kinds = {"quality", "depth"}
    ismn = {key: value for key, value in choices.items() if key in kinds}
    both = {key: value for key, value in choices.items() if key in ("unit", "shift_hours")}
    own = {key: value for key, value in choices.items() if key not in kinds}
    wanted = StationChoices(CsvChoices(**own), IsmnChoices(**ismn, **both))
    return read_stations(path, wanted, progress) if progress else read_stations(path, wanted)


def days_of(station):
    return {
        str(dt.date.fromordinal(int(day))): (round(float(mean), 9), int(count))
        for day, mean, count in zip(station.readings.days, station.readings.mean, station.readings.count)
    }


def refusal(path, **choices):
    with pytest.raises(InputError) as caught:
        read(path, **choices)
    return str(caught.value)


def test_replicates_become_days(tmp_path):
    path = csv_file(
        tmp_path,
        "A,2021-08-12,1,-71.5,-13.2,0.25",
        "A,2021-08-12,2,-71.5,-13.2,0.27",
        "B,2021-08-12,1,-71.6,-13.2,0.4",
        "A,2021-08-13,1,-71.5,-13.2,0.3",
    )
    field = read(path)
    assert field.crs == "EPSG:4326"
    assert [(s.name, s.x, s.y) for s in field.stations] == [("A", -71.5, -13.2), ("B", -71.6, -13.2)]
    assert days_of(field.stations[0]) == {"2021-08-12": (0.26, 2), "2021-08-13": (0.3, 1)}
    np.testing.assert_allclose(field.stations[0].readings.sd, [0.0141421356, np.nan], rtol=1e-8)
    assert field.warnings == ()
    assert field.notes == (
        f"{path}: station from station, date from date, longitude from lon, latitude from lat, soil moisture "
        "from soil_moisture, replicate from replicate; coordinates in EPSG:4326, soil moisture in m3 m-3",
    )


FORMS = {
    "spanish": (
        "Estación;Fecha;Longitud;Latitud;Humedad (m3/m3)",
        "A;2021-08-12T10:00;-71,5;-13,2;0,25",
        "utf-8",
    ),
    "latin-1": ("Estación;Fecha;Longitud;Latitud;Humedad", "A;20210812;-71,5;-13,2;0,25", "latin-1"),
    "mark": ("\ufeffsite\tdate\tlon\tlat\tvwc", "A\t2021-224\t-71.5\t-13.2\t0.25", "utf-8"),
    "excel": ("sep=;\nsite;date;lon;lat;vwc", "A;2021-08-12 06:00:00;-71,5;-13,2;0,25", "utf-16"),
    "quotes": ('"Site, name","date","lon","lat","sm"', '"A","2021-08-12","-71,5","-13,2","0,25"', "utf-8"),
    "blank lines": ("\n\nsite,date,lon,lat,sm", "\nA,2021-08-12,-71.5,-13.2,0.25\n\n,,,,\n", "utf-8"),
    "windows": ("site,date,lon,lat,sm\r", "A,2021-08-12,-71.5,-13.2,0.25\r", "utf-8"),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(tmp_path, form):
    header, row, encoding = FORMS[form]
    path = csv_file(tmp_path, row, header=header, encoding=encoding, name="lecturas ñ.csv")
    own = {"station": "Site, name"} if form == "quotes" else {}
    (station,) = read(path, **own).stations
    assert (station.name, station.x, station.y) == ("A", -71.5, -13.2)
    assert days_of(station) == {"2021-08-12": (0.25, 1)}


def test_named_columns_in_any_crs(tmp_path):
    path = csv_file(
        tmp_path,
        "7,P1,12.5,2021-08-12,229000,8540000",
        header="theta,lugar,humedad_pct,cuando,este_m,norte_m",
    )
    choices = {
        "station": "lugar", "date": "Cuando", "x": "este_m", "y": "norte_m", "value": "humedad_pct",
        "crs": "EPSG:32719", "unit": "percent",
    }  # fmt: skip
    field = read(path, **choices)
    (station,) = field.stations
    assert (field.crs, station.name, station.x, station.y) == ("EPSG:32719", "P1", 229000.0, 8540000.0)
    assert days_of(station) == {"2021-08-12": (0.125, 1)}


def test_a_file_with_both_kinds_of_coordinates(tmp_path):
    """As the demo basin's: the CRS decides."""
    path = csv_file(
        tmp_path, "A,2021-01-05,-71.5,-13.2,229000,8540000,0.2", header="station,date,lon,lat,x,y,sm"
    )
    assert read(path).stations[0].x == -71.5
    assert read(path, crs="EPSG:32719").stations[0].x == 229000.0


def test_places_without_names(tmp_path):
    path = csv_file(
        tmp_path, "2021-08-12,-71.5,-13.2,0.2", "2021-08-12,-71.6,-13.2,0.3", header="date,lon,lat,sm"
    )
    field = read(path)
    assert [station.name for station in field.stations] == ["-71.5 -13.2", "-71.6 -13.2"]
    assert field.notes[1] == f"{path}: no column of stations, so each place is a station"


def test_missing_and_double_rows_are_reported(tmp_path):
    path = csv_file(
        tmp_path,
        "A,2021-08-12,1,-71.5,-13.2,0.25",
        "A,2021-08-12,2,-71.5,-13.2,",
        "A,2021-08-12,1,-71.5,-13.2,0.25",
        "A,2021-08-12,3,-71.5,-13.2,-9999",
    )
    field = read(path)
    assert days_of(field.stations[0]) == {"2021-08-12": (0.25, 1)}
    assert field.warnings == (
        f"{path}: 2 rows without soil moisture left out (lines 3, 5)",
        f"{path}: 1 row left out as there before (line 4)",
    )


@pytest.mark.parametrize("code", ["-999", "-99.9", "-9999.9", "-999.99"])
def test_codes_of_loggers_are_no_readings(tmp_path, code):
    rows = [f"A,2021-08-{day},1,-127,12.5,{0.2 + day / 1000}" for day in range(10, 20)]
    field = read(csv_file(tmp_path, *rows, f"A,2021-08-20,1,-127,12.5,{code}"))
    assert len(field.stations[0].readings.days) == 10
    assert field.stations[0].x == -127
    assert "without soil moisture left out (line 12)" in field.warnings[0]


def test_a_code_within_the_range_of_percent_is_refused(tmp_path):
    rows = [f"A,2021-08-{day},1,-71.5,-13.2,{day + 0.5}" for day in range(10, 25)]
    codes = [f"A,2021-09-{day},1,-71.5,-13.2,99.9" for day in range(10, 14)]
    path = csv_file(tmp_path, *rows, *codes)
    sentence = refusal(path, unit="percent")
    assert sentence.startswith(f"{path}: soil_moisture holds 99.9 in 4 places, far from its other values")
    assert len(read(csv_file(tmp_path, *rows), unit="percent").stations[0].readings.days) == 15


def test_equal_readings_without_a_replicate_number_all_count(tmp_path):
    path = csv_file(
        tmp_path,
        "A,2021-08-12,-71.5,-13.2,0.25",
        "A,2021-08-12,-71.5,-13.2,0.25",
        header="site,date,lon,lat,sm",
    )
    assert days_of(read(path).stations[0]) == {"2021-08-12": (0.25, 2)}


def test_the_first_and_last_days_there_are(tmp_path):
    path = csv_file(tmp_path, "A,0001-01-01,-71.5,-13.2,0.2", "A,9999-12-31T23:00,-71.5,-13.2,0.3",
                    header="site,date,lon,lat,sm")  # fmt: skip
    for shift in (-5.0, 5.0):
        readings = read(path, shift_hours=shift).stations[0].readings
        assert readings.count.tolist() == [1, 1]
        assert days_of(read(path, shift_hours=shift).stations[0]).keys() == {"0001-01-01", "9999-12-31"}


def test_hours_are_moved_to_another_day(tmp_path):
    path = csv_file(
        tmp_path, "A,2021-08-12T02:00Z,-71.5,-13.2,0.2", "A,2021-08-12T06:00Z,-71.5,-13.2,0.3",
        header="site,date,lon,lat,sm",
    )  # fmt: skip
    assert days_of(read(path, shift_hours=-5.0).stations[0]) == {
        "2021-08-11": (0.2, 1),
        "2021-08-12": (0.3, 1),
    }


def test_zones_are_brought_to_the_days_of_smap(tmp_path):
    """Which are those of UTC."""
    path = csv_file(
        tmp_path,
        "A,2021-03-01T23:30-05:00,-71.5,-13.2,0.2",
        "A,2021-03-01T23:30,-71.5,-13.2,0.3",
        "A,2021-03-01,-71.5,-13.2,0.1",
        "A,2021-03-01T01:00+02:00,-71.5,-13.2,0.4",
        "A,20210301T060000Z,-71.5,-13.2,0.5",
        header="site,date,lon,lat,sm",
    )
    assert days_of(read(path).stations[0]) == {
        "2021-02-28": (0.4, 1), "2021-03-01": (0.3, 3), "2021-03-02": (0.2, 1),
    }  # fmt: skip
    assert days_of(read(path, zone_hours=-5.0).stations[0]) == {
        "2021-02-28": (0.4, 1), "2021-03-01": (0.3, 2), "2021-03-02": (0.25, 2),
    }  # fmt: skip
    # A date alone has no time that could be moved.
    assert days_of(read(path, shift_hours=-24.0).stations[0])["2021-03-01"] == (0.15, 2)


def test_one_time_in_two_zones_is_one_reading(tmp_path):
    path = csv_file(
        tmp_path, "A,2021-03-01T23:30-05:00,1,-71.5,-13.2,0.2", "A,2021-03-02T04:30Z,1,-71.5,-13.2,0.2"
    )
    field = read(path)
    assert days_of(field.stations[0]) == {"2021-03-02": (0.2, 1)}
    assert field.warnings == (f"{path}: 1 row left out as there before (line 3)",)


GOOD = "A,2021-08-12,1,-71.5,-13.2,0.25"
REFUSED = {
    "text": ("A,2021-08-12,2,-71.5,-13.2,wet",
             "line 3: 'wet' in column soil_moisture is no number; mend it or leave it empty."),
    "place": ("A,2021-08-12,2,,-13.2,0.2", "line 3: the place of the station is missing; fill it in."),
    "name": (" ,2021-08-12,2,-71.5,-13.2,0.2", "line 3: the name of the station is missing; fill it in."),
    "date": ("A,12/08/2021,2,-71.5,-13.2,0.2",
             "line 3: '12/08/2021' is no ISO date; write it as 2021-08-31."),
    "no date": ("A,,2,-71.5,-13.2,0.2", "line 3: the date is missing; write it as 2021-08-31."),
    "short": ("A,2021-08-12,2", "line 3: it has 3 columns of 6; mend the row."),
    "long": ("A,2021-08-12,2,-71.5,-13.2,0,2",
             "line 3: it has 7 columns of 6; mend the row, and where numbers have decimal commas part the "
             "columns by semicolon."),
    "elsewhere": ("A,2021-08-12,2,-71.6,-13.2,0.2",
                  "line 3: station A lies elsewhere than in line 2; give each place its own name."),
    "other value": ("A,2021-08-12,1,-71.5,-13.2,0.26",
                    "line 3: it has the same station, time and replicate as line 2, but another value; "
                    "keep one of them."),
    "percent": ("A,2021-08-12,2,-71.5,-13.2,23.5",
                "line 3: soil moisture 23.5 is out of 0 to 1 m3 m-3; choose percent as UNIT, or mend it."),
    "negative": ("A,2021-08-12,2,-71.5,-13.2,-0.1",
                 "line 3: soil moisture -0.1 is out of 0 to 1 m3 m-3; mend it, or leave it empty."),
    "metres": ("B,2021-08-12,2,229000,8540000,0.2",
               "line 3: 229000, 8.54e+06 are no longitude and latitude; give the CRS of the coordinates as "
               "CRS."),
    "exchanged": ("B,2021-08-12,2,-13.2,-171.5,0.2",
                  "line 3: -171.5 is no latitude, but -13.2 may be one; exchange X_FIELD and Y_FIELD."),
    "after a quoted break": ('A,2021-08-12,"2\n",-71.5,-13.2,0.2\nA,never,2,-71.5,-13.2,0.2',
                             "line 5: 'never' is no ISO date; write it as 2021-08-31."),
}  # fmt: skip


@pytest.mark.parametrize("fault", REFUSED)
def test_refused_rows(tmp_path, fault):
    row, sentence = REFUSED[fault]
    path = csv_file(tmp_path, GOOD, row)
    assert refusal(path) == f"{path}, {sentence}"


def test_out_of_percent(tmp_path):
    path = csv_file(tmp_path, "A,2021-08-12,2,-71.5,-13.2,123")
    assert refusal(path, unit="percent") == (
        f"{path}, line 2: soil moisture 123 is out of 0 to 100 percent; mend it, or leave it empty."
    )


def test_refused_headers(tmp_path):
    path = csv_file(tmp_path, GOOD)
    assert refusal(path, value="theta") == (
        f"VALUE_FIELD: {path} has no column named theta (it has station, date, replicate, lon, lat, "
        "soil_moisture); choose one of them."
    )
    path = csv_file(tmp_path, "1,2,3,4", header="date,lon,lat,depth")
    assert refusal(path) == (
        f"VALUE_FIELD: no column of {path} has a usual name of soil moisture (it has date, lon, lat, depth); "
        "name the column."
    )
    path = csv_file(tmp_path, "1,2,3,4", header="date,x,y,sm")
    assert refusal(path) == (
        f"CRS: {path} has no longitude and latitude, and nothing says which CRS its column "
        "x is in; choose it."
    )
    path = csv_file(tmp_path, "1,2,3,4,5", header="date,lon,lat,sm (5 cm),sm (10 cm)")
    assert refusal(path) == (
        f"VALUE_FIELD: {path} has several columns with a usual name of soil moisture (sm (5 cm), sm (10 "
        "cm)); name the one to use."
    )
    path = csv_file(tmp_path, "1,2,3,4,5", header="date,lon,lat,sm,sm")
    assert refusal(path, value="sm") == (
        f"VALUE_FIELD: {path} has several columns named sm; give each its own name."
    )
    path = csv_file(tmp_path, header="")
    assert refusal(path) == (
        f"{path}: its first line holds no names of columns, parted by comma, semicolon or tab; export the "
        "readings with a header."
    )
    path = csv_file(tmp_path)
    assert refusal(path) == f"{path}: it holds no reading; choose a file with one row per reading."
    assert refusal(tmp_path / "none.csv") == (
        f"STATIONS: there is no file or folder {tmp_path / 'none.csv'}; check the path."
    )


def test_a_long_file_can_be_cancelled(tmp_path):
    path = csv_file(tmp_path, *[f"A,2021-08-12,{number},-71.5,-13.2,0.25" for number in range(12_000)])
    with pytest.raises(Cancelled):
        read(path, Listener(calls=1))


@pytest.mark.parametrize("ceop", [False, True])
def test_ismn_forms(tmp_path, ceop):
    path = ismn_file(tmp_path, ceop=ceop)
    sensor = read_sensor(path)
    assert (sensor.network, sensor.station, sensor.latitude, sensor.longitude) == (
        "REMEDHUS", "Zamarron", 41.24, -5.543,
    )  # fmt: skip
    assert (sensor.depth_from, sensor.depth_to, sensor.ceop) == (0.0, 0.05, ceop)
    for source in (path, tmp_path):
        field = read(source)
        (station,) = field.stations
        assert (station.name, station.x, station.y) == ("REMEDHUS/Zamarron", -5.543, 41.24)
        assert days_of(station) == {"2021-01-01": (0.21, 2), "2021-01-02": (0.3, 1), "2021-01-03": (0.4, 1)}
        assert field.warnings == (
            f"{source}: readings left out: 1 flagged C03, 1 flagged D01, 1 flagged D02, 1 flagged M",
        )


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("place", [(41.24, -5.543), (-13.5, -71.97)])
@pytest.mark.parametrize("station", ["ST B 3.09", "ST 3.09 2.50", "Old 7", "3.50", "A  b 1.0 2.0 3.0", "x.1"])
def test_ismn_station_names_that_hold_numbers(tmp_path, station, place, named):
    path = ismn_file(tmp_path, station=station, place=place, depth=(0.05, 0.05))
    if not named:
        path = path.rename(path.with_name("sensor.stm"))
    sensor = read_sensor(path)
    assert (sensor.network, sensor.station) == ("REMEDHUS", station)
    assert (sensor.latitude, sensor.longitude) == place
    assert (sensor.depth_from, sensor.depth_to) == (0.05, 0.05)


def test_ismn_any_quality_keeps_all_but_missing_ones(tmp_path):
    ismn_file(tmp_path)
    field = read(tmp_path, quality="any", shift_hours=-1.0)
    assert days_of(field.stations[0]) == {
        "2020-12-31": (0.2, 1), "2021-01-01": (0.56, 2), "2021-01-02": (0.305, 2), "2021-01-03": (0.4, 1),
    }  # fmt: skip
    assert field.warnings == (f"{tmp_path}: readings left out: 1 flagged M",)


def test_ismn_networks_sensors_and_depths(tmp_path):
    ismn_file(tmp_path)
    ismn_file(tmp_path, sensor="Second_one", records=[("2021/01/01", "06:00", "0.27", "G", "M")])
    ismn_file(tmp_path, depth=(0.05, 0.05), records=[("2021/01/01", "06:00", "0.5", "G", "M")])
    ismn_file(tmp_path, depth=(0.3, 0.5), records=[("2021/01/01", "06:00", "0.6", "G", "M")])
    ismn_file(tmp_path, variable="ts", records=[("2021/01/01", "06:00", "14.2", "G", "M")])
    ismn_file(tmp_path, network="SCAN", station="Deep", depth=(0.5, 0.5))
    field = read(tmp_path)
    assert [station.name for station in field.stations] == ["REMEDHUS/Zamarron"]
    # The least lower depth first, then the least upper one: the two sensors of 0-0.05 m.
    assert days_of(field.stations[0])["2021-01-01"] == (0.23, 3)
    assert field.notes == (
        f"{tmp_path}: 1 station of 1 network, 2 sensors within 0-0.1 m, the shallowest, 5 readings",
        "1 station at 0-0.05 m",
        f"{tmp_path}: 1 file of other variables passed over",
    )
    assert field.warnings[1] == (
        f"{tmp_path}: 1 station left out, without a sensor within 0-0.1 m: SCAN/Deep"
    )
    deep = read(tmp_path, depth=(0.3, 0.5))
    assert [station.name for station in deep.stations] == ["REMEDHUS/Zamarron", "SCAN/Deep"]
    assert days_of(deep.stations[0]) == {"2021-01-01": (0.6, 1)}
    assert refusal(tmp_path, depth=(1.0, 2.0)) == (
        f"{tmp_path}: no station has a sensor within 1-2 m (there are 0-0.05, 0.05-0.05, 0.3-0.5, 0.5-0.5 "
        "m); give another DEPTH."
    )


def test_ismn_stations_without_a_good_reading_are_named(tmp_path):
    ismn_file(tmp_path)
    dubious = [("2021/01/01", "06:00", "0.2", "D01", "M")]
    ismn_file(tmp_path, network="SCAN", station="Dubious", records=dubious)
    field = read(tmp_path)
    assert [station.name for station in field.stations] == ["REMEDHUS/Zamarron"]
    assert field.warnings[1:] == (
        f"{tmp_path}: 1 station left out, without a reading that counts: SCAN/Dubious",
    )


def test_stations_of_a_table_without_a_reading_are_named(tmp_path):
    path = csv_file(tmp_path, GOOD, "Silent,2021-08-12,1,-71.4,-13.2,", "Silent,2021-08-13,1,-71.4,-13.2,NA")
    field = read(path)
    assert [station.name for station in field.stations] == ["A"]
    assert field.warnings == (
        f"{path}: 2 rows without soil moisture left out (lines 3, 4)",
        f"{path}: 1 station left out, without a reading that counts: Silent",
    )


def test_ismn_refusals(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path}: it holds no .stm file of soil moisture (sm); choose the folder of an ISMN download."
    )
    ismn_file(tmp_path, variable="ts")
    assert refusal(tmp_path) == (
        f"{tmp_path}: none of its 1 .stm files holds soil moisture (sm); choose the folder of an ISMN "
        "download."
    )
    path = ismn_file(tmp_path, records=[("2021/01/01", "06:00", "0.5", "D03", "M")])
    assert refusal(path) == (
        f"{path}: no reading is left (1 flagged D03); choose any as QUALITY, or other stations."
    )
    ismn_file(tmp_path, records=[*RECORDS, ("2021/02/31", "06:00", "0.5", "G", "M")])
    assert refusal(path) == (
        f"{path}, line 9: '2021/02/31 06:00        0.5 G     M' is no ISMN record; download it again from "
        "the ISMN."
    )
    path.write_bytes(path.read_bytes().replace(b"2021/02/31 06:00", bytes(16)))
    assert refusal(path) == (
        f"{path}, line 9: it holds bytes that are no text, the file is damaged; download it again from the "
        "ISMN."
    )
    path.write_text("date,value\n2021-01-01,0.2\n")
    assert refusal(path) == (
        f"{path}: its first line is neither an ISMN header nor a CEOP record; download it again from the "
        "ISMN."
    )


def zipped(folder, path):
    """A folder's files as the ISMN sends them, beside what a Mac adds."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*.stm")):
            archive.write(file, file.relative_to(folder).as_posix())
            archive.writestr(f"__MACOSX/._{file.name}", b"\0\5")
        archive.writestr("Readme.txt", "about")
    return path


def test_an_ismn_zip_reads_as_its_folder_does(tmp_path):
    folder = tmp_path / "unpacked"
    ismn_file(folder)
    ismn_file(folder, network="SCAN", station="Año", place=(40.0, -5.0), ceop=True)
    ismn_file(folder, variable="ts")
    (tmp_path / "sent").mkdir()
    path = zipped(folder, tmp_path / "sent" / "Datos ñ.ZIP")
    field, expected = read(path, quality="any"), read(folder, quality="any")
    assert [(s.name, s.x, s.y, days_of(s)) for s in field.stations] == [
        (s.name, s.x, s.y, days_of(s)) for s in expected.stations
    ]
    assert len(field.stations) == 2
    assert [text.replace(str(path), "") for text in (*field.notes, *field.warnings)] == [
        text.replace(str(folder), "") for text in (*expected.notes, *expected.warnings)
    ]
    # Nothing is unpacked beside it.
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_zips_that_cannot_be_read(tmp_path):
    file = ismn_file(tmp_path / "unpacked", records=RECORDS * 50)
    path = zipped(tmp_path / "unpacked", tmp_path / "ismn.zip")
    whole = path.read_bytes()
    inside = file.relative_to(tmp_path / "unpacked").as_posix()
    broken = f"{path}: it is no whole zip file; download it again, or unpack it and choose the folder."
    for content in (b"", b"<html>sign in first</html>", whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert refusal(path) == broken
    start = whole.index(inside.encode()) + len(inside) + 20
    path.write_bytes(whole[:start] + bytes(40) + whole[start + 40 :])
    assert refusal(path) == f"{path}, {inside}: the zip is damaged there; download it again."
    # The first bit of the flags, in the header and in the directory, says that there is a password.
    locked = bytearray(whole)
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = whole.index(mark)
        locked[at + place] |= 1
    path.write_bytes(bytes(locked))
    assert refusal(path).startswith(f"{path}, {inside}: it cannot be read out of the zip (File ")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("stations.csv", "site,date")
    assert refusal(path) == (
        f"{path}: it holds no .stm file of soil moisture (sm); choose the folder of an ISMN download."
    )


@pytest.mark.parametrize(("place", "byte"), [("directory", b"\0"), ("directory", b"x"), ("header", b"\xff")])
def test_a_zip_whose_list_is_not_what_the_files_say(tmp_path, place, byte):
    """Else the file would be passed over, since its name no longer ends as one of a station does."""
    file = ismn_file(tmp_path / "unpacked", records=RECORDS)
    path = zipped(tmp_path / "unpacked", tmp_path / "ismn.zip")
    data, name = bytearray(path.read_bytes()), file.relative_to(tmp_path / "unpacked").as_posix().encode()
    at = data.rindex(name) if place == "directory" else data.index(name)
    data[at + len(name) - 1 : at + len(name)] = byte
    if place == "header":
        # The flag that says that names are UTF-8.
        data[data.index(b"PK\3\4") + 7] |= 8
    path.write_bytes(bytes(data))
    assert refusal(path).startswith(f"{path}: its list of files is damaged (")


@pytest.mark.parametrize("told", [None, 1000, 2**32 - 2])
def test_a_zip_that_would_fill_the_memory(tmp_path, told):
    """100 MB of zeros without the end of a line, also where the directory tells another size."""
    path, inside = tmp_path / "ismn.zip", "N/S/N_N_S_sm_0.050000_0.050000_x_20200101_20201231.stm"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(inside, "w") as member:
        for _ in range(100):
            member.write(bytes(1 << 20))
    if told is not None:
        data = bytearray(path.read_bytes())
        for mark, place in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
            at = data.index(mark) + place
            data[at : at + 4] = told.to_bytes(4, "little")
        path.write_bytes(data)
    tracemalloc.start()
    try:
        sentence = refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    reason = ", line 1: it is longer than any of an ISMN file; download it again from the ISMN."
    if told == 1000:
        reason = ": the zip is damaged there; download it again."
    assert sentence == f"{path}, {inside}{reason}"
    assert peak < 20e6


def test_depths():
    assert parse_depth("") is None
    assert parse_depth(" 0 - 0,05 ") == (0.0, 0.05)
    with pytest.raises(
        InputError, match=r"DEPTH: '5 cm' is no range of depths; write it in metres, as 0-0\.05\."
    ):
        parse_depth("5 cm")
    with pytest.raises(InputError, match=r"DEPTH: 0\.1 m is deeper than 0 m; write the upper one first"):
        parse_depth("0.1-0")


@pytest.mark.parametrize("ceop", [False, True])
def test_as_the_ismn_package_reads(tmp_path, ceop):
    handlers = pytest.importorskip("ismn.filehandlers", reason="the package ismn is not installed")
    components = pytest.importorskip("ismn.base")
    plain = [(*record[:4], "M") for record in RECORDS]
    path = ismn_file(tmp_path, ceop=ceop, records=plain)
    other = handlers.DataFile(components.IsmnRoot(tmp_path), path.relative_to(tmp_path))
    frame = other.read_data()
    good = frame[frame["soil_moisture_flag"] == "G"]["soil_moisture"]
    means = good.groupby(good.index.date).mean()
    (station,) = read(path).stations
    assert days_of(station) == {
        str(day): (pytest.approx(value, abs=1e-9), int((good.index.date == day).sum()))
        for day, value in means.items()
    }
    assert station.y == other.metadata["latitude"].val
    assert station.x == other.metadata["longitude"].val
