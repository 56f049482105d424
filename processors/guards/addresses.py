"""Which network addresses blocks may reach: public ones. Names never decide, only the address they resolve
to.
"""

from __future__ import annotations

import ipaddress
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFUSED: Final = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers, and the metadata of one cloud (100.100.100.200)
        "168.63.129.16/32",  # a cloud's host agent, on a public address
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/96",  # IPv4-compatible, loopback and unspecified
        "64:ff9b:1::/48",  # NAT64 into local networks
        "100::/64",
        "2001::/32",  # Teredo: the true address is hidden in it
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
    )
)
_SIX_TO_FOUR: Final = ipaddress.IPv6Network("2002::/16")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})


def refusal(text: str) -> str | None:
    """Tell why an address may not be reached, in a few words; None if it may."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "no IP address"
    for one in _reached(address):
        if _is_inner(one):
            inside = "" if one == address else f", inside {address}"
            return f"{one} is not a public address{inside}"
    return None


def _is_inner(address: Address) -> bool:
    return (
        not address.is_global
        or address.is_multicast
        or address.is_reserved
        or any(address in net for net in _REFUSED if net.version == address.version)
    )


def _reached(address: Address) -> list[Address]:
    """The address itself and the IPv4 address in it, to which a gateway or the own kernel passes on.

    Mapped and NAT64 addresses are only an envelope: on a network without IPv4 every IPv4 host has such a one.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    number = int(address)
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(number & 0xFFFFFFFF)]
    if address in _SIX_TO_FOUR:
        return [address, ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)]
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return [address, ipaddress.IPv4Address(number & 0xFFFFFFFF)]
    return [address]
