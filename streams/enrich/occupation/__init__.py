"""The occupation of a posting: `Coder.load().code(title)` gives ISCO-08 with an honest confidence, or "not stated"."""

from streams.enrich.occupation.coder import Coder
from streams.enrich.occupation.confidence import Coding

__all__ = ["Coder", "Coding"]
