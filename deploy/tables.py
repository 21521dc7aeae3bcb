"""`marsad migrate`: the store's numbered SQL, applied by the process that owns the store."""

import time

from deploy.datadir import DataDir
from deploy.debian import Say
from deploy.errors import DeployError
from deploy.settings import Settings
from deploy.waiting import AGAIN_SECONDS
from store import MigrationRefused, Store, StoreRefused, StoreUnavailable
from store.connect import connect
from store.migrate import migrate


def open_store(settings: Settings, data: DataDir, say: Say) -> tuple[Store, list[str]]:
    """Open the store with its tables up to date; also the names of the files applied now.

    Blocks while a server does not answer, and says so. Raises DeployError for anything else.
    """
    url = settings.clickhouse.get_secret_value()
    said: float | None = None
    while True:
        try:
            store = connect(url or None, data.store)
            return store, migrate(store)
        except StoreUnavailable as error:
            if not url:
                raise DeployError(f"the store cannot be opened ({error}): `marsad up` has it while it runs") from error
            if said is None or time.monotonic() - said >= AGAIN_SECONDS:
                say(f"ClickHouse does not answer yet ({error}): waiting")
                said = time.monotonic()
            time.sleep(1.0)
        except (MigrationRefused, StoreRefused, ValueError) as error:
            raise DeployError(f"the store cannot be used: {error}") from error
