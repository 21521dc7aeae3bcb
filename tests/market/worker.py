"""The stream worker of production with its first stage alone, which deduplicates: `python -m tests.market.worker`.

The market's ads are near copies of each other, thousands to a city: to match them is another test's work.
"""

import asyncio

from deploy import processes
from deploy.datadir import open_data_dir
from deploy.settings import read_settings
from streams import app


def main() -> None:
    """Run until SIGTERM."""
    every = app.stages
    app.stages = lambda settings, enricher: every(settings, enricher)[:1]
    settings = read_settings()
    asyncio.run(processes.run_streams(settings, open_data_dir(settings.data_dir), resume=False))


if __name__ == "__main__":
    main()
