"""`tieout notify` tries a channel for real and shows what the rules would say, without saying it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from standardwebhooks import Webhook
from tests.cli.conftest import Tieout

from tieout.cli.exits import Exit
from tieout.domain.problems import Problem
from tieout.testing.books import Books
from tieout.testing.database import opened

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOLD = """
channels:
  pager: { kind: webhook, settings: { hosts: [127.0.0.1], on_premise: true } }
  mail: { kind: email, settings: { host: smtp.kestrel.example, sender: tieout@kestrel.example } }
notifications:
  - { name: urgent, channel: pager, digest: { at: 08:00, zone: Europe/Berlin } }
"""


@dataclass
class Receiver:
    """Takes webhooks, on another thread: the command has this one."""

    status: int = 204
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def receiver() -> Generator[Receiver, None, None]:
    found = Receiver()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.taken.append((dict(self.headers), body))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.address = f"http://127.0.0.1:{server.server_port}/in?key=secret"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(kestrel: Path) -> Path:
    with (kestrel / "tieout.yaml").open("a") as file:
        file.write(TOLD)
    return kestrel


@pytest.fixture
def secrets(tieout: Tieout, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside nothing else: the command line begins with an environment without any variable of ours."""
    monkeypatch.setenv("TIEOUT_CHANNEL_PAGER_URL", receiver.address)
    monkeypatch.setenv("TIEOUT_CHANNEL_PAGER_SECRET", SECRET)


@pytest.mark.loopback
@pytest.mark.usefixtures("secrets")
def test_a_channel_is_tried_for_real(tieout: Tieout, folder: Path, receiver: Receiver) -> None:
    said = tieout("notify", "test", "pager", "--folder", str(folder), "--json")
    assert (said.code, said.document["sent"]) == (Exit.OK, True)
    ((headers, body),) = receiver.taken
    event = Webhook(SECRET).verify(body, headers)
    assert (event["type"], event["id"]) == ("tieout.notice.test", said.document["id"])
    assert tieout("notify", "test", "pager", "--folder", str(folder)).out == "✓ pager took the test message.\n"


@pytest.mark.loopback
@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(("status", "code"), [(404, Exit.CONFIGURATION), (503, Exit.UNREACHABLE)])
def test_a_channel_that_refuses_is_explained_without_its_secrets(
    tieout: Tieout, folder: Path, receiver: Receiver, status: int, code: Exit
) -> None:
    receiver.status = status
    said = tieout("notify", "test", "pager", "--folder", str(folder))
    assert said.code == code
    assert f"HTTP {status}" in said.err
    assert "secret" not in said.err


def test_what_is_missing_is_named(tieout: Tieout, folder: Path) -> None:
    said = tieout("notify", "test", "pager", "--folder", str(folder))
    assert said.code == Exit.CONFIGURATION
    assert "TIEOUT_CHANNEL_PAGER_SECRET" in said.err
    said = tieout("notify", "test", "pagre", "--folder", str(folder))
    assert said.code == Exit.PROBLEM
    assert "Did you mean “pager”?" in said.err
    said = tieout("notify", "test", "mail", "--folder", str(folder))
    assert said.code == Exit.USAGE
    assert "--to" in said.err


def test_a_preview_shows_what_would_be_said_and_says_nothing(
    on_database: Tieout, database_url: str, folder: Path
) -> None:
    assert on_database("apply", str(folder)).code == Exit.OK

    async def waits() -> None:
        async with opened(database_url) as database:
            books = Books(database, datetime.now(UTC) - timedelta(hours=21))
            await books.held("006A", [Problem("package.unknown", {"package": "X", "deal": "Globex", "link": ""})])

    asyncio.run(waits())
    said = on_database("notify", "preview", "--json")
    assert [(each["rule"], each["event"]) for each in said.document] == [("urgent", "opened"), ("urgent", "digest")]
    people = on_database("notify", "preview").out
    assert "Due soon and nobody has it: A deal sells a service package that the firm folder does not have" in people
    assert "urgent → pager, digest at 08:00 Europe/Berlin" in people
    assert "Globex" not in people
    assert on_database("notify", "preview", "--rule", "other").out == "Nothing would be said.\n"
