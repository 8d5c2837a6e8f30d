"""The floor of a doorbell: the same web server, an application that reads the body and says 200, and nothing else.

Run as `python -m benchmarks.bare_door`; announces its address with one line of JSON and ends when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys

import uvicorn
from starlette.types import Receive, Scope, Send


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]})
    await send({"type": "http.response.body", "body": b"yes"})


def listening() -> socket.socket:
    """A free port. With the protocol named, asyncio sends small answers at once instead of waiting 40 ms for more."""
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.bind(("127.0.0.1", 0))
    door.listen(128)
    return door


async def main() -> None:
    door = listening()
    server = uvicorn.Server(uvicorn.Config(answer, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[door]))
    sys.stdout.write(json.dumps({"address": f"http://127.0.0.1:{door.getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
