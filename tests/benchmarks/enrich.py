"""`marsad bench enrich FILE`: postings a second that one core enriches and matches, decoding included, from cold.

Each round is a process of its own, on one core: it loads the tables, sets the collector of cycles as a worker does,
then times three passes over the lines of the file, in seconds of that core: a plain loop that decodes them;
enrichment; and matching with what enrichment gave at hand. With `--shuffles N` the file is matched in N orders drawn
by seeds, and the vacancies must be the same.
"""

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from deploy import ndjson
from schemas.messages import Enrichment, Posting, Signature
from streams import offline
from streams.enrich.enricher import Enricher
from tests.benchmarks import lab

Found = tuple[Enrichment, Signature]


def _lines(file: str) -> list[bytes]:
    with ndjson.lines_of(file) as lines:
        return list(lines)


def _timed(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def one_round(file: str) -> dict[str, Any]:
    """Time the three passes in this process: seconds of each, and the rows and postings of the file."""
    lines = _lines(file)
    enricher = Enricher.load()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as a worker has it
    found: list[Found] = []

    def remembering(posting: Posting) -> Found:
        found.append(enricher(posting))
        return found[-1]

    seconds = {
        "decode": _timed(lambda: Counter(type(line.posting) for line in offline.read(lines))),
        "enrich": _timed(lambda: [remembering(p.posting) for p in offline.read(lines) if _is_posting(p)]),
    }
    given = iter(found)
    seconds["match"] = _timed(lambda: Counter(map(len, offline.match(lines, lambda _: next(given)))))
    return {"rows": len(lines), "postings": len(found), "seconds": seconds}


def _is_posting(line: offline.Line) -> bool:
    return isinstance(line.posting, Posting)


def shuffled(file: str, seeds: Sequence[int]) -> dict[str, Any]:
    """Match the file in the orders of `seeds`, and in its own; says in how many the vacancies are those of its own."""
    lines = _lines(file)
    enricher = Enricher.load()
    remembered: dict[bytes, Found] = {}

    def once(posting: Posting) -> Found:
        key = blake2b(msgspec.msgpack.encode(posting), digest_size=16).digest()
        if key not in remembered:
            remembered[key] = enricher(posting)
        return remembered[key]

    own = dict(_vacancies(lines, once))
    same = 0
    for seed in seeds:
        order = list(lines)
        random.Random(seed).shuffle(order)
        same += dict(_vacancies(order, once)) == own
    ads = Counter(own.values())
    return {"orders": len(seeds), "same": same, "vacancies": len(ads)}


def _vacancies(lines: Sequence[bytes], enricher: offline.Enrich) -> Iterator[tuple[bytes, str]]:
    for line, row in zip(lines, offline.match(lines, enricher), strict=True):
        yield line, str(row.get("vacancy_id"))


def run(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="marsad bench enrich", description=__doc__)
    parser.add_argument("file", help="postings as NDJSON, plain or gzipped")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shuffles", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--round", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.round:
        sys.stdout.write(json.dumps(one_round(options.file)) + "\n")
        return
    command = [sys.executable, "-m", "tests.benchmarks.enrich", options.file, "--round"]
    rounds = [lab.run(command, core=0) for _ in range(options.rounds)]
    rates = {name: [one["rows"] / one["seconds"][name] for one in rounds] for name in rounds[0]["seconds"]}
    told = {"decode": "a plain loop that decodes", "enrich": "decoded and enriched", "match": "decoded and matched"}
    rows = [(told[name], f"{statistics.median(found):,.0f}", f"{max(found):,.0f}") for name, found in rates.items()]
    found: dict[str, Any] = {"rates": rates, "rows": rounds[0]["rows"], "machine": lab.machine()}
    if options.shuffles:
        found["shuffles"] = shuffled(options.file, range(options.shuffles))
        rows.append((f"orders of {options.shuffles} that give the same vacancies", str(found["shuffles"]["same"]), ""))
    title = f"{rounds[0]['rows']:,} postings on one core, {options.rounds} rounds from cold: postings a CPU second"
    lab.report(found, title, ("", "median", "best"), rows, as_json=options.json)


if __name__ == "__main__":
    run()
