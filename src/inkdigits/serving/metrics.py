"""What the service counts, for Prometheus."""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from inkdigits.reading.readings import Reading
from inkdigits.serving.gate import Gate

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self, gate: Gate, reader: dict[str, str]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "inkdigits_requests", "Answers given", ["path", "status"], registry=self.registry
        )
        self._answers: dict[tuple[str, int], Counter] = {}
        seconds = Histogram(
            "inkdigits_request_seconds",
            "From a request's headers to the end of its answer, refused ones left out",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._read_seconds = seconds.labels("/v1/read")
        self.batch = Histogram(
            "inkdigits_batch_images",
            "Images that the network read at once",
            buckets=SIZES,
            registry=self.registry,
        )
        digits = Counter(
            "inkdigits_digits", "Digits found, by what came of them", ["outcome"],
            registry=self.registry,
        )  # fmt: skip
        self._read = digits.labels("read")
        self._refused = digits.labels("refused")
        inside = Gauge(
            "inkdigits_requests_inside", "Readings under way or waiting", registry=self.registry
        )
        inside.set_function(lambda: gate.inside)
        ready = Gauge("inkdigits_ready", "1 while requests are welcome", registry=self.registry)
        ready.set_function(lambda: float(gate.ready))
        Info("inkdigits_reader", "The reader that answers", registry=self.registry).info(reader)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count one answer; ``path`` is a known route or ``other``, so that labels stay few."""
        answers = self._answers.get((path, status))
        if answers is None:
            answers = self._answers[path, status] = self._requests.labels(path, str(status))
        answers.inc()
        if path == "/v1/read" and status == 200:
            self._read_seconds.observe(seconds)

    def count(self, readings: Iterable[Reading]) -> None:
        """Count the digits of these readings."""
        for reading in readings:
            for line in reading.lines:
                for digit in line.digits:
                    (self._read if digit.refused is None else self._refused).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)
