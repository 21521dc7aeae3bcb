"""The rows of the market stage as one run sees them: each decoded once, changed in memory, and written once."""

from collections.abc import Iterable

import msgspec

from streams.aggregate import Amount, Cell
from streams.engine.stage import State
from streams.match.vacancies import AdRow, VacancyRow

AD, INDEX, VACANCY, MINUTE = b"a", b"k", b"v", b"m"
"""First byte of a row's key; day cells begin with b"d"."""

SWEPT_FROM = MINUTE
"""Only minute cells and vacancies are swept (ads and index entries go with their vacancy); they come last."""


class CellRow(msgspec.Struct, array_like=True):
    """An absolute cell, and how often it has changed."""

    opened: int = 0
    closed: int = 0
    openings: int = 0
    revision: int = 0

    def add(self, amount: Amount) -> None:
        """Make one more change. Raises ArithmeticError when it would be negative: a defect, never data."""
        opened, closed, openings = amount
        self.opened += opened
        self.closed += closed
        self.openings += openings
        self.revision += 1
        if self.opened < 0 or self.closed < 0 or self.openings < 0:
            raise ArithmeticError(f"{self} would be negative, after {amount}")


class Changed(msgspec.Struct):
    """A cell as a run has changed it, and the version of the last change."""

    row: CellRow
    version: int


_pack = msgspec.msgpack.Encoder().encode
_unpack_ad = msgspec.msgpack.Decoder(AdRow).decode
_unpack_vacancy = msgspec.msgpack.Decoder(VacancyRow).decode
_unpack_cell = msgspec.msgpack.Decoder(CellRow).decode
_unpack_keys = msgspec.msgpack.Decoder(list[bytes]).decode


def ad_key(block: str, source: str, ad_id: str, born: int) -> bytes:
    """Row key of an ad."""
    return AD + f"{block}\t{source}\t{ad_id}\t{born}".encode()


def vacancy_key(vacancy_id: str) -> bytes:
    """Row key of a vacancy."""
    return VACANCY + vacancy_id.encode()


def cell_key(block: str, cell: Cell) -> bytes:
    """Row key of a cell."""
    return f"{cell.grain[0]}{block}\t{cell.isco}\t{cell.region}\t{cell.start}".encode()


def cell_start(key: bytes) -> int:
    """Start of the cell whose row key this is, in epoch seconds."""
    return int(key.rsplit(b"\t", 1)[1])


class Rows:
    """Ads, vacancies, the index of signature keys, and cells."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ads: dict[bytes, AdRow | None] = {}
        self._vacancies: dict[bytes, VacancyRow | None] = {}
        self._index: dict[bytes, list[bytes]] = {}
        self._changed: dict[bytes, object] = {}
        self.cells: dict[tuple[str, Cell], Changed] = {}

    def ad(self, key: bytes) -> AdRow | None:
        """An ad's row."""
        if key not in self._ads:
            value = self._state.get(key)
            self._ads[key] = None if value is None else _unpack_ad(value)
        return self._ads[key]

    def put_ad(self, key: bytes, row: AdRow | None) -> None:
        """Write an ad's row; None deletes it."""
        self._ads[key] = self._changed[key] = row

    def vacancy(self, key: bytes) -> VacancyRow | None:
        """A vacancy's row."""
        if key not in self._vacancies:
            value = self._state.get(key)
            self._vacancies[key] = None if value is None else _unpack_vacancy(value)
        return self._vacancies[key]

    def put_vacancy(self, key: bytes, row: VacancyRow | None) -> None:
        """Write a vacancy's row; None deletes it."""
        self._vacancies[key] = self._changed[key] = row

    def sharing(self, block: str, keys: Iterable[bytes]) -> set[bytes]:
        """Row keys of the ads of `block` that share one of the signature keys."""
        found: set[bytes] = set()
        for key in keys:
            found.update(self._entries(_index_key(block, key)))
        return found

    def index(self, block: str, member: bytes, keys: Iterable[bytes]) -> None:
        """Enter an ad under its signature keys."""
        for key in keys:
            row = _index_key(block, key)
            entries = self._entries(row)
            if member not in entries:
                entries.append(member)
                self._changed[row] = entries

    def unindex(self, block: str, member: bytes, keys: Iterable[bytes]) -> None:
        """Remove an ad from under its signature keys."""
        for key in keys:
            row = _index_key(block, key)
            entries = self._entries(row)
            if member in entries:
                entries.remove(member)
                self._changed[row] = entries or None

    def _entries(self, row: bytes) -> list[bytes]:
        if row not in self._index:
            value = self._state.get(row)
            self._index[row] = [] if value is None else _unpack_keys(value)
        return self._index[row]

    def add(self, block: str, cell: Cell, amount: Amount, version: int) -> None:
        """Change a cell."""
        found = self.cells.get((block, cell))
        if found is None:
            value = self._state.get(cell_key(block, cell))
            row = CellRow() if value is None else _unpack_cell(value)
            found = self.cells[block, cell] = Changed(row, version)
        found.row.add(amount)
        found.version = version

    def write(self) -> None:
        """Write all that changed, in an order that does not depend on hashing."""
        state = self._state
        for key in sorted(self._changed):
            row = self._changed[key]
            if row is None:
                state.delete(key)
            else:
                state.put(key, _pack(row))
        for (block, cell), changed in self.cells.items():
            state.put(cell_key(block, cell), _pack(changed.row))


def _index_key(block: str, key: bytes) -> bytes:
    return INDEX + block.encode() + b"\t" + key
