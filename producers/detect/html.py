"""A page that nobody described to the HTML source that reads it: its ads, their fields, the page after it. Pure."""

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode

from producers.detect.blocks import SAMPLED, Blocks, classes, lists
from producers.detect.choose import BRACKETS, NEAR, Candidate, choose, merit, parted, without
from producers.detect.labels import is_label, labels, shared
from producers.detect.words import date_in, has_place, is_date, named
from producers.html.parse import joined
from producers.html.pick import lines, value
from producers.shape import Field
from producers.sources import Paging, Pick

SLOTS = 160
"""Places in an ad that are looked at."""

TRIED = 4
"""Lists of a page whose fields are looked for."""

_SEPARATORS = (" | ", " - ", " – ", " — ", " · ", " • ", " / ", ", ", " : ")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5"})
_NEXT = (
    "suivant",
    "suivante",
    "page suivante",
    "next",
    "next page",
    "التالي",
    "التالية",
    "الصفحة التالية",
    "»",
    "›",
    "→",
    ">",
    ">>",
)
_SILENT = frozenset({"script", "style", "noscript", "template", "option", "select"})


class Listing:
    """What a page was found to be: the blocks that are its ads, and where their fields stand."""

    def __init__(self, blocks: Blocks, fields: dict[Field, Candidate[Pick]], others: list[Candidate[Pick]]) -> None:
        self.items = blocks.selector
        self.count = len(blocks.nodes)
        self.mapping: dict[Field, Pick] = {name: candidate.key for name, candidate in fields.items()}
        self.worth = blocks.worth * sum(
            merit(name, fields[name]) for name in ("title", "city", "date_raw") if name in fields
        )
        self.coverage = {name: len(found.filled) / len(found.values) for name, found in fields.items()}
        taken = {candidate.key for candidate in fields.values()}
        self.unmapped = _left(others, taken)


def _left(others: list[Candidate[Pick]], taken: set[Pick]) -> list[str]:
    """Return what the ads show and no field takes: labels, and elements with a class of their own."""
    left: dict[str, None] = {}
    for candidate in others:
        pick, filled = candidate.key, candidate.filled
        part = pick.split or pick.pattern or pick.attr
        if pick in taken or part or len(filled) < len(candidate.values) / 2:
            continue
        short = "." in pick.css and sum(map(len, filled)) / len(filled) < 120
        if pick.label or short:
            left[f"{pick.label or pick.css}: {filled[0][:60]}"] = None
    return list(left)[:20]


def listing(page: LexborHTMLParser) -> Listing | None:
    """Return the list of ads on a page; None when no block of it is read as ads with a title."""
    found: list[Listing] = []
    for blocks in lists(page)[:TRIED]:
        sample = blocks.nodes[:SAMPLED]
        candidates = [*_places(sample, blocks.selector)]
        fields = choose(candidates)
        if "title" in fields:
            fields = _settled(fields, sample)
            found.append(Listing(blocks, fields, candidates))
    return max(found, key=lambda listing_: listing_.worth, default=None)


def _places(sample: tuple[LexborNode, ...], items: str) -> Iterator[Candidate[Pick]]:
    """Give every place that an ad's field may stand in, with what it holds in each of the sampled ads."""
    order = 0
    slots: dict[str, tuple[tuple[str, ...], str]] = {}
    for item in sample[:4]:
        for slot, selector in _slots(item, items):
            if selector not in slots and len(slots) < SLOTS:
                slots[selector] = (_hints(slot, item), slot.tag or "")
    headers = _headers(sample[0])
    for selector, (hints, tag) in slots.items():
        order += 1
        pick = Pick(css=selector)
        values = tuple(value(item, pick) for item in sample)
        column = headers.get(selector, "")
        words = tuple((hint,) for hint in (*hints, column) if hint)
        heading = tag in _HEADINGS or any(part.split(".")[0].split(":")[0] in _HEADINGS for part in selector.split())
        bonus: dict[Field, float] = {"title": 0.25 if heading else 0.15 if tag == "a" else 0.0}
        base: Candidate[Pick] = Candidate(pick, words, values, bonus, order)
        if tag != "time" or any(base.filled):
            yield base
        yield from _attributes(selector, tag, words, sample, order)
        if not shared(values):
            yield from _parts(base, sample, order)
    for label in labels([lines(item) for item in sample]):
        order += 1
        labelled = _picked(Pick(label=label), ((label,),), sample, order)
        yield labelled
        yield from _dated(labelled, sample, order)
    for attribute in sample[0].attributes:
        if attribute.startswith("data-") or attribute == "id":
            yield _picked(Pick(attr=attribute), ((attribute.removeprefix("data-"),),), sample, order)


