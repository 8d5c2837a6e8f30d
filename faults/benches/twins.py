"""The simulation against the real engine: the same scripts, the same histories, on a real Postgres that workers die on."""

from __future__ import annotations

from structlog.testing import capture_logs

from faults.bench import Bench, Budget, Outcome, Progress
from tieout.testing.database import fresh_database, migrated_postgres, opened
from tieout.testing.simulation.for_real import ForReal, Troubled, known
from tieout.testing.simulation.in_turn import InTurn
from tieout.testing.simulation.script import scripted
from tieout.testing.simulation.world import BEGINNING

_SCRIPTS = 600
_SABOTEURS = ("look_at_once", "stale_key", "late_content", "fresh_key")
# A bug finds its occasion within this many scripts.
_PATIENCE = 400


async def run(budget: Budget, seed: int, progress: Progress) -> Outcome:
    """Plays scripts of consecutive seeds twice; a history that differs counts as lost, for one of the two is wrong."""
    outcome, goal, first = Outcome(), budget.goal(_SCRIPTS), seed * 1_000_000
    acts = 0
    # A fault of ours is among what strikes, and the engine logs each: nobody needs to read these.
    with capture_logs(), migrated_postgres() as template, fresh_database(template) as url:
        async with opened(url) as database:
            await known(database, BEGINNING)
            troubled = Troubled(url)
            await troubled.open()
            for number in range(goal):
                if budget.over:
                    outcome.cut_short = f"{number} of {goal} scripts"
                    break
                model, real = InTurn(scripted(first + number)), ForReal(scripted(first + number), database, troubled)
                simulated, lived = model.play(), await real.play()
                if (lived, real.stage.history) != (simulated, model.stage.history):
                    outcome.lost += 1
                    outcome.evidence.append(
                        f"script {first + number}: {_where(real.stage.history, model.stage.history)}"
                    )
                outcome.real += real.stage.struck.total()
                outcome.simulated += model.stage.struck.total()
                acts += len(real.stage.history)
                progress(number + 1, goal, f"{acts:,} acts alike")
            await troubled.close()
    outcome.saboteurs = {each: _shows(each, first) for each in _SABOTEURS}
    outcome.measures["acts compared"] = (acts, "")
    return outcome


def _where(real: list[str], simulated: list[str]) -> str:
    """The first act in which two histories differ."""
    for number, (one, other) in enumerate(zip(real, simulated, strict=False)):
        if one != other:
            return f"act {number} is “{one}” in the engine and “{other}” in the simulation"
    return f"{len(real)} acts in the engine, {len(simulated)} in the simulation, or another end"


def _shows(saboteur: str, first: int) -> bool:
    """Whether a bug on one side would have been seen as another history."""
    for seed in range(first, first + _PATIENCE):
        spoilt, honest = InTurn(scripted(seed), frozenset({saboteur})), InTurn(scripted(seed))
        spoilt.play()
        honest.play()
        if spoilt.stage.history != honest.stage.history:
            return True
    return False


BENCH = Bench(
    name="twins",
    title="The simulation and the real engine give the same history, act by act.",
    proves=("F19",),
    about=(
        "A script says which states of which records arrive, when time passes, when people answer, and what goes wrong at the "
        "n-th call and the n-th commit. It is played once in the simulation and once with the hub's own intake, executor and "
        "effects on a real Postgres, against the same model target. Every commit, call and late arrival must come in the same "
        "order, and effects, runs, messages and the target must end the same. So what the simulation proves, it proves of the engine."
    ),
    minutes=3,
    run=run,
)
