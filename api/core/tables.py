"""Tables in and out: xlsx and csv as people have them.

Reading is bounded before anything is unpacked; everything becomes text.  Writing never lets a
cell become a formula.
"""

import csv
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.parsers import expat

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
MAX_AREA = 5_000_000
MAX_CELL = 20_000
MAX_WRITTEN_CELL = 32_767
HEADER_WITHIN_ROWS = 5
CHUNK_BYTES = 64 * 1024
# Full-width signs too: spreadsheets of East Asian languages take them for the plain ones.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
DAMAGED = _("This is not a readable xlsx file.")
SWOLLEN = _("The file would unpack to far more than it is; it is refused.")
ENCODINGS = ("utf-8-sig", "gb18030")
_KEPT = re.compile(r"(?:\[content_types\]\.xml|(?:_rels|xl)/.*\.(?:xml|rels))", re.IGNORECASE)
_REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")

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
        sheet = CalamineWorkbook.from_filelike(_clean_copy(content)).get_sheet_by_index(0)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        raise UnreadableFile(DAMAGED) from error
    for index, cells in enumerate(sheet.iter_rows(), start=1):
        yield index, [_cell(value) for value in cells]


def check_archive(content: bytes) -> None:
    """Refuse an archive that would unpack to much more than it is; raises UnreadableFile."""
    try:
        members = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise UnreadableFile(DAMAGED) from error
    total = sum(m.file_size for m in members)
    large = (m for m in members if m.file_size > RATIO_FROM_BYTES)
    swollen = any(m.file_size > MAX_RATIO * max(1, m.compress_size) for m in large)
    if len(members) > MAX_MEMBERS or total > MAX_UNPACKED_BYTES or swollen:
        raise UnreadableFile(SWOLLEN)


def _clean_copy(content: bytes) -> io.BytesIO:
    """The members that a reader of sheets needs, each unpacked once and measured.

    The reader gets this copy and never the upload: what an archive says of itself may be a lie, may
    be read differently by another library, and the reader would take other formats that repeat
    cells by the million.  Raises UnreadableFile.
    """
    clean = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(clean, "w") as copy:
            # By name, so that of two members of one name a single one is left.
            members = {m.filename.replace("\\", "/"): m for m in source.infolist()}
            for name in filter(_KEPT.fullmatch, members):
                copy.writestr(name, _unpacked(source, members[name]))
    # Damage shows in as many ways as there are layers.
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, RuntimeError,
            ValueError) as error:  # fmt: skip
        raise UnreadableFile(DAMAGED) from error
    clean.seek(0)
    return clean


def _unpacked(source: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    told = member.file_size
    # zipfile stops at the size that the header names; a reader elsewhere goes on to the end.
    member.file_size = MAX_UNPACKED_BYTES + 1
    text = bytearray()
    with source.open(member) as stream:
        while part := stream.read(CHUNK_BYTES):
            text += part
            if len(text) > told:
                raise UnreadableFile(SWOLLEN)
    if b"sheetData" in text:
        _Extent().measure(bytes(text))
    return bytes(text)


class _Extent:
    """How far the filled cells of a sheet reach.

    The reader of sheets sets aside memory for the whole rectangle, and ends the process where there
    is not enough: two cells in opposite corners would do.
    """

    def __init__(self) -> None:
        self.line = self.row = self.column = 0
        self.first = (MAX_ROWS, MAX_COLUMNS)
        self.last = (1, 1)

    def measure(self, xml: bytes) -> None:
        """Raises UnreadableFile for a sheet that is too large, ExpatError for broken XML."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.Parse(xml, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "row":
            self.line = int(attributes.get("r", self.line + 1))
            self.column = 0
        elif local == "c":
            self._move(attributes.get("r", ""))
        elif local in ("v", "is", "f"):
            self._fill()

    def _move(self, reference: str) -> None:
        """To the cell named, which need not lie in the row around it, or else to the next one."""
        self.row, self.column = self.line, self.column + 1
        if found := _REFERENCE.fullmatch(reference.upper()):
            self.row = int(found.group(2))
            self.column = 0
            for letter in found.group(1):
                self.column = self.column * 26 + ord(letter) - 64

    def _fill(self) -> None:
        (top, left), (bottom, right) = self.first, self.last
        if top <= self.row <= bottom and left <= self.column <= right:
            return
        top, left = min(top, self.row), min(left, self.column)
        bottom, right = max(bottom, self.row), max(right, self.column)
        self.first, self.last = (top, left), (bottom, right)
        area = (1 + bottom - top) * (1 + right - left)
        if bottom > MAX_ROWS or right > MAX_COLUMNS or area > MAX_AREA:
            raise _too_large()


def _too_large() -> UnreadableFile:
    text = _("A sheet may have {rows} rows and {columns} columns, {area} cells in all.",
             rows=MAX_ROWS, columns=MAX_COLUMNS, area=MAX_AREA)  # fmt: skip
    return UnreadableFile(text)


def _refuse_doctype(*_declaration: Any) -> None:
    raise UnreadableFile(DAMAGED)


def _cell(value: Any) -> str:
    """A cell as text: 120.0 is written 120, and what export neutralised is undone."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return plain(str(value)[:MAX_CELL].strip())


def _csv_rows(content: bytes) -> Iterator[Row]:
    text = decode(content)
    # Above the header there may be a title, which has no delimiters.
    beginning = "\n".join(text[:MAX_CELL].split("\n", HEADER_WITHIN_ROWS)[:HEADER_WITHIN_ROWS])
    delimiter = max(",;\t", key=beginning.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader, start=1):
            if number > MAX_ROWS or len(cells) > MAX_COLUMNS:
                raise _too_large()
            yield number, [plain(cell[:MAX_CELL].strip()) for cell in cells]
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
    folded = unicodedata.normalize("NFKC", word).casefold()
    return "".join(folded.split()).replace("_", "").rstrip("*＊:：")


def neutralise(cell: str) -> str:
    """A cell that a spreadsheet won't take for a formula."""
    return f"'{cell}" if cell.lstrip("'").startswith(DANGEROUS) else cell


def plain(cell: str) -> str:
    """What `neutralise` was given."""
    marked = cell.startswith("'") and cell.lstrip("'").startswith(DANGEROUS)
    return cell[1:] if marked else cell


def write_xlsx(header: Sequence[str], rows: Iterable[Sequence[Any]], sheet: str) -> bytes:
    """An xlsx file of one sheet; numbers stay numbers, text stays text.

    What a sheet's name or a cell can't hold is replaced or cut off.
    """
    buffer = io.BytesIO()
    options = {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(buffer, options) as workbook:
        worksheet = workbook.add_worksheet(_sheet_name(sheet))
        bold = workbook.add_format({"bold": True})
        for column, title in enumerate(header):
            worksheet.write_string(0, column, _written(title), bold)
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
            worksheet.write_string(number, column, _written(str(value)))


def _written(text: str) -> str:
    """A longer text would be left out of the file without a word."""
    return neutralise(text)[:MAX_WRITTEN_CELL]


def _sheet_name(name: str) -> str:
    allowed = "".join("_" if c in "[]:*?/\\" else c for c in name if c.isprintable())
    return allowed[:31].strip("' ") or "Sheet1"