def _picked(
    pick: Pick, names: tuple[tuple[str, ...], ...], sample: tuple[LexborNode, ...], order: int
) -> Candidate[Pick]:
    return Candidate(pick, names, tuple(value(item, pick) for item in sample), {}, order)


def _slots(item: LexborNode, items: str) -> Iterator[tuple[LexborNode, str]]:
    """Give each element of an ad with the shortest selector that finds it there: its class, its tag, its place."""
    for node in item.traverse():
        tag = node.tag or ""
        if node.mem_id == item.mem_id or tag in _SILENT or node.parent is None or not tag.isalnum():
            continue
        property_ = node.attributes.get("itemprop")
        options = [f'{tag}[itemprop="{property_}"]'] if property_ and re.fullmatch(r"\w+", property_) else []
        language = node.attributes.get("lang") or ""
        options += [f"{tag}.{name}" for name in classes(node)]
        options += [f'{tag}[lang="{language}"]'] if language.isalpha() else []
        options += [tag]
        found = next((option for option in options if _finds(item, option, node)), None) or _by_place(node, item, items)
        if found:
            yield node, found


def _finds(item: LexborNode, selector: str, node: LexborNode) -> bool:
    first = item.css_first(selector)
    return first is not None and first.mem_id == node.mem_id


def _by_place(node: LexborNode, item: LexborNode, items: str) -> str | None:
    """Return the selector of an element by its place below the ad, or below an element with a class."""
    steps: list[str] = []
    at: LexborNode | None = node
    while at is not None and at.mem_id != item.mem_id and len(steps) < 6:
        if not (at.tag or "").isalnum():
            return None  # a name that no selector can hold
        if steps and (named_ := [name for name in classes(at) if _finds(item, f"{at.tag}.{name}", at)]):
            selector = " > ".join([f"{at.tag}.{named_[0]}", *reversed(steps)])
            return selector if _finds(item, selector, node) else None
        index = 1
        before = at.prev
        while before is not None:
            index += before.tag == at.tag
            before = before.prev
        steps.append(f"{at.tag}:nth-of-type({index})")
        at = at.parent
    selector = " > ".join([items, *reversed(steps)])
    return selector if at is not None and _finds(item, selector, node) else None


def _hints(node: LexborNode, item: LexborNode) -> tuple[str, ...]:
    """Return the words around an element: its classes and properties, its icon's, its parents', a label before it."""
    found: list[str] = []

    def told(one: LexborNode) -> None:
        found.extend(
            one.attributes.get(name) or "" for name in ("itemprop", "title", "aria-label", "data-label", "data-title")
        )
        found.extend((one.attributes.get("class") or "").split())

    told(node)
    for icon in node.css("i, svg, img")[:2]:
        told(icon)
    before = node.prev
    while before is not None and before.tag == "-text" and not (before.text_content or "").strip():
        before = before.prev
    if before is not None:
        text = (before.text_content if before.tag == "-text" else before.text()) or ""
        if before.tag in {"i", "svg", "img"}:
            told(before)
        elif len(text.strip()) <= 40 and (text.rstrip().endswith((":", "：")) or is_label(text.strip())):
            found.append(text.strip(" :\n\t"))
    above = node.parent
    for _ in range(2):
        if above is None or above.mem_id == item.mem_id or len(list(above.iter())) > 6:
            break
        told(above)
        above = above.parent
    return tuple(dict.fromkeys(word for word in found if word and len(word) <= 60))


