"""Answers of an sftp server that OpenSSH's gives seldom or never: of a fake channel, in the tracker's hands."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from asyncssh.sftp import SFTPFailure, SFTPNoSuchFile, SFTPOpUnsupported, SFTPPermissionDenied
from fsspec.asyn import get_loop

from typedtrack import KeyConflictError, ResultNotFoundError, UnsupportedOperationError
from typedtrack.backends.paramiko import ParamikoChannel
from typedtrack.backends.sftp import (
    SftpChannel,
    SftpFailureError,
    SftpResultTracker,
    SftpUnsupportedError,
    kind_of,
)
from typedtrack.backends.sshfs import SshfsChannel

FAILURE = SftpFailureError("Failure")
UNSUPPORTED = SftpUnsupportedError("Operation unsupported")
ABSENT = FileNotFoundError(errno.ENOENT, "no such file")


@pytest.fixture
def channel() -> Mock:
    """Return a channel that does everything and nothing."""
    return Mock(spec=SftpChannel)


@pytest.fixture
def tracker(channel: Mock) -> SftpResultTracker:
    """Return a tracker on it."""
    return SftpResultTracker(channel, "/base", "sftp://host", 1)


def test_read_failure(tracker: SftpResultTracker, channel: Mock) -> None:
    """A read that fails for no known reason is an error, never ``{}``; of a folder, it says that no result is there."""
    channel.read.side_effect = FAILURE
    channel.kind.return_value = "file"
    with pytest.raises(SftpFailureError):
        tracker.get("a")
    channel.kind.return_value = "folder"
    assert tracker.get("a") == {}


def test_no_room(tracker: SftpResultTracker, channel: Mock) -> None:
    """A write that breaks off leaves no hidden file, even where that cannot be removed as it should."""
    channel.write_new.side_effect = FAILURE
    with pytest.raises(SftpFailureError):
        tracker["a"] = {"x": 1}
    temporary = channel.write_new.call_args.args[0]
    channel.remove.assert_called_once_with(temporary)
    channel.remove.side_effect = OSError("the connection is lost")
    with pytest.raises(SftpFailureError):
        tracker["a"] = {"x": 1}
    channel.replace.assert_not_called()


def test_folder_removed_again_and_again(tracker: SftpResultTracker, channel: Mock) -> None:
    """A folder that is never there when it is written to ends in an error, not in an endless loop."""
    channel.write_new.side_effect = ABSENT
    channel.kind.side_effect = ABSENT
    with pytest.raises(FileNotFoundError, match="again and again"):
        tracker["a/b"] = {"x": 1}


def test_folder_made_by_another(tracker: SftpResultTracker, channel: Mock) -> None:
    """A folder that another makes in between will do; one that nobody can make is the server's error."""
    channel.write_new.side_effect = [ABSENT, None]
    channel.kind.side_effect = [ABSENT, "folder"]
    channel.make_folder.side_effect = FAILURE
    tracker["a"] = {"x": 1}
    channel.replace.assert_called_once()
    channel.write_new.side_effect = ABSENT
    channel.kind.side_effect = ABSENT
    with pytest.raises(SftpFailureError):
        tracker["a"] = {"x": 1}


def test_file_on_the_way_to_the_base(tracker: SftpResultTracker, channel: Mock) -> None:
    """A file above the base is no result in the way: the server's own error tells."""
    channel.write_new.side_effect = [ABSENT, FAILURE]
    channel.kind.return_value = "file"
    with pytest.raises(SftpFailureError):
        tracker["a"] = {"x": 1}


def test_no_extensions(tracker: SftpResultTracker, channel: Mock) -> None:
    """A server without hard links refuses a create, one without atomic renames a put; nothing hidden is left."""
    channel.link.side_effect = channel.replace.side_effect = UNSUPPORTED
    with pytest.raises(UnsupportedOperationError, match="no hard links"):
        tracker.create("a", x=1)
    with pytest.raises(UnsupportedOperationError, match="no atomic rename"):
        tracker.put("a", x=1)
    assert [call.args[0] for call in channel.remove.call_args_list] == [
        call.args[0] for call in channel.write_new.call_args_list
    ]


@pytest.mark.parametrize("kind", ["file", ABSENT])
def test_refused_rename(tracker: SftpResultTracker, channel: Mock, kind: str | OSError) -> None:
    """A rename that fails for no reason that can be seen is the server's error."""
    channel.replace.side_effect = FAILURE
    channel.kind.side_effect = [kind]
    with pytest.raises(SftpFailureError):
        tracker["a"] = {"x": 1}


