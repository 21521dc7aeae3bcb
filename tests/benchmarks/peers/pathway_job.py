"""Pathway: its own JSON reader (in Rust), reduced by id and then by cell, one process, in memory; nothing is kept."""

import sys
import time
import uuid

import pathway as pw

from tests.benchmarks.sightings import result


class Posting(pw.Schema):
    """The same fields that our decoder reads."""

    posting: str
    isco: str
    region: str
    at: int


def main(bootstrap: str, topic: str, records: int) -> str:
    """Read the topic to the end that it has at the start; the time ends with the last update."""
    counts: dict[str, int] = {}
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": f"pathway-{uuid.uuid4().hex[:8]}",
        "auto.offset.reset": "earliest",
        "fetch.min.bytes": str(1 << 20),
        "fetch.wait.max.ms": "30",
    }
    postings = pw.io.kafka.read(
        settings,
        topic=topic,
        schema=Posting,
        format="json",
        json_field_paths={"posting": "/id"},
        mode="static",
        autocommit_duration_ms=1000,
    )
    once = postings.groupby(pw.this.posting, pw.this.isco, pw.this.region, pw.this.at).reduce(
        pw.this.isco, pw.this.region, pw.this.at
    )
    cells = once.groupby(pw.this.isco, pw.this.region, pw.this.at).reduce(
        pw.this.isco, pw.this.region, pw.this.at, n=pw.reducers.count()
    )

    def take(key: pw.Pointer, row: dict[str, object], time: int, is_addition: bool) -> None:  # noqa: ARG001, FBT001
        if is_addition:
            counts[f"{row['isco']} {row['region']} {row['at']}"] = int(str(row["n"]))

    pw.io.subscribe(cells, on_change=take)
    began = time.monotonic()
    pw.run(monitoring_level=pw.MonitoringLevel.NONE)
    return result("pathway", time.monotonic() - began, counts, records=records)


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[4])))
