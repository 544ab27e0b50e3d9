"""The page's files, read once at start: no request ever reaches the file system."""

import hashlib
import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "page"
TYPES = {".js": "text/javascript", ".wasm": "application/wasm", ".webmanifest": "application/json"}


class PageFile:
    """One file of the page: its content, type and ETag."""

    def __init__(self, path: Path) -> None:
        self.content = path.read_bytes()
        self.etag = f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'
        self.media_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]

    async def answer(self, request: Request) -> Response:
        """Return the file, or 304 to a browser that has it."""
        headers = {"etag": self.etag, "cache-control": "no-cache"}
        known = request.headers.get("if-none-match", "")
        if known == "*" or self.etag in [
            tag.strip().removeprefix("W/") for tag in known.split(",")
        ]:
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


def page_files() -> dict[str, PageFile]:
    """Return the files by the path they are found at; ``/`` is index.html."""
    files = {
        f"/{path.relative_to(FOLDER).as_posix()}": PageFile(path)
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    if "/index.html" in files:
        files["/"] = files.pop("/index.html")
    return files
