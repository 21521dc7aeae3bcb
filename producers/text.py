"""Text as portals send it, made readable: HTML taken off, doubly encoded UTF-8 put right, white space evened. Pure."""

import html
import re

from selectolax.lexbor import LexborHTMLParser

_CP1252 = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
_TRAIL = "[\x80-\xbf" + "".join(map(chr, _CP1252)) + "]"

# What UTF-8 read as Latin-1 or cp1252 looks like. Arabic needs two in a row: "OÙ" before a no-break space is French.
_TWICE = re.compile(f"(?:[ÂÃ]{_TRAIL})+|(?:[ÂÃØÙÚÛ]{_TRAIL}){{2,}}|(?:Å[\x92\x93’“])+|(?:â{_TRAIL}{_TRAIL})+")
_SUSPECT = re.compile(f"[ÂÃØÙÚÛÅâ]{_TRAIL}")
"""What every such run holds, found ten times as fast: most texts hold none."""

_BLOCK = re.compile(r"(?i)<(?=br\b|hr\b|/?(?:p|div|li|ul|ol|tr|table|h[1-6]|section|article|dt|dd)\b)")
_TAG = re.compile(r"(?i)</?(?:p|br|div|li|ul|ol|b|i|u|em|strong|span|a|h[1-6]|table|tr|td)\b[^<>]*>")
_ANY_TAG = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&[#\w]{1,32};")
TAGS = 10_000
"""Tags that are read as HTML: the parser's time grows with the square of their nesting (0.1 s for these)."""


def _once_less(run: re.Match[str]) -> str:
    try:
        return run.group().translate(_CP1252).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return run.group()


def repair(text: str) -> str:
    """`text` with every run of doubly encoded UTF-8 decoded ("dÃ©veloppeur" is "développeur"); the rest untouched."""
    if text.isascii() or not _SUSPECT.search(text):
        return text
    for _ in range(3):  # three times over has been seen on no portal
        better = _TWICE.sub(_once_less, text)
        if better == text:
            break
        text = better
    return text


def plain(text: str) -> str:
    """`text` without HTML: tags and scripts gone, entities read, blocks on lines of their own, white space evened.

    Markup that was escaped once more (`&lt;p&gt;`) goes too. Text that holds none only has its white space evened.
    """
    for _ in range(2):
        if not (("<" in text or "&" in text) and _MARKUP.search(text)):
            break
        text = _untagged(_BLOCK.sub("\n<", text))
        if not _TAG.search(text):
            break
    if "\n" not in text:
        return " ".join(text.split())
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))


def _untagged(text: str) -> str:
    if text.count("<") > TAGS:
        return html.unescape(_ANY_TAG.sub("", text))
    tree = LexborHTMLParser(text)
    tree.strip_tags(["script", "style", "noscript", "template"])
    return tree.text(separator="")
