"""A relay on loopback that delays the requests of a client by some seconds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import HOST, free_port, running

__all__ = ["serve"]


@contextmanager
def serve(folder: Path, upstream: int, seconds: float) -> Generator[int]:
    """Run a relay before the port *upstream* in a process of its own; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "tests.servers.latency", str(port), str(upstream), str(seconds)]
    with running(command, folder / "latency.log", port=port):
        yield port


async def _relay(port: int, upstream: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
        try:
            while data := await reader.read(65536):
                loop.call_later(delay, writer.write, data)
            loop.call_later(delay, writer.close)
        except ConnectionError:
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(HOST, upstream)
        await asyncio.gather(pump(reader, up_writer, seconds), pump(up_reader, writer, 0))

    server = await asyncio.start_server(connected, HOST, port, backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
