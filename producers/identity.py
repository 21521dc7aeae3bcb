"""Which ad a posting is of: its own identifier, else one made of its address, else of its content. Pure.

Never of a date: the same ad seen again, or dated anew by its portal, is the same ad.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"(?i)(?:utm_.*|mc_.*|pk_.*|hsa_.*|_hs.*|gclid|gclsrc|dclid|fbclid|msclkid|yclid|igshid|gbraid|wbraid|_ga|_gl|trk|trackingid|refid|ref_src)"
)
_SPACES = re.compile(r"\s+")
_KEPT = "%/:@!$&'()*+,;=~-._"
_PORTS = {"http": ":80", "https": ":443"}


def identify(source: str, fields: Mapping[str, object]) -> str:
    """Return the stable id within `source` of the posting with these fields (of `Posting`; what is no text is absent).

    `source_id` as it stands, else `u:` and a hash of the normalised `url`, else `c:` and a hash of source, title,
    company, city and the first 500 characters of the description.
    """

    def text(name: str) -> str:
        value = fields.get(name)
        return value.strip() if isinstance(value, str) else ""

    if own := text("source_id"):
        return own
    if address := text("url"):
        return "u:" + _hash(normal_address(address))
    content = (source, *(normal_text(text(name)) for name in ("title", "company", "city")))
    return "c:" + _hash("\x1f".join((*content, normal_text(text("description"))[:500])))


def normal_text(text: str) -> str:
    """`text` in one Unicode form, without case, white space evened."""
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())).strip()


def normal_address(address: str) -> str:
    """`address`, its scheme and host in lower case, without default port, fragment and tracking parameters.

    An address that is none is returned as it is, stripped.
    """
    address = address.strip()
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    if not parts.scheme or not parts.netloc:
        return address
    host = parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, ":"))
    query = [
        (key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(key)
    ]
    path = quote(
        re.sub("%[0-9a-fA-F]{2}", lambda found: found.group().upper(), parts.path), safe=_KEPT, errors="replace"
    )
    return urlunsplit((parts.scheme, host, path or "/", urlencode(query, errors="replace"), ""))


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
