"""Least privilege in the real ERP: the hub's user proposes and reads, and neither posts, pays, credits nor sees the other company."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from tieout.connectors.contract import Receipt
from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.connector import Tryton
from tieout.connectors.tryton.errors import Refusal, TrytonUserError
from tieout.domain.problems import Misconfigured
from tieout.sandbox.tryton.clerk import FinanceClerk
from tieout.sandbox.tryton.server import TrytonServer

pytestmark = [pytest.mark.anyio, pytest.mark.tryton, pytest.mark.loopback]
LogIn = Callable[..., TrytonClient]
FORGED = {"company": 1, "companies": [1, 2], "_companies": [1, 2], "_check_access": False, "user": 1}


@pytest.fixture
async def draft(propose: Any) -> int:
    receipt: Receipt = (await propose(invoice_date=date(2026, 11, 2)))[0]
    return int(receipt.id)


@pytest.fixture
def hub(erp: TrytonServer, log_in: LogIn) -> TrytonClient:
    return log_in(erp.tenancy.hub("US"))


@pytest.fixture
def stranger(erp: TrytonServer, log_in: LogIn) -> TrytonClient:
    """The hub's user of the other company."""
    return log_in(erp.tenancy.hub("DE"))


async def refusal(call: Awaitable[Any]) -> Refusal:
    with pytest.raises(TrytonUserError) as refused:
        await call
    return refused.value.refusal


async def state(clerk: FinanceClerk, id: int) -> str:
    return (await clerk.invoice(id)).state


async def test_the_hub_cannot_post_an_invoice(hub: TrytonClient, clerk: FinanceClerk, draft: int) -> None:
    for button in ("post", "validate_invoice", "cancel", "process"):
        assert await refusal(hub.press("account.invoice", button, [draft])) is Refusal.ACCESS
    assert await state(clerk, draft) == "draft"


async def test_the_hub_cannot_forge_what_posting_would_write(
    hub: TrytonClient, clerk: FinanceClerk, draft: int
) -> None:
    for field, value in (("state", "posted"), ("number", "INV-2026-99999"), ("move", 1), ("payment_lines", [])):
        assert await refusal(hub.write("account.invoice", [draft], {field: value})) is Refusal.ACCESS
    assert await state(clerk, draft) == "draft"


async def test_the_hub_cannot_pay_or_credit_a_posted_invoice(
    hub: TrytonClient, clerk: FinanceClerk, draft: int
) -> None:
    await clerk.post(draft, date(2026, 11, 2))
    for wizard in ("account.invoice.pay", "account.invoice.credit"):
        assert await refusal(hub.wizard(wizard, "account.invoice", [draft], [])) is Refusal.ACCESS
    assert await refusal(hub.delete("account.invoice", [draft])) is Refusal.STATE
    assert await refusal(hub.create("account.move", [{"company": 1, "journal": 1}])) is Refusal.ACCESS
    assert await state(clerk, draft) == "posted"


async def test_the_hub_of_one_company_cannot_see_the_others_invoices_whatever_context_it_forges(
    stranger: TrytonClient, draft: int
) -> None:
    for context in (None, FORGED):
        params = [[["id", "=", draft]], 0, None, None, ["number"]]
        assert await stranger.call("model.account.invoice.search_read", *params, context=context) == []
        read = stranger.call("model.account.invoice.read", [draft], ["number"], context=context)
        assert await refusal(read) is Refusal.RULE
        assert await refusal(stranger.delete("account.invoice", [draft])) is Refusal.RULE


async def test_the_hub_cannot_let_itself_into_the_other_company(
    stranger: TrytonClient, erp: TrytonServer, log_in: LogIn, connect: Callable[..., Tryton], draft: int
) -> None:
    """Tryton lets every user prefer any company; it shows none of it, and the connector does not work in it."""
    before = await stranger.log_in()
    (me,) = await stranger.search("res.user", [["login", "=", stranger.user]], ["companies"])
    assert me["companies"] == [before["company"]]
    preferred = {"company_filter": "all", "companies": [1, 2], "company": 1}
    await stranger.call("model.res.user.set_preferences", preferred)
    try:
        again = log_in(erp.tenancy.hub("DE"))
        await again.log_in()
        assert await again.search("account.invoice", [["id", "=", draft]], ["number"]) == []
        assert await again.search("res.user", [["id", "=", me["id"]]], ["companies"]) == [me]
        widening = again.write("res.user", [me["id"]], {"companies": [["add", [1]]]})
        assert await refusal(widening) is Refusal.ACCESS
        with pytest.raises(Misconfigured, match="works in Kestrel Advisory Inc"):
            await connect("DE").check()
    finally:
        back = {"company_filter": "one", "company": before["company"]}
        await stranger.call("model.res.user.set_preferences", back)
        await stranger.log_in()


async def test_the_hub_cannot_write_into_the_other_companys_time_or_projects(
    stranger: TrytonClient, works: list[str], hub: TrytonClient
) -> None:
    (work,) = await hub.search("timesheet.work", [["id", "=", int(works[0])]], ["company"])
    (employee,) = await hub.search("company.employee", [["party.code", "=", "K003"]], ["id"])
    line = {
        "company": work["company"], "work": work["id"], "employee": employee["id"], "date": date(2026, 10, 5),
        "uuid": f"forged-{works[0]}",
    }  # fmt: skip
    assert await refusal(stranger.create("timesheet.line", [line])) in (Refusal.RULE, Refusal.INVALID)
    assert await stranger.search("timesheet.work", [["id", "=", work["id"]]], ["id"]) == []


async def test_the_hub_cannot_make_users_or_read_what_people_cost(hub: TrytonClient) -> None:
    assert await refusal(hub.create("res.user", [{"login": "evil"}])) is Refusal.ACCESS
    assert await refusal(hub.search("company.employee_cost_price", [], ["cost_price"])) is Refusal.ACCESS
    assert await refusal(hub.search("timesheet.line", [], ["cost_price"])) is Refusal.ACCESS


async def test_a_clerk_cannot_pay_more_than_is_open(clerk: FinanceClerk, draft: int) -> None:
    posted = await clerk.post(draft, date(2026, 11, 2))
    with pytest.raises(ValueError, match=r"of 3763\.80 open"):
        await clerk.pay(draft, posted.open_amount + 1, date(2026, 11, 3))
