"""What the hub may do in the ERP: propose and withdraw drafts, read what became of them, never post, pay or credit.

A firm that runs Tieout against its own Tryton gives the hub's group the same rights; the connector's README lists them.
"""

from __future__ import annotations

from tieout.connectors.tryton.client import TrytonClient

HUB_GROUP = "Integration Hub"
# Tryton's own groups for master data and time, beside ours for invoices.
HUB_GROUPS = ("Project Administration", "Timesheet Administration", HUB_GROUP)
CLERK_GROUPS = ("Accounting",)

_DRAFTS = ("account.invoice", "account.invoice.line", "account.invoice.tax")
_BOOKED = ("account.move", "account.move.line")
# What only Tryton itself writes. The 8.0 series takes them from anybody who may write the invoice, unless it is told.
_DECIDED = ("cancel_move", "move", "number", "payment_lines", "reconciled", "state")
_CLERKS_WIZARDS = ("account.invoice.credit", "account.invoice.pay")


async def restrict(erp: TrytonClient) -> dict[str, int]:
    """Makes the hub's group, keeps for accounting what moves money, lets it close months. Returns the ERP's groups by name."""
    (hub,) = await erp.create("res.group", [{"name": HUB_GROUP}])
    access = [{"model": model, "group": hub, **_may(write=True)} for model in _DRAFTS]
    access += [{"model": model, "group": hub, **_may(write=False)} for model in _BOOKED]
    await erp.create("ir.model.access", access)
    fields = [{"model": "account.invoice", "field": name, "group": hub, **_may(write=False)} for name in _DECIDED]
    await erp.create("ir.model.field.access", fields)
    groups = {each["name"]: each["id"] for each in await erp.search("res.group", [], ["name"])}
    months = {"perm_read": True, "perm_write": True, "perm_create": False, "perm_delete": False}
    await erp.create("ir.model.access", [{"model": "account.period", "group": groups["Accounting"], **months}])
    clerks_only = {"groups": [["add", [groups["Accounting"]]]]}
    buttons = await erp.search("ir.model.button", [["model", "=", "account.invoice"], ["groups", "=", None]], ["id"])
    await erp.write("ir.model.button", [each["id"] for each in buttons], clerks_only)
    wizards = await erp.search("ir.action.wizard", [["wiz_name", "in", list(_CLERKS_WIZARDS)]], ["id"])
    await erp.write("ir.action.wizard", [each["id"] for each in wizards], clerks_only)
    return groups


def _may(*, write: bool) -> dict[str, bool]:
    return {"perm_read": True, "perm_write": write, "perm_create": write, "perm_delete": write}
