"""TCP proxies on loopback that a fault can make slow, deaf or forgetful: one before Kafka, one before ClickHouse.

A gate sees what passes and answers what may: the bytes, fewer bytes, or None to cut the connection.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.ports import free_ports

PRODUCE = 0
TRANSACTION_CALLS = frozenset({22, 24, 25, 26})
"""Kafka's InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn and EndTxn: what a transaction coordinator answers."""


@dataclass
class Link:
    """One proxied connection and what is known of its talk."""

    calls: dict[int, int] = field(default_factory=dict)
    """Kafka: api key of each request by its correlation id."""
    inserting: bool = False
    """ClickHouse: an insert was asked for; the server answers with the columns, and only then rows are sent."""
    columns_told: bool = False
    rows_sent: bool = False


Gate = Callable[[Link, bytes], Awaitable[bytes | None]]


async def open_gate(_link: Link, data: bytes) -> bytes | None:
    """Let everything pass."""
    return data


class Proxy:
    """Listens on `port` for the server at `target`. `framed`: gates see whole Kafka frames, not pieces of them."""

    def __init__(self, target: int, *, framed: bool) -> None:
        self.target = target
        self.port = free_ports(1)[0]
        self.up: Gate = open_gate
        self.down: Gate = open_gate
        self.refusing = False
        self.refused = 0
        self._framed = framed
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def stop(self) -> None:
        """Cut everything and close."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def heal(self) -> None:
        """Be an ordinary wire again."""
        self.up = self.down = open_gate
        self.refusing = False

    def cut(self) -> None:
        """Break every connection."""
        for writer in list(self._writers):
            writer.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            self.refused += 1
            writer.close()
            return
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        link = Link()
        self._writers |= {writer, to_writer}
        pumps = [
            asyncio.create_task(self._pump(link, reader, to_writer, upwards=True)),
            asyncio.create_task(self._pump(link, to_reader, writer, upwards=False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for one in (writer, to_writer):
                self._writers.discard(one)
                one.close()

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, upwards: bool
    ) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                data = await self._read(reader)
                if not data:
                    return
                if not upwards and link.inserting:
                    link.columns_told = True
                passed = await (self.up if upwards else self.down)(link, data)
                if passed is None:
                    return
                if self._framed:
                    _note_call(link, data, upwards=upwards)
                writer.write(passed)
                await writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        if not self._framed:
            return await reader.read(1 << 16)
        head = await reader.readexactly(4)
        return head + await reader.readexactly(int.from_bytes(head, "big"))


def _note_call(link: Link, frame: bytes, *, upwards: bool) -> None:
    if upwards:
        link.calls[int.from_bytes(frame[8:12], "big")] = api_of(frame)
    else:
        link.calls.pop(correlation_of(frame), None)


def api_of(frame: bytes) -> int:
    """Api key of a request."""
    return int.from_bytes(frame[4:6], "big")


def correlation_of(frame: bytes) -> int:
    """Correlation id of an answer."""
    return int.from_bytes(frame[4:8], "big")


def slow_transactions(seconds: float) -> Gate:
    """Up: hold each call of a transaction for `seconds`."""

    async def gate(_link: Link, frame: bytes) -> bytes | None:
        if api_of(frame) in TRANSACTION_CALLS:
            await asyncio.sleep(seconds)
        return frame

    return gate


@dataclass
class Loss:
    """Loses the answers to the first `left` successful writes; counts those lost."""

    left: int
    lost: int = 0

    async def produce_answer(self, link: Link, frame: bytes) -> bytes | None:
        """Down, Kafka: drop the answer to a produce request, and the connection with it."""
        if self.left and link.calls.get(correlation_of(frame)) == PRODUCE:
            self.left -= 1
            self.lost += 1
            return None
        return frame

    async def insert_answer(self, link: Link, data: bytes) -> bytes | None:
        """Down, ClickHouse: drop the answer that ends an insert (packet 5, end of stream) and the connection."""
        if self.left and link.inserting and link.rows_sent:
            if data[-1] != 5:
                return b""
            self.left -= 1
            self.lost += 1
            return None
        return data


def note_insert(link: Link, data: bytes) -> bool:
    """Up, ClickHouse: keep account of an insert's stage; whether `data` holds rows."""
    if b"INSERT INTO" in data:
        link.inserting, link.columns_told, link.rows_sent = True, False, False
        return False
    if link.inserting and link.columns_told:
        link.rows_sent = True
        return True
    return False


async def insert_noted(link: Link, data: bytes) -> bytes | None:
    """Up, ClickHouse: pass everything, keeping account."""
    note_insert(link, data)
    return data