def _headers(item: LexborNode) -> dict[str, str]:
    """Return the heads of a table's columns by the selectors of an ad's cells."""
    if item.tag != "tr":
        return {}
    table = item.parent
    while table is not None and table.tag != "table":
        table = table.parent
    if table is None:
        return {}
    heads = [" ".join(lines(cell)) for cell in (table.css_first("tr") or item).css("th, td")]
    found: dict[str, str] = {}
    cells = [node for node in item.iter() if node.tag in {"td", "th"}]
    if len(heads) != len(cells):
        return {}
    for node, selector in _slots(item, "tr"):
        at: LexborNode | None = node
        while at is not None and at.tag not in {"td", "th"}:
            at = at.parent
        index = next((number for number, cell in enumerate(cells) if at is not None and cell.mem_id == at.mem_id), None)
        if index is not None:
            found[selector] = heads[index]
    return found


def _attributes(
    selector: str, tag: str, names: tuple[tuple[str, ...], ...], sample: tuple[LexborNode, ...], order: int
) -> Iterator[Candidate[Pick]]:
    wanted = {"a": ("href", "title"), "time": ("datetime",), "img": ("alt",), "meta": ("content",)}.get(tag, ())
    node = next((found for item in sample if (found := item.css_first(selector)) is not None), None)
    own = tuple(name for name in (node.attributes if node else {}) if name.startswith("data-") or name == "datetime")
    for attribute in dict.fromkeys((*wanted, *own)):
        further = ((attribute.removeprefix("data-"),),) if attribute not in {"alt", "content"} else ()
        logo = attribute == "alt" and "logo" in (node.html or "").casefold() if node else False
        hints = (("company",),) if logo else ()
        told = _picked(Pick(css=selector, attr=attribute), (*names, *further, *hints), sample, order)
        bonus: dict[Field, float] = {"date_raw": 0.2} if attribute == "datetime" else {}
        yield Candidate(told.key, told.names, told.values, bonus, order)


def _settled(fields: dict[Field, Candidate[Pick]], sample: tuple[LexborNode, ...]) -> dict[Field, Candidate[Pick]]:
    """Return the fields with the title's own link as the address, and a title that leaves out the place behind it."""
    title = fields["title"]
    links = [
        Pick(css=title.key.css, attr="href"),
        Pick(css=f"{title.key.css} a[href]", attr="href"),
        Pick(css=f"a[href]:has({title.key.css})", attr="href"),
        Pick(attr="href"),
    ]
    if title.key.css:
        own = [_picked(pick, (("href",),), sample, order) for order, pick in enumerate(links)]
        good = [link for link in own if len(set(link.filled)) >= 0.9 * len(sample)]
        if good:
            fields = {**fields, "url": good[0]}
    if "url" not in fields:
        first = choose([_picked(Pick(css="a[href]", attr="href"), (("href",),), sample, 0)])
        fields = {**fields, **first}
    city = fields.get("city")
    if city is None or not parted(city.key) or title.key.split:
        return fields
    apart = _picked(Pick(css=title.key.css, pattern=without(city.key)), title.names, sample, title.order)
    if len(apart.filled) < len(title.filled):
        return fields
    return {**fields, "title": apart}


def _parts(base: Candidate[Pick], sample: tuple[LexborNode, ...], order: int) -> Iterator[Candidate[Pick]]:
    """Give the parts of a place that holds several things: `Comptable | Fès`, `Rabat - publié hier`."""
    filled = base.filled
    if not filled or sum(map(len, filled)) / len(filled) > 160:
        return
    for separator in _SEPARATORS:
        share = sum(separator in text for text in filled) / len(filled)
        if share < 0.6:
            continue
        most = Counter(text.count(separator) for text in filled).most_common(1)[0][0]
        for part in dict.fromkeys((0, -1, *range(1, min(most, 4)), *range(-2, -min(most, 4) - 1, -1))):
            pick = Pick(css=base.key.css, split=separator, part=part)
            values = tuple(value(item, pick) for item in sample)
            bonus = {name: more - 0.03 for name, more in base.bonus.items()}
            names = base.names if part == 0 else tuple(name for name in base.names if named("title", name) < 0.5)
            yield Candidate(pick, names, values, {**bonus, "city": _place_bonus(values, base.values)}, order)
            yield from _dated(Candidate(pick, (), values, {}, order), sample, order)
    yield from _dated(base, sample, order)
    if sum(has_place(text) for text in filled) >= 0.6 * len(filled):
        for pattern in (BRACKETS, NEAR):
            yield _picked(Pick(css=base.key.css, pattern=pattern), (), sample, order)


