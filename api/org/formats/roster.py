"""HR's roster: an xlsx or csv whose header says, in whatever words, what each column is."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from sys import intern
from typing import Any

from api.core import jobs, tables
from api.core.i18n import Text, _
from api.org import rules

SYNONYMS: dict[str, tuple[str, ...]] = {
    "company": ("公司代码", "公司编码", "公司编号", "单位代码", "company code"),
    "number": (
        "工号", "员工编号", "员工号", "人员编号", "职工编号", "人员工号", "employee number",
        "employee no", "employee no.", "employee id", "staff number",
    ),
    "name": ("姓名", "员工姓名", "人员姓名", "full name", "employee name"),
    "department": ("部门", "部门名称", "所在部门", "科室", "dept", "dept."),
    "crew": ("班组", "班组名称", "所在班组", "shift crew"),
    "party": ("党支部", "所在党支部", "所属党支部", "party branch"),
    "league": ("团支部", "所在团支部", "所属团支部", "league branch", "youth league branch"),
    "union": ("工会小组", "所在工会小组", "所属工会小组", "分工会", "union group", "union branch"),
    "post": ("岗位", "岗位名称", "职务", "position", "job title"),
    "joined_on": (
        "入职日期", "入职时间", "入厂日期", "参加工作日期", "hire date", "joining date",
        "start date", "joined",
    ),
    "status": ("状态", "人员状态", "员工状态", "在岗状态", "employment status"),
}  # fmt: skip
BRANCH_COLUMNS = ("party", "league", "union")
LENGTHS = {"number": 40, "name": 100, "department": 100, "crew": 100, "post": 100,
           "party": 100, "league": 100, "union": 100, "company": 20}  # fmt: skip
ERROR_COLUMN = _("Error")
ROWS_A_BEAT = 2000

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Person:
    """One row.  `post` and `status` None: the file has no such column.

    `branches`: (kind, name) of each such column, the name "" for none.
    """

    line: int
    company: str
    number: str
    name: str
    department: str
    crew: str
    branches: tuple[tuple[str, str], ...]
    post: str | None
    joined_on: date | None
    status: str | None

    @property
    def key(self) -> Key:
        return self.company, self.number


@dataclass(slots=True)
class Roster:
    """A file that was read.

    `people`: rows without errors.  `seen`: company and number of all rows that say them, wrong
    ones too.  `nameless`: some rows don't even say who they are about.
    """

    header: list[str]
    columns: dict[str, int]
    people: list[Person] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    seen: dict[Key, int] = field(default_factory=dict)
    nameless: bool = False

    @property
    def has_units(self) -> bool:
        return "department" in self.columns or "crew" in self.columns


def read(content: bytes, company: str | None, beat: Callable[[], None]) -> Roster:
    """The people of a roster.  `company`: the code for files without that column.

    `beat` is called now and then: a large file takes seconds.  Raises UnreadableFile.
    """
    rows = tables.open_table(content)
    needed = ["number", "name"] if company else ["company", "number", "name"]
    _line, columns, header = tables.find_header(rows, SYNONYMS, needed)
    roster = Roster(header, columns)
    for line, cells in _beating(rows, beat):
        if any(cells):
            _read_row(roster, line, cells, company)
    return roster


def _beating(rows: Iterable[tables.Row], beat: Callable[[], None]) -> Iterator[tables.Row]:
    for count, row in enumerate(rows):
        if count % ROWS_A_BEAT == 0:
            beat()
        yield row


def _read_row(roster: Roster, line: int, cells: Sequence[str], company: str | None) -> None:
    cell = {
        name: cells[index] if index < len(cells) else "" for name, index in roster.columns.items()
    }
    cell["number"] = rules.roster_number(cell["number"])
    wrong = list(_wrong_texts(cell)) + list(_wrong_company(cell, company))
    code = company or cell["company"]
    _note_seen(roster, wrong, line, (code, cell["number"]))
    status = rules.roster_status(cell.get("status", ""))
    if status is None:
        wrong.append(("status", _("Expected one of: {words}.", words=_STATUS_WORDS)))
    joined_on = rules.roster_date(cell.get("joined_on", ""))
    if cell.get("joined_on") and joined_on is None:
        wrong.append(("joined_on", _("Expected a date like 2026-01-31.")))
    for name, expected in wrong:
        word = roster.header[roster.columns[name]] if name in roster.columns else name
        roster.errors.append(jobs.row_error(line, word, cell.get(name, ""), expected))
    if not wrong:
        roster.people.append(_person(line, cell, code, joined_on, status, "status" in cell))


_STATUS_WORDS = "、".join(words[0] for words in rules.STATUS_WORDS.values())


def _wrong_texts(cell: Mapping[str, str]) -> Iterator[tuple[str, Text]]:
    for name, high in LENGTHS.items():
        text = cell.get(name, "")
        if not text and name in ("number", "name"):
            yield name, _("This cell must not be empty.")
        elif len(text) > high:
            yield name, _("At most {high} characters.", high=high)
        elif rules.has_control(text):
            yield name, _("Control characters are not allowed.")
        elif rules.starts_like_formula(text):
            yield name, _("Expected a text, not something that begins like a formula.")


def _wrong_company(cell: Mapping[str, str], company: str | None) -> Iterator[tuple[str, Text]]:
    given = cell.get("company", "")
    if company is None and not given:
        yield "company", _("This cell must not be empty.")
    elif company is not None and given not in ("", company):
        yield "company", _("Expected {company}: only this company is synchronised.",
                           company=company)  # fmt: skip


def _note_seen(roster: Roster, wrong: list[tuple[str, Text]], line: int, key: Key) -> None:
    """Remember whom a row is about; a second row about the same person is wrong."""
    if any(name in ("number", "company") for name, _expected in wrong):
        roster.nameless = True
        return
    first = roster.seen.setdefault(key, line)
    if first != line:
        wrong.append(("number", _("This number stands in row {row} already.", row=first)))


def _person(
    line: int, cell: Mapping[str, str], code: str, joined_on: date | None, status: str | None,
    has_status: bool,
) -> Person:  # fmt: skip
    return Person(
        line=line,
        company=intern(code),
        number=cell["number"],
        name=cell["name"],
        # Some thousand words that repeat: each is kept once.
        department=intern(cell.get("department", "")),
        crew=intern(cell.get("crew", "")),
        branches=tuple((kind, intern(cell[kind])) for kind in BRANCH_COLUMNS if kind in cell),
        post=intern(cell["post"]) if "post" in cell else None,
        joined_on=joined_on,
        status=status if has_status else None,
    )


def annotated(
    content: bytes,
    errors: Iterable[Mapping[str, Any]],
    language: str,
    beat: Callable[[], None],
) -> bytes:
    """The same file as xlsx with a last column that says what is wrong in each row."""
    told: dict[int, list[str]] = {}
    for error in errors:
        text = Text(**error["message"]).in_language(language)
        told.setdefault(error["row"], []).append(f"{error['column']}: {text}")
    rows = tables.open_table(content)
    _line, _columns, header = tables.find_header(rows, SYNONYMS, ["number", "name"])
    width = len(header)
    lines = (
        [*cells[:width], *[""] * (width - len(cells)), " ".join(told.get(line, ()))]
        for line, cells in _beating(rows, beat)
    )
    titles = [*header, ERROR_COLUMN.in_language(language)]
    return tables.write_xlsx(titles, lines, _("Roster").in_language(language))
