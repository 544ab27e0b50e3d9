"""What a network is made of: its layer table, in the form of the report's table 3.

Shapes are found by running no image at all (a batch of 0) through weights that all stand in one
place of memory, so the papers' own networks of a hundred million parameters cost nothing to count.
"""

import math
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from inkdigits.errors import UsageError
from inkdigits.models import ARCHITECTURES, Architecture, architecture
from inkdigits.models.geometry import DIGITS
from inkdigits.models.layers import CoveringConv2d, Crop, MaxPoolReLU

KERAS_TYPES: dict[type[nn.Module], str] = {
    nn.Conv2d: "Conv2D",
    CoveringConv2d: "Conv2D",
    nn.Linear: "Dense",
    nn.MaxPool2d: "MaxPooling2D",
    MaxPoolReLU: "MaxPooling2D",
    nn.AvgPool2d: "AveragePooling2D",
    nn.AdaptiveAvgPool2d: "GlobalAveragePooling2D",
    nn.BatchNorm2d: "BatchNormalization",
    Crop: "Cropping2D",
}
ACTIVATIONS = (nn.ReLU, nn.Tanh)  # part of the layer before them in Keras's table: no row

Geometries = Literal["digits", "paper"]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A row: a layer, or a block of several (``depth`` of them one after the other).

    ``shape`` is that of one image's output, channels last. ``parameters`` are trained; ``fixed``
    numbers are not (running means and variances, LeNet's codes). ``multiply_adds`` are those of
    convolutions and dense layers for one image. A layer with ``training_only`` set is no part of
    the reader that training ends in.
    """

    name: str
    kind: str
    shape: Shape
    parameters: int
    fixed: int
    multiply_adds: int
    depth: int
    training_only: bool


@dataclass(frozen=True)
class LayerTable:
    """The rows of one network and their sums, which leave out what only training uses."""

    model: str
    layers: tuple[Layer, ...]

    def _sum(self, field: str) -> int:
        return sum(getattr(layer, field) for layer in self.layers if not layer.training_only)

    @property
    def parameters(self) -> int:
        """Trainable numbers."""
        return self._sum("parameters")

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image."""
        return self._sum("multiply_adds")

    @property
    def depth(self) -> int:
        """Layers with weights on the longest way from input to output."""
        return self._sum("depth")

    @property
    def training_only_parameters(self) -> int:
        """Trainable numbers of auxiliary classifiers."""
        return sum(layer.parameters for layer in self.layers if layer.training_only)

    def to_json(self) -> dict[str, Any]:
        """Rows and sums as plain numbers, lists and dicts."""
        return {
            "name": self.model,
            "depth": self.depth,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "layers": [asdict(layer) for layer in self.layers],
        }

    @property
    def text(self) -> str:
        """The table as Keras prints it, with a column of multiply-adds."""
        head = ("Layer (type)", "Output Shape", "Param #", "Multiply-adds")
        rows = [
            (
                f"{layer.name} ({layer.kind}{', training only' if layer.training_only else ''})",
                f"({', '.join(['None', *map(str, layer.shape)])})",
                str(layer.parameters + layer.fixed),
                str(layer.multiply_adds),
            )
            for layer in self.layers
        ]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}"
            for a, b, c, d in [head, *rows]
        ]
        lines.insert(1, "=" * len(lines[0]))
        lines.append(lines[1])
        fixed = self._sum("fixed")
        lines += [
            f"Total params: {self.parameters + fixed:,}",
            f"Trainable params: {self.parameters:,}",
            f"Non-trainable params: {fixed:,}",
        ]
        if self.training_only_parameters:
            lines.append(f"Training-only params: {self.training_only_parameters:,}")
        return "\n".join([*lines, f"Multiply-adds: {self.multiply_adds:,}", f"Depth: {self.depth}"])


def layer_table(model_name: str, geometry: Geometries = "digits") -> LayerTable:
    """Return the layers of an architecture for digit images, or as its paper has it.

    Raises UsageError if no architecture has that name, and for the paper's size of one of ours.
    """
    entry = architecture(model_name)
    if geometry == "paper" and entry.paper is None:
        raise UsageError(f"{model_name} is of no paper; leave out --paper")
    return LayerTable(model_name, _layers(*_build(entry, geometry)))


