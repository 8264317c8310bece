"""Noisy quadratic model: no network, but a bowl whose expected loss is known exactly.

The parameters are x_1 .. x_D, all 1 at the start. The loss is L(x) = 1/2 sum_i lambda_i x_i^2 with
curvatures lambda_i = 1 / i. One example adds to the gradient, lambda_i x_i, a normal draw of mean 0
and variance noise * lambda_i; the mean over a batch of B examples has noise of variance
noise * lambda_i / B. That is the convention of Zhang et al. (covariance of the gradient noise =
Hessian, over the batch size), times `noise`. `lrdash.analysis.quadratic` has the expected loss.

Engines minimise a loss of predictions, here the squared error against 0. So the prediction is
sqrt(L(x)), with a gradient made such that the squared error has the gradient above: for
p = s + (q - stop(q)) / (2 s) with s = stop(sqrt(L)) and q = L + sum_i sqrt(noise lambda_i) z_i x_i,
where stop() has no gradient, the value of p^2 is L and its gradient is that of q.
"""

from __future__ import annotations

import ast
import inspect
from functools import lru_cache
from typing import Any

from lrdash.core.record import field
from lrdash.core.spec import DataShape
from lrdash.models.base import KerasModel, Model
from lrdash.models.layers import Work

LEAST = 1e-18  # of the prediction, so that nothing is divided by 0; its square is a loss of 1e-36


class NoisyQuadratic(Model):
    """L(x) = 1/2 sum_i x_i^2 / i over D parameters, with noise in the gradient of each example.

    Plain SGD at a constant rate eta forgets the start along direction i in about i / eta updates,
    and then hovers at E[x_i^2] = eta noise / (B (2 - eta / i)): a floor that only a lower rate (or
    a larger batch) lowers. Rates of 2 and above diverge.

    Reference: Zhang et al., Which algorithmic choices matter at which batch sizes? Insights from a
    noisy quadratic model, 2019, arXiv 1907.04164, section 3.

    >>> NoisyQuadratic(dimensions=50).parameters(
    ...     DataShape(task="regression", input_shape=(0,), num_classes=0)
    ... )
    50
    """

    id = "noisy_quadratic"
    label = "Noisy quadratic"
    description = (
        "No network: a bowl, steep in some directions and flat in others, with noise in every "
        "gradient. A high rate is fast along the flat directions and noisy along the steep ones, "
        "so the best schedule begins high and ends low."
    )
    source = "Zhang et al., 2019, arXiv 1907.04164"

    dimensions: int = field(
        100, label="Dimensions", unit="parameters", ge=1, le=1000, step=10,
        help="Directions of the bowl. The i-th has curvature 1/i, so more of them means flatter "
        "ones, which take longer.",
    )
    noise: float = field(
        1.0, label="Gradient noise", ge=0, le=1000, step=0.5,
        help="Variance of the gradient of one example along a direction, as a multiple of its "
        "curvature. 0: none, and every seed gives the same curve.",
    )

    @classmethod
    def misfit(cls, shape: DataShape) -> str | None:
        """Refuses examples that hold something to learn."""
        if shape.input_shape == (0,) and shape.task == "regression":
            return None
        return "learns nothing from examples; it goes with the dataset noisy_quadratic"

    def build(self, shape: DataShape) -> KerasModel:
        """One layer that holds the parameters; its output squared is the loss."""
        import keras

        inputs = keras.Input(shape.input_shape, name="input")
        outputs = _layer()(self.dimensions, self.noise, name="output")(inputs)
        return keras.Model(inputs, outputs, name=self.id)

    def draws(self, shape: DataShape) -> str:  # noqa: ARG002 (of every model)
        """The noise in the gradients."""
        return "the gradient noise" if self.noise else ""

    def keras_code(self, shape: DataShape) -> list[str]:
        """The layer's own source, without annotations, and a model of it."""
        tree = ast.parse(inspect.getsource(inspect.unwrap(_layer)))
        (bowl,) = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
        for node in ast.walk(bowl):
            if isinstance(node, ast.arg):
                node.annotation = None
            elif isinstance(node, ast.FunctionDef):
                node.returns = None
        source = ast.unparse(bowl).replace("LEAST", repr(LEAST))
        return [
            f"inputs = keras.Input({shape.input_shape!r})", "", "", *source.splitlines(), "", "",
            f"outputs = Bowl({self.dimensions}, {self.noise!r})(inputs)",
            "model = keras.Model(inputs, outputs)",
        ]

    def parameters(self, shape: DataShape) -> int:  # noqa: ARG002 (of every model)
        """The coordinates of the point in the bowl."""
        return self.dimensions

    def work(self, shape: DataShape) -> Work:  # noqa: ARG002 (of every model)
        """The noise of one example times the parameters; it is kept as drawn and as scaled."""
        return Work(multiply_adds=self.dimensions, numbers=2 * self.dimensions)


@lru_cache(maxsize=1)
def _layer() -> Any:
    """The Keras layer; a function, since importing this file must not import its base class."""
    import keras

    class Bowl(keras.layers.Layer):  # type: ignore[misc]
        """Examples [examples, 0] to the root of the loss [examples, 1]."""

        def __init__(self, dimensions: int, noise: float, **more: Any) -> None:
            super().__init__(**more)
            self.dimensions, self.noise = dimensions, noise
            self.seed_generator = keras.random.SeedGenerator()

        def build(self, _shape: Any) -> None:
            """Every coordinate begins at 1."""
            shape = (self.dimensions, 1)
            self.position = self.add_weight(
                shape=shape, initializer="ones", name="position"
            )

        def call(self, inputs: Any, training: bool = False) -> Any:
            """The root of the loss, with noise in its gradient while training."""
            ops = keras.ops
            curvature = 1.0 / ops.arange(1, self.dimensions + 1, dtype="float32")[:, None]
            loss = 0.5 * ops.sum(curvature * ops.square(self.position))
            root = ops.stop_gradient(ops.maximum(ops.sqrt(loss), LEAST))
            examples = ops.shape(inputs)[0]
            slope = ops.broadcast_to(ops.reshape(loss, (1, 1)), (examples, 1))
            if training and self.noise:
                draws = keras.random.normal(
                    (examples, self.dimensions), seed=self.seed_generator
                )
                slope += ops.matmul(draws, ops.sqrt(self.noise * curvature) * self.position)
            return root + (slope - ops.stop_gradient(slope)) / (2.0 * root)

        def compute_output_shape(self, shape: Any) -> Any:
            """One number an example."""
            return (shape[0], 1)

    return Bowl
