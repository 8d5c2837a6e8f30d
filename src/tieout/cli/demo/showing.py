"""The end of a demo, for people: what it came to, what waits for the visitor, and where to go."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from tieout.cli.amounts import for_people
from tieout.cli.demo.finance import DEPARTMENTS, TABLE
from tieout.cli.demo.result import Result
from tieout.cli.demo.stage import Stage
from tieout.cli.demo.voice import Voice
from tieout.cli.one_hold import shown

_FIGURES = ("booked", "approved", "billed_net", "billed_total", "paid", "open", "unbilled")
# A case that does not happen by itself → the hold that asks for it.
_ANSWERED_BY_FINANCE = {"a partial credit, billed again": "billing.credited"}
_TITLES = ("booked", "delivered", "billed, net", "billed, total", "paid", "open", "unbilled")


def show(result: Result, voice: Voice) -> None:
    """The figures and whether they tie out."""
    told = result.as_dict()
    voice.plain()
    voice.plain(_figures(result))
    voice.plain(
        f"{told['deals_won']} deals won · {told['customers']} customers · {told['projects']} projects · "
        f"{told['entries']} time entries · {told['invoices']} invoices · {told['payments']} payments"
    )
    holds = told["holds"]
    by = ", ".join(f"{number} by {who}" for who, number in sorted(holds["resolved_by"].items()))
    voice.plain(f"{holds['opened']} holds: {holds['resolved']} resolved ({by or 'none'}), {holds['open']} open")
    for name, seconds in told["timings"].items():
        if isinstance(seconds, Mapping):
            voice.plain(f"{name.replace('_', ' ')}: {seconds['median']} s (slowest {seconds['slowest']} s)")
        elif seconds is not None:
            voice.plain(f"{name.replace('_', ' ')}: {seconds}")
    voice.plain(
        "written this time: " + (", ".join(f"{n} {what}" for what, n in result.created.items() if n) or "nothing")
    )
    _month(result, voice)
    _verdict(result, voice)


def welcome(stage: Stage, result: Result, voice: Voice) -> None:
    """What the visitor can do now."""
    command = called(stage.folder)
    voice.plain()
    voice.plain(f"The console: {stage.hub.address}/sign-in  (one click lets you in as somebody of the firm)")
    for each in result.holds:
        if each["state"] == "open":
            _waiting(shown(dict(each)), stage.hub.address, command, voice)
    voice.plain(f"The command line, in another terminal: {command} status")
    crm = stage.box.description["systems"]["salesforce"]
    seller = crm["people"][1] if len(crm["people"]) > 1 else crm["people"][0]
    voice.plain(f"Salesforce: {crm['url']}, for example as {seller['login']} / {seller['password']}")
    erp = stage.box.description["systems"].get("erp-us")
    if erp is not None and (web := erp["settings"].get("web_url")):
        clerk = erp["people"][0]
        voice.plain(f"Tryton's own web client: {web}, for example as {clerk['login']} / {clerk['password']}")
    elif erp is not None:
        voice.plain("Tryton: `tieout demo --erp-ui` serves its own web client too")
    voice.plain("Ctrl-C stops everything; the next `tieout demo` goes on where this one ends, `--fresh` starts over.")


def called(folder: Path) -> str:
    """How Tieout is called beside the demo of a folder: what `make` prepared is on nobody's path."""
    tieout = "tieout" if shutil.which("tieout") else os.path.relpath(Path(sys.executable).with_name("tieout"))
    home = os.path.relpath(folder.parent)
    return tieout if home == ".tieout" else f"TIEOUT_HOME={home} {tieout}"


def _waiting(hold: Mapping[str, Any], address: str, command: str, voice: Voice) -> None:
    voice.plain(f"  {hold['hold']} waits: {hold['what']}")
    voice.plain(f"    fix it at {address}/holds/{hold['hold']}")
    if hold["code"] == "value.missing" and DEPARTMENTS:
        key, value = next(iter(DEPARTMENTS.items()))
        voice.plain(f"    or with: {command} values set {TABLE} '{key}' {value}")


def _figures(result: Result) -> Table:
    table = Table("entity", box=box.SIMPLE_HEAD, pad_edge=False)
    for title in _TITLES:
        table.add_column(title, justify="right")
    table.add_column("differences", justify="right")
    for each in result.figures.totals:
        if each.entity:
            wrong = [one for one in result.compared if one.entity == each.entity and one.difference]
            worst = max((abs(one.difference) for one in wrong if one.currency), default=None)
            sign = "0.00" if not wrong else for_people(worst, each.currency) if worst is not None else "counts"
            table.add_row(
                f"{each.entity} {each.currency}",
                *(for_people(getattr(each, name), each.currency) for name in _FIGURES),
                sign,
            )
    return table


def _month(result: Result, voice: Voice) -> None:
    """What a month may bring, each with the documents of the first time that it happened."""
    voice.plain("The month had:")
    for name, found in result.happened.items():
        if found:
            first = found[0]
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            voice.plain(f"  ✓ {name}: {first['told']}; {', '.join(first['documents'])}{more}")
        elif waits := _waits_for_finance(result, name):
            voice.plain(f"  ○ {name}: it waits for finance, {waits}, and then for the next cut-off")
        else:
            voice.plain(f"  ✗ {name}")
    if result.missing and result.story["finished"]:
        voice.plain("  `tieout demo --once --fresh` plays the month with everybody who answers.")


def _waits_for_finance(result: Result, name: str) -> str:
    """The hold whose answer the case needs, where nobody has given it yet."""
    code = _ANSWERED_BY_FINANCE.get(name)
    return next((f"H-{each['id']}" for each in result.holds if each["code"] == code and each["state"] == "open"), "")


def _verdict(result: Result, voice: Voice) -> None:
    wrong = [each for each in result.figures.differences if each.amount]
    for each in wrong:
        amount = for_people(each.amount, each.currency)
        voice.plain(f"✗ {each.name}: {each.entity} {amount} {each.currency}".rstrip())
    apart = [each for each in result.compared if each.difference]
    for each in apart:
        mine, theirs = for_people(each.hub, each.currency), for_people(each.system, each.currency)
        voice.plain(f"✗ {each.entity} {each.name}: the hub has {mine}, the system {theirs} {each.currency}".rstrip())
    papers = [each for each in result.documents if each.differing]
    for each in papers:
        voice.plain(f"✗ {each.entity} {each.kind} {each.number} differs in {', '.join(each.differing)}")
    if not result.story["finished"]:
        voice.plain("✗ The story is not over.")
    compared = len(result.figures.differences) + len(result.compared) + len(result.documents)
    if result.ties_out:
        voice.plain(
            f"✓ Everything ties out: {compared} comparisons, every difference 0.00; {len(result.documents)} invoices and "
            "credit notes, with their payments, are the same in the ERP."
        )
    else:
        voice.plain(f"✗ {len(wrong) + len(apart) + len(papers)} of {compared} comparisons do not tie out.")
