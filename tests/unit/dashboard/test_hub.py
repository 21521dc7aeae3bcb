import asyncio

from dashboard.facts import ClientDropped, ClientsConnected
from dashboard.live.agent import MOST_RECORDS
from dashboard.live.hub import QUEUE_EVENTS, STOPPING, TOO_SLOW, Event, Hub

COUNT = Event("market-counts", "{}", "market-counts:1")


async def test_a_client_begins_with_the_snapshot_of_that_moment() -> None:
    """A client's first event is the figures as they stand when it joins, not as they were last published."""
    hub = Hub(lambda _: None)
    shown = ["old"]
    hub.snapshot = lambda: shown[-1]
    shown.append("new")
    client = hub.join(frozenset({"figures"}))
    assert client.queue.get_nowait() == Event("snapshot", "new")


async def test_a_client_gets_what_it_wants_only() -> None:
    """Events that a client did not ask for take no place in its queue."""
    hub = Hub(lambda _: None)
    client = hub.join(frozenset({"market-alerts"}))
    hub.publish(COUNT)
    assert client.queue.empty()
    assert hub.wanted("market-alerts")
    assert not hub.wanted("market-counts")


async def test_a_slow_client_is_reset_and_the_others_go_on() -> None:
    """A client whose queue is full finds a reset in place of all of it; nobody else misses anything."""
    facts: list[object] = []
    hub = Hub(facts.append)
    slow, quick = hub.join(frozenset({"market-counts"})), hub.join(frozenset({"market-counts"}))
    for _ in range(QUEUE_EVENTS + 5):
        hub.publish(COUNT)
        quick.queue.get_nowait()
    assert slow.queue.get_nowait() == TOO_SLOW
    assert slow.queue.empty()
    assert ClientDropped(QUEUE_EVENTS) in facts
    assert facts[-1] == ClientsConnected(1)


async def test_a_server_that_stops_sends_its_clients_away() -> None:
    """A server that stops tells each client so, and does not wait for it."""
    hub = Hub(lambda _: None)
    client = hub.join(frozenset({"market-counts"}))
    hub.publish(COUNT)
    hub.close()
    assert client.queue.get_nowait() == STOPPING
    assert client.queue.empty()
    assert len(hub) == 0


async def test_a_client_that_leaves_is_forgotten() -> None:
    """Nothing is queued for a client that left."""
    hub = Hub(lambda _: None)
    client = hub.join(frozenset({"market-counts"}))
    hub.leave(client)
    hub.publish(COUNT)
    assert client.queue.empty()
    assert len(hub) == 0


async def test_a_client_that_keeps_up_is_never_told_to_begin_again_however_much_comes_at_once() -> None:
    """The feed takes fewer records at once than a queue holds, and leaves the clients their turn after each."""
    hub = Hub(lambda _: None)
    client = hub.join(frozenset({"market-counts"}))
    got: list[Event] = []

    async def read() -> None:
        while True:
            got.extend(await client.waiting())

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    for _ in range(10):
        for _ in range(MOST_RECORDS):
            hub.publish(COUNT)
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    reading.cancel()
    assert got == [COUNT] * 10 * MOST_RECORDS


def test_an_event_is_written_as_the_standard_says() -> None:
    """Its id if it has one, its name, its data on one line, an empty line."""
    assert Event("figures", "{}").frame() == "event: figures\ndata: {}\n\n"
    assert Event("market-counts", "{}", "market-counts:7").frame() == (
        "id: market-counts:7\nevent: market-counts\ndata: {}\n\n"
    )
