import os
import subprocess
import sys

SQUARE = """
from types import SimpleNamespace
from schemas.messages import Signature
from streams.match.cluster import components
from streams.match.keys import Keys

def same(a, b):
    pair = a.source + b.source
    return pair if pair in ("ac", "ad", "bc", "bd") else None

def keys(signature):
    shared = tuple(three.encode() for three in ("abc", "abd") if signature.source in three)
    return Keys(shared, shared)

ads = [SimpleNamespace(signature=Signature(source), first=0, close=1, since=0, log=0) for source in "abcd"]
print(components(ads, same, keys, None))
"""


def test_the_evidence_of_a_vacancy_does_not_depend_on_the_process() -> None:
    """Of four pairs three are enough to join four ads: the same three in every process, however it hashes bytes."""
    said = {
        subprocess.run(
            [sys.executable, "-c", SQUARE],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(6)
    }
    assert said == {"[([0, 1, 2, 3], ('ac', 'ad', 'bc'))]\n"}
