"""Tables in and out: xlsx and csv as people have them.

Reading is bounded before anything is unpacked; everything becomes text.  Writing never lets a
cell become a formula.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

from api.core.errors import Problem
from api.core.i18n import _

MAX_MEMBERS = 1000
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_RATIO = 100
RATIO_FROM_BYTES = 10 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELL = 20_000
HEADER_WITHIN_ROWS = 5
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
ENCODINGS = ("utf-8-sig", "gb18030")

Row = tuple[int, list[str]]


class UnreadableFile(Problem):
    code, status = "unreadable-file", 422
    title = _("The file can't be read.")


def open_table(content: bytes) -> Iterator[Row]:
    """Rows of the first sheet or of a csv, as (row number from 1, cells as text).

    Raises UnreadableFile.
    """
    if content.startswith(b"PK"):
        return _xlsx_rows(content)
    return _csv_rows(content)


def _xlsx_rows(content: bytes) -> Iterator[Row]:
    check_archive(content)
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise UnreadableFile(_("This is not a readable xlsx file.")) from error
    if sheet.height > MAX_ROWS or sheet.width > MAX_COLUMNS:
        raise UnreadableFile(
            _("A sheet may have {rows} rows and {columns} columns.", rows=MAX_ROWS,
              columns=MAX_COLUMNS)
        )  # fmt: skip
    for index, cells in enumerate(sheet.iter_rows(), start=1):
        yield index, [_cell(value) for value in cells]


def check_archive(content: bytes) -> None:
    """Refuse an archive that would unpack to much more than it is; raises UnreadableFile."""
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise UnreadableFile(_("This is not a readable xlsx file.")) from error
    total = sum(member.file_size for member in members)
    swollen = any(
        member.file_size > RATIO_FROM_BYTES
        and member.file_size > MAX_RATIO * max(1, member.compress_size)
        for member in members
    )
    if len(members) > MAX_MEMBERS or total > MAX_UNPACKED_BYTES or swollen:
        raise UnreadableFile(_("The file would unpack to far more than it is; it is refused."))


def _cell(value: Any) -> str:
    """A cell as text: 120.0 is written 120, and what export neutralised is undone."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return plain(str(value)[:MAX_CELL].strip())


def _csv_rows(content: bytes) -> Iterator[Row]:
    text = decode(content)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            if reader.line_num > MAX_ROWS or len(cells) > MAX_COLUMNS:
                raise UnreadableFile(_("The table is too large."))
            yield reader.line_num, [plain(cell[:MAX_CELL].strip()) for cell in cells]
    except csv.Error as error:
        raise UnreadableFile(_("This is not a readable csv file.")) from error


def decode(content: bytes) -> str:
    """Text of UTF-8 (with or without mark), UTF-16 with its mark, or GB 18030.

    Raises UnreadableFile.
    """
    candidates = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ENCODINGS
    for encoding in candidates:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UnreadableFile(_("The text is neither UTF-8, UTF-16 nor GB 18030."))


def find_header(
    rows: Iterator[Row], synonyms: Mapping[str, Sequence[str]], needed: Iterable[str]
) -> tuple[int, dict[str, int], list[str]]:
    """(row number, column index by field, the header's own words), from the first rows.

    `synonyms`: the words by which people call a field.  Raises UnreadableFile naming the columns
    that are missing.
    """
    words = {normal(word): name for name, known in synonyms.items() for word in (name, *known)}
    missing: set[str] = set(needed)
    for number, cells in rows:
        columns: dict[str, int] = {}
        for index, cell in enumerate(cells):
            name = words.get(normal(cell))
            if name and name not in columns:
                columns[name] = index
        if set(needed) <= set(columns):
            return number, columns, cells
        missing = min(missing, set(needed) - set(columns), key=len)
        if number >= HEADER_WITHIN_ROWS:
            break
    wanted = ", ".join(synonyms[name][0] for name in sorted(missing))
    raise UnreadableFile(_("The header lacks these columns: {columns}.", columns=wanted))


def normal(word: str) -> str:
    """A header's word as it is compared."""
    return "".join(word.split()).casefold().replace("_", "").rstrip("*＊:：")


def neutralise(cell: str) -> str:
    """A cell that a spreadsheet won't take for a formula."""
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


def plain(cell: str) -> str:
    """What `neutralise` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(DANGEROUS) else cell


def write_xlsx(header: Sequence[str], rows: Iterable[Sequence[Any]], sheet: str) -> bytes:
    """An xlsx file of one sheet; numbers stay numbers, text stays text."""
    buffer = io.BytesIO()
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(buffer, options) as workbook:
        worksheet = workbook.add_worksheet(sheet[:31])
        bold = workbook.add_format({"bold": True})
        for column, title in enumerate(header):
            worksheet.write_string(0, column, title, bold)
        for number, cells in enumerate(rows, start=1):
            _write_row(worksheet, number, cells)
    return buffer.getvalue()


def _write_row(worksheet: Any, number: int, cells: Sequence[Any]) -> None:
    for column, value in enumerate(cells):
        if isinstance(value, bool) or value is None:
            worksheet.write_string(number, column, "" if value is None else str(value).lower())
        elif isinstance(value, (int, float)):
            worksheet.write_number(number, column, value)
        else:
            worksheet.write_string(number, column, neutralise(str(value)))
