"""Where a channel may connect to: hosts of its own list, at an address that was looked up once and is not inside.

A name that is looked up a second time may lead somewhere else (DNS rebinding), and a redirect may lead anywhere. So the
address that was judged is the address that is connected to, and a redirect is a failure.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx2

from tieout.domain.problems import Misconfigured, Transient

Address = IPv4Address | IPv6Address
# Host and port → the addresses behind them, as the operating system answers.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Addresses within addresses: NAT64 (RFC 6052) carries an IPv4 address in its last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")
_PATIENCE = 15.0


async def resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


async def reachable(host: str, port: int, *, on_premise: bool, look_up: Resolve = resolve) -> str:
    """The one address to connect to. Raises Misconfigured when any of the host's addresses is one that it must not have.

    On premise, private addresses and this machine are allowed; those that clouds give secrets at never are.
    """
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await look_up(host, port)
    except (OSError, UnicodeError, TimeoutError) as away:
        raise Transient(f"the name of the host cannot be looked up ({type(away).__name__})") from None
    addresses = [_innermost(ip_address(each.partition("%")[0])) for each in found]
    if not addresses:
        raise Transient("the name of the host has no address")
    for each in addresses:
        if not _allowed(each, on_premise=on_premise):
            raise Misconfigured(
                "the host has an address inside a private network"
                if not on_premise
                else "the host has an address that no channel may connect to"
            )
    return found[0]


def on_the_list(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host is one of these, or below one that begins with a dot. Both are compared as they stand in DNS."""
    plain = ascii_name(host)
    return any(plain == each or (each.startswith(".") and plain.endswith(each)) for each in map(ascii_name, hosts))


def ascii_name(host: str) -> str:
    """The name as DNS has it: small letters, international names in their ASCII form; itself when it is no name."""
    try:
        return host.rstrip(".").lower().encode("idna").decode() if not host.startswith(".") else host.lower()
    except UnicodeError:
        return host


class Guarded(httpx2.AsyncBaseTransport):
    """The network of one channel: only its hosts, only encrypted unless on premise, only where the name was judged."""

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        *,
        hosts: Sequence[str],
        on_premise: bool,
        look_up: Resolve = resolve,
    ) -> None:
        self._inner = inner
        self._hosts = hosts
        self._on_premise = on_premise
        self._look_up = look_up

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        host = url.raw_host.decode()
        if url.scheme != "https" and not (self._on_premise and url.scheme == "http"):
            raise Misconfigured("the address is not one of https")
        if url.userinfo:
            raise Misconfigured("the address carries a user")
        if not on_the_list(host, self._hosts):
            raise Misconfigured("the host of the address is not one that this channel may connect to")
        port = url.port or (443 if url.scheme == "https" else 80)
        address = await reachable(host, port, on_premise=self._on_premise, look_up=self._look_up)
        # The Host header was set from the name already, and the certificate is checked against the name.
        request.url = url.copy_with(host=address)
        request.extensions = {**request.extensions, "sni_hostname": host}
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _innermost(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


def _allowed(address: Address, *, on_premise: bool) -> bool:
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return False
    if address.is_global:
        return True
    return on_premise and (address.is_loopback or (address.is_private and not address.is_reserved))


# Where clouds answer a machine's questions about itself, beside the link-local 169.254.169.254.
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
