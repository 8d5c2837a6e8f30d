"""Hands due runs to DBOS and works them off: any number of workers on one database, each able to finish another's runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from dbos import DBOS, DBOSConfig

from tieout.engine.execution import Executor
from tieout.engine.run import Clock
from tieout.engine.watchdog import STUCK, watched
from tieout.store import runs
from tieout.store.clock import pull_back
from tieout.store.database import Database, Tx, one_line

log = structlog.get_logger(__name__)

_QUEUE = "runs"
_WORKFLOW = "tieout_run"
# One version for all: a run holds no position in its code (docs/decisions/0002), so any worker can begin it again.
_VERSION = "tieout"
_LOOK = 0.1
_BEAT = 15.0
_ROLL_CALL = 0.25
_STAY = 1.0


class Worker:
    """One process's share of the work. DBOS is a process-wide library, so there is one Worker in a process.

    `memory` is the most that the process may hold, in bytes, and `stuck` for how many seconds its loop may stand still:
    beyond either it ends itself (engine.watchdog).
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        executor: Executor,
        worker: str,
        *,
        concurrency: int = 8,
        memory: int | None = None,
        stuck: float = STUCK,
    ) -> None:
        self._database = database
        self._clock = clock
        self._executor = executor
        self._id = worker
        self._concurrency = concurrency
        self._memory = memory
        self._stuck = stuck

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Works until the block ends; what is not finished then is finished by whoever starts next."""
        async with AsyncExitStack() as held, watched(self._memory, self._stuck):
            lock = await self._enter(held)
            # In this thread on purpose: DBOS runs the workflows in the loop that it finds here, where the pool and the
            # connections of the systems live. Started elsewhere, it would use a loop of its own.
            self._launch()
            gc.set_threshold(20_000, 20, 20)  # nearly all that a page needed is gone without being looked for
            await DBOS.register_queue_async(
                _QUEUE, partition_concurrency=1, worker_concurrency=self._concurrency, polling_interval_sec=_LOOK
            )
            work = (self._hand_over(), self._adopt(), self._beat(), self._stay(lock, held))
            loops = [asyncio.create_task(each) for each in work]
            try:
                yield
            finally:
                for each in loops:
                    each.cancel()
                await asyncio.gather(*loops, return_exceptions=True)
                with contextlib.suppress(Exception):  # without the database nobody will know, and one death is no harm
                    async with self._database.transaction() as tx:
                        await runs.told_to_stop(tx, self._id)
                await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=5)

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": "tieout",
            "system_database_url": one_line(self._database.url),
            "executor_id": self._id,
            "application_version": _VERSION,
            "log_level": "ERROR",
            "enable_otlp": False,
        }
        DBOS(config=config)

        @DBOS.workflow(name=_WORKFLOW)
        async def work(run_id: str, generation: int) -> None:  # pyright: ignore[reportUnusedFunction]
            await self._executor.carry_out(run_id, generation)

        DBOS.launch()

    async def _enter(self, held: AsyncExitStack) -> Tx:
        """Takes this worker's lock, on a connection that is held as long as the worker lives, and says that it is there."""
        lock = await held.enter_async_context(self._database.session())
        await lock.execute("select pg_advisory_lock(%s)", (lock_key(self._id),))
        async with self._database.transaction() as tx:
            await runs.enter(tx, self._id, lock_key(self._id), self._clock())
        return lock

    async def _stay(self, lock: Tx, held: AsyncExitStack) -> None:
        """Enters again when the lock was lost, as in a failover: others took this worker for gone, and who is gone is never
        adopted again."""
        while True:
            await asyncio.sleep(_STAY)
            try:
                await lock.execute("select 1")
            except Exception:
                log.warning("taken for gone, entering again", worker=self._id)
                with contextlib.suppress(Exception):  # the database is away; the loop comes again
                    lock = await self._enter(held)

    async def _beat(self) -> None:
        """For whoever watches; whether this worker lives is said by its lock, not by its beat."""
        while True:
            with contextlib.suppress(Exception):  # without the database there is nobody to tell
                async with self._database.transaction() as tx:
                    back = await pull_back(tx, self._clock())
                    if back:
                        log.warning("the clock went back, and what waits with it", seconds=back.total_seconds())
                    await runs.beat(tx, self._id, self._database.use(), self._clock())
            await asyncio.sleep(_BEAT)

    async def _hand_over(self) -> None:
        """Moves due runs into the engine's queue: the outbox of the hub's own transactions."""
        while True:
            try:
                handed = await self.hand_over_due()
            except Exception:  # the database may be restarting; the loop is what brings the work back
                log.exception("handing over failed")
                handed = 0
            if not handed:
                await asyncio.sleep(_LOOK)

    async def hand_over_due(self) -> int:
        """The workflow id is run and generation: handing the same generation over twice is the same workflow."""
        async with self._database.transaction() as tx:
            due = await runs.due(tx, self._clock(), 100)
            for each in due:
                await DBOS.enqueue_workflow_with_options_async(
                    {
                        "workflow_name": _WORKFLOW,
                        "queue_name": _QUEUE,
                        "workflow_id": f"{each['id']}~{each['generation']}",
                        "queue_partition_key": each["lane"],
                        "app_version": _VERSION,
                    },
                    each["id"],
                    each["generation"],
                )
            await runs.handed_over(tx, [each["id"] for each in due])
        return len(due)

    async def _adopt(self) -> None:
        """Calls the roll, on a connection of its own; when that is lost, on another one."""
        while True:
            with contextlib.suppress(
                Exception
            ):  # the database may be restarting; the loop is what brings the roll back
                async with self._database.session() as session:
                    while True:
                        await self._call_the_roll(session)
                        await asyncio.sleep(_ROLL_CALL)
            await asyncio.sleep(_ROLL_CALL)

    async def _call_the_roll(self, session: Tx) -> None:
        """A worker whose lock is free is gone, and its runs are begun again by the one that notices."""
        for each in await runs.found_gone(session, self._id):
            log.info("worker gone, adopting its runs", gone=each["id"])
            await asyncio.to_thread(DBOS._recover_pending_workflows, [each["id"]])  # pyright: ignore
            async with self._database.transaction() as tx:
                await runs.leave(tx, each["id"], self._clock())
            await session.execute("select pg_advisory_unlock(%s)", (each["lock_key"],))


def lock_key(worker: str) -> int:
    """The advisory lock that a worker holds as long as its connection lives."""
    return int.from_bytes(hashlib.sha256(worker.encode()).digest()[:8], "big", signed=True)
