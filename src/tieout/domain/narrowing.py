"""The firm as somebody sees it whose right ends at some of its legal entities: nothing of the others, not even their names."""

from __future__ import annotations

from collections.abc import Set

from tieout.domain.firm import ApprovalRule, Firm, ValueTable
from tieout.domain.routing import HoldRules
from tieout.domain.values import ANY
from tieout.domain.working_days import WorkingCalendar


def narrowed(firm: Firm, entities: Set[str] | None) -> Firm:
    """The firm without its other legal entities and what is theirs alone; None is every one, which is the firm itself."""
    if entities is None:
        return firm
    others = {each.code for each in firm.entities} - entities
    return firm.model_copy(
        update={
            "entities": tuple(each for each in firm.entities if each.code in entities),
            "connections": {name: each for name, each in firm.connections.items() if each.entity not in others},
            "rate_cards": tuple(each for each in firm.rate_cards if each.entity in entities),
            "tables": tuple(_table(each, others) for each in firm.tables),
            "notifications": tuple(
                each for each in firm.notifications if not each.holds.entities or set(each.holds.entities) <= entities
            ),
            "holds": _rules(firm.holds, others),
            "calendars": tuple(
                _calendar(each, others) for each in firm.calendars if set(each.entities) - others or not each.entities
            ),
            "approvals": _approvals(firm.approvals, others),
            # Limits that span engagements may span entities, too.
            "caps": (),
        }
    )


def _table(table: ValueTable, others: Set[str]) -> ValueTable:
    rows = tuple(each for each in table.rows if each.entity not in others and each.value not in others)
    return table.model_copy(update={"rows": rows})


def _calendar(calendar: WorkingCalendar, others: Set[str]) -> WorkingCalendar:
    return calendar.model_copy(update={"entities": tuple(each for each in calendar.entities if each not in others)})


def _approvals(approvals: ApprovalRule, others: Set[str]) -> ApprovalRule:
    gates = tuple(
        each.model_copy(update={"entities": tuple(code for code in each.entities if code not in others)})
        for each in approvals.gates
        if set(each.entities) - others or not each.entities
    )
    return approvals.model_copy(update={"gates": gates})


def _rules(rules: HoldRules, others: Set[str]) -> HoldRules:
    regions = {
        name: each.model_copy(update={"entities": tuple(code for code in each.entities if code not in others)})
        for name, each in rules.regions.items()
    }
    kept = tuple(each for each in rules.rules if each.entity in (None, "", ANY) or each.entity not in others)
    return rules.model_copy(update={"regions": regions, "rules": kept})
