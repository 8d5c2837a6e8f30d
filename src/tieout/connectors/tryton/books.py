"""One company's books as the hub's user sees them: who we are there, and the records that a write needs, found by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tieout.connectors.tryton.client import TrytonClient
from tieout.connectors.tryton.config import TrytonConfig
from tieout.domain.problems import Misconfigured

_OLDEST, _TOO_NEW = (8, 0), (8, 2)


@dataclass(frozen=True, slots=True)
class Company:
    """The one company that the connection's user belongs to; `currency` is the record, `currency_code` its ISO 4217."""

    id: int
    name: str
    currency: int
    currency_code: str
    version: str


class Books:
    """Reads only. Knows the company once it has been asked for; everything else is looked up each time."""

    def __init__(self, name: str, config: TrytonConfig, client: TrytonClient) -> None:
        self.name = name
        self.config = config
        self.client = client
        self._company: Company | None = None

    async def company(self, *, again: bool = False) -> Company:
        """Raises Misconfigured unless the server is one whose keys can be written and the user sees this company alone."""
        if self._company is None or again:
            self._company = await self._met()
        return self._company

    async def _met(self) -> Company:
        version = await self.client.version()
        series = tuple(int(part) for part in version.split(".")[:2])
        if not _OLDEST <= series < _TOO_NEW:
            raise Misconfigured(
                f"Tryton {version} is not supported: from 8.2 on it takes neither the number of a project nor the uuid of "
                "a time entry from outside, so nothing would keep the hub from doubling them. Connect to the 8.0 series.",
                self.name,
            )
        await self.client.log_in()
        user = await self.client.only(
            "res.user", [["login", "=", self.config.user]], ["companies", "company.party.name", "company.currency.code"]
        )
        if user is None or len(user["companies"]) != 1 or not user.get("company."):
            count = len(user["companies"]) if user else 0
            raise Misconfigured(
                f"{self.config.user} belongs to {count} companies; the hub's user must belong to exactly one",
                self.name,
            )
        company = user["company."]
        name = company["party."]["name"]
        if name != self.config.company:
            raise Misconfigured(
                f"{self.config.user} works in {name}, the connection is for {self.config.company}", self.name
            )
        return Company(company["id"], name, company["currency."]["id"], company["currency."]["code"], version)

    async def employees(self, numbers: Iterable[str]) -> dict[str, int]:
        """Employees of the company by personnel number; an unknown number is simply absent."""
        company = await self.company()
        rows = await self.client.search(
            "company.employee",
            [["party.code", "in", sorted(set(numbers))], ["company", "=", company.id]],
            ["party.code"],
        )
        return {each["party."]["code"]: each["id"] for each in rows}

    async def people(self) -> list[str]:
        """The personnel numbers of the company's employees."""
        company = await self.company()
        rows = await self.client.search("company.employee", [["company", "=", company.id]], ["party.code"])
        return sorted(each["party."]["code"] for each in rows if each["party."]["code"])

    async def products(self, roles: Iterable[str]) -> dict[str, int]:
        """The service product of each role: by the code that the configuration gives, else by the role's own name."""
        codes = {role: self.config.products.get(role, "") for role in set(roles)}
        names = sorted(role for role, code in codes.items() if not code)
        condition = ["OR", ["code", "in", sorted(filter(None, codes.values()))], ["template.name", "in", names]]
        rows = await self.client.search(
            "product.product", [condition], ["code", "template.name"], order=[("id", "DESC")]
        )
        by_code = {each["code"]: each["id"] for each in rows}
        by_name = {each["template."]["name"]: each["id"] for each in rows}
        found = {role: by_code.get(code) if code else by_name.get(role) for role, code in codes.items()}
        return {role: product for role, product in found.items() if product is not None}

    async def departments(self, codes: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Code → (root, account) of the analytic dimension."""
        wanted = sorted(set(codes))
        if not wanted:
            return {}
        rows = await self.client.search(
            "analytic_account.account",
            [["code", "in", wanted], ["type", "=", "normal"], ["root.name", "=", self.config.analytic_root]],
            ["code", "root"],
        )
        return {each["code"]: (each["root"], each["id"]) for each in rows}

    async def payment_term(self, name: str) -> int | None:
        return await self._named("account.invoice.payment_term", "name", name)

    async def currency(self, code: str) -> int | None:
        return await self._named("currency.currency", "code", code)

    async def country(self, code: str) -> int | None:
        return await self._named("country.country", "code", code)

    async def derived(self, model: str, field: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What Tryton itself would fill into a form after `field` was set; nothing is saved.

        No form runs behind a create over the API, so that accounts and taxes have to be asked for and sent along.
        """
        return await self.client.call(f"model.{model}.on_change_{field}", dict(values))

    async def _named(self, model: str, field: str, value: str) -> int | None:
        rows: Sequence[dict[str, Any]] = await self.client.search(model, [[field, "=", value]], ["id"], limit=1)
        return rows[0]["id"] if rows else None
