"""What an HTTP answer says beside its body: its text, when to come back, whether it is a block page. Pure."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w\-]+)", re.IGNORECASE)
_XML = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w\-]+)")
_TITLE = re.compile(rb"<title[^<>]{0,200}>([^<]{0,200})", re.IGNORECASE)

# Titles of the usual guards' pages: one that merely embeds a captcha in a form is no block page.
_GUARD = re.compile(
    r"^\s*(?:blocked\b|access denied|request (?:blocked|rejected)|attention required|just a moment|security check"
    r"|additional verification|are you (?:a )?(?:human|robot)|captcha|verify you are|pardon our interruption"
    r"|403 forbidden|acc[eè]s (?:refus[eé]|interdit|bloqu[eé])|vous avez été bloqué"
    r"|vérification (?:de sécurité|que vous êtes)|êtes-vous (?:un )?(?:humain|robot)"
    r"|تم حظر|تم رفض الوصول|الوصول مرفوض)",
    re.IGNORECASE,
)

# What a challenge's own page alone holds; the script that a guard puts into each of its customer's pages is not here.
_CHALLENGE = re.compile(
    rb"(?i)_cf_chl_opt|captcha-delivery\.com/captcha|id=[\"']px-captcha[\"']|Request unsuccessful\. Incapsula"
    rb"|<form[^>]{0,300}id=[\"']challenge-form[\"']"
)


class NotText(ValueError):  # noqa: N818 (it says what the body is)
    """A body that is not text in the encoding that it claims."""


def text_of(body: bytes, charset: str | None) -> str:
    """`body` as text: by its own mark, the answer's `charset`, its own declaration, else UTF-8. Raises NotText."""
    if body.startswith(b"\xef\xbb\xbf"):
        body, charset = body[3:], "utf-8"
    head = body[:2048]
    declared = next((found[1].decode("ascii") for pattern in (_XML, _META) if (found := pattern.search(head))), None)
    for encoding in dict.fromkeys(filter(None, ("utf-8", charset, declared))):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise NotText(f"not {declared or charset or 'utf-8'}")


def is_block_page(body: bytes) -> bool:
    """Whether `body` is a guard's page in place of the one asked for."""
    head = body[:200_000]
    found = _TITLE.search(head)
    return bool(found and _GUARD.match(found[1].decode("utf-8", "replace"))) or bool(_CHALLENGE.search(head))


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (a number or an HTTP date), never negative.

    None when it asks nothing.
    """
    if not value:
        return None
    if re.fullmatch(r"\s*\d{1,9}\s*", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
