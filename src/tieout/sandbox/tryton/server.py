"""The ERP of one demo or one test run: a copy of the template in a folder of its own, continued by the next start."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tieout.sandbox.tryton.environment import Progress, alone
from tieout.sandbox.tryton.process import ErpProcess
from tieout.sandbox.tryton.template import Template
from tieout.sandbox.tryton.tenancy import DATABASE, Tenancy


class TrytonServer:
    """`with TrytonServer(template, folder) as erp:` serves what is in the folder, or a copy of the template.

    `fresh` begins again from the template. One server per folder at a time: a second one waits for the first to end.
    `port` 0 takes a free one, which a restart of the same object keeps.
    """

    def __init__(
        self,
        template: Template,
        folder: Path,
        *,
        port: int = 0,
        fresh: bool = False,
        web: Path | None = None,
        progress: Progress = lambda _: None,
    ) -> None:
        self.database = DATABASE
        self.tenancy: Tenancy = template.tenancy
        self._template = template
        self._folder = folder.resolve()
        self._port = port
        self._fresh = fresh
        self._progress = progress
        self._process = ErpProcess(template.python, self._folder, web=web)
        self._held = ExitStack()

    @property
    def url(self) -> str:
        """The server's address; empty before the first start."""
        return self._process.url

    @property
    def pid(self) -> int:
        """The server's process. Raises SandboxFailure when it does not run."""
        return self._process.pid

    @property
    def log(self) -> Path:
        return self._process.log

    def __enter__(self) -> TrytonServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the database answers. Raises SandboxFailure when it does not, or when the folder is not for it."""
        try:
            lock = self._held.enter_context(
                alone(self._folder / ".lock", self._progress, waiting="waiting for the other ERP in this folder to end")
            )
            self.tenancy = self._template.settle(self._folder, fresh=self._fresh)
            self._fresh = False
            # The server holds the folder's lock too, for the moment in which only the server is left.
            self._port = self._process.start(self._port, keep=[lock])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server. Stopping twice is nothing."""
        self._process.stop()
        self._held.close()
