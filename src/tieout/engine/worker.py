"""Hands due runs to DBOS and works them off: any number of workers on one database, each able to finish another's runs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, repeat
from typing import Any
from uuid import uuid4

import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID

from tieout.engine.execution import Executor
from tieout.engine.run import Clock
from tieout.engine.watchdog import STUCK, watched
from tieout.store import runs, statistics, workers
from tieout.store.clock import pull_back
from tieout.store.database import Database, Tx, one_line

log = structlog.get_logger(__name__)

_LOT = "tieout_lot"
# As earlier versions handed runs over, each by itself: what they left in the queue is worked off.
_QUEUE, _WORKFLOW = "runs", "tieout_run"
# One version for all: a run holds no position in its code (docs/decisions/0002), so any worker can begin it again.
_VERSION = "tieout"
# Seconds between two looks for what is due when nothing is heard, and when there is little room; between two hand-overs, so
# that a lot is worth its while; and for what earlier versions left in their queue.
_LOOK, _SOON, _PAUSE, _LEFT = 0.5, 0.1, 0.02, 1.0
# A lot is worth its while when this part of a worker's places is free.
_WORTH = 4
_BEAT, _KNOW = 15.0, 2.0
# Seconds between two roll calls; and after so many of them it is looked whether one was declared gone and left behind.
_ROLL_CALL, _CALLS = 0.25, 60
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
        concurrency: int = 32,
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
        self._lot: Any = None
        self._at_work = 0
        self._stirred = asyncio.Event()
        self._uncommitted: dict[str, asyncio.Future[int]] = {}

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
                _QUEUE, partition_concurrency=1, worker_concurrency=self._concurrency, polling_interval_sec=_LEFT
            )
            work = (self._hand_over(), self._adopt(), self._beat(), self._stay(lock, held), self._know())
            loops = [asyncio.create_task(each) for each in work]
            try:
                yield
            finally:
                for each in loops:
                    each.cancel()
                await asyncio.gather(*loops, return_exceptions=True)
                with contextlib.suppress(Exception):  # without the database nobody will know, and one death is no harm
                    async with self._database.transaction() as tx:
                        await workers.told_to_stop(tx, self._id)
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

        @DBOS.workflow(name=_LOT)
        async def work_off(lot: str) -> None:
            await self._work_off(lot)

        self._lot = work_off
        DBOS.launch()

    async def _enter(self, held: AsyncExitStack) -> Tx:
        """Takes this worker's lock, on a connection that is held as long as the worker lives, and says that it is there."""
        lock = await held.enter_async_context(self._database.session())
        await lock.execute("select pg_advisory_lock(%s)", (lock_key(self._id),))
        await lock.execute("listen work")
        async with self._database.transaction() as tx:
            await workers.enter(tx, self._id, lock_key(self._id), self._clock())
        return lock

    async def _stay(self, lock: Tx, held: AsyncExitStack) -> None:
        """Listens for work on the connection that has the lock. Enters again when that was lost, as in a failover: others took
        this worker for gone, and who is gone is never adopted again."""
        while True:
            try:
                if await runs.work_told(lock, _STAY):
                    self._stir()
                else:
                    await lock.execute("select 1")
            except Exception:
                log.warning("taken for gone, entering again", worker=self._id)
                await asyncio.sleep(_STAY)
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
                    await workers.beat(tx, self._id, self._database.use(), self._clock())
            await asyncio.sleep(_BEAT)

    async def _know(self) -> None:
        """Keeps what the server knows of its tables up with a burst."""
        while True:
            with contextlib.suppress(Exception):  # without the database there is nothing to know
                async with self._database.statement() as session:
                    await statistics.keep_up(session)
            await asyncio.sleep(_KNOW)

    async def _hand_over(self) -> None:
        """Moves due runs into the engine: the outbox of the hub's own transactions."""
        while True:
            self._stirred.clear()
            try:
                handed = await self.hand_over_due()
            except Exception:  # the database may be restarting; the loop is what brings the work back
                log.exception("handing over failed")
                handed = 0
            await asyncio.sleep(_PAUSE)
            worth_it = self._worth_it()
            if not handed or not worth_it:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stirred.wait(), _LOOK if worth_it else _SOON)

    def _stir(self) -> None:
        """There may be something to hand over: at once when it is worth a lot, else soon, with what is free by then."""
        if self._worth_it():
            self._stirred.set()

    def _worth_it(self) -> bool:
        """Whether there is room for enough runs to share what a lot costs."""
        return self._concurrency - self._at_work >= max(1, self._concurrency // _WORTH)

    async def hand_over_due(self) -> int:
        """Takes this worker's share of what is due, as far as it has room, as one lot: a durable workflow of the engine's.

        The workflow is there before the lot is committed, and begins afterwards. A lot that never was has no runs.
        """
        room, lot = self._concurrency - self._at_work, f"{self._id}/{uuid4()}"
        if room <= 0:
            return 0
        async with self._database.statement() as tx:
            room = min(room, await runs.share(tx, self._clock()))
        if not room:
            return 0
        committed, count = asyncio.get_running_loop().create_future(), 0
        self._uncommitted[lot] = committed
        try:
            async with self._database.transaction() as tx:
                due = await runs.due(tx, self._clock(), room)
                if due:
                    await runs.handed_over(tx, [each["id"] for each in due], lot, self._id)
                    with SetWorkflowID(lot):
                        await DBOS.start_workflow_async(self._lot, lot)
            count = len(due)
            self._at_work += count
        finally:
            committed.set_result(count)
            if not count:
                self._uncommitted.pop(lot, None)
        return count

    async def _work_off(self, lot: str) -> None:
        """A lot of this worker's, or of one that is gone."""
        reserved = await self._uncommitted[lot] if lot in self._uncommitted else 0
        self._uncommitted.pop(lot, None)

        def over(count: int) -> None:
            nonlocal reserved
            self._at_work -= count + reserved
            reserved = 0
            self._stir()

        await self._executor.carry_out_lot(lot, over)

    async def _adopt(self) -> None:
        """Calls the roll, on a connection of its own; when that is lost, on another one."""
        while True:
            with contextlib.suppress(
                Exception
            ):  # the database may be restarting; the loop is what brings the roll back
                async with self._database.session() as session:
                    for call in cycle((workers.left_behind, *repeat(workers.found_gone, _CALLS))):
                        await self._take_up(session, await call(session, self._id))
                        await asyncio.sleep(_ROLL_CALL)
            await asyncio.sleep(_ROLL_CALL)

    async def _take_up(self, session: Tx, gone: Sequence[Mapping[str, Any]]) -> None:
        """A worker whose lock is free is gone, and its runs are begun again by the one that notices."""
        for each in gone:
            log.info("worker gone, adopting its runs", gone=each["id"])
            await asyncio.to_thread(DBOS._recover_pending_workflows, [each["id"]])  # pyright: ignore
            async with self._database.transaction() as tx:
                await workers.leave(tx, each["id"], self._clock())
            await session.execute("select pg_advisory_unlock(%s)", (each["lock_key"],))


def lock_key(worker: str) -> int:
    """The advisory lock that a worker holds as long as its connection lives."""
    return int.from_bytes(hashlib.sha256(worker.encode()).digest()[:8], "big", signed=True)
