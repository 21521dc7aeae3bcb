"""Which addresses a source may lead to: public ones, unless its file says that it lies on this machine."""

import ipaddress
import socket

from aiohappyeyeballs import AddrInfoType

from producers.web.failure import Forbidden

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def public(address: str) -> bool:
    """Whether an IP address is reachable from anywhere, and so is the IPv4 address that it may carry within it."""
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        carried = [found.ipv4_mapped, found.sixtofour, *(found.teredo or ())]
        if found in _NAT64:
            carried.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if any(one is not None and not public(str(one)) for one in carried):
            return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast


def public_socket(info: AddrInfoType) -> socket.socket:
    """Make the socket for a connection that is about to be made. Raises Forbidden for an address that is not public.

    It is asked at the last moment, with the address itself: a name that resolves to another one now, a redirect and a
    literal address come by here alike.
    """
    family, kind, protocol, _, address = info
    if not public(str(address[0])):
        raise Forbidden(f"{address[0]} is not a public address (`allow_loopback` in the source's file lets it be)")
    return socket.socket(family=family, type=kind, proto=protocol)
