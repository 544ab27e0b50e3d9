"""A cluster to work on: one that runs already, or one on this machine for as long as it takes."""

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from inkdigits.errors import InkdigitsError, UsageError

HERE = "here"
"""In the place of an address: Ray is started on this machine, and ended with the work."""


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be connected to Ray inside the block.

    Ray listens on all of a machine's addresses, so whoever asks must show a token: for a Ray that
    is started here one is drawn, for another ``RAY_AUTH_MODE=token`` and its token must be set.
    Raises UsageError where they are not, here or there, InkdigitsError where Ray cannot be reached.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address == HERE:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        os.environ["AUTOSCALER_METRIC_PORT"] = "-1"  # none: it would answer without a token
    elif os.environ.get("RAY_AUTH_MODE") != "token":
        raise UsageError(
            "a Ray that runs already wants a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN "
            "(or RAY_AUTH_TOKEN_PATH) here as on its machines",
            address,
        )
    import ray  # reads its settings as it is loaded

    try:
        _knock(address)
        ray.init(
            address="local" if address == HERE else address,
            include_dashboard=False if address == HERE else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, OverflowError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        words = " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
        raise InkdigitsError(f"Ray cannot be reached ({words})", address) from error
    try:
        if address != HERE and ray.get(ray.remote(num_cpus=0)(_auth_mode).remote()) != "token":
            raise UsageError(
                "this Ray lets in whoever asks; start it anew with RAY_AUTH_MODE=token", address
            )
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError at once where nobody answers, which Ray would find out after minutes."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "://" not in host:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=10):
            pass


def _auth_mode() -> str | None:
    return os.environ.get("RAY_AUTH_MODE")
