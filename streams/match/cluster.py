"""Cluster: the vacancies of a set of ads, a pure function of the set.

Ads are joined when their signatures say the same vacancy and their time on the portals overlaps; a vacancy is a
connected component. Ads of one signature are chained by a sweep over time, so that a flood of copies costs n log n
and not n².
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Protocol

from schemas.messages import Signature
from streams.match.keys import Keys, meet

SamePair = Callable[[Signature, Signature], str | None]
KeysOf = Callable[[Signature], Keys]


class Member(Protocol):
    """An ad as clustering sees it: its signature, its interval, and the log times between which it reads so (s)."""

    @property
    def signature(self) -> Signature: ...  # noqa: D102
    @property
    def first(self) -> int: ...  # noqa: D102
    @property
    def close(self) -> int: ...  # noqa: D102
    @property
    def since(self) -> int: ...  # noqa: D102
    @property
    def log(self) -> int: ...  # noqa: D102


def overlaps(a: Member, b: Member, lifetime: int | None) -> bool:
    """Both were open at one instant, and neither had left the state (`lifetime` of log time) when the other came.

    What is seen on and on without a change stays with what was beside it when it came, however long ago that ended.
    """
    if lifetime is not None and max(a.since, b.since) - min(a.log, b.log) > lifetime:
        return False
    return a.first <= b.close and b.first <= a.close


def components(
    members: Sequence[Member], same: SamePair, keys: KeysOf, lifetime: int | None
) -> list[tuple[list[int], tuple[str, ...]]]:
    """Connected components as sorted indices into `members`, each with the distinct evidence of its joins."""
    if len(members) == 1:
        return [([0], ())]
    joined = _Joined(len(members))
    classes: dict[Signature, list[int]] = defaultdict(list)
    for i, member in enumerate(members):
        classes[member.signature].append(i)
    for signature, indices in classes.items():
        evidence = same(signature, signature) if len(indices) > 1 else None
        if evidence:
            _chain(members, indices, lifetime, partial(joined.join, evidence=evidence))
    for a, b in _candidates(classes, keys):
        evidence = same(a, b)
        if evidence:
            for i, j in product(classes[a], classes[b]):
                if joined.root(i) != joined.root(j) and overlaps(members[i], members[j], lifetime):
                    joined.join(i, j, evidence=evidence)
    return joined.components()


class _Joined:
    """A union-find that remembers why."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))
        self._because: dict[int, set[str]] = defaultdict(set)

    def root(self, i: int) -> int:
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, i: int, j: int, *, evidence: str) -> None:
        a, b = sorted((self.root(i), self.root(j)))
        if a != b:
            self._parent[b] = a
            self._because[a] |= self._because.pop(b, set())
            self._because[a].add(evidence)

    def components(self) -> list[tuple[list[int], tuple[str, ...]]]:
        found: dict[int, list[int]] = defaultdict(list)
        for i in range(len(self._parent)):
            found[self.root(i)].append(i)
        return [(indices, tuple(sorted(self._because[root]))) for root, indices in found.items()]


def _chain(
    members: Sequence[Member], indices: list[int], lifetime: int | None, join: Callable[[int, int], None]
) -> None:
    """Join copies of one ad whose intervals touch: by start, each against the one that has stayed open longest."""
    ordered = sorted(indices, key=lambda i: (members[i].first, members[i].close))
    apart = max(members[i].since for i in indices) - min(members[i].log for i in indices)
    if lifetime is not None and apart > lifetime:
        # Some copies may not meet, and log times need not follow event times: no longest-open copy stands for all.
        for n, i in enumerate(ordered):
            for j in ordered[n + 1 :]:
                if members[j].first > members[i].close:
                    break
                if overlaps(members[i], members[j], lifetime):
                    join(i, j)
        return
    longest = ordered[0]
    for i in ordered[1:]:
        if members[i].first <= members[longest].close:
            join(longest, i)
        if members[i].close > members[longest].close:
            longest = i


def _candidates(classes: Iterable[Signature], keys: KeysOf) -> Iterator[tuple[Signature, Signature]]:
    """Pairs of distinct signatures of which one finds the other, each once, in the classes' order."""
    signatures = list(classes)
    entered: dict[bytes, list[int]] = defaultdict(list)
    wanted = [keys(signature) for signature in signatures]
    for i, own in enumerate(wanted):
        for key in own.entered:
            entered[key].append(i)
    for i, own in enumerate(wanted):
        for j in sorted(meet(own, lambda key: entered.get(key, ()))):
            if j > i:
                yield signatures[i], signatures[j]
