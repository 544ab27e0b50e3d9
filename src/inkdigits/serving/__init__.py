"""The service and its page, on a reader."""

from inkdigits.serving.app import create_app
from inkdigits.serving.limits import Limits
from inkdigits.serving.server import listen, run
from inkdigits.serving.service import SHARE

__all__ = ["SHARE", "Limits", "create_app", "listen", "run"]
