"""Autoencoders of real images by a PyTorch module: linear, mlp, cnn, or one of the user's."""

from __future__ import annotations

from typing import Any

import numpy as np

from netopt.problems import Vector
from netopt.problems._torch import ImageProblem


class Autoencoder(ImageProblem):
    """Autoencoder: f_i is the mean squared error, over pixels in [0, 1] and agent i's images.

    Near x = 0 every image gets the same answer and the slopes of all weights but the last bias are
    products of small weights: a saddle. ``scale`` 0.01 starts there; 1, the default, does not.

    - ``model``: mlp by default (``model_options`` hidden: [64, 16], of which the last is the code,
      activation: tanh; also relu, softplus, none); linear (code: 16), whose saddle at 0 is strict
      and whose minima are known: principal components; cnn (channels: [8, 16], code: 16,
      activation: tanh), deep and convolutional: its saddle has no curvature at all; or
      package.module:Class, a torch.nn.Module that gives as many numbers as an image has pixels.
    - ``data``: digits by default; mnist is what the paper uses. ``rows`` takes fewer.
    - ``split``, ``batch``, ``evaluate``, ``test_fraction``, ``dtype``: as for the classifier.

    The metric ``test_loss`` is the error of the held-out images. Needs ``netopt[torch]``.
    """

    id = "autoencoder"
    reference = (
        "Avdiukhin and Yaroslavtsev, NeurIPS 2021 (deep convolutional autoencoder on MNIST, "
        "started near a saddle)"
    )

    def outputs(self, shape: tuple[int, ...], classes: int) -> int:
        """Return the number of pixels of all channels."""
        return int(np.prod(shape))

    def cost(self, given: Any, inputs: Any, classes: Any) -> Any:
        """Return the squared error, a mean over pixels, summed over the images."""
        difference = given.reshape(len(inputs), -1) - inputs.reshape(len(inputs), -1)
        return difference.square().mean(dim=1).sum()

    def metrics(self, x: Vector) -> dict[str, float]:
        """Return ``test_loss``: the mean squared error of the held-out images."""
        rows = np.arange(len(self._test.classes))
        return {"test_loss": self._mean_cost(x, self._test, rows)} if len(rows) else {}
