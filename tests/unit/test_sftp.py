"""The sftp tracker on a fake channel, and the channel on a fake connection: answers that OpenSSH seldom gives."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from asyncssh.sftp import (
    SFTPConnectionLost,
    SFTPFailure,
    SFTPNoSuchFile,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
    SFTPQuotaExceeded,
)
from fsspec.asyn import get_loop
from sshfs.spec import SSHFileSystem

from tests.trackers import times_of, versions_of
from typedtrack import KeyConflictError, ResultNotFoundError, ResultTracker, UnsupportedOperationError
from typedtrack.backends.sftp.channel import Entry, SftpChannel, kind_of
from typedtrack.backends.sftp.tracker import SftpResultTracker

FAILURE = SFTPFailure("Failure")
UNSUPPORTED = SFTPOpUnsupported("Operation unsupported")
ABSENT = FileNotFoundError(errno.ENOENT, "no such file")


def tracker_at(channel: Mock, folder: str) -> SftpResultTracker:
    """Return a tracker on *channel* in *folder*."""
    return SftpResultTracker(get_loop(), channel, folder, "ssh://host", 1)


@pytest.fixture
def channel() -> Mock:
    """Return a channel whose requests all succeed, on a server that has no links unless a test says so."""
    channel = Mock(spec=SftpChannel)
    channel.own_kind = channel.kind
    return channel


@pytest.fixture
def tracker(channel: Mock) -> SftpResultTracker:
    """Return a tracker on it."""
    return tracker_at(channel, "/base")


def test_failed_read_is_an_error(tracker: SftpResultTracker, channel: Mock) -> None:
    """A bare failure of a read is an error; where a folder is at the key, the key holds nothing."""
    channel.read.side_effect = FAILURE
    channel.kind.return_value = "file"
    with pytest.raises(SFTPFailure):
        tracker.get("a")
    channel.kind.return_value = "folder"
    assert tracker.get("a") == {}


def test_failure_whose_cause_has_gone_is_tried_again(tracker: SftpResultTracker, channel: Mock) -> None:
    """Another caller may delete or replace what was in the way before the tracker looks for it."""
    data = b'{\n  "x": 1\n}\n'
    channel.read.side_effect = [FAILURE, data]
    channel.kind.side_effect = ["file"]
    assert tracker.get("a") == {"x": 1}
    for operation, store in ((channel.link, tracker.create), (channel.replace, tracker.put)):
        operation.side_effect = [FAILURE, None]
        channel.kind.side_effect = [ABSENT]
        store("a", x=1)
    channel.remove.side_effect = [FAILURE, None]
    channel.kind.side_effect = ["file", "file"]
    del tracker["a"]


@pytest.mark.parametrize("second", [OSError("the connection is lost"), SFTPConnectionLost("the connection is lost")])
def test_failed_write_removes_its_hidden_file(tracker: SftpResultTracker, channel: Mock, second: Exception) -> None:
    """A write that fails removes its hidden file; an error of that does not hide the first one."""
    channel.write_new.side_effect = FAILURE
    with pytest.raises(SFTPFailure):
        tracker["a"] = {"x": 1}
    assert [call.args[0] for call in channel.remove.call_args_list] == [
        call.args[0] for call in channel.write_new.call_args_list
    ]
    channel.remove.side_effect = second
    with pytest.raises(SFTPFailure):
        tracker["a"] = {"x": 1}
    channel.replace.assert_not_called()


def test_folder_that_is_always_removed_again_ends_in_an_error(tracker: SftpResultTracker, channel: Mock) -> None:
    """A put gives up where its folder is never there when it writes."""
    channel.write_new.side_effect = ABSENT
    channel.kind.side_effect = ABSENT
    with pytest.raises(FileNotFoundError, match="again and again"):
        tracker["a/b"] = {"x": 1}


def test_folder_that_another_caller_makes_is_used(tracker: SftpResultTracker, channel: Mock) -> None:
    """A put uses a folder that another caller makes at the same time; where nobody can make it, it raises."""
    channel.write_new.side_effect = [ABSENT, None]
    channel.kind.side_effect = [ABSENT, "folder"]
    channel.make_folder.side_effect = FAILURE
    tracker["a"] = {"x": 1}
    channel.replace.assert_called_once()
    channel.write_new.side_effect = ABSENT
    channel.kind.side_effect = ABSENT
    with pytest.raises(SFTPFailure):
        tracker["a"] = {"x": 1}


def test_folder_that_vanishes_while_the_one_below_it_is_made(tracker: SftpResultTracker, channel: Mock) -> None:
    """Another caller may remove a new folder before it holds anything: a put makes both again."""
    channel.write_new.side_effect = [ABSENT, ABSENT, None]
    channel.kind.side_effect = ["folder", "folder", ABSENT, "folder", ABSENT, ABSENT]
    channel.make_folder.side_effect = [ABSENT, None, None]
    tracker["a/b/c"] = {"x": 1}
    assert [call.args[0] for call in channel.make_folder.call_args_list] == ["/base/a/b", "/base/a", "/base/a/b"]
    channel.replace.assert_called_once()


CALLS: dict[str, Callable[[ResultTracker], object]] = {
    "get": lambda tracker: tracker.get("a"),
    "in": lambda tracker: "a" in tracker,
    "wait": lambda tracker: tracker.wait("a", timeout=300),
    "keys": lambda tracker: list(tracker.keys()),
    "put": lambda tracker: tracker.put("a", x=1),
    "create": lambda tracker: tracker.create("a", x=1),
    "delete": lambda tracker: tracker.__delitem__("a"),
}


@pytest.mark.parametrize(("denied", "leaves_out"), [("lost+found", True), ("sub/lost+found", True), ("found", False)])
@pytest.mark.parametrize("is_roots_alone", [True, False])
def test_listing_leaves_out_the_lost_and_found_folder(
    tracker: SftpResultTracker, channel: Mock, denied: str, leaves_out: bool, is_roots_alone: bool
) -> None:
    """The folder that an ext file system keeps for root is left out where it may not be read; no other one is."""
    above, _, name = f"/base/{denied}".rpartition("/")
    folders = {"/base": [Entry("a", "file"), Entry("sub", "folder")], "/base/sub": [Entry("b", "file")]}
    folders[above].append(Entry(name, "folder", is_roots_alone=is_roots_alone))

    def entries(path: str) -> list[Entry]:
        if path not in folders:
            raise PermissionError(errno.EACCES, "denied")
        return folders[path]

    channel.entries.side_effect = entries
    if leaves_out and is_roots_alone:
        assert sorted(iter(tracker)) == ["a", "sub/b"]
    else:
        with pytest.raises(PermissionError):
            list(tracker)


def test_listing_enters_no_folder_whose_name_no_key_has(tracker: SftpResultTracker, channel: Mock) -> None:
    """Whether it may be read does not matter."""
    names = "back\\slash", "new\nline", ".hidden", "x" * 256
    channel.entries.side_effect = [[Entry("a", "file"), *(Entry(name, "folder") for name in names)]]
    assert list(iter(tracker)) == ["a"]
    channel.entries.assert_called_once_with("/base")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kinds", [["file"], ["other"], [ABSENT, "file"]])
def test_base_that_is_not_a_folder_is_an_error(channel: Mock, call: str, kinds: list[str | OSError]) -> None:
    """Every call raises where the base is a file, or is below one."""
    tracker = tracker_at(channel, "/above/base")
    for operation in (channel.read, channel.entries, channel.remove, channel.write_new):
        operation.side_effect = ABSENT
    kind_of_path: dict[str, str | OSError] = dict(zip(("/above/base", "/above"), kinds, strict=False))

    def kind(path: str) -> str:
        found = kind_of_path[path]
        if isinstance(found, OSError):
            raise found
        return found

    channel.kind.side_effect = kind
    kind_of_path.setdefault("/above", "folder")
    kind_of_path["/above/base/a"] = ABSENT
    with pytest.raises(NotADirectoryError, match=r"it is not a folder.*: '/above"):
        CALLS[call](tracker)


def test_base_is_checked_until_it_exists(tracker: SftpResultTracker, channel: Mock) -> None:
    """A missing base is empty, and is checked at each call; a base that was seen to be a folder is not."""
    channel.read.side_effect = ABSENT
    channel.kind.side_effect = [ABSENT, ABSENT, "folder"]
    for _ in range(5):
        assert tracker.get("a") == {}
    assert [call.args for call in channel.kind.call_args_list] == [("/base",)] * 3


def test_device_in_place_of_a_folder_is_named(tracker: SftpResultTracker, channel: Mock) -> None:
    """A put names a device, a socket or a pipe that stands where a folder of the key must be."""
    channel.write_new.side_effect = ABSENT
    channel.kind.side_effect = ["folder", "other"]
    with pytest.raises(NotADirectoryError, match="'/base/a'"):
        tracker["a/b"] = {"x": 1}


def test_server_without_extensions_is_refused(tracker: SftpResultTracker, channel: Mock) -> None:
    """A create needs hard links and a put needs atomic renames; no hidden file is left where the server has none."""
    channel.link.side_effect = channel.replace.side_effect = UNSUPPORTED
    with pytest.raises(UnsupportedOperationError, match="no hard links"):
        tracker.create("a", x=1)
    with pytest.raises(UnsupportedOperationError, match="no atomic rename"):
        tracker.put("a", x=1)
    assert [call.args[0] for call in channel.remove.call_args_list] == [
        call.args[0] for call in channel.write_new.call_args_list
    ]


@pytest.mark.parametrize("kind", ["file", ABSENT])
def test_failed_rename_is_an_error(tracker: SftpResultTracker, channel: Mock, kind: str | OSError) -> None:
    """A rename that fails without a cause that the tracker can see is the server's error."""
    channel.replace.side_effect = FAILURE
    channel.kind.side_effect = [kind, kind]
    with pytest.raises(SFTPFailure):
        tracker["a"] = {"x": 1}


