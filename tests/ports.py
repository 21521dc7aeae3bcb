"""Ports for servers that a test starts."""

import random
import socket
from collections.abc import Iterator
from pathlib import Path


def _shuffled() -> Iterator[int]:
    """Yield ports below those that the system takes for connections, in an order of this process's own."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    ports = list(range(max(1024, first - 16_000), first)) or list(range(20_000, 32_000))
    random.SystemRandom().shuffle(ports)
    yield from ports


_untried = _shuffled()


def free_ports(count: int) -> list[int]:
    """`count` ports of loopback that nobody listens on now, none of which this process was given before."""
    found: list[int] = []
    while len(found) < count:
        port = next(_untried)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        found.append(port)
    return found
