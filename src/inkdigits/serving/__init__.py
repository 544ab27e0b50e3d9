"""The service and its page, on a reader."""

from inkdigits.serving.app import create_app
from inkdigits.serving.limits import Limits
from inkdigits.serving.server import listen, run

__all__ = ["Limits", "create_app", "listen", "run"]
