import pytest
import torch

from inkdigits.errors import UsageError
from inkdigits.models import ARCHITECTURES
from inkdigits.models.summary import architectures, architectures_text, layer_table

REPORT = [  # table 3 of the report
    ("conv2d (Conv2D)", (28, 28, 32), 320),
    ("max_pooling2d (MaxPooling2D)", (14, 14, 32), 0),
    ("dropout (Dropout)", (14, 14, 32), 0),
    ("conv2d_1 (Conv2D)", (14, 14, 64), 18496),
    ("max_pooling2d_1 (MaxPooling2D)", (7, 7, 64), 0),
    ("dropout_1 (Dropout)", (7, 7, 64), 0),
    ("flatten (Flatten)", (3136,), 0),
    ("dense (Dense)", (512,), 1606144),
    ("dropout_2 (Dropout)", (512,), 0),
    ("dense_1 (Dense)", (10,), 5130),
]


def test_the_reports_network_is_its_table_3():
    table = layer_table("report_cnn")
    rows = [(f"{row.name} ({row.kind})", row.shape, row.parameters) for row in table.layers]
    assert rows == REPORT
    lines = table.text.splitlines()
    assert lines[2].split() == [
        "conv2d",
        "(Conv2D)",
        "(None,",
        "28,",
        "28,",
        "32)",
        "320",
        "225792",
    ]
    assert lines[13:16] == [
        "Total params: 1,630,090",
        "Trainable params: 1,630,090",
        "Non-trainable params: 0",
    ]


def test_multiply_adds_are_those_worked_out_by_hand():
    adds = [row.multiply_adds for row in layer_table("report_cnn").layers if row.multiply_adds]
    assert adds == [28 * 28 * 32 * 9, 14 * 14 * 64 * 32 * 9, 3136 * 512, 512 * 10]
    # C3: 1,516 weights and biases at 100 places are the paper's 151,600 connections.
    c3 = next(row for row in layer_table("lenet5_1998").layers if row.name == "c3")
    assert c3.multiply_adds + 16 * 100 == 151_600


@pytest.mark.parametrize(
    ("name", "depth", "billions"),
    [
        ("vgg11", 11, 7.6),
        ("vgg16", 16, 15.5),
        ("vgg19", 19, 19.6),
        ("inception_v1", 22, 1.6),  # "1.5 billion" in section 3 of the paper
        ("resnet18", 18, 1.8),
        ("resnet34", 34, 3.7),  # 3.6, 3.8 and 7.6 in table 1 of the paper
        ("resnet50", 50, 3.9),
        ("resnet101", 101, 7.6),
        ("plain34", 34, 3.6),
    ],
)
def test_depth_and_multiply_adds_are_those_of_the_papers(name, depth, billions):
    table = layer_table(name, "paper")
    assert table.depth == depth
    assert table.multiply_adds / 1e9 == pytest.approx(billions, abs=0.05)


def test_what_is_not_trained_is_counted_apart():
    text = layer_table("lenet5_1998").text
    assert "Trainable params: 60,000\nNon-trainable params: 840" in text
    text = layer_table("inception_v1", "paper").text
    assert "auxiliary_1 (Auxiliary, training only)  (None, 1000)" in text
    assert "Training-only params: 6,379,728" in text


def test_the_list_has_every_architecture_and_draws_no_random_number():
    state = torch.get_rng_state()
    found = architectures()
    assert [row["name"] for row in found] == list(ARCHITECTURES)
    resnet = next(row for row in found if row["name"] == "resnet50")
    assert resnet["depth"] == 50
    assert resnet["parameters_paper"] == 25_557_032
    ours = [row["name"] for row in found if row["parameters_paper"] is None]
    assert ours == [name for name in ARCHITECTURES if name.startswith("convnet")]
    assert torch.equal(state, torch.get_rng_state())


def test_a_network_of_no_paper_has_no_papers_size():
    with pytest.raises(UsageError, match="convnet_small is of no paper"):
        layer_table("convnet_small", "paper")
    line = next(
        line for line in architectures_text(architectures()).splitlines() if "small" in line
    )
    assert line.split() == ["convnet_small", "6", "56,730", "–", "1,806,976"]


def test_an_unknown_name_is_a_usage_error():
    with pytest.raises(UsageError, match="report_cnn"):
        layer_table("report_cn")
