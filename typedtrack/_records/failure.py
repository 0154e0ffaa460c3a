"""`Failure`: the record of an application that failed."""

from __future__ import annotations

from typedtrack._records.declare import field, record
from typedtrack._results.failure import FAILURE_EXIT_CODE, FAILURE_HOST, FAILURE_MESSAGE, FAILURE_TYPE, cut
from typedtrack._results.values import Result

__all__ = ["Failure", "failure_of"]


@record
class Failure:
    """Why an application has no result. It is stored under its key, as a result with these fields.

    >>> failure = Failure(type="ExitCode", message="exit code 3", exit_code=3)
    >>> failure.type, failure.exit_code, failure.host
    ('ExitCode', 3, None)
    """

    type: str = field(
        name=FAILURE_TYPE,
        doc="The exception's class; `ExitCode`, `Signal` or `NoResult` of a program; `Ended` of a job that is gone.",
    )
    message: str = field(name=FAILURE_MESSAGE, default="", doc="The exception's text, at most 1,024 bytes.")
    exit_code: int | None = field(name=FAILURE_EXIT_CODE, default=None, doc="The exit code of the process.")
    host: str | None = field(name=FAILURE_HOST, default=None, doc="The name of the machine.")


def failure_of(result: Result) -> Failure:
    """Return *result* as a failure. A field of another type, which others may have stored, becomes text."""
    exit_code, host = result.get(FAILURE_EXIT_CODE), result.get(FAILURE_HOST)
    return Failure(
        type=cut(str(result[FAILURE_TYPE])),
        message=cut(str(result.get(FAILURE_MESSAGE, ""))),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        host=host if isinstance(host, str) else None,
    )
