"""The demo's whole story with a hub that is killed again and again, and with rude webhooks: the same books at its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from faults.bench import Bench, Budget, Outcome, Progress


def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    """One story, or several with seeds of their own when the budget's share allows."""
    outcome, goal = Outcome(), budget.goal(1)
    for number in range(goal):
        if budget.over:
            outcome.cut_short = f"{number} of {goal} stories"
            break
        told = _story(seed + number)
        _judge(outcome, told)
        progress(number + 1, goal, f"hub killed {told['hub_kills']} times")
    return outcome


def _story(seed: int) -> dict[str, Any]:
    """What `tieout demo --json` says at the end. Raises RuntimeError with its last words when it says nothing."""
    options = ["--once", "--fresh", "--kill-hub", "--rude-webhooks", "--json", "--port", "0", "--seed", str(seed)]
    with tempfile.TemporaryDirectory(prefix="tieout-story-") as home:
        ended = subprocess.run(
            [sys.executable, "-m", "tieout.cli", "demo", *options],
            env=_environment(Path(home)), capture_output=True, text=True, check=False,
        )  # fmt: skip
    told: dict[str, Any] = json.loads(ended.stdout) if ended.stdout else {}
    if "ties_out" not in told:
        raise RuntimeError(f"the story ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
    return told


def _environment(home: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TIEOUT_")}
    return {**inherited, "TIEOUT_HOME": str(home)}


def _judge(outcome: Outcome, told: dict[str, Any]) -> None:
    """A figure that a system has less of than the hub was lost on the way, one that it has more of was doubled."""
    outcome.real += told["hub_kills"]
    outcome.measures["deals won"] = (told["deals_won"], "")
    outcome.measures["time entries"] = (told["entries"], "")
    outcome.measures["invoices"] = (told["invoices"], "")
    if not told["story"]["finished"]:
        outcome.lost += 1
        outcome.evidence.append(f"the story stopped on {told['story']['day']}")
    for name in told["missing"]:
        outcome.lost += 1
        outcome.evidence.append(f"{name} did not happen")
    for entity in told["entities"]:
        for each in entity["documents"]:
            if each["differing"]:
                outcome.lost += 1
                outcome.evidence.append(
                    f"{entity['entity']}, {each['kind']} {each['number']}: {each['differing']} differ"
                )
        for each in entity["differences"]:
            difference = Decimal(each["difference"])
            if difference:
                outcome.lost += difference > 0
                outcome.doubled += difference < 0
                outcome.evidence.append(
                    f"{entity['entity']}, {each['name']}: {each['hub']} here, {each['system']} there"
                )
    for each in told["differences"]:
        if Decimal(each["amount"]):
            outcome.lost += 1
            outcome.evidence.append(f"{each['entity']}, {each['name']}: {each['amount']} {each['currency']}")


BENCH = Bench(
    name="story",
    title="A firm's quarter ends in the same books when the hub is killed again and again and every webhook comes twice.",
    proves=("F1", "F7", "F8"),
    about=(
        "The demo's story from the first won deal to the last payment, with the Salesforce and Kantata sandboxes and a real "
        "Tryton. The hub is killed with `kill -9` at random moments of its days and started again; every webhook comes "
        "twice, the newest first (these are not counted as faults). At the end every figure of the hub is compared with "
        "what each system says of itself. What its checks notice is proved by the saboteurs of the crash benches."
    ),
    minutes=5,
    run=run,
)
