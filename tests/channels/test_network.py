"""A channel connects to the hosts of its list only, at an address that was judged, and never inside unless it may."""

from __future__ import annotations

from collections.abc import Sequence

import httpx2
import pytest

from tieout.channels.network import Guarded, on_the_list, reachable
from tieout.channels.posting import Post
from tieout.domain.problems import Misconfigured, Transient

pytestmark = pytest.mark.anyio
PUBLIC = "93.184.215.14"
SECRETS = ("169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
INSIDE = (
    "127.0.0.1", "10.0.0.5", "172.16.3.4", "192.168.1.1", "100.64.0.1", "::1", "fd12:3456::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.5", "64:ff9b::7f00:1", "64:ff9b::a00:5", "2002:7f00:1::", "2002:a00:5::1",
)  # fmt: skip
NOWHERE = ("0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1", "fe80::1%eth0", *SECRETS)


def leads_to(*addresses: str):
    async def look_up(host: str, port: int) -> Sequence[str]:
        return addresses

    return look_up


async def judged(address: str, *, on_premise: bool) -> str:
    return await reachable("hooks.acme.example", 443, on_premise=on_premise, look_up=leads_to(address))


@pytest.mark.parametrize("address", [*INSIDE, *NOWHERE])
async def test_no_channel_gets_inside(address: str) -> None:
    with pytest.raises(Misconfigured):
        await judged(address, on_premise=False)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"])
async def test_what_is_public_is_reached(address: str) -> None:
    assert await judged(address, on_premise=False) == address


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "192.168.1.1", "::1", "fd12:3456::1", PUBLIC])
async def test_a_channel_on_premise_reaches_the_firm_s_own_network(address: str) -> None:
    assert await judged(address, on_premise=True) == address


@pytest.mark.parametrize("address", NOWHERE)
async def test_where_clouds_tell_secrets_nobody_gets_even_on_premise(address: str) -> None:
    with pytest.raises(Misconfigured):
        await judged(address, on_premise=True)


async def test_one_bad_address_among_good_ones_is_enough_to_refuse_the_host() -> None:
    with pytest.raises(Misconfigured):
        await reachable("mixed.example", 443, on_premise=False, look_up=leads_to(PUBLIC, "10.0.0.5"))


async def test_a_name_that_cannot_be_looked_up_may_be_there_later() -> None:
    async def away(host: str, port: int) -> Sequence[str]:
        raise OSError(f"no {host}")

    with pytest.raises(Transient, match="looked up"):
        await reachable("hooks.acme.example", 443, on_premise=False, look_up=away)


@pytest.mark.parametrize(
    ("host", "hosts", "listed"),
    [
        ("hooks.slack.com", ("hooks.slack.com",), True),
        ("HOOKS.slack.com.", ("hooks.slack.com",), True),
        ("evil-hooks.slack.com", ("hooks.slack.com",), False),
        ("hooks.slack.com.evil.example", ("hooks.slack.com",), False),
        ("prod-1.westeurope.logic.azure.com", (".logic.azure.com",), True),
        ("logic.azure.com", (".logic.azure.com",), False),
        ("evillogic.azure.com", (".logic.azure.com",), False),
        ("bücher.example", ("xn--bcher-kva.example",), True),
        ("xn--bcher-kva.example", ("bücher.example",), True),
        ("hооks.slack.com", ("hooks.slack.com",), False),  # noqa: RUF001 - Cyrillic letters that look like ours
        ("2130706433", ("hooks.slack.com",), False),
        ("127.0.0.1", ("127.0.0.1",), True),
    ],
)
def test_hosts_are_compared_as_names_and_not_as_texts(host: str, hosts: Sequence[str], listed: bool) -> None:
    assert on_the_list(host, hosts) is listed


class Wire:
    """Remembers what would have gone out, to which address, under which name."""

    def __init__(self) -> None:
        self.sent: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        return httpx2.Response(200)


def client(wire: Wire, *addresses: str, hosts: Sequence[str] = ("hooks.acme.example",)) -> httpx2.AsyncClient:
    guarded = Guarded(httpx2.MockTransport(wire), hosts=hosts, on_premise=False, look_up=leads_to(*addresses))
    return httpx2.AsyncClient(transport=guarded, trust_env=False)


async def test_the_address_that_was_judged_is_the_address_that_is_connected_to() -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        """Public when it is judged, inside when somebody asks again."""
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["169.254.169.254"]

    wire = Wire()
    guarded = Guarded(httpx2.MockTransport(wire), hosts=["hooks.acme.example"], on_premise=False, look_up=rebinding)
    async with httpx2.AsyncClient(transport=guarded) as http:
        await http.post("https://hooks.acme.example/in", content=b"{}")
    (request,) = wire.sent
    assert (asked, request.url.host) == (["hooks.acme.example"], PUBLIC)
    assert request.headers["Host"] == "hooks.acme.example"
    assert request.extensions["sni_hostname"] == "hooks.acme.example"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.acme.example/in",
        "https://other.example/in",
        "https://user:password@hooks.acme.example/in",
        "https://2130706433/in",
        "https://[::ffff:127.0.0.1]/in",
        "https://hooks.acme.example.evil.example/in",
    ],
)
async def test_an_address_that_is_not_the_channel_s_is_not_even_looked_up(url: str) -> None:
    wire = Wire()
    async with client(wire, PUBLIC) as http:
        with pytest.raises(Misconfigured):
            await http.post(url)
    assert wire.sent == []


async def test_ipv6_addresses_are_connected_to_as_they_are() -> None:
    wire = Wire()
    async with client(wire, "2606:2800:21f:cb07:6820:80da:af6b:8b2c") as http:
        await http.post("https://hooks.acme.example/in")
    assert str(wire.sent[0].url) == "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/in"


async def test_a_refusal_names_no_address() -> None:
    post = Post(("hooks.acme.example",), look_up=leads_to("10.0.0.5"))
    with pytest.raises(Misconfigured) as refused:
        await post("https://hooks.acme.example/T000/secret", b"", {})
    await post.close()
    assert "secret" not in str(refused.value)
    assert "10.0.0.5" not in str(refused.value)
