"""Real servers for the tests: each module finds, starts and stops one, on loopback and on ports that were free.

``serve(folder)`` of each module is a context manager that yields what a client needs to know; ``missing()`` says why
the machine cannot run it, or `None`. ``install.sh`` (``make servers``) installs what is missing.
"""

from tests.servers import asyncssh, azurite, ceph, gcs, moto, sshd

__all__ = ["asyncssh", "azurite", "ceph", "gcs", "moto", "sshd"]
