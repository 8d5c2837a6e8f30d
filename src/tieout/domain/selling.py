"""What a package must say before the ledger can sell it."""

from __future__ import annotations

from collections.abc import Iterator

from tieout.domain.documents.package import ServicePackage
from tieout.domain.documents.plans import RetainerPlan, TimePlan, UsagePlan


def unsellable(package: ServicePackage) -> Iterator[tuple[str, str, str]]:
    """Each thing that is wrong or missing: the field, what it is, and the way out."""
    plan = package.plan
    if isinstance(plan, TimePlan | UsagePlan) and plan.notice_at is not None and plan.cap == "none":
        limits = "sold_amount or sold_hours" if isinstance(plan, TimePlan) else "sold_amount"
        yield "billing", "there is no limit to be told of", f"Say cap: {limits}, or leave notice_at out."
    if not isinstance(plan, TimePlan) and not package.product:
        what = f"nothing says what the ledger sells it as, and a {plan.kind} plan bills more than hours"
        yield "product", what, "Name a product of the ERP, such as product: Fixed fee."
    if package.prepaid_product and not isinstance(plan, RetainerPlan):
        yield "prepaid_product", "only a retainer has prepaid blocks", "Leave it out."
