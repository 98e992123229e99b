"""What the host refuses, in its own words where it has any."""


class HostError(Exception):
    """Base of everything this host refuses on purpose."""


class SettingsError(HostError):
    """A command-line choice, local.settings.json or an app setting cannot be used: the program does not start."""


class HostJsonError(HostError):
    """host.json (or an override of it) cannot be used: the process stays up and answers 503 everywhere."""


class IndexingError(HostError):
    """One function cannot be bound: it is reported and not started, the others run."""


class WorkerError(HostError):
    """The worker indexed no function: an import error, a refused signature, two apps, a bad retry policy."""
