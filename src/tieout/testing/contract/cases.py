"""Which checks run on which connector: every check of its reads, its writes and itself, unless its spec waives one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tieout.connectors.contract import ConnectorSpec, Guarantee, Operation
from tieout.testing.contract import breaking, connection, reading, settling, writing
from tieout.testing.contract.bench import Trial

Check = Callable[[Trial], Awaitable[None]]

OF_THE_CONNECTION: tuple[Check, ...] = (
    connection.a_check_says_who_we_are,
    connection.the_records_of_the_system_are_described,
    connection.a_link_is_an_address_or_nothing,
    connection.an_unknown_word_is_a_mistake_of_the_caller,
    connection.the_spec_tells_the_operations_of_the_connection,
    connection.a_connection_that_cannot_be_opened_says_so,
    connection.wrong_credentials_name_the_connection,
    connection.no_secret_is_told,
)
OF_A_WRITE: tuple[Check, ...] = (
    writing.preparing_changes_nothing_and_gives_the_same_bytes,
    writing.what_was_sent_is_there_and_is_found,
    writing.the_declared_guarantee_is_true,
    writing.it_makes_what_it_says,
    writing.money_moves_only_where_a_second_time_is_stopped,
    writing.a_refusal_quotes_the_system,
    writing.a_stranger_writes_nothing,
    breaking.a_lost_answer_is_unknown_and_the_effect_is_there,
    breaking.a_timeout_before_the_effect_is_unknown_and_nothing_is_there,
    breaking.a_system_that_is_away_is_tried_again,
    breaking.an_answer_that_proves_nothing_is_no_receipt,
    breaking.what_cannot_be_prepared_is_tried_again,
    settling.whatever_breaks_there_is_exactly_one_in_the_end,
    settling.three_runs_at_once_make_one,
)
OF_A_FINDABLE_WRITE: tuple[Check, ...] = (breaking.a_failed_look_up_is_no_answer,)
OF_A_LOOKED_UP_WRITE: tuple[Check, ...] = (writing.a_late_twin_is_why_the_engine_waits,)
OF_A_READ: tuple[Check, ...] = (
    reading.the_same_cursor_tells_the_same,
    reading.looking_agrees_with_the_sweep,
    reading.a_document_has_the_version_of_its_record,
    reading.a_change_is_seen,
    reading.versions_are_in_the_source_s_order,
    reading.a_late_commit_is_seen,
    reading.a_deletion_is_seen,
    reading.nothing_is_lost_whatever_the_order,
    reading.what_cannot_be_read_tells_nothing,
)
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        each.__name__: each
        for each in (*OF_THE_CONNECTION, *OF_A_WRITE, *OF_A_FINDABLE_WRITE, *OF_A_LOOKED_UP_WRITE, *OF_A_READ)
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """A check of one operation, kind of record or (with an empty subject) connection. `waiver` is why it does not fit."""

    connector: str
    subject: str
    check: str
    waiver: str = ""

    def __str__(self) -> str:
        return "-".join(each for each in (self.connector, self.subject, self.check) if each)

    async def prove(self, trial: Trial) -> None:
        """Raises Broken with what is not as the contract says."""
        await CHECKS[self.check](trial)


def cases(specs: Iterable[ConnectorSpec]) -> list[Case]:
    return [each for spec in specs for each in _cases_of(spec)]


def _cases_of(spec: ConnectorSpec) -> list[Case]:
    found = [(check, "") for check in OF_THE_CONNECTION]
    for name, operation in spec.writes.items():
        found += [(check, name) for check in (*OF_A_WRITE, *_more(operation))]
    found += [(check, kind) for kind in spec.reads for check in OF_A_READ]
    return [
        Case(spec.kind, subject, check.__name__, _waiver(spec, check.__name__, subject)) for check, subject in found
    ]


def _more(operation: Operation) -> tuple[Check, ...]:
    if not operation.can_be_asked:
        return ()
    return (*OF_A_FINDABLE_WRITE, *(OF_A_LOOKED_UP_WRITE if operation.guarantee is Guarantee.LOOK_UP else ()))


def _waiver(spec: ConnectorSpec, check: str, subject: str) -> str:
    """A waiver is for a check (`name`) or for a check of one operation or kind (`name:subject`)."""
    return spec.waivers.get(f"{check}:{subject}") or spec.waivers.get(check, "")


def strange_waivers(spec: ConnectorSpec) -> list[str]:
    """Waivers that name no check of this connector, or give no reason."""
    known = {name for case in _cases_of(spec) for name in (case.check, f"{case.check}:{case.subject}")}
    return sorted(name for name, reason in spec.waivers.items() if name not in known or not reason.strip())
