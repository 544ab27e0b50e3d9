"""What a trained network does to one image: its maps, its answer, and where that came from."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from inkdigits.anatomy import Anatomy, Floats, Occlusion, Stage, Window, covered
from inkdigits.errors import DataError
from inkdigits.images import SIZE, Images
from inkdigits.models import Network, create
from inkdigits.models.layers import MaxPoolReLU
from inkdigits.models.lenet5 import PartialConvolution, SubSampling
from inkdigits.models.moved import Moved
from inkdigits.models.summary import ACTIVATIONS, layer_table, parts
from inkdigits.reading.reader import Reader
from inkdigits.training.run import Run
from inkdigits.training.state import load_weights

PATCH = 5  # pixels: wider than a stroke, narrower than a loop
COPIES, NOISE = 64, 0.15  # of SmoothGrad; the noise as a share of full ink
AGREEMENT = 1e-3  # of the largest logit: ten times what float32 may differ in by its order of sums
_BATCH = 128


def explain(run: Run, image: Images) -> Anatomy:
    """Follow ``image``, uint8 (28, 28), through the network that ``run`` ended in.

    Logits and probabilities are the reader's own. Raises DataError for a run that has not ended,
    whose checkpoint or reader is missing or damaged, or whose two do not belong together.
    """
    if run.result is None:
        raise DataError(
            f"this training has not ended; go on with: {run.resuming}",
            run.folder,
        )
    reader = Reader(run.reader)
    model = str(run.manifest.get("model"))
    with torch.random.fork_rng():
        network = create(model)
    load_weights(network, run.checkpoint)
    moved = bool(run.manifest["recipe"].get("moved"))
    anatomy = dissect(network, model, image, reader.temperature, moved=moved)
    logits, probabilities = reader.logits(image)[0], reader.predict_proba(image)[0]
    if not np.allclose(anatomy.logits, logits, atol=AGREEMENT * max(1, np.abs(logits).max())):
        raise DataError(
            "reader.onnx and checkpoint/ are not of one training; bring back the one that was "
            "exchanged, or train anew",
            run.folder,
        )
    return replace(anatomy, logits=logits, probabilities=probabilities)


def dissect(
    network: Network, model: str, image: Images, temperature: float = 1.0, *, moved: bool = False
) -> Anatomy:
    """Follow ``image``, uint8 (28, 28), through ``network``, an architecture called ``model``.

    If ``moved``, the answer and where it came from are those of the mean over ``Moved`` readings;
    the stages are always of the image as it is.
    """
    network = network.eval()
    reads = Moved(network) if moved else network
    pixels = torch.from_numpy(image.astype(np.float32))
    with torch.no_grad():
        stages = _stages(network, model, pixels)
        logits = reads(pixels[None])[0]
        probabilities = (logits / temperature).softmax(0)
    digit = int(probabilities.argmax())
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    return Anatomy(
        model=model,
        image=image,
        filters=_array(first.weight[:, 0].permute(1, 2, 0)),
        stages=stages,
        logits=_array(logits),
        temperature=temperature,
        probabilities=_array(probabilities),
        gradient=_smooth_gradient(reads, pixels, digit),
        occlusion=_occlude(reads, image, temperature, digit),
    )


def _stages(network: Network, model: str, pixels: Tensor) -> tuple[Stage, ...]:
    own_parts = parts(network.body).values()
    inputs: dict[nn.Module, Tensor] = {}
    outputs: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> None:
        inputs[module], outputs[module] = args[0][0], output

    watched = [m for part in own_parts for m in part.modules()]
    hooks = [module.register_forward_hook(note) for module in watched]
    logits = network(pixels[None])
    for hook in hooks:
        hook.remove()
    rows = [row for row in layer_table(model).layers if not row.training_only]
    used = [part for part in own_parts if part in outputs]
    activations = _activations(network.body, watched)
    stages = []
    # What a layer made is seen in what the next one takes in: activations lie between them.
    for row, part, seen in zip(
        rows, used, [*(inputs[p] for p in used[1:]), logits[0]], strict=True
    ):
        between = "" if torch.equal(seen, outputs[part][0]) else "squashing"
        stages.append(
            Stage(
                name=row.name,
                kind=row.kind,
                inputs=tuple(_channels_last(inputs[part]).shape),
                maps=_array(_channels_last(seen)),
                parameters=row.parameters,
                windows=tuple(_windows(part, inputs)),
                activation=activations.get(part, between),
            )
        )
    return tuple(stages)


def _activations(body: nn.Module, watched: list[nn.Module]) -> dict[nn.Module, str]:
    """Name the activation of each part of ``body`` that has one behind it, or as its last step."""
    found: dict[nn.Module, str] = {}
    inside = set(watched)
    for module in body.modules():
        if module in inside:
            last = module
            if isinstance(module, MaxPoolReLU):
                found[module] = "ReLU"
        elif isinstance(module, ACTIVATIONS):
            found[last] = type(module).__name__
    return found


def _windows(part: nn.Module, inputs: dict[nn.Module, Tensor]) -> list[Window]:
    """Return what slides over maps in ``part``, in the order in which it is built."""
    windows = []
    for module in part.modules():
        if module not in inputs or inputs[module].dim() != 3:
            continue
        size = inputs[module].shape[-1]
        match module:
            case nn.Conv2d():
                side, padding = module.kernel_size[0], module.padding
                border = (side - 1) // 2 if isinstance(padding, str) else padding[0]
                windows.append(Window(size, side, border, module.stride[0]))
            case nn.MaxPool2d() | nn.AvgPool2d():
                side, border, stride = (
                    value if isinstance(value, int) else value[0]
                    for value in (module.kernel_size, module.padding, module.stride)
                )
                windows.append(Window(size, side, border, stride, "window", module.ceil_mode))
            case nn.AdaptiveAvgPool2d():  # to 1×1: as large as the map
                windows.append(Window(size, size, 0, 1, "window"))
            case SubSampling():
                windows.append(Window(size, 2, 0, 2, "window"))
            case PartialConvolution():
                windows.append(Window(size, 5, 0, 1))
    return windows


def _smooth_gradient(network: nn.Module, pixels: Tensor, digit: int) -> Floats:
    """Return ∂ logit / ∂ ink of full strength, float32 (28, 28), averaged over noisy copies.

    SmoothGrad (Smilkov et al. 2017), but signed: the plain gradient flickers from pixel to pixel.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(COPIES, SIZE, SIZE, generator=generator) * (NOISE * 255)
    copies = (pixels + noise).requires_grad_()
    (gradient,) = torch.autograd.grad(network(copies)[:, digit].sum(), copies)
    return _array(gradient.mean(0) * 255)


@torch.no_grad()
def _occlude(network: nn.Module, image: Images, temperature: float, digit: int) -> Occlusion:
    """Hide every place in turn behind a black square, as if the paper were empty there."""
    places = [(row, column) for row in range(SIZE) for column in range(SIZE)]
    hidden = np.stack([covered(image, *place, PATCH) for place in places])
    changed = (hidden != image).any(axis=(1, 2))  # where there is no ink to hide, nothing falls
    batches = torch.split(torch.from_numpy(hidden[changed]), _BATCH)
    whole = (network(torch.tensor(image[None])) / temperature).softmax(1)
    probabilities = whole.repeat(len(places), 1)
    probabilities[torch.from_numpy(changed)] = torch.cat(
        [(network(batch) / temperature).softmax(1) for batch in batches]
    )
    drop = whole[0, digit] - probabilities[:, digit]
    worst = int(drop.argmax())
    return Occlusion(
        side=PATCH,
        drop=_array(drop.view(SIZE, SIZE)),
        worst=places[worst],
        probabilities=_array(probabilities[worst]),
    )


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(1, 2, 0) if x.dim() == 3 else x


def _array(tensor: Tensor) -> Floats:
    return np.ascontiguousarray(tensor.detach().numpy(), dtype=np.float32)
