"""What can be wrong with an installation, each said in one line that names the way out.

DeployError
├── SettingsError        a MARSAD_ variable that is unknown or does not parse
├── DataDirError         the data directory is unwritable, of another version, or in use
├── PortInUseError       another program listens where a process of ours would
├── MissingToolError     a program that Marsad needs is not installed
├── BrokerError          the local broker does not start
├── TopicError           a topic or generation differs from its contract
├── LabelledRowsError    a file that `marsad evaluate` was given holds no rows of its task
└── TaxonomyError        a nomenclature that cannot be imported
"""

EX_MOVED = 79
"""Exit code of a process whose generation is no longer the current one: started again at once, it follows."""

EX_CONFIG = 78
"""Exit code of a process that refuses to go on until somebody looks: it is left stopped, not restarted."""


class DeployError(Exception):
    """One line for the operator; the command line prints it and exits with `EX_CONFIG`."""


class SettingsError(DeployError):
    """A MARSAD_ variable that is unknown or does not parse."""


class DataDirError(DeployError):
    """The data directory is unwritable, of another version, or in use."""


class PortInUseError(DeployError):
    """Another program listens where a process of ours would."""


class MissingToolError(DeployError):
    """A program that Marsad needs is not installed."""


class BrokerError(DeployError):
    """The local broker does not start."""


class TopicError(DeployError):
    """A topic or generation differs from its contract."""


class LabelledRowsError(DeployError):
    """A file that `marsad evaluate` was given holds no rows of its task."""


class TaxonomyError(DeployError):
    """A nomenclature that cannot be imported."""