def test_empty_folders_in_the_way(tracker: SftpResultTracker, channel: Mock) -> None:
    """Empty folders give way to a result, also those that others remove meanwhile; one made anew each time does not."""
    channel.kind.return_value = "folder"
    channel.entries.side_effect = [[("deeper", "folder")], []]
    channel.replace.side_effect = [FAILURE, None]
    tracker["a"] = {"x": 1}
    assert [call.args[0] for call in channel.remove_folder.call_args_list] == ["/base/a/deeper", "/base/a"]

    channel.entries.side_effect = ABSENT
    channel.replace.side_effect = [FAILURE, None]
    tracker["a"] = {"x": 1}

    channel.replace.side_effect = FAILURE
    with pytest.raises(KeyConflictError):
        tracker["a"] = {"x": 1}


def test_result_in_the_way(tracker: SftpResultTracker, channel: Mock) -> None:
    """A folder that a result is put into while it is removed is in the way."""
    channel.kind.return_value = "folder"
    channel.entries.side_effect = None
    channel.entries.return_value = []
    channel.replace.side_effect = channel.remove_folder.side_effect = FAILURE
    with pytest.raises(KeyConflictError):
        tracker["a"] = {"x": 1}


def test_delete_failure(tracker: SftpResultTracker, channel: Mock) -> None:
    """A delete that fails for no known reason is an error; of a folder, it says that no result is there."""
    channel.remove.side_effect = FAILURE
    channel.kind.return_value = "file"
    with pytest.raises(SftpFailureError):
        del tracker["a"]
    channel.kind.return_value = "folder"
    channel.read.side_effect = ABSENT
    with pytest.raises(ResultNotFoundError):
        del tracker["a"]


def test_listing_while_others_remove(tracker: SftpResultTracker, channel: Mock) -> None:
    """A listing has the files, not what is neither file nor folder, and skips a folder that is gone by then."""
    channel.entries.side_effect = [[("a", "file"), ("pipe", "other"), ("gone", "folder"), (".hidden", "file")], ABSENT]
    assert list(iter(tracker)) == ["a"]  # without `iter` the list asks for the length first, by another listing
    assert kind_of(None) == "other"


def test_base_at_the_root(channel: Mock) -> None:
    """The root of the server may be a base."""
    tracker = SftpResultTracker(channel, "/", "sftp://host", 1)
    channel.write_new.side_effect = [ABSENT, None]
    tracker["a"] = {"x": 1}
    assert channel.replace.call_args.args[1] == "/a"
    channel.entries.return_value = [("a", "file")]
    assert list(tracker) == ["a"]
    channel.entries.assert_called_with("/")


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (OSError("Failure"), SftpFailureError),
        (OSError("File exists"), SftpFailureError),  # as other servers than OpenSSH's put it
        (OSError("Operation unsupported"), SftpUnsupportedError),
        (PermissionError(errno.EACCES, "Permission denied"), PermissionError),
    ],
)
def test_errors_of_paramiko(error: OSError, named: type[OSError]) -> None:
    """What paramiko has only a text for gets a name; what has one keeps it."""
    client = Mock()
    client.get_channel.return_value.closed = False
    client.mkdir.side_effect = error
    with pytest.raises(named):
        ParamikoChannel(client).make_folder("/a")


def test_lost_connection_of_paramiko() -> None:
    """That the connection is closed is no answer of the server, though paramiko has no number for it either."""
    client = Mock()
    client.get_channel.return_value.closed = True
    client.mkdir.side_effect = error = OSError("Socket is closed")
    with pytest.raises(OSError, match="closed") as caught:
        ParamikoChannel(client).make_folder("/a")
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (SFTPFailure("failure"), SftpFailureError),
        (SFTPOpUnsupported("unsupported"), SftpUnsupportedError),
        (SFTPPermissionDenied("denied"), PermissionError),
        (SFTPNoSuchFile("no such file"), FileNotFoundError),
        (TimeoutError("late"), TimeoutError),
    ],
)
def test_errors_of_asyncssh(error: Exception, named: type[Exception]) -> None:
    """Errors of asyncssh become what the tracker knows; all others pass."""

    class Client:
        async def mkdir(self, path: str) -> None:
            """Fail."""
            raise error

    class Pool:
        def get(self) -> Any:
            """Return what `async with` takes."""
            return self

        async def __aenter__(self) -> Client:
            return Client()

        async def __aexit__(self, *exception: object) -> None:
            """Give nothing back."""

    fs: Any = SimpleNamespace(loop=get_loop(), _pool=Pool())
    with pytest.raises(named):
        SshfsChannel(fs, 60).make_folder("/a")
