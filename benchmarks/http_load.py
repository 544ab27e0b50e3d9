"""A lean load generator for HTTP/1.1, in a process of its own: sockets, and no HTTP library.

Reads its task as JSON from stdin, writes what it measured as JSON to stdout. Closed loop: each of
``connections`` sends its next request when it has its answer. Open loop, with ``rate``: requests
start at their planned times whatever the service does, and a latency counts from the planned time,
so that a request held up in the generator counts as slow. ``bodies``: a file of request bodies,
each after its length in 4 bytes.
"""

import asyncio
import json
import statistics
import struct
import sys
import time
from pathlib import Path


class Connection(asyncio.Protocol):
    def __init__(self, done):
        self.done = done
        self.rest = b""
        self.need = None
        self.began = 0.0

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, request, began):
        self.began = began
        self.transport.write(request)

    def data_received(self, data):
        self.rest = data = self.rest + data if self.rest else data
        if self.need is None:
            head = data.find(b"\r\n\r\n")
            if head < 0:
                return
            start = data.find(b"content-length: ", 0, head) + 16
            end = data.find(b"\r\n", start)
            self.need = head + 4 + int(data[start:end])
        if len(data) >= self.need:
            self.rest, self.need = b"", None
            self.done(self, int(data[9:12]), data)

    def connection_lost(self, error):
        if self.began:
            self.done(self, 0, b"")


class Load:
    def __init__(self, task):
        self.task = task
        head = (
            f"POST {task['path']} HTTP/1.1\r\nHost: {task['host']}:{task['port']}\r\n"
            f"Content-Type: {task['type']}\r\nContent-Length: %d\r\n\r\n"
        ).encode()
        self.requests = [head % len(body) + body for body in read_bodies(task["bodies"])]
        self.next = 0
        self.latencies = {}
        self.lost = 0
        self.idle = []
        self.begin = 0.0
        self.end = 0.0
        self.late = []

    def request(self):
        self.next += 1
        return self.requests[self.next % len(self.requests)]

    async def connect(self, done):
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(done), self.task["host"], self.task["port"]
        )
        return connection

    def record(self, connection, status):
        if status == 0:
            self.lost += 1
        now = time.perf_counter()
        if now >= self.begin and connection.began <= self.end:
            self.latencies.setdefault(status, []).append(now - connection.began)
        connection.began = 0.0

    async def closed(self):
        def done(connection, status, _):
            self.record(connection, status)
            if time.perf_counter() < self.end and status:
                connection.ask(self.request(), time.perf_counter())

        connections = [await self.connect(done) for _ in range(self.task["connections"])]
        self.begin = time.perf_counter() + self.task["warm_up"]
        self.end = self.begin + self.task["seconds"]
        for connection in connections:
            connection.ask(self.request(), time.perf_counter())
        await asyncio.sleep(self.end - time.perf_counter())
        await self.settle(connections)

    async def opened(self):
        def done(connection, status, _):
            self.record(connection, status)
            if status:
                self.idle.append(connection)

        self.idle = [await self.connect(done) for _ in range(self.task["connections"])]
        connections = list(self.idle)
        start = time.perf_counter() + 0.1
        self.begin, self.end = start + self.task["warm_up"], start + self.task["warm_up"]
        self.end += self.task["seconds"]
        gap = 1 / self.task["rate"]
        number = 0
        while (planned := start + number * gap) < self.end:
            now = time.perf_counter()
            if now < planned:
                await asyncio.sleep(min(planned - now, 0.001) if planned - now > 0.0005 else 0)
                continue
            if not self.idle:
                await asyncio.sleep(0)
                continue
            if planned >= self.begin:
                self.late.append(now - planned)
            self.idle.pop().ask(self.request(), planned)
            number += 1
            if number % 32 == 0:
                await asyncio.sleep(0)
        await self.settle(connections)

    async def settle(self, connections):
        limit = time.perf_counter() + 15
        while any(c.began for c in connections) and time.perf_counter() < limit:
            await asyncio.sleep(0.01)
        self.lost += sum(bool(c.began) for c in connections)
        for connection in connections:
            connection.began = 0.0
            connection.transport.close()

    def result(self):
        cpu = time.process_time()
        return {
            "seconds": self.task["seconds"],
            "lost": self.lost,
            "late_ms": 1000 * max(self.late, default=0.0),
            "generator_cpu": cpu,
            "by_status": {str(s): summary(values) for s, values in self.latencies.items()},
        }


def summary(values):
    values = sorted(values)
    return {
        "n": len(values),
        "p50_ms": 1000 * statistics.median(values),
        "p99_ms": 1000 * values[min(len(values) - 1, int(0.99 * len(values)))],
        "max_ms": 1000 * values[-1],
    }


def read_bodies(path):
    content = Path(path).read_bytes()
    bodies, at = [], 0
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        bodies.append(content[at + 4 : at + 4 + size])
        at += 4 + size
    return bodies


def main():
    task = json.load(sys.stdin)
    load = Load(task)
    try:
        import uvloop as runner  # quicker, so that the generator does not become the limit
    except ImportError:
        runner = asyncio
    runner.run(load.opened() if "rate" in task else load.closed())
    print(json.dumps(load.result()))


if __name__ == "__main__":
    main()
