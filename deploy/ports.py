"""Whether the ports that Marsad's processes listen on are free."""

import socket
from collections.abc import Mapping

from deploy.errors import PortInUseError


def require_free(ports: Mapping[str, tuple[str, int]]) -> None:
    """Check each setting's (address, port). Raises PortInUseError that names the first one taken and its setting."""
    for setting, (host, port) in ports.items():
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise PortInUseError(
                    f"port {port} on {host} is not free ({error.strerror}): "
                    f"stop the program that uses it, or set {setting} to another port"
                ) from None


def listening(host: str, port: int) -> bool:
    """Whether something accepts TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port of loopback on which nobody listens now, for a process whose port nobody chose."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
