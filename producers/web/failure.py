"""Why a source could not be read.

FetchFailed
├── Refused        the host does not want us: 401, 403, 451, a block page
├── Throttled      the host asks us to come back later than we would wait
├── Unavailable    no answer, or 5xx, after all retries
├── Gone           4xx otherwise, a redirect that leads nowhere: there is nothing to be had at this address
│   ├── Missing    the host says that there is nothing: 404, 410, or that there is no such page
│   └── Disallowed robots.txt does not let us ask for it
├── Forbidden      it leads to an address that is not public
└── TooLarge       the body passes the source's limit, or takes too long
"""


class FetchFailed(Exception):  # noqa: N818 (it says what happened)
    """A source could not be read; the message says why."""


class Refused(FetchFailed):
    """The host does not want us: we stop, and never evade."""


class Throttled(FetchFailed):
    """The host asks for `seconds` without requests."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Unavailable(FetchFailed):
    """No answer, or an error of the host's own, after all retries."""


class Gone(FetchFailed):
    """There is nothing at this address (any other 4xx)."""


class Missing(Gone):
    """The host itself says that there is nothing (more): what is not shown is gone."""


class Disallowed(Gone):
    """robots.txt does not let us ask for this address: to us, there is nothing at it."""


class Forbidden(FetchFailed):
    """The address, or one that it redirects to, lies in a private network or on this machine."""


class TooLarge(FetchFailed):
    """The body is larger than the source allows, or does not come to its end in time."""
