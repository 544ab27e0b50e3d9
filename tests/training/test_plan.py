"""What is compared with what."""

import pytest

from inkdigits.errors import UsageError
from inkdigits.models import ARCHITECTURES
from inkdigits.training.plan import DEPTH, find_study


def test_the_study_of_depth_names_known_models_in_pairs():
    assert find_study("depth") is DEPTH
    assert set(DEPTH.models) <= set(ARCHITECTURES)
    vgg = {name for name in DEPTH.models if name.startswith("vgg") and not name.endswith("_bn")}
    assert {f"{name}_bn" for name in vgg} < set(DEPTH.models)
    assert DEPTH.seeds >= 2
    with pytest.raises(UsageError, match="choose from depth"):
        find_study("width")
