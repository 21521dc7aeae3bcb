import pytest

from streams.enrich.occupation import Coder


@pytest.fixture(scope="session")
def coder() -> Coder:
    """Compile the project's own lexicon, once."""
    return Coder.load()
