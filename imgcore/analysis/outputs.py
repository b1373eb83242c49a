"""What the numbers of a model mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

Output = Literal["logits", "probabilities", "sigmoid"]
# As far as 32-bit sums of probabilities stray from 0 and 1.
_STRAY = 1e-4


def scores(labels: Sequence[str], values: NDArray[Any] | Sequence[float], output: Output) -> dict[str, float]:
    """Return a score for each label; what is out of bounds by more than rounding is left as it is.

    Logits go through softmax, ``sigmoid`` means logits of labels that can hold together.
    """
    import numpy as np

    numbers = np.asarray(values, np.float64)
    with np.errstate(all="ignore"):  # what overflows is told by its result
        if output == "logits":
            powers = np.exp(numbers - numbers.max())
            numbers = powers / powers.sum()
        elif output == "sigmoid":
            numbers = 0.5 * (1 + np.tanh(numbers / 2))
    near = (numbers > -_STRAY) & (numbers < 1 + _STRAY)
    numbers = np.where(near, np.clip(numbers, 0, 1), numbers)
    return dict(zip(labels, numbers.tolist(), strict=True))
