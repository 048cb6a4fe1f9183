"""Dates in names: those of the portals are found, numbers that are no dates are not."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smap_downscaler.base.dates import (
    evenly_thinned,
    find_date,
    is_within,
    parse_dates,
    parse_iso_date,
    period_text,
)
from smap_downscaler.base.errors import InputError


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("SMAP_L3_SM_P_E_20150402_R18290_001.h5", dt.date(2015, 4, 2)),
        ("chirps-v2.0.2017.04.30.tif", dt.date(2017, 4, 30)),
        ("SPL3SMP_E.005_soil_moisture_doy2015092_aid0001.tif", dt.date(2015, 4, 2)),
        ("MOD13Q1.061__250m_16_days_NDVI_doy2021017000000_aid0001.tif", dt.date(2021, 1, 17)),
        ("MOD13Q1.A2021017.h10v10.061.2021034123456.tif", dt.date(2021, 1, 17)),
        ("MYD11A1.061_LST_Day_1km_doy2020366_aid0001.tif", dt.date(2020, 12, 31)),
        ("x_doy2021017240000.tif", None),
        ("x_2021017000000.tif", None),
        ("rain_2020366.tif", dt.date(2020, 12, 31)),
        ("2021-01-31.tif", dt.date(2021, 1, 31)),
        ("theta_2021_01_31_v2.tif", dt.date(2021, 1, 31)),
        ("MOD11A1_202101311030.tif", dt.date(2021, 1, 31)),
        ("20210131T103000.tif", dt.date(2021, 1, 31)),
        ("20210131_again_2021-01-31.tif", dt.date(2021, 1, 31)),
        ("01.tif", None),
        ("12.tif", None),
        ("dem.tif", None),
        ("R18290_001.tif", None),
        ("2021.tif", None),
        ("rain_2021367.tif", None),
        ("rain_2021000.tif", None),
        ("rain_2021366.tif", None),
        ("20210230.tif", None),
        ("120210131.tif", None),
        ("2021-0131.tif", None),
        ("18500101.tif", None),
    ],
)
def test_names(name, date):
    assert find_date(name) == date


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("LC08_L2SP_006069_20210105_20210308_02_T1_SR_B4.TIF", dt.date(2021, 1, 5)),
        ("LC09_L1GT_006069_20220105_20220105_02_RT_B10.tif", dt.date(2022, 1, 5)),
        ("LE07_L1TP_006069_20000105_20161001_01_T1_ndvi.tif", dt.date(2000, 1, 5)),
        ("LT05_L2SP_006069_19860105_20200918_02_T2_ST_B6.TIF", dt.date(1986, 1, 5)),
        ("LM01_L1TP_006069_19721231_20200909_02_T2", dt.date(1972, 12, 31)),
        ("LC08_CU_003009_20210105_20210308_02_SR_B4.tif", dt.date(2021, 1, 5)),
        ("ndvi_lc08_l2sp_006069_20210105_20210308_02_t1.tif", dt.date(2021, 1, 5)),
        ("LC08_006069_20210105.tif", dt.date(2021, 1, 5)),
        ("S2A_MSIL2A_20200104T150731_N0214_R082_T18LTM_20200107T172315_NDVI.tif", dt.date(2020, 1, 4)),
        ("S2B_MSIL1C_20170728T235959_N0500_R046_T01CCV_20230514T020406.SAFE", dt.date(2017, 7, 28)),
        # The discriminator of an image may lie before its sensing.
        ("S2C_MSIL2A_20250102T000031_N0511_R088_T57MVR_20250101T235959.SAFE", dt.date(2025, 1, 2)),
        ("T18LTM_20200104T150731_NDVI_10m.jp2", dt.date(2020, 1, 4)),
        ("L2A_T32TQM_A023456_20200104T102401_B08.tif", dt.date(2020, 1, 4)),
        ("20190104T150731_20201009T000012_T18LTM.tif", dt.date(2019, 1, 4)),
        ("ndvi_20190104T150731_20201009T000012_T18LTM_b1.tif", dt.date(2019, 1, 4)),
        (
            "S2A_OPER_PRD_MSIL1C_PDMC_20150818T101432_R022_V20150813T102406_20150813T102406.SAFE",
            dt.date(2015, 8, 13),
        ),
        (
            "S2A_USER_PRD_MSIL2A_PDMC_20160605T103412_R022_V20150813T102406_20150813T102655_NDVI.tif",
            dt.date(2015, 8, 13),
        ),
        ("S2A_OPER_MSI_L1C_DS_EPA__20160325T184811_S20151221T205519_N02.01", dt.date(2015, 12, 21)),
        ("20151221_S2A_OPER_MSI_L1C_TL_EPA__20160325T184811_A002599_T01CCV_B02.jp2", dt.date(2015, 12, 21)),
        ("S1A_IW_GRDH_1SDV_20200104T102345_20200104T102410_030654_038388_1234.tif", dt.date(2020, 1, 4)),
        ("HLS.L30.T18LTM.2020004T150731.v2.0.B05.tif", dt.date(2020, 1, 4)),
        ("SENTINEL2A_20200104-105433-123_L2A_T31TCJ_C_V2-2_FRE_B4.tif", dt.date(2020, 1, 4)),
    ],
)
def test_a_satellite_image_has_its_day_of_acquisition(name, date):
    assert find_date(name) == date


def test_a_day_of_processing_is_no_day_of_acquisition():
    # The old granules of Sentinel-2 hold only that of processing, here a quarter of a year after the image.
    name = "S2A_OPER_MSI_L1C_TL_EPA__20160325T184811_A002599_T01CCV_B02.jp2"
    with pytest.raises(InputError) as caught:
        find_date(name)
    assert str(caught.value) == (
        f"{name}: the date in the name is that of its processing; put the day of acquisition before it, "
        "such as 20210131_name.tif."
    )


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("mean_20210101_20210131.tif", "2021-01-01", "2021-01-31"),
        ("006069_20210105_20210308_02_T1.tif", "2021-01-05", "2021-03-08"),
        ("LC08_L2SP_006069_20210105_20210308.tif", "2021-01-05", "2021-03-08"),
        ("XLC08_L2SP_006069_20210105_20210308_02_T1.tif", "2021-01-05", "2021-03-08"),
        ("LC08_L2SP_006069_20210105_20210308_02_T1_to_20210121.tif", "2021-01-05", "2021-01-21"),
        (
            "S2A_MSIL2A_20200104T150731_S2B_MSIL2A_20200107T172315_NDVI.tif",
            "2020-01-04",
            "2020-01-07",
        ),
        ("S2A_MSIL2A_20200104T150731_N0214_R082_20200107T172315.tif", "2020-01-04", "2020-01-07"),
        # Sensed over midnight, or a mosaic of days: which day it is, the user must say.
        (
            "S2A_OPER_PRD_MSIL1C_PDMC_20150818T101432_R022_V20150813T235906_20150814T000106.SAFE",
            "2015-08-13",
            "2015-08-14",
        ),
        ("20190104T150731_20201009T000012.tif", "2019-01-04", "2020-10-09"),
        (
            "S1A_IW_GRDH_1SDV_20200104T235950_20200105T000015_030654_038388_1234.tif",
            "2020-01-04",
            "2020-01-05",
        ),
        (
            "S3A_SL_2_LST____20200104T142400_20200104T142700_20200105T193000_0179_053_325_NT_004.nc",
            "2020-01-04",
            "2020-01-05",
        ),
    ],
)
def test_other_names_with_two_dates_are_refused(name, first, second):
    with pytest.raises(InputError) as caught:
        find_date(name)
    assert str(caught.value) == (
        f"{name}: the name holds two dates ({first} and {second}); rename it so that it holds one."
    )


@given(
    st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)),
    st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y%j"]),
)
def test_every_date_is_found_in_every_form(date, form):
    assert find_date(f"x_{date.strftime(form)}_v1.tif") == date


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2021-01-31", dt.date(2021, 1, 31)),
        ("2021/01/31", dt.date(2021, 1, 31)),
        (" 2021-01-31T06:00:00", dt.date(2021, 1, 31)),
        ("31.01.2021", None),
        ("", None),
    ],
)
def test_iso_dates(text, date):
    assert parse_iso_date(text) == date


def test_a_period_holds_both_its_ends():
    first, last, day = dt.date(2021, 1, 2), dt.date(2021, 1, 4), dt.timedelta(days=1)
    assert [is_within(first + number * day, first, last) for number in range(-1, 4)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert is_within(dt.date.max, first, None)
    assert is_within(dt.date.min, None, last)
    assert not is_within(dt.date.max, None, last)


def test_dates_by_comma():
    assert parse_dates(" 2021-01-03;2021/01/01,, 2021-01-03 ", "DATES") == (
        dt.date(2021, 1, 1),
        dt.date(2021, 1, 3),
    )
    assert parse_dates(" ", "DATES") == ()
    with pytest.raises(InputError) as caught:
        parse_dates("2021-01-01, 3 May", "DATES")
    assert str(caught.value) == "DATES: '3 May' is no date; write dates as YYYY-MM-DD, separated by commas."


@pytest.mark.parametrize(
    "text", ["2021-01-04 2021-07-09", "2021-01-04 to 2021-02-01", "2021-01-04/2021-07-09", "2021-01-04x"]
)
def test_nothing_stands_behind_a_date(text):
    with pytest.raises(InputError) as caught:
        parse_dates(text, "DATES")
    assert str(caught.value).startswith(f"DATES: '{text}' is no date; write dates as YYYY-MM-DD,")


@pytest.mark.parametrize("text", ["20210104", "2021-01-04T06:00:00Z", "2021/01/04 06:00", "2021-004"])
def test_dates_have_any_iso_form(text):
    assert parse_dates(text, "DATES") == (dt.date(2021, 1, 4),)


@given(st.integers(1, 400), st.integers(0, 50))
def test_thinning_is_even_and_keeps_both_ends(count, most):
    days = [dt.date(2021, 1, 1) + dt.timedelta(days=number) for number in range(count)]
    kept = evenly_thinned(days, most)
    assert len(kept) == (min(count, most) if most else count)
    assert kept[0] == days[0]
    assert most == 1 or kept[-1] == days[-1]
    steps = {(later - earlier).days for earlier, later in zip(kept, kept[1:])}
    assert not steps or max(steps) - min(steps) <= 1


def test_a_period_of_one_day_is_written_once():
    first, last = dt.date(2021, 1, 1), dt.date(2021, 1, 31)
    assert period_text([first]) == "2021-01-01"
    assert period_text([first, dt.date(2021, 1, 2), last]) == "2021-01-01 to 2021-01-31"
