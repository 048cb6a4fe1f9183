"""What files say in words: names and units of bands, tags.

GDAL hands out bytes, or a text that cannot be written, where a file holds no UTF-8; older programs of Western
Europe and Latin America write Windows-1252.
"""

from __future__ import annotations

from typing import Any

_WITHOUT_UNICODE = "cp1252"
#: What calls of GDAL raise; the others where a message of theirs was no text, by version.
OF_GDAL = (RuntimeError, SystemError, UnicodeDecodeError)


def text_of(value: str | bytes | None) -> str:
    """A text that GDAL read in a file; empty for None."""
    raw = value if isinstance(value, bytes) else (value or "").encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode(_WITHOUT_UNICODE, "replace")


def texts_of(values: Any) -> tuple[str, ...]:
    """The texts of a list that GDAL made of a file; empty for None."""
    return tuple(text_of(value) for value in values or ())


def band_name(band: Any) -> str:
    """The description of a band of GDAL's; empty for none."""
    return text_of(band.GetDescription())


def band_unit(band: Any) -> str:
    """The unit that a band of GDAL's names; empty for none."""
    return text_of(band.GetUnitType()).strip()


def tags_of(holder: Any, domain: str = "") -> dict[str, str]:
    """The tags of a dataset or band of GDAL's, in a domain."""
    return {text_of(name): text_of(value) for name, value in (holder.GetMetadata(domain) or {}).items()}


def tag_of(holder: Any, name: str, domain: str = "") -> str | None:
    """A tag of a dataset or band of GDAL's; None where it has none of this name."""
    value = holder.GetMetadataItem(name, domain)
    return None if value is None else text_of(value)
