"""Classification of real images by a PyTorch module: logistic, mlp, cnn, or one of the user's."""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.problems import Vector
from netopt.problems._torch import CHUNK, ImageProblem


class Classifier(ImageProblem):
    """Image classifier: f_i is the mean cross-entropy, in nats, of a module over agent i's images.

    - ``model``: mlp by default (``model_options`` hidden: [64], activation: tanh, which is smooth
      as theory asks; also relu, softplus, none); logistic, one affine map; cnn, the network of the
      QGD paper (channels: [32, 64, 128], hidden: 84; images of 22 x 22 pixels or more); or
      package.module:Class, a torch.nn.Module that takes (m, channels, height, width) in [0, 1] and
      gives (m, classes). Layers that draw (Dropout) or keep statistics (BatchNorm) are refused.
    - ``data``: digits by default, 1797 images of 8 x 8 that need no download; mnist,
      fashion-mnist and cifar10:FOLDER are what the papers use. ``rows`` takes fewer.
    - ``split``: iid by default; pairs is the QGD paper's uneven one, dirichlet:ALPHA another.
    - ``batch``: null, the exact gradient; 32 is usual. ``dtype``: float32 is twice as fast.

    The metric ``accuracy`` is that of the held-out images. Needs ``netopt[torch]``.
    """

    id = "classifier"
    reference = (
        "cross-entropy of a network, as in Bo and Wang, PNAS 2024 (cnn on CIFAR-10), and "
        "Avdiukhin and Yaroslavtsev, NeurIPS 2021"
    )

    def outputs(self, shape: tuple[int, ...], classes: int) -> int:
        """Return the number of classes."""
        return classes

    def cost(self, given: Any, inputs: Any, classes: Any) -> Any:
        """Return the cross-entropy of scores (m, classes), summed over the images."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(given, classes, reduction="sum")

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return ``accuracy``: the share of held-out images that x puts into the right class."""
        total = len(self._test.classes)
        if not total:
            return {}
        hits = 0
        with self._flat.at(x):
            for at in range(0, total, CHUNK):
                inputs, classes = self._flat.inputs(self._test, np.arange(total)[at : at + CHUNK])
                hits += int((self._flat.module(inputs).argmax(dim=1) == classes).sum())
        return {"accuracy": hits / total}
