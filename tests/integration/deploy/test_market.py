import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import cast

from deploy.market.app import build
from producers.checkpoint import Checkpoint
from producers.file.fetch import Drop, drops, ordered
from producers.sources import FileSource, parse
from producers.web.fetch import Web
from tests.ports import free_ports


async def test_history_is_there_at_the_first_look(tmp_path: Path) -> None:
    """The archive that the market has just written is read at once, whole, six weeks long, in the order of its time."""
    (port,) = free_ports(1)
    market = build(port=port, data_dir=tmp_path, sources_dir=tmp_path / "sources", observe=lambda _: None, rate=1.0)
    running = asyncio.create_task(market.run())
    while not (found := list((tmp_path / "sources").glob("history-*.toml"))):
        await asyncio.sleep(0.05)
    source = parse(found[0].name, found[0].read_text("utf-8"))
    assert isinstance(source, FileSource)
    looked = drops(source, memory=Checkpoint(), web=cast(Web, None), spool=tmp_path, today="2026-03-04")
    async with aclosing(looked):
        (drop,) = [one async for one in looked]
    assert isinstance(drop, Drop)
    times = [one.at for one in ordered(drop.path, drop.form, source=source, spool=tmp_path)]
    assert times == sorted(times)
    assert times[-1] - times[0] > 40 * 86_400 * 1_000_000
    await market.stop()
    await running
