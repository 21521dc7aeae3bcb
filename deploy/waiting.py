"""Wait for what is absent, and say so: once at first, then every half minute."""

import asyncio
import time
from collections.abc import Awaitable, Callable

AGAIN_SECONDS = 30.0


async def wait_for(
    ready: Callable[[], Awaitable[bool]], line: str, say: Callable[[str], None], every: float = 0.5
) -> None:
    """Return as soon as `ready` is true, asked each `every` seconds; says `line` while it is not."""
    said: float | None = None
    while not await ready():
        now = time.monotonic()
        if said is None or now - said >= AGAIN_SECONDS:
            say(line)
            said = now
        await asyncio.sleep(every)
