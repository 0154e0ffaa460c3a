"""Answers of an sftp server that OpenSSH's gives seldom or never: of a fake channel, in the tracker's hands."""

from __future__ import annotations

import asyncio
import errno
import threading
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
from paramiko import SSHException
from paramiko.sftp import CMD_CLOSE, CMD_READ, SFTPError

from typedtrack import KeyConflictError, ResultNotFoundError, ResultTracker, UnsupportedOperationError
from typedtrack.backends.sftp.channel import SftpChannel, SftpFailureError, SftpUnsupportedError, kind_of
from typedtrack.backends.sftp.paramiko import ParamikoChannel
from typedtrack.backends.sftp.sshfs import SshfsChannel
from typedtrack.backends.sftp.tracker import SftpResultTracker

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
    return SftpResultTracker(None, channel, "/base", "sftp://host", 1)


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


CALLS: dict[str, Callable[[ResultTracker], object]] = {
    "get": lambda tracker: tracker.get("a"),
    "in": lambda tracker: "a" in tracker,
    "wait": lambda tracker: tracker.wait("a", timeout=0),
    "keys": lambda tracker: list(tracker.keys()),
    "put": lambda tracker: tracker.put("a", x=1),
    "create": lambda tracker: tracker.create("a", x=1),
    "delete": lambda tracker: tracker.__delitem__("a"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kinds", [["file"], ["other"], [ABSENT, "file"]])
def test_no_folder_for_a_base(channel: Mock, call: str, kinds: list[str | OSError]) -> None:
    """A base that is a file, or below one, has no results at all: every call says so."""
    tracker = SftpResultTracker(None, channel, "/above/base", "sftp://host", 1)
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
    with pytest.raises(NotADirectoryError, match="it is no folder: '/above"):
        CALLS[call](tracker)


def test_base_that_is_not_there(tracker: SftpResultTracker, channel: Mock) -> None:
    """A base that does not exist is empty, and looked at again; one that was seen to be a folder is not."""
    channel.read.side_effect = ABSENT
    channel.kind.side_effect = [ABSENT, ABSENT, "folder"]
    for _ in range(5):
        assert tracker.get("a") == {}
    assert [call.args for call in channel.kind.call_args_list] == [("/base",)] * 3


def test_something_else_on_the_way(tracker: SftpResultTracker, channel: Mock) -> None:
    """What is neither file nor folder, and stands where a folder of the key should, is named."""
    channel.write_new.side_effect = ABSENT
    channel.kind.side_effect = ["folder", "other"]
    with pytest.raises(NotADirectoryError, match="'/base/a'"):
        tracker["a/b"] = {"x": 1}


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
    channel.kind.return_value = "folder"
    channel.entries.side_effect = [[("a", "file"), ("pipe", "other"), ("gone", "folder"), (".hidden", "file")], ABSENT]
    assert list(iter(tracker)) == ["a"]  # without `iter` the list asks for the length first, by another listing
    assert kind_of(None) == "other"


def test_listing_of_links(tracker: SftpResultTracker, channel: Mock) -> None:
    """A listing has links to files, not those to folders, to nothing, or to themselves."""
    channel.entries.return_value = [(name, "link") for name in ("result", "folder", "nothing", "itself", ".hidden")]
    channel.kind.side_effect = ["file", "folder", ABSENT, FAILURE]
    assert list(iter(tracker)) == ["result"]


def test_base_at_the_root(channel: Mock) -> None:
    """The root of the server may be a base."""
    tracker = SftpResultTracker(None, channel, "/", "sftp://host", 1)
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
    """What paramiko has only a text for gets a name; what has one keeps it; after neither is there a new connection."""
    fs = Mock()
    client = fs.client.open_sftp.return_value
    client.get_channel.return_value.closed = False
    client.mkdir.side_effect = error
    channel = ParamikoChannel(fs, 60)
    channel.restore()
    with pytest.raises(named):
        asyncio.run(channel.make_folder("/a"))
    channel.restore()
    fs._connect.assert_not_called()


def test_lost_connection_of_paramiko() -> None:
    """That the connection is closed is no answer of the server, though paramiko has no number for it either."""
    fs = Mock()
    client = fs.client.open_sftp.return_value
    client.get_channel.return_value.closed = True
    client.mkdir.side_effect = error = OSError("Socket is closed")
    channel = ParamikoChannel(fs, 60)
    channel.restore()
    with pytest.raises(OSError, match="closed") as caught:
        asyncio.run(channel.make_folder("/a"))
    assert caught.value is error
    channel.restore()
    fs._connect.assert_called_once_with()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("refused"), "OSError: refused"),
        (TimeoutError(), "TimeoutError: no answer within 60 s"),
        (EOFError(), "EOFError: no reason given"),
    ],
)
def test_no_new_connection(error: Exception, reason: str) -> None:
    """Why there is no new connection is said also where the client has no word on it."""
    fs = Mock()
    fs.client.open_sftp.side_effect = error
    with pytest.raises(ConnectionError, match=f"no new connection to the server: {reason}$"):
        ParamikoChannel(fs, 60).restore()


