"""Optuna studies over any tracker base: no server, no database, no file lock. Needs the extra ``optuna``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from typedtrack._results.values import MAX_STR_BYTES, Result
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.errors import InvalidResultError, ResultExistsError

try:
    from optuna.storages.journal import BaseJournalBackend
except ModuleNotFoundError as error:
    message = "typedtrack.integrations.optuna needs Optuna: pip install 'typedtrack[optuna]'"
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = ["JournalBackend"]

_PAGE: Final = 512
"""Logs that are stored a second time together, so that a study is not loaded log by log."""
_MOST_READS: Final = 256  # logs that are asked for at once


class JournalBackend(BaseJournalBackend):
    """A backend for `optuna.storages.JournalStorage`: a study's logs are results of *tracker* below *prefix*.

    Any number of processes may work on one study. Each log is created under the next free number, which the store does
    atomically; so *tracker* needs a store with an atomic create. A log is JSON of at most about 1 MiB. Every 512 logs
    are stored together once more, so that a process that joins a study of 10,000 trials reads some hundred results.

    Raises:
        UnsupportedOperationError: (from the first write) the store has no atomic create.

    >>> import optuna
    >>> from typedtrack import open_tracker
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> storage = optuna.storages.JournalStorage(JournalBackend(open_tracker("memory://docs/optuna"), "studies"))
    >>> study = optuna.create_study(storage=storage, study_name="square")
    >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=3)
    >>> len(study.trials)
    3
    """

    def __init__(self, tracker: ResultTracker, prefix: str = "optuna") -> None:
        self._tracker = tracker
        self._prefix = prefix
        self._next = 0
        """The number after the last log that this process has seen."""
        self._known: dict[int, dict[str, Any]] = {}
        """Logs that need not be asked for: those of this process, and those that it met on the way to a free number."""
        self._page: list[dict[str, Any]] = []
        """The logs that this process has read of the page that it is in."""

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Store *logs*, one after the other, each under the next free number."""
        number = max(self._next, 1 + max(self._known, default=-1))
        for log in logs:
            # A create takes equal content for done: a field of its own tells this log from an equal one.
            result = {**_pieces(log), "id": uuid.uuid4().hex}
            while True:
                try:
                    self._tracker.create(self._log_key(number), result)
                    break
                except ResultExistsError:  # another process was faster
                    number = self._first_free(number)
            self._known[number] = log
            number += 1

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the logs from number *log_number_from* on, in their order."""
        for number, log in self._logs(log_number_from):
            self._known.pop(number, None)
            self._next = max(self._next, number + 1)
            if number % _PAGE == 0:
                self._page = []
            if number % _PAGE == len(self._page):
                self._page.append(log)
                if len(self._page) == _PAGE:
                    self._store_page(number // _PAGE)
            yield log

    def _logs(self, number: int) -> Iterator[tuple[int, dict[str, Any]]]:
        while number % _PAGE == 0 and (page := self._tracker.get(self._page_key(number // _PAGE))):
            for log in _document(page):
                yield number, log
                number += 1
        count, end = 1, number
        while True:
            start, end = end, self._fetched(end, count)
            for each in range(start, end):
                yield each, self._known[each]
            if end < start + count:
                return
            count = min(2 * count, _MOST_READS)

    def _first_free(self, taken: int) -> int:
        """Return a number after *taken* under which there was nothing yet."""
        count = 1
        while (end := self._fetched(taken, count)) == taken + count:
            taken, count = end, min(2 * count, _MOST_READS)
        return end

    def _fetched(self, number: int, count: int) -> int:
        """Learn the *count* logs from *number* on, as far as they are there; return the number after the last."""
        keys = {self._log_key(each): each for each in range(number, number + count) if each not in self._known}
        for key, result in self._tracker.get_many(keys).items():
            if result:
                self._known[keys[str(key)]] = _document(result)
        while count and number in self._known:
            number, count = number + 1, count - 1
        return number

    def _store_page(self, number: int) -> None:
        logs, self._page = self._page, []
        # A page of more than 1 MiB is not stored; those logs are read one by one. Another process may have stored it.
        with suppress(InvalidResultError, ResultExistsError):
            self._tracker.create(self._page_key(number), _pieces(logs))

    def _log_key(self, number: int) -> str:
        return f"{self._prefix}/logs/{number:012d}"

    def _page_key(self, number: int) -> str:
        return f"{self._prefix}/pages/{number:09d}"


def _pieces(document: object) -> Result:
    """Return *document* as a result: its JSON text, which is ASCII, in pieces that are short enough for a value."""
    text = json.dumps(document, separators=(",", ":"))
    starts = range(0, len(text), MAX_STR_BYTES)
    return {f"json/{place:05d}": text[start : start + MAX_STR_BYTES] for place, start in enumerate(starts)}


def _document(result: Result) -> Any:
    """Return the document that `_pieces` has made *result* of."""
    return json.loads("".join(str(result[name]) for name in sorted(result) if name.startswith("json/")))