def test_empty_folders_give_way_to_a_result(tracker: SftpResultTracker, channel: Mock) -> None:
    """A put removes empty folders at its key, as others may do at the same time; it gives up if they always return."""
    channel.kind.return_value = "folder"
    channel.entries.side_effect = [[Entry("deeper", "folder")], []]
    channel.replace.side_effect = [FAILURE, None]
    tracker["a"] = {"x": 1}
    assert [call.args[0] for call in channel.remove_folder.call_args_list] == ["/base/a/deeper", "/base/a"]

    channel.entries.side_effect = ABSENT
    channel.replace.side_effect = [FAILURE, None]
    tracker["a"] = {"x": 1}

    channel.replace.side_effect = FAILURE
    with pytest.raises(KeyConflictError):
        tracker["a"] = {"x": 1}


def test_folder_that_gets_a_result_conflicts(tracker: SftpResultTracker, channel: Mock) -> None:
    """A folder at the key conflicts where a result is put into it while the tracker removes it."""
    channel.kind.return_value = "folder"
    channel.entries.side_effect = None
    channel.entries.return_value = []
    channel.replace.side_effect = channel.remove_folder.side_effect = FAILURE
    with pytest.raises(KeyConflictError):
        tracker["a"] = {"x": 1}


def test_failed_delete_is_an_error(tracker: SftpResultTracker, channel: Mock) -> None:
    """A bare failure of a delete is an error; where a folder is at the key, the key holds nothing."""
    channel.remove.side_effect = FAILURE
    channel.kind.return_value = "file"
    with pytest.raises(SFTPFailure):
        del tracker["a"]
    channel.kind.return_value = "folder"
    channel.read.side_effect = ABSENT
    with pytest.raises(ResultNotFoundError):
        del tracker["a"]


