"""The page without a server: a folder of plain files that reads digits in the browser itself.

What runs the network there is ONNX Runtime's own build for browsers, the npm package
onnxruntime-web. It is 14 MB, so it is not part of inkdigits: npm fetches it, in one pinned version
whose content npm checks, when a page is exported; or whoever exports gives the package.
"""

import json
import lzma
import shutil
import subprocess
import tarfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from inkdigits import __version__
from inkdigits.errors import DataError, InkdigitsError
from inkdigits.files import whole_file
from inkdigits.reading import Reader
from inkdigits.serving.page import FOLDER

OFFLINE = Path(__file__).parent / "offline"  # takes the service's place behind the same page
RUNTIME = "onnxruntime-web@1.30.0"
RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")


def write_web(folder: Path, reader: Reader, package: Path | None = None) -> int:
    """Write the page with ``reader`` into ``folder``, and return the bytes written.

    ``package``: onnxruntime-web as `npm pack` gives it (.tgz) or as it is installed (a folder); npm
    is asked for it without one. index.html is written last, so a page that is there is complete.
    Raises InkdigitsError if npm gives no package or the folder cannot be written, DataError if
    ``package`` is another.
    """
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
    files |= {path.name: path.read_bytes() for path in sorted(OFFLINE.glob("*.js"))}
    files |= _runtime(package)
    files["reader.onnx"] = reader.path.read_bytes()
    about = {"inkdigits": __version__, "threshold": reader.threshold, "origin": reader.origin()}
    files["reader.json"] = json.dumps(about, indent=1).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"cannot be made a folder ({error.strerror}); name another"
        raise InkdigitsError(text, folder) from error
    for name in sorted(files, key=lambda name: name == "index.html"):
        with whole_file(folder / name) as temporary:
            temporary.write_bytes(files[name])
    return sum(map(len, files.values()))


def _runtime(package: Path | None) -> dict[str, bytes]:
    """Return the files that run a network in a browser."""
    if package is None:
        with TemporaryDirectory() as folder:
            return _runtime(_fetched(Path(folder)))
    try:
        if package.is_dir():
            return {name: (package / "dist" / name).read_bytes() for name in RUNTIME_FILES}
        with tarfile.open(package) as archive:
            return {name: _member(archive, f"package/dist/{name}") for name in RUNTIME_FILES}
    except (OSError, KeyError, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(
            f"is not the npm package onnxruntime-web; `npm pack {RUNTIME}` gives it", package
        ) from error


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """Return the content of a file in the archive; KeyError if there is none of that name."""
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _fetched(folder: Path) -> Path:
    """Let npm put the package into ``folder``, and return its path."""
    advice = f"fetch it elsewhere with `npm pack {RUNTIME}` and give it with --onnxruntime-web"
    npm = shutil.which("npm")
    if npm is None:
        raise InkdigitsError(f"the page needs npm's {RUNTIME}, and there is no npm here; {advice}")
    command = [npm, "pack", RUNTIME, "--silent", "--pack-destination", str(folder)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = next(folder.glob("*.tgz"), None)
    if result.returncode or found is None:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InkdigitsError(f"npm did not give {RUNTIME} ({reason}); {advice}")
    return found
