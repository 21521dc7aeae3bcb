"""Log lines: JSON, one a line, on standard error; what libraries log through `logging` comes out the same way."""

import dataclasses
import logging
import re
import sys
from collections.abc import Callable
from typing import TextIO

import structlog

NOISY = (
    "FlushReached",
    "RunFlushed",
    "RequestAnswered",
    "PostingsPublished",
    "LiveRecords",
    "RowsWritten",
    "PushAnswered",
)
"""Facts that happen many times a second: at level debug."""

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def configure(process: str, level: str, stream: TextIO = sys.stderr) -> None:
    """Write every log line of this process as JSON to `stream`, stamped with its name and the UTC time."""
    stamps: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        lambda _logger, _method, event: {"process": process, **event},
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *stamps,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
            foreign_pre_chain=[*stamps, structlog.stdlib.add_logger_name],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("aiokafka", "faust", "mode", "aiohttp.access", "clickhouse_driver"):  # they tell of every connection
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def log_facts(process: str) -> Callable[[object], None]:
    """Make an observer that writes each fact (a frozen dataclass) as a log line named after it."""
    logger = structlog.stdlib.get_logger(process)

    def observe(fact: object) -> None:
        name = type(fact).__name__
        if not dataclasses.is_dataclass(fact) or isinstance(fact, type):
            raise TypeError(f"{name} is no fact")
        event = _WORD.sub(" ", name).lower()
        write = logger.debug if name in NOISY else logger.info
        write(event, **{f"{key}_" if key == "event" else key: value for key, value in dataclasses.asdict(fact).items()})

    return observe
