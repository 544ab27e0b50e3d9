"""The service with a network that takes 10 ms an image and leaves the processor alone meanwhile.

``python slow_network.py READER PORT``; benchmarks/serve.py starts it, to offer ten times as many
single digits as are read. What the reader that ships manages no generator on the same machine can
offer ten times.
"""

import sys
import time

from inkdigits.reading import Reader
from inkdigits.serving import create_app, listen, run

SECONDS = 0.01


class Slow:
    def __init__(self, reader):
        self.reader = reader

    def predict_proba(self, images):
        time.sleep(SECONDS * len(images))
        return self.reader.predict_proba(images)

    def __getattr__(self, name):
        return getattr(self.reader, name)


def main():
    path, port = sys.argv[1], int(sys.argv[2])
    with listen("127.0.0.1", port) as listener:
        run(create_app(Slow(Reader(path, threads=1))), listener)


if __name__ == "__main__":
    main()
