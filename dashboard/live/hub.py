"""The clients of the live stream: each has a queue of its own, and one that is too slow is told to begin again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dashboard.facts import ClientDropped, ClientsConnected

EventName = Literal["snapshot", "figures", "market-counts", "market-alerts", "reset"]

QUEUE_EVENTS = 2_000
"""Events that a client may be behind: some seconds of a busy market."""


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: EventName
    data: str
    id: str | None = None

    def frame(self) -> str:
        """The event as it is written; `data` is one line."""
        head = "" if self.id is None else f"id: {self.id}\n"
        return f"{head}event: {self.name}\ndata: {self.data}\n\n"


TOO_SLOW = Event("reset", '{"reason":"too slow: begin again"}')
STOPPING = Event("reset", '{"reason":"the server stops: begin again"}')


@dataclass(eq=False)
class Client:
    """A listener's queue. After a `reset` nothing more comes."""

    wants: frozenset[str]
    queue: asyncio.Queue[Event] = field(default_factory=lambda: asyncio.Queue(QUEUE_EVENTS))

    async def waiting(self) -> list[Event]:
        """Wait for an event; return all that wait then, in order."""
        events = [await self.queue.get()]
        while not self.queue.empty():
            events.append(self.queue.get_nowait())
        return events


class Hub:
    """Gives each event to the clients that want it; never waits for one."""

    def __init__(self, observe: Callable[[object], None]) -> None:
        self._observe = observe
        self._clients: set[Client] = set()
        self.snapshot: Callable[[], str] | None = None
        """Renders the figures as they stand now, with which every client begins; None until the board was loaded."""

    def __len__(self) -> int:
        return len(self._clients)

    def wanted(self, name: EventName) -> bool:
        """Whether any client listens for events of this name."""
        return any(name in client.wants for client in self._clients)

    def join(self, wants: frozenset[str]) -> Client:
        """Add a client; its first event is the snapshot, and no record after it is missed."""
        client = Client(wants)
        if self.snapshot is not None:
            client.queue.put_nowait(Event("snapshot", self.snapshot()))
        self._clients.add(client)
        self._observe(ClientsConnected(len(self._clients)))
        return client

    def leave(self, client: Client) -> None:
        """Forget a client."""
        self._clients.discard(client)
        self._observe(ClientsConnected(len(self._clients)))

    def publish(self, event: Event) -> None:
        """Give `event` to the clients that want it. A client whose queue is full gets a reset in place of all of it."""
        for client in [client for client in self._clients if event.name in client.wants]:
            try:
                client.queue.put_nowait(event)
            except asyncio.QueueFull:
                self._drop(client)

    def close(self) -> None:
        """Send every client away: the server stops."""
        for client in list(self._clients):
            self._end(client, STOPPING)

    def _drop(self, client: Client) -> None:
        self._observe(ClientDropped(client.queue.qsize()))
        self._end(client, TOO_SLOW)

    def _end(self, client: Client, last: Event) -> None:
        self._clients.discard(client)
        while not client.queue.empty():
            client.queue.get_nowait()
        client.queue.put_nowait(last)
        self._observe(ClientsConnected(len(self._clients)))