def architectures() -> list[dict[str, Any]]:
    """Return name, depth, parameters (for digits, and as in the paper) and multiply-adds of all.

    Of our own networks, which no paper has, ``parameters_paper`` is None.
    """
    found = []
    for name, entry in ARCHITECTURES.items():
        digits = layer_table(name)
        paper = None if entry.paper is None else layer_table(name, "paper").parameters
        found.append(
            {
                "name": name,
                "depth": digits.depth,
                "parameters": digits.parameters,
                "parameters_paper": paper,
                "multiply_adds": digits.multiply_adds,
            }
        )
    return found


def architectures_text(found: list[dict[str, Any]]) -> str:
    """Return the list of ``architectures`` as a table."""
    head = ("name", "depth", "parameters", "in the paper", "multiply-adds")
    rows = [
        (
            m["name"],
            str(m["depth"]),
            f"{m['parameters']:,}",
            "–" if m["parameters_paper"] is None else f"{m['parameters_paper']:,}",
            f"{m['multiply_adds']:,}",
        )
        for m in found
    ]
    return "\n".join(f"{a:<22}{b:>6}{c:>12}{d:>14}{e:>15}" for a, b, c, d, e in [head, *rows])


def _build(entry: Architecture, geometry: Geometries) -> tuple[nn.Module, Tensor]:
    """Build a network without memory for its weights, and a batch of no images that fits it."""
    paper = entry.paper if geometry == "paper" else None
    shape, width = (DIGITS, entry.width) if paper is None else (paper, 1)
    with torch.device("meta"):
        body = entry.build(shape, width)
    return body, torch.empty(0, shape.channels, shape.size, shape.size)


def parts(body: nn.Module) -> dict[str, nn.Module]:
    """Return the layers and blocks that make up a network, in order, by their names.

    Sequences are opened, blocks are not, and activations belong to the layer before them.
    """
    found: dict[str, nn.Module] = {}
    for name, module in body.named_children():
        if type(module) is nn.Sequential:
            found |= parts(module)
        elif not isinstance(module, ACTIVATIONS):
            found[name] = module
    return found


def _layers(body: nn.Module, images: Tensor) -> tuple[Layer, ...]:
    found = parts(body)
    body.train(any(map(_training_only, found.values())))
    shapes = _trace(body, images)
    names: dict[str, int] = {}
    layers = []
    for path, part in found.items():
        kind = KERAS_TYPES.get(type(part), type(part).__name__)
        weighty = [module for module in part.modules() if _weights(module)]
        layers.append(
            Layer(
                name=_keras_name(kind, names) if path.isdigit() else path,
                kind=kind,
                shape=shapes[part],
                parameters=_parameters(part),
                fixed=sum(b.numel() for b in part.buffers() if b.dtype.is_floating_point),
                multiply_adds=sum(
                    _weights(module) * math.prod(shapes[module][:-1]) for module in weighty
                ),
                depth=getattr(part, "depth", min(1, len(weighty))),
                training_only=_training_only(part),
            )
        )
    return tuple(layers)


def _trace(body: nn.Module, images: Tensor) -> dict[nn.Module, Shape]:
    """Run the network and return the shape that each module gives for one image.

    Not on the meta device, whose first operation loads torch's compiler for seconds.
    """
    shapes: dict[nn.Module, Shape] = {}

    def note(module: nn.Module, _: object, output: object) -> None:
        if isinstance(output, Tensor):
            channels, *sides = output.shape[1:]
            shapes[module] = (*sides, channels)

    tensors = {**dict(body.named_parameters()), **dict(body.named_buffers())}
    weights = {
        name: torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
        for name, tensor in tensors.items()
    }
    hooks = [module.register_forward_hook(note) for module in body.modules()]
    with torch.no_grad(), torch.random.fork_rng(devices=()):  # dropout draws from it
        functional_call(body, weights, (images,))
    for hook in hooks:
        hook.remove()
    return shapes


def _training_only(part: nn.Module) -> bool:
    return getattr(part, "training_only", False)


def _parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _weights(module: nn.Module) -> int:
    """Count the module's own weights that meet every position of its output once."""
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return sum(w.numel() for w in own if w.dim() > 1 and w.dtype.is_floating_point)


def _keras_name(kind: str, names: dict[str, int]) -> str:
    """Name a layer as Keras does: conv2d, then conv2d_1 and so on."""
    base = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind))
    base = base.lower()
    number = names[base] = names.get(base, -1) + 1
    return f"{base}_{number}" if number else base
