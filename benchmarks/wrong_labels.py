"""Which of MNIST's test images have labels that are known to be wrong.

Those whose label at most two of five people chose (Northcutt et al., 2021, section 4).
"""

WRONG_LABELS = (
    947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729,
)  # fmt: skip
