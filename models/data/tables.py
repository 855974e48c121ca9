"""Tables as people's programs save them: Excel writes a BOM, semicolons, or Windows' letters."""

from __future__ import annotations

import csv
import io
import unicodedata


def utf8(data: bytes) -> bytes:
    """The same table in UTF-8, with commas, and each letter as one character (NFC)."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    out = io.StringIO()
    rows = csv.reader(io.StringIO(unicodedata.normalize("NFC", text)), delimiter=delimiter)
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
