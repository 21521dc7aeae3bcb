from schemas.messages import Signature
from streams.match.keys import keys, meet


def finds(one: Signature, other: Signature) -> bool:
    """Whether one looks where the other is entered."""
    entered = set(keys(other).entered)
    return bool(meet(keys(one), lambda key: [other] if key in entered else []))
