"""The ERP's own web client, fetched once with npm when somebody asks for it: a separate program under its own licence."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

from tieout.cli.demo.options import Options
from tieout.cli.demo.voice import Voice
from tieout.cli.exits import Exit, stop

_PACKAGE = "tryton-sao@8.0.11"


async def installed_client(options: Options, voice: Voice) -> Path:
    """The folder that the ERP serves. Raises Stop when there is no npm, with its words when it fails."""
    folder = (options.erp_cache or options.home) / _PACKAGE
    client = folder / "node_modules" / "tryton-sao"
    if client.is_dir():
        return client
    npm = shutil.which("npm", path=str(Path(sys.executable).parent)) or shutil.which("npm")
    if npm is None:
        raise stop(Exit.CONFIGURATION, "The ERP's web client needs npm.", fix="Install npm, or leave --erp-ui out.")
    voice.say(f"fetching {_PACKAGE} (GPL-3.0-or-later) with npm")
    process = await asyncio.create_subprocess_exec(
        npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", _PACKAGE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    said, _ = await process.communicate()
    if process.returncode != 0 or not client.is_dir():
        raise stop(
            Exit.UNREACHABLE, "The ERP's web client cannot be fetched.", fix=said.decode(errors="replace")[-500:]
        )
    return client
