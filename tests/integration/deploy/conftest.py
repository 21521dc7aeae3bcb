"""An installation to rebuild: `marsad up` with nothing in it but what a test writes into its raw topic."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from schemas.connections import KafkaConnection
from schemas.messages import Posting
from tests.installation import Up


class Installation:
    """A running `marsad up` without sources, into whose raw topic the test writes."""

    def __init__(self, variables: dict[str, str], home: Path) -> None:
        self.variables = variables
        self.kafka = KafkaConnection(f"127.0.0.1:{variables['MARSAD_KAFKA_PORT']}")
        self.up = Up(variables, home / "up.log")
        self.sent = 0

    async def feed(self, count: int) -> None:
        """Append sightings of ads that nobody saw before, each a vacancy of its own."""
        producer = AIOKafkaProducer(**self.kafka.client_options(), enable_idempotence=True)
        await producer.start()
        waits = []
        for n in range(self.sent, self.sent + count):
            posting = Posting("portal", str(n), "offer", datetime.now(UTC), title=f"Comptable {_word(n)}", city="Fès")
            waits.append(await producer.send(self.raw, msgspec.json.encode(posting), f"portal\t{n}".encode()))
        await asyncio.gather(*waits)
        await producer.stop()
        self.sent += count

    raw = "postings-raw"

    def command(self, *arguments: str) -> list[str]:
        """The command line of a command of this installation."""
        return [sys.executable, "-m", "deploy.cli", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments), env=self.variables, capture_output=True, text=True, check=False, timeout=900
        )

    def get(self, path: str) -> dict[str, Any]:
        """An answer of the API."""
        url = f"http://127.0.0.1:{self.variables['MARSAD_HTTP_PORT']}/api/v1/{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    async def feed_again(self, count: int) -> None:
        """Feed what comes after all that an earlier run of this installation was fed."""
        self.sent = await asyncio.to_thread(lambda: self.get("summary")["offer"]["stock"])
        await self.feed(count)

    def end(self) -> None:
        """Stop everything."""
        self.up.process.terminate()
        try:
            self.up.process.wait(240)
        except subprocess.TimeoutExpired:
            self.up.process.kill()
            self.up.process.wait()

    async def flow(self, times: int = 20) -> None:
        """Feed a little, again and again, for some ten seconds."""
        for _ in range(times):
            await self.feed(10)
            await asyncio.sleep(0.5)

    async def until_open(self, generation: str, ads: int) -> None:
        """Wait until the API shows `ads` open vacancies of `generation`."""
        deadline = time.monotonic() + 300
        while True:
            summary = await asyncio.to_thread(self.get, "summary")
            if summary["generation"] == generation and summary["offer"]["stock"] == ads:
                return
            assert time.monotonic() < deadline, (summary, self.up.out.read_text("utf-8"))
            await asyncio.sleep(0.3)


def _word(number: int) -> str:
    """A word that is like no other number's, so that no two ads are one vacancy."""
    return "".join(chr(ord("a") + int(digit) * 2) * 2 for digit in str(number * 7919))


@pytest.fixture
def installation(variables: dict[str, str], tmp_path: Path) -> Iterator[Installation]:
    """Everything running, ended after the test."""
    made = Installation(variables, tmp_path)
    try:
        made.up.until(r"The wall: (http://\S+/wall)", 120)
        yield made
    finally:
        made.end()
