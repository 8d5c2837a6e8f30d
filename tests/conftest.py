"""The suite's house rules: no sockets but loopback, and those only where a test asks for them."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_socket import disable_socket, socket_allow_hosts


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: Any) -> None:
    """A test marked `loopback` may open sockets to this machine; every other test only to Unix sockets."""
    if item.get_closest_marker("loopback"):
        socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    else:
        disable_socket(allow_unix_socket=True)
