"""Change orders as a firm keeps them in objects of its own: an order with its lines, and who agreed to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tieout.connectors.contract import Change
from tieout.connectors.salesforce.client import Row, SalesforceClient, soql_text
from tieout.connectors.salesforce.config import SalesforceConfig
from tieout.connectors.salesforce.cursor import Cursor, onward
from tieout.connectors.salesforce.deals import before_go_live
from tieout.connectors.salesforce.mapping import amount, day, instant
from tieout.domain.documents.change_order import ChangeLine, ChangeOrder
from tieout.domain.identity import Ref, business_key, content_hash
from tieout.domain.mapping import Field, MappingTable, apply, text
from tieout.domain.money import Money


def lower(value: Any) -> str:
    return text(value).lower()


ORDER = MappingTable(
    "salesforce.change_order",
    1,
    (
        Field("source_id", "Id"),
        Field("name", "Name", text),
        Field("deal", "Opportunity__c", text),
        Field("state", "Status__c", lower),
        Field("effective_from", "Effective_Date__c", day),
        Field("description", "Description__c", text),
        Field("amount", "Amount_Delta__c", amount),
        Field("requested_by", "Submitted_By__r.Email", text),
        Field("approved_by", "Decided_By__r.Email", text),
        Field("approved_at", "Decided_At__c", instant),
    ),
)
LINE = MappingTable(
    "salesforce.change_order_line",
    1,
    (
        Field("id", "Id"),
        Field("action", "Action__c", lower),
        Field("instance", "Package_Instance_Id__c", text),
        Field("package", "Service_Package__c", text),
        Field("task", "Task__c", text),
        Field("role", "Role__c", text),
        Field("hours", "Hours__c", amount),
        Field("rate", "Rate__c", amount),
        Field("amount", "Amount__c", amount),
        Field("cap", "Cap_Amount__c", amount),
        Field("start", "Start_Date__c", day),
        Field("end", "End_Date__c", day),
    ),
)
_KNOWN = ("draft", "submitted", "approved", "rejected", "withdrawn")


class ChangeOrders:
    """Reads change orders whole. An org without them has none."""

    def __init__(
        self,
        client: SalesforceClient,
        config: SalesforceConfig,
        connection: str,
        order: MappingTable,
        line: MappingTable,
    ) -> None:
        self._client = client
        self._config = config
        self._connection = connection
        self._order = order
        self._line = line

    async def since(self, cursor: Cursor) -> tuple[list[Row], Cursor]:
        """What moved at or after the cursor, the oldest first, deleted ones too."""
        if not self._config.change_orders:
            return [], cursor
        rows = await self._rows(f"SystemModstamp >= {cursor.since}" if cursor.since else "")
        return rows, Cursor(since=onward([each["SystemModstamp"] for each in rows], cursor.since))

    async def one(self, record: str) -> Row | None:
        if not self._config.change_orders:
            return None
        rows = await self._rows(f"Id = {soql_text(record)}")
        return rows[0] if rows else None

    async def _rows(self, condition: str) -> list[Row]:
        fields = ", ".join(
            dict.fromkeys(["Id", "IsDeleted", "SystemModstamp", "CurrencyIsoCode", *_sources(self._order)])
        )
        if self._config.currency:
            fields = fields.replace(", CurrencyIsoCode", "")
        lines = ", ".join(dict.fromkeys(["Id", "IsDeleted", "SystemModstamp", *_sources(self._line)]))
        deal = next(each.source for each in self._order.fields if each.target == "deal")
        ours = before_go_live(self._config, deal.removesuffix("__c") + "__r.")
        conditions = [each for each in (condition, ours) if each]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return await self._client.query(
            f"SELECT {fields}, (SELECT {lines} FROM {self._config.change_order_lines} ORDER BY Id)"  # noqa: S608 - SOQL
            f" FROM {self._config.change_orders}{where} ORDER BY SystemModstamp, Id",
            deleted=True,
        )

    def change(self, row: Row) -> Change:
        """The deal stands in the record: changes of one deal are worked off one after another."""
        values = apply(self._order, row).values
        currency = self._config.currency or row.get("CurrencyIsoCode")
        worth = values["amount"]
        return Change(
            Ref(self._connection, "change_order", row["Id"]),
            self.version(row),
            record={"deal": values["deal"]},
            amount=Money(worth, currency) if worth is not None and currency else None,
            deleted=bool(row["IsDeleted"]),
        )

    def version(self, row: Row) -> str:
        stamps = [row["SystemModstamp"], *(each["SystemModstamp"] for each in self._lines(row))]
        said = [
            apply(self._order, row).values,
            [apply(self._line, each).values for each in self._live(row)],
            row["IsDeleted"],
        ]
        return f"{max(stamps)}#{content_hash(said)[:16]}"

    def _lines(self, row: Row) -> Sequence[Row]:
        children = row.get(self._config.change_order_lines)
        return children["records"] if children else []

    def _live(self, row: Row) -> list[Row]:
        return [each for each in self._lines(row) if not each["IsDeleted"]]

    def document(self, row: Row) -> tuple[ChangeOrder, Mapping[str, Any]]:
        mapped = apply(self._order, row)
        values = dict(mapped.values)
        deal = values.pop("deal")
        state = values["state"] if values["state"] in _KNOWN else "draft"
        order = ChangeOrder.model_validate(
            {
                **values,
                "key": business_key("CHG", Ref(self._connection, "change_order", row["Id"])),
                "engagement": business_key("ENG", Ref(self._connection, "opportunity", deal)),
                "state": state,
                "lines": [_line(apply(self._line, each).values) for each in self._live(row)],
            }
        )
        return order, mapped.trail


def _line(values: Mapping[str, Any]) -> ChangeLine:
    return ChangeLine.model_validate({**values, "amount": values["amount"] or 0})


def _sources(table: MappingTable) -> list[str]:
    return [each.source for each in table.fields if each.source]
