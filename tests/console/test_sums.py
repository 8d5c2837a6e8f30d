"""Every headline is the sum of its list, to the cent, and every figure links to the list that sums to it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from html import unescape

import pytest
from tests.console.world import Caller, World

pytestmark = pytest.mark.anyio

_MONEY = re.compile(r'<span class="money">([\u2212\d,.]+)<span class="cur"> ([A-Z]{3})</span></span>')
Sums = dict[str, Decimal]


def money_in(html: str) -> Sums:
    """What is written in a piece of a page, summed by currency; nothing where there is no amount or only zeros."""
    sums: Sums = defaultdict(Decimal)
    for text, currency in _MONEY.findall(html):
        sums[currency] += Decimal(text.replace(",", "").replace("\u2212", "-"))
    return {currency: amount for currency, amount in sums.items() if amount}


def part(html: str, begin: str, end: str) -> str:
    return html[html.index(begin) :][: html[html.index(begin) :].index(end)]


def rows_of(html: str) -> Iterable[str]:
    return re.findall(r"<tr data-row.*?</tr>", html, re.DOTALL)


def first_money(row: str) -> Sums:
    """The money column: the first cell with the class num."""
    found = re.search(r'<td class="num">(.*?)</td>', row, re.DOTALL)
    return money_in(found[1]) if found else {}


def total_of(rows: Iterable[Sums]) -> Sums:
    sums: Sums = defaultdict(Decimal)
    for each in rows:
        for currency, amount in each.items():
            sums[currency] += amount
    return {currency: amount for currency, amount in sums.items() if amount}


def listed(html: str) -> Sums:
    return total_of(first_money(row) for row in rows_of(html))


def headline(html: str) -> Sums:
    return money_in(part(html, 'id="total"', "</strong>")) if 'id="total"' in html else {}


async def test_the_headline_of_today_is_the_sum_of_its_list(anna: Caller) -> None:
    page = await anna.get("/")
    said = money_in(part(page, 'class="headline"', "</p>"))
    assert said == listed(part(page, 'class="list needs"', "</table>")) != {}


@pytest.mark.parametrize(
    "query", ["", "?tab=needs", "?tab=snoozed", "?tab=unassigned", "?entity=DE", "?text=Change", "?age=older", "?code=value.missing"]
)  # fmt: skip
async def test_the_headline_of_holds_is_the_sum_of_its_rows_under_every_filter(anna: Caller, query: str) -> None:
    page = await anna.get(f"/holds{query}")
    assert headline(page) == listed(page) != {}


async def test_every_line_of_today_links_to_a_list_with_the_same_sum(anna: Caller) -> None:
    today = await anna.get("/")
    lines = [
        (unescape(link), first_money(row))
        for row in rows_of(part(today, 'class="list needs"', "</table>"))
        for link in re.findall(r'<a href="([^"]+)" class="row"', row)
    ]
    assert any("first=1" in link for link, _ in lines), "no line stands for several documents"
    for link, amount in lines:
        page = await anna.get(link)
        shown = headline(page) if link.startswith("/holds?") else money_in(part(page, 'class="figures"', "</p>"))
        assert shown == amount, link


async def test_every_figure_of_the_flow_of_money_links_to_a_list_that_sums_to_it(anna: Caller) -> None:
    today = await anna.get("/")
    figures = re.findall(r'<td class="num"><a href="([^"]+)">(.*?)</a>', part(today, 'class="flow"', "</table>"))
    assert len(figures) == 16
    for link, figure in figures:
        page = await anna.get(unescape(link))
        assert headline(page) == listed(page) == money_in(figure), link


async def test_the_bands_of_age_add_up_to_the_list(anna: Caller) -> None:
    page = await anna.get("/holds")
    strip = part(page, 'class="ages"', "</ul>")
    assert money_in(strip) == headline(page)
    assert sum(int(each) for each in re.findall(r'class="figure">(\d+)<', strip)) == len(list(rows_of(page)))


async def test_the_money_of_a_document_with_three_problems_counts_once(world: World, anna: Caller) -> None:
    page = await anna.get("/holds?text=Bergmann+Data+Foundation")
    assert len(list(rows_of(page))) == 3
    assert headline(page) == {"EUR": Decimal("112000.00")}
    first = world.seeded.holds["Bergmann Data Foundation/deal.field_missing"]
    assert page.count(f"counted in H-{first}") == 2


async def test_the_evidence_of_every_line_sums_to_the_line(world: World, anna: Caller) -> None:
    for invoice in world.seeded.invoices:
        page = await anna.get(f"/invoices/{invoice}")
        lines = [unescape(each) for each in re.findall(r'href="(/invoices/[^"]+/lines/[^"]+)"', page)]
        assert len(lines) == 2
        for line in lines:
            proof = await anna.get(line)
            body, foot = part(proof, "<tbody>", "</tbody>"), part(proof, "<tfoot>", "</tfoot>")
            entries = [
                Decimal(each.replace(",", "")) for each in re.findall(r'<td class="num">([\d,.]+)</td></tr>', body)
            ]
            summed, rounding, amount = (
                Decimal(each.replace(",", "").replace("\u2212", "-"))
                for each in re.findall(r'<td class="num">([\u2212\d,.]+)</td></tr>', foot)[:3]
            )
            assert sum(entries) == summed
            assert summed + rounding == amount
