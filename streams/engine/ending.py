"""How a worker ends when it cannot go on: it says why, and leaves the rest to the exactness of its next start."""

import os
import sys

import structlog

from streams.engine.errors import Fenced, Refused

EXIT_REFUSED = 78
"""Exit code of a worker that an operator must see to; the supervisor leaves it stopped until `marsad resume`."""

EXIT_FENCED = 75
"""Exit code of a worker whose partitions another has taken over."""


def end_process(error: BaseException | None) -> None:
    """Say why, and end without another word to Kafka: whatever is unfinished, the next start does exactly."""
    if error is None:
        os._exit(0)
    code = EXIT_REFUSED if isinstance(error, Refused) else EXIT_FENCED if isinstance(error, Fenced) else 1
    structlog.get_logger().error("worker ends", reason=str(error), kind=type(error).__name__, code=code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