def test_listing_skips_pipes_hidden_files_and_removed_folders(tracker: SftpResultTracker, channel: Mock) -> None:
    """A listing has files only; a folder that is removed meanwhile is empty."""
    channel.kind.return_value = "folder"
    channel.entries.side_effect = [
        [Entry("a", "file"), Entry("pipe", "other"), Entry("gone", "folder"), Entry(".hidden", "file")],
        ABSENT,
    ]
    assert list(iter(tracker)) == ["a"]  # without `iter` the list would ask for the length first, by another listing
    assert kind_of(None) == "other"


def test_listing_has_links_to_files(tracker: SftpResultTracker, channel: Mock) -> None:
    """A listing has a link to a file; it skips links to folders, to nothing, to themselves and to what is denied."""
    names = "result", "folder", "nothing", "itself", "denied", ".hidden"
    channel.entries.return_value = [Entry(name, "link") for name in names]
    channel.kind.side_effect = ["file", "folder", ABSENT, FAILURE, PermissionError(errno.EACCES, "denied")]
    assert list(iter(tracker)) == ["result"]


def test_versions_of_files_that_are_not_young(
    tracker: SftpResultTracker, channel: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file has a version of size and second, unless it may be replaced by another one within that second."""
    monkeypatch.setattr("typedtrack.backends.versions.time", SimpleNamespace(time=lambda: 1000.0))
    channel.entries.return_value = [
        Entry("old", "file", 7, 997),
        Entry("latest", "file", 7, 999),
        Entry("young", "file", 7, 998),
        Entry("ahead", "file", 7, 2000),
        Entry("sizeless", "file", None, 1),
        Entry("timeless", "file", 7),
        Entry("link", "link", 7, 1),
    ]
    channel.kind.return_value = "file"
    versions = versions_of(tracker)
    assert versions == {"old": "7-997", **dict.fromkeys(["latest", "young", "ahead", "sizeless", "timeless", "link"])}
    assert list(tracker._list_details("a")) == [("a", None, None)]
    times = times_of(tracker)
    assert times == {"old": 997, "latest": 999, "young": 998, "ahead": 2000, "sizeless": 1, "timeless": None, "link": 1}


def test_leftovers_of_killed_writers_are_removed(tracker: SftpResultTracker, channel: Mock) -> None:
    """Old hidden files of writers are removed from every folder, and nothing else; an error does not stop the rest."""
    name = ".typedtrack-0011-7-{}.tmp"
    old, now = 1000, int(time.time())
    channel.entries.side_effect = [
        [
            Entry("sub", "folder"),
            Entry("a", "file", 1, old),
            Entry(".hidden", "file", 1, old),
            Entry(".typedtrack-create", "file", 1, old),
            Entry(name.format(0), "file", 1, old),
            Entry(name.format(1), "file", 1, now),
            Entry(name.format(2), "folder", 1, old),
            Entry(name.format(3), "file", 1, None),
        ],
        [Entry(name.format(number), "file", 1, old) for number in (4, 5, 6)],
    ]
    denied = PermissionError(errno.EACCES, "denied")
    channel.remove.side_effect = [None, ABSENT, denied, None]
    with pytest.raises(PermissionError) as caught:
        tracker.remove_leftovers()
    assert caught.value is denied
    paths = [call.args[0] for call in channel.remove.call_args_list]
    assert paths == [f"/base/{name.format(0)}", *(f"/base/sub/{name.format(number)}" for number in (4, 5, 6))]
    channel.entries.side_effect = [[Entry(name.format(7), "file", 1, now - 100)]]
    channel.remove.side_effect = None
    assert tracker.remove_leftovers(older_than=50) == 1


def test_root_can_be_a_base(channel: Mock) -> None:
    """The root folder of the server is a base."""
    tracker = tracker_at(channel, "/")
    channel.write_new.side_effect = [ABSENT, None]
    tracker["a"] = {"x": 1}
    assert channel.replace.call_args.args[1] == "/a"
    channel.entries.return_value = [Entry("a", "file")]
    assert list(tracker) == ["a"]
    channel.entries.assert_called_with("/")


def channel_that_raises(error: Exception) -> SftpChannel:
    """Return a channel on whose connection ``mkdir`` raises *error*."""

    class Client:
        async def mkdir(self, path: str) -> None:
            raise error

    class Pool:
        def get(self) -> Any:
            return self

        async def __aenter__(self) -> Client:
            return Client()

        async def __aexit__(self, *exception: object) -> None:
            pass

    connection = SimpleNamespace(is_closed=lambda: False, abort=lambda: None)
    fs: Any = SimpleNamespace(_pool=Pool(), _client=connection, loop=get_loop(), storage_args=(), storage_options={})
    return SftpChannel(fs)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (SFTPFailure("failure"), SFTPFailure),
        (SFTPOpUnsupported("unsupported"), SFTPOpUnsupported),
        (SFTPPermissionDenied("denied"), PermissionError),
        (SFTPNoSuchFile("no such file"), FileNotFoundError),
        (SFTPQuotaExceeded("full"), SFTPQuotaExceeded),
        (SFTPConnectionLost("lost"), SFTPConnectionLost),
        (BrokenPipeError("lost"), BrokenPipeError),
        (TimeoutError("late"), TimeoutError),
    ],
)
def test_only_a_lost_connection_is_restored(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    """An error that is an answer leaves the connection as it is; after a lost one the next call connects again."""
    channel = channel_that_raises(error)
    connect = Mock(return_value=None)
    monkeypatch.setattr(SSHFileSystem, "__init__", connect)
    with pytest.raises(raised):
        asyncio.run(channel.make_folder("/a"))
    channel.restore()
    assert connect.called is (raised in (SFTPConnectionLost, BrokenPipeError, TimeoutError))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("refused"), "OSError: refused"),
        (TimeoutError(), "TimeoutError: no answer within 60 s"),
        (EOFError(), "EOFError: no reason given"),
    ],
)
def test_failed_restore_names_its_reason(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    """The error of a restore says why, also where the client's own error has no text."""
    channel = channel_that_raises(SFTPConnectionLost("lost"))
    monkeypatch.setattr(SSHFileSystem, "__init__", Mock(side_effect=error))
    with pytest.raises(SFTPConnectionLost):
        asyncio.run(channel.make_folder("/a"))
    with pytest.raises(ConnectionError, match=f"cannot connect to the server again: {reason}$"):
        channel.restore()
