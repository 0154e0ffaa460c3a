"""Real servers for the tests: each module starts and stops one, on loopback and on a free port.

``serve(folder)`` of each module is a context manager that yields the address and the login. ``missing()`` returns the
reason why the machine cannot run the server, or `None`. ``install.sh`` (``make servers``) installs missing programs.
"""

from tests.servers import asyncssh, azurite, ceph, gcs, moto, sshd

__all__ = ["asyncssh", "azurite", "ceph", "gcs", "moto", "sshd"]