@pytest.mark.parametrize("error", [EOFError(), SSHException("gone")])
def test_first_connection_of_paramiko(error: Exception) -> None:
    """A connection that was lost before the tracker's first call, unseen by its transport, is made anew."""
    fs, opened = Mock(), Mock()
    fs.client.open_sftp.side_effect = [error, opened]
    channel = ParamikoChannel(fs, 60)
    channel.restore()
    fs._connect.assert_called_once_with()
    asyncio.run(channel.remove("/a"))
    opened.remove.assert_called_once_with("/a")


@pytest.mark.parametrize(("error", "closes"), [(TimeoutError(), False), (PermissionError(errno.EACCES, "no"), True)])
def test_closing_of_paramiko(error: Exception, closes: bool) -> None:
    """What was opened is closed after an answer that is an error, and not on a connection that is silent."""
    fs = Mock()
    client = fs.client.open_sftp.return_value
    client.get_channel.return_value.closed = False
    client._request.return_value = 0, Mock(get_binary=lambda: b"handle")
    client._read_response.side_effect = error
    channel = ParamikoChannel(fs, 60)
    channel.restore()
    with pytest.raises(type(error)):
        asyncio.run(channel.read("/a", 9))
    asked = [call.args[1] for call in client._async_request.call_args_list]
    assert asked == [CMD_READ, CMD_CLOSE][: 1 + closes]


def test_end_of_file_of_paramiko() -> None:
    """A file ends where the server says so."""
    fs = Mock()
    client = fs.client.open_sftp.return_value
    client._request.return_value = 0, Mock()
    client._read_response.side_effect = [(0, Mock(get_binary=lambda: b"some")), EOFError()]
    channel = ParamikoChannel(fs, 60)
    channel.restore()
    assert asyncio.run(channel.read("/a", 10)) == b"some"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), SFTPError("Garbage packet"), EOFError()])
def test_no_answer_of_paramiko(error: BaseException) -> None:
    """What ends a request without its answer, as an interrupt, is the end of the connection: nobody asks it again."""
    fs = Mock()
    client = fs.client.open_sftp.return_value
    client.mkdir.side_effect = error
    channel = ParamikoChannel(fs, 60)
    channel.restore()
    with pytest.raises(type(error)):
        asyncio.run(channel.make_folder("/a"))
    with pytest.raises(ConnectionError, match="in another call"):
        asyncio.run(channel.remove("/a"))
    client.remove.assert_not_called()
    fs.client.open_sftp.return_value = Mock()
    channel.restore()
    fs._connect.assert_called_once_with()
    asyncio.run(channel.remove("/a"))


def test_hanging_up_of_paramiko() -> None:
    """That a lost client cannot be hung up, as its interrupted call holds a lock, keeps nobody from a new one."""
    fs = Mock()
    client = fs.client.open_sftp.return_value
    client.mkdir.side_effect = KeyboardInterrupt
    lock = threading.Lock()
    fs.client.close.side_effect = lock.acquire
    channel = ParamikoChannel(fs, 60)
    channel.restore()
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(channel.make_folder("/a"))
    with lock:
        fs.client.open_sftp.return_value = Mock()
        channel.restore()
        assert not channel._is_lost
        client.close.assert_not_called()


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (SFTPFailure("failure"), SftpFailureError),
        (SFTPOpUnsupported("unsupported"), SftpUnsupportedError),
        (SFTPPermissionDenied("denied"), PermissionError),
        (SFTPNoSuchFile("no such file"), FileNotFoundError),
        (SFTPQuotaExceeded("full"), SFTPQuotaExceeded),
        (SFTPConnectionLost("lost"), SFTPConnectionLost),
        (BrokenPipeError("lost"), BrokenPipeError),
        (TimeoutError("late"), TimeoutError),
    ],
)
def test_errors_of_asyncssh(error: Exception, named: type[Exception]) -> None:
    """Errors of asyncssh become what the tracker knows; all others pass; an answer is no lost connection."""

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

    fs: Any = SimpleNamespace(_pool=Pool(), _client=SimpleNamespace(is_closed=lambda: False))
    channel = SshfsChannel(fs, 60)
    with pytest.raises(named):
        asyncio.run(channel.make_folder("/a"))
    assert channel._is_lost is (named in (SFTPConnectionLost, BrokenPipeError, TimeoutError))
