"""From reader.onnx to digits, without torch."""

from inkdigits.reading.reader import Reader, read
from inkdigits.reading.readings import Digit, Line, Reading

__all__ = ["Digit", "Line", "Reader", "Reading", "read"]
