from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from dashboard.indicators import Before, Indicators
from dashboard.live.agent import LiveAgent
from dashboard.live.board import Board
from dashboard.live.fetch import KafkaReader
from dashboard.live.hub import Hub
from schemas.topics import Namespace
from tests.unit.dashboard.test_board import DAY, NOW, cell, figures


class Store:
    """Indicators that note of which day they were asked."""

    def __init__(self) -> None:
        self.asked: list[datetime] = []

    def before(self, at: datetime) -> list[Before]:
        """What the day of `at` began with."""
        self.asked.append(at)
        return [Before("offer", "MA", "2512", 5, 5, 0)]


class Reader:
    """A sink's group that has passed everything."""

    async def committed(self, _reader: str) -> Mapping[str, Mapping[int, int]]:
        """Offsets by topic and partition."""
        return {"market-counts": {0: 100}}


async def test_at_midnight_the_old_days_board_still_stands_on_its_own_day() -> None:
    """Days are summed up to the board's own, whatever the clock says by then: today's cells would count twice."""
    store, board = Store(), Board(NOW, [], ())
    agent = LiveAgent(
        indicators=cast(Indicators, store),
        kafka=None,
        namespace=Namespace("g", "g"),
        regions=(),
        hub=Hub(print),
        clock=lambda: DAY + timedelta(days=1, seconds=1),
        observe=print,
    )
    board.take([(7, cell(-1440, 5, grain="day")), (8, cell(60, 2))], 0.0)
    reader: Any = Reader()
    assert await agent._settle(cast(KafkaReader, reader), board, 1.0)
    assert store.asked == [DAY]
    assert figures(board).offer.stock == 7
