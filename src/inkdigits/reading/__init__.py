"""From reader.onnx to digits, without torch."""

from inkdigits.reading.reader import Reader

__all__ = ["Reader"]
