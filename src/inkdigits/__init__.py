"""inkdigits reads handwritten digits, and tells you how far to trust what it read."""

from importlib import import_module

__version__ = "0.1.0"

# Public names, found on first use: `import inkdigits` loads neither torch nor onnxruntime.
_HOMES = {
    "Dataset": ("inkdigits.data", "Dataset"),
    "load_data": ("inkdigits.data", "load"),
    "Reader": ("inkdigits.reading", "Reader"),
    "read": ("inkdigits.reading", "read"),
    "train": ("inkdigits.training", "train"),
    "InkdigitsError": ("inkdigits.errors", "InkdigitsError"),
}
__all__ = ["Dataset", "InkdigitsError", "Reader", "__version__", "load_data", "read", "train"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'inkdigits' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
