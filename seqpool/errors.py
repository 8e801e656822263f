"""The two ways a command can fail, each with its exit code.

Every message is one sentence: what is wrong, where (file, record, position, key), what was expected, what to do.
"""


class SeqpoolError(Exception):
    """A failure whose message is meant for the user, printed without a traceback."""

    exit_code = 1


class UsageError(SeqpoolError):
    """The command line or the config is wrong (exit code 2)."""

    exit_code = 2


class DataError(SeqpoolError):
    """An input is bad: a file that is damaged, missing or of another kind (exit code 1)."""

    exit_code = 1


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}, which is not installed: pip install 'seqpool[{extra}]'.")