def _place_bonus(values: tuple[str | None, ...], whole: tuple[str | None, ...]) -> float:
    """Return 0.1 where the part is the only one of the whole that holds places."""
    both = [(part, text) for part, text in zip(values, whole, strict=True) if part and text]
    return 0.1 if both and sum(has_place(part) for part, _ in both) >= 0.6 * len(both) else 0.0


def _dated(base: Candidate[Pick], sample: tuple[LexborNode, ...], order: int) -> Iterator[Candidate[Pick]]:
    """Give the date within a place that holds more than it."""
    patterns = Counter(pattern for text in base.filled if is_date(text) < 1 and (pattern := date_in(text)))
    if base.key.attr or not patterns or sum(patterns.values()) < 0.6 * len(base.filled):
        return
    either = "|".join(f"(?:{one.removeprefix('(?i)')})" for one, _ in patterns.most_common(3))
    yield _picked(msgspec.structs.replace(base.key, pattern=f"(?i){either}"), base.names, sample, order)


def following(page: LexborHTMLParser, url: str) -> tuple[str, Paging | None]:
    """Return how the next page is found: the selector of its link, or what counts the pages; or neither."""
    for selector in (
        'a[rel~="next"]',
        'link[rel~="next"]',
        ".next a[href]",
        "a.next",
        ".pagination-next a",
        "a.pagination-next",
    ):
        if _leads_on(page.css_first(selector), url):
            return selector, None
    for node in page.css("a[href]"):
        text = " ".join((node.text() or "").split()).casefold()
        label = (node.attributes.get("aria-label") or node.attributes.get("title") or "").strip()
        if (text in _NEXT or label.casefold() in _NEXT) and _leads_on(node, url):
            for selector in _next_selectors(node, text, label):
                first = page.css_first(selector)
                if first is not None and node.mem_id in {first.mem_id, first.parent and first.parent.mem_id}:
                    return selector, None
    return "", _counted(page, url)


def _next_selectors(node: LexborNode, text: str, label: str) -> list[str]:
    found = [f"a.{name}" for name in classes(node)]
    if label and '"' not in label:
        attribute = "aria-label" if node.attributes.get("aria-label") else "title"
        found.append(f'a[{attribute}="{label}"]')
    parent = node.parent
    found += [f"{parent.tag}.{name} > a" for name in classes(parent)] if parent is not None else []
    for inner in node.css("[id], [class]"):
        identity = inner.attributes.get("id") or ""
        found += [f"{inner.tag}#{identity}"] if re.fullmatch(r"[A-Za-z][\w-]*", identity) else []
        found += [f"{inner.tag}.{name}" for name in classes(inner)]
    if text and '"' not in text:
        found.append(f'a:lexbor-contains("{text}" i)')
    return found


def _leads_on(node: LexborNode | None, url: str) -> bool:
    if node is None:
        return False
    link = node.attributes.get("href") or ""
    address = joined(url, link)
    here, there = urlsplit(url), urlsplit(address)
    return (
        bool(link)
        and not link.startswith("#")
        and there.netloc == here.netloc
        and address.split("#")[0] != url.split("#", maxsplit=1)[0]
    )


def _counted(page: LexborHTMLParser, url: str) -> Paging | None:
    """Return the paging that the link to page 2 shows."""
    for node in page.css("a[href]"):
        if (node.text() or "").strip() not in {"2", "٢"}:
            continue
        address = joined(url, node.attributes.get("href") or "")
        if not _leads_on(node, url):
            continue
        there = urlsplit(address)
        before = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        for name, text in parse_qsl(there.query):
            if before.get(name) == text or not text.isdecimal():
                continue
            number = int(text)
            if number in {1, 2}:
                return Paging(parameter=name, first=number - 1)
            return Paging(style="offset", parameter=name, size=number)
        if found := re.search(r"^(.*(?:/|page[:=-]|p[:=-]))2((?:/.*|\.\w+)?)$", there.path):
            return Paging(address=f"{there.scheme}://{there.netloc}{found[1]}{{page}}{found[2]}")
    return None
