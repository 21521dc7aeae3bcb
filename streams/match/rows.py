"""The rows of the market stage as one run sees them: each decoded once, changed in memory, and written once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain

import msgspec

from streams.aggregate import Amount, Cell
from streams.engine.stage import State
from streams.match.keys import Keys, meet
from streams.match.vacancies import AdRow, VacancyRow

AD, INDEX, VACANCY, MINUTE = b"a", b"k", b"v", b"m"
"""First byte of a row's key; day cells begin with b"d"."""

SWEPT_FROM = MINUTE
"""Only minute cells and vacancies are swept (ads and index entries go with their vacancy); they come last."""


KEPT = 8192
"""Rows of ads that stay decoded from run to run: those of a small run ask for the same ones again."""


class CellRow(msgspec.Struct, array_like=True, gc=False):
    """An absolute cell, and how often it has changed; as a run's change, the sum of what is added, and how often."""

    opened: int = 0
    closed: int = 0
    openings: int = 0
    revision: int = 0

    def plus(self, more: "CellRow") -> "CellRow":
        """Sum. Raises ArithmeticError when it would be negative: a defect, never data."""
        opened, closed, openings = self.opened + more.opened, self.closed + more.closed, self.openings + more.openings
        if opened < 0 or closed < 0 or openings < 0:
            raise ArithmeticError(f"{self} would be negative, after {more}")
        return CellRow(opened, closed, openings, self.revision + more.revision)


class Moved(msgspec.Struct, gc=False):
    """What a run adds to a cell, and the version of the last change."""

    sum: CellRow
    version: int = 0


_EMPTY = CellRow()
_pack = msgspec.msgpack.Encoder().encode
_unpack_ad = lru_cache(KEPT)(msgspec.msgpack.Decoder(AdRow).decode)
_unpack_vacancy = msgspec.msgpack.Decoder(VacancyRow).decode
_unpack_cell = msgspec.msgpack.Decoder(CellRow).decode
_unpack_keys = msgspec.msgpack.Decoder(list[bytes]).decode


def ad_key(block: str, source: str, ad_id: str, born: int) -> bytes:
    """Row key of an ad."""
    return AD + f"{block}\t{source}\t{ad_id}\t{born}".encode()


def vacancy_key(vacancy_id: str) -> bytes:
    """Row key of a vacancy."""
    return VACANCY + vacancy_id.encode()


def index_keys(block: str, keys: Keys) -> Keys:
    """Row keys of the index entries of a signature's keys."""
    prefix = INDEX + block.encode() + b"\t"
    entered, asked, texts = keys
    return Keys(
        tuple([prefix + key for key in entered]),
        tuple([prefix + key for key in asked]),
        tuple([tuple([prefix + key for key in text]) for text in texts]),
    )


def cell_key(block: str, cell: Cell) -> bytes:
    """Row key of a cell."""
    grain, isco, region, start = cell
    return f"{grain[0]}{block}\t{isco}\t{region}\t{start}".encode()


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
        self._cells: dict[str, dict[Cell, Moved]] = {}

    def expect(self, ads: Iterable[bytes], index: Sequence[Keys]) -> None:
        """Read at once what a run will ask for: ads, index entries, and the ads that are met in those."""
        self._state.prefetch({*ads, *chain.from_iterable(chain(own.asked, *own.texts) for own in index)})
        self._state.prefetch({member for own in index for member in meet(own, self._entries)})

    def ad(self, key: bytes) -> AdRow | None:
        """An ad's row."""
        try:
            return self._ads[key]
        except KeyError:
            value = self._state.get(key)
            row = self._ads[key] = None if value is None else _unpack_ad(value)
            return row

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

    def sharing(self, index: Keys) -> Iterator[tuple[bytes, AdRow]]:
        """The ads that are met in index entries."""
        ads = self._ads
        for key in meet(index, self._entries):
            row = ads.get(key) or self.ad(key)
            if row is not None:
                yield key, row

    def index(self, member: bytes, index: Iterable[bytes]) -> None:
        """Enter an ad in index entries in which it does not stand."""
        for row in index:
            entries = self._changed[row] = self._entries(row)
            entries.append(member)

    def unindex(self, member: bytes, index: Iterable[bytes]) -> None:
        """Remove an ad from index entries."""
        for row in index:
            entries = self._entries(row)
            if member in entries:
                entries.remove(member)
                self._changed[row] = entries or None

    def _entries(self, row: bytes) -> list[bytes]:
        try:
            return self._index[row]
        except KeyError:
            value = self._state.get(row)
            entries = self._index[row] = [] if value is None else _unpack_keys(value)
            return entries

    def add(self, block: str, amounts: Mapping[Cell, Amount], version: int) -> None:
        """Change cells."""
        cells = self._cells.setdefault(block, {})
        for cell, (opened, closed, openings) in amounts.items():
            moved = cells.get(cell)
            if moved is None:
                cells[cell] = Moved(CellRow(opened, closed, openings, 1), version)
                continue
            total = moved.sum
            total.opened += opened
            total.closed += closed
            total.openings += openings
            total.revision += 1
            moved.version = version

    def write_cells(self) -> Iterator[tuple[str, Cell, CellRow, int]]:
        """Write the cells that changed; gives block, cell, absolute row and version of each."""
        state = self._state
        for block, cells in self._cells.items():
            keys = [cell_key(block, cell) for cell in cells]
            for key, value, (cell, moved) in zip(keys, state.get_many(keys), cells.items(), strict=True):
                row = (_EMPTY if value is None else _unpack_cell(value)).plus(moved.sum)
                state.put(key, _pack(row))
                yield block, cell, row, moved.version

    def write(self) -> None:
        """Write all else that changed, in the order of the changes."""
        state = self._state
        for key, row in self._changed.items():
            if row is None:
                state.delete(key)
            else:
                state.put(key, _pack(row))
