"""Why a worker stops.

EngineStop
├── Refused            an operator must act; the supervisor leaves the worker stopped
│   ├── InputLost      the input no longer holds what comes after the marker, or was recreated
│   ├── Unreadable     a changelog, a row or a message that this version cannot read
│   ├── StateAhead     the group committed more than the marker says was flushed
│   └── Surge          a stage refuses to go on (too many rejects, say)
├── Fenced             another worker owns this partition now: end at once
├── StateHeld          another process has the local rows open: end, and be started again
└── Stalled            lag without progress: end, and be started again
"""


class EngineStop(Exception):  # noqa: N818 - a stop, not an error of this process
    """The worker must end; its next start is exact."""


class Refused(EngineStop):
    """It makes no sense to start again before an operator has acted; the message says how."""


class InputLost(Refused):
    """What follows the marker is no longer in the input topic, or the topic is another one than the marker's."""


class Unreadable(Refused):
    """A changelog, a row or a message is of a later version, or is not what belongs there."""


class StateAhead(Refused):
    """The consumer group has committed an offset that no marker covers."""


class Surge(Refused):
    """A stage saw more bad records than a healthy input would hold."""


class Fenced(EngineStop):
    """A successor has taken over this partition; whatever this worker still held is the successor's to do."""


class StateHeld(EngineStop):
    """The local rows are in use: throwing them away would pull them from under whoever has them."""


class Stalled(EngineStop):
    """There is input and no progress."""
