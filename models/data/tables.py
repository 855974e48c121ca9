"""Tables in ours and other people's forms: Excel writes a BOM, semicolons, or Windows' letters."""

import csv
import io
import unicodedata
from collections.abc import Iterable


def utf8(data: bytes) -> bytes:
    """The same table in UTF-8, with commas, and letters composed (NFC). Raises ValueError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    table = io.StringIO(unicodedata.normalize("NFC", text), newline=None)
    delimiter = max(",;\t", key=table.readline().count)
    table.seek(0)
    try:
        return written(csv.reader(table, delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"this is not a table: {error}") from error


def written(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows as a table with commas, in UTF-8."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
