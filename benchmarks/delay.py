"""A network that is far away: a proxy that holds every byte back for a while, in both directions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["delayed"]


@contextmanager
def delayed(port: int, seconds: float) -> Iterator[int]:
    """The port of a proxy to ``port`` on this computer; each direction takes ``seconds`` longer."""
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), list[int]()

    async def serve() -> None:
        async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", port)
            with suppress(asyncio.CancelledError):  # a stream takes no cancelled task
                await asyncio.gather(_pipe(reader, back, seconds), _pipe(there, writer, seconds))

        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(serve())  # the loop holds it until it has served
        loop.run_forever()
        left = asyncio.all_tasks(loop)  # what waits for bytes that will not come
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Bytes in order, each ``seconds`` after it came; many may be on the way."""
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def deliver() -> None:
        while (item := await waiting.get())[1]:
            await asyncio.sleep(item[0] - loop.time())
            writer.write(item[1])
        writer.close()

    sender = loop.create_task(deliver())
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            waiting.put_nowait((loop.time() + seconds, data))
    waiting.put_nowait((loop.time() + seconds, b""))
    with suppress(ConnectionError):
        await sender
