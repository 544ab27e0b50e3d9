"""The same network behind LitServe, as LitServe's documentation shows it.

``python peer_litserve.py NAME READER PORT``; benchmarks/serve.py starts it. LitServe takes JSON, so
the picture comes in base64. It decodes with inkdigits.images and runs the same reader, in the
worker process that LitServe starts, on uvloop and httptools.
"""

import base64
import sys

import litserve as ls
import numpy as np

from inkdigits.images import decode, normalise
from inkdigits.reading import Reader


class Digits(ls.LitAPI):
    def __init__(self, path, **options):
        super().__init__(api_path="/v1/read", **options)
        self.path = path

    def setup(self, device):
        self.reader = Reader(self.path)

    def decode_request(self, request):
        return normalise(decode(base64.b64decode(request["image"])))

    def predict(self, image):
        return self.reader.predict_proba(image[None])[0]

    def encode_response(self, scores):
        digit = int(scores.argmax())
        return {"digit": digit, "probability": float(scores[digit])}


class Batches(Digits):
    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, images):
        return self.reader.predict_proba(images)

    def unbatch(self, scores):
        return list(scores)


def main():
    name, path, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if name == "litserve-batches":
        api = Batches(path, max_batch_size=64, batch_timeout=0.002)
    else:
        api = Digits(path)
    server = ls.LitServer(api, accelerator="cpu", fast_queue=True)
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)


if __name__ == "__main__":
    main()
