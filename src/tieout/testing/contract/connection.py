"""What every connection promises: it says who it is and what is there, links to people's pages, and keeps its secrets."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx2
from pydantic import BaseModel, SecretBytes, SecretStr

from tieout.connectors.contract import Connector, Health
from tieout.domain.identity import Ref
from tieout.domain.problems import Misconfigured, Rejected, Transient
from tieout.testing.contract.bench import Trial, outcome, promise, told
from tieout.testing.contract.network import AWAY, LIES, UNANSWERED, Fault
from tieout.testing.contract.striking import at_every_call

_SHORTEST_SECRET = 4


async def a_check_says_who_we_are(trial: Trial) -> None:
    health = await trial.bench.connection.check()
    promise(health.ok and bool(health.user) and bool(health.detail), f"{health} does not say who we are")


async def the_records_of_the_system_are_described(trial: Trial) -> None:
    described = await trial.bench.connection.describe()
    promise(bool(described), "describe tells of nothing")
    empty = [kind for kind, fields in described.items() if not fields]
    promise(not empty, f"no fields are described for {empty}")


async def a_link_is_an_address_or_nothing(trial: Trial) -> None:
    spec, connection = trial.bench.spec, trial.bench.connection
    kinds = {*spec.reads, *(name.partition(".")[0] for name in spec.writes), "no such kind"}
    for kind in sorted(kinds):
        link = connection.link(Ref(connection.name, kind, "1 2/3"))
        url = httpx2.URL(link)
        promise(link == "" or (url.scheme in ("http", "https") and bool(url.host)), f"the link to a {kind} is {link!r}")
        promise(" " not in link, f"{link!r} is no address")


async def an_unknown_word_is_a_mistake_of_the_caller(trial: Trial) -> None:
    """LookupError, which no flow takes for an answer of the system."""
    connection = trial.bench.connection
    if trial.bench.spec.reads:
        nowhere = Ref(connection.name, "no such kind", "1")
        for act in (lambda: connection.changes("no such kind", None), lambda: connection.look(nowhere)):
            result = await outcome(act())
            promise(isinstance(result, LookupError), f"an unknown kind: {told(result)}")
    if trial.bench.spec.writes:
        try:
            connection.operation("no such operation")
        except LookupError:
            return
        promise(False, "an unknown operation is answered")


async def the_spec_tells_the_operations_of_the_connection(trial: Trial) -> None:
    for name, declared in trial.bench.spec.writes.items():
        opened = trial.sink.operation(name)
        promise(opened.name == name == declared.name, f"{name} is called {opened.name}")
        promise(
            opened.guarantee is declared.guarantee,
            f"{name} is {declared.guarantee} in the spec, {opened.guarantee} opened",
        )
        promise(bool(opened.does), f"{name} does not say in words what it does")
        told_of = (declared.creates, declared.money, declared.undo)
        promise(
            (opened.creates, opened.money, opened.undo) == told_of,
            f"what {name} creates, moves and how it is undone is not what the spec says",
        )


async def a_connection_that_cannot_be_opened_says_so(trial: Trial) -> None:
    """From the first call on, logging in included: whatever breaks, `check` does not claim that all is well."""

    async def first_check() -> Health:
        connection: Connector = trial.bench.open()
        try:
            return await connection.check()
        finally:
            await connection.close()

    async for strike in at_every_call(trial, (*AWAY, *UNANSWERED, *LIES), first_check):
        allowed = Transient | Misconfigured | Rejected if strike.fault in LIES else Transient
        promise(isinstance(strike.result, allowed), f"the first check, {strike}")


async def wrong_credentials_name_the_connection(trial: Trial) -> None:
    """In all that a stranger tries: `Misconfigured`, with the connection's name, and nothing else."""
    spec, stranger = trial.bench.spec, trial.bench.stranger()
    acts: list[Callable[[], Awaitable[Any]]] = [stranger.check]
    acts += [partial(stranger.changes, kind, None) for kind in spec.reads]
    for name in list(spec.writes)[:1]:
        sample = await trial.bench.sample(name)
        request = await trial.sink.prepare(sample.write)
        acts += [partial(stranger.send, name, request), partial(stranger.find, sample.write)]
    for act in acts:
        result = await outcome(act())
        promise(isinstance(result, Misconfigured), f"a stranger met {told(result)}")
        promise(stranger.name in result.args, f"{result.args} does not name the connection {stranger.name}")
    await stranger.close()


async def no_secret_is_told(trial: Trial) -> None:
    """Not in what is raised, shown, logged or prepared; neither the settings' secrets nor the tokens on the wire."""
    bench, connection = trial.bench, trial.bench.connection
    said: list[str] = []
    with _listening() as log:
        said += [repr(connection), str(connection), repr(await connection.check()), repr(await connection.describe())]
        said.append(connection.link(Ref(connection.name, next(iter(bench.spec.reads), "record"), "1")))
        for operation in bench.spec.writes:
            sample = await bench.sample(operation)
            request = await connection.prepare(sample.write)
            said.append(request.decode(errors="replace"))
            said.append(_raised(await outcome(_written(connection, sample.refused))))
        for fault in ("refused", "unavailable", "garbled", "login_page", "error_in_200"):
            said += [_raised(each) for each in await _while(trial, fault)]
        stranger = bench.stranger()
        said += [repr(stranger), _raised(await outcome(stranger.check()))]
        await stranger.close()
    said += log
    for secret in _secrets(trial):
        leaks = [each for each in said if secret in each]
        promise(not leaks, f"a secret is told: {leaks[:1]}")


async def _while(trial: Trial, fault: Fault) -> list[Any]:
    """A check of the open connection and the first one of a new connection, which logs in."""
    results: list[Any] = []
    opened = trial.bench.open()
    for connection in (trial.bench.connection, opened):
        trial.network.strike(fault, only_changes=False)
        results.append(await outcome(connection.check()))
        trial.network.calm()
    await opened.close()
    return results


async def _written(connection: Any, write: Any) -> Any:
    return await connection.send(write.operation, await connection.prepare(write))


def _raised(result: Any) -> str:
    if not isinstance(result, Exception):
        return repr(result) if isinstance(result, Health) else ""
    problems = [repr(each) for each in result.problems] if isinstance(result, Rejected) else []
    return "\n".join([*traceback.format_exception(result), repr(result), repr(result.args), *problems])


def _secrets(trial: Trial) -> set[str]:
    """Those of the settings that the bench opens with, and what was sent to prove who we are."""
    found = set[str]()
    for settings in (trial.bench.settings, trial.bench.settings.model_copy(update=dict(trial.bench.wrong()))):
        found |= set(_hidden(settings))
    for authorization in trial.network.authorizations:
        found |= {authorization, authorization.partition(" ")[2]}
    return {each for each in found if len(each) >= _SHORTEST_SECRET}


def _hidden(value: Any) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case SecretBytes():
            yield value.get_secret_value().decode(errors="replace")
        case BaseModel():
            for name in type(value).model_fields:
                yield from _hidden(getattr(value, name))
        case _:
            return


@contextmanager
def _listening() -> Generator[Sequence[str]]:
    """Everything that anybody logs, however chatty."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    root, ear = logging.getLogger(), Ear(logging.NOTSET)
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(ear)
        root.setLevel(level)
