"""Blocks: the unit in which ads are compared and counted, and the partition that owns each.

A block is a side and a family of ISCO-08 major groups ("offer:12"; "offer:X" when no occupation is stated): the
coarsest that still spreads the market over partitions. Managers and professionals are one family, and so are
technicians, clerks, and service and sales workers: portals' words code the same vacancy to either. All regions and the
nation of an occupation are in one block, so that matching and counting are one flush and every vacancy and cell has
one writer.
"""

from schemas.messages import Enrichment, Side

UNCODED = "X"
_FAMILY = {"1": "12", "2": "12", "3": "345", "4": "345", "5": "345"}
_FAMILIES = ("12", "345", "6", "7", "8", "9", "0", UNCODED)


def block_of(side: Side, facts: Enrichment) -> str:
    """The block of an ad."""
    major = facts.isco_best[0] if facts.isco_best else UNCODED
    return f"{side}:{_FAMILY.get(major, major)}"


def partition_of(block: str, partitions: int) -> int:
    """The partition of `postings-enriched` that owns `block`: all 16 blocks dealt out in turn."""
    side, _, family = block.partition(":")
    return (_FAMILIES.index(family) + (0 if side == "offer" else len(_FAMILIES))) % partitions
