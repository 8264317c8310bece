"""An ordinary Keras script with one line more: its run appears on the dashboard while it trains.

    python examples/monitor_script.py            # 20 epochs
    python examples/monitor_script.py 5          # fewer

Beside it, `lrdash serve` shows the run on the pages Runs and Train, and every decision of
ReduceLROnPlateau on Inside the callback.
"""

import sys

import keras
import numpy as np
from sklearn.datasets import load_digits

import lrdash


def main(epochs: int = 20) -> None:
    """Train a small network on handwritten digits."""
    keras.utils.set_random_seed(0)
    digits = load_digits()
    x, y = (digits.data / 16).astype("float32"), digits.target
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]

    model = keras.Sequential([
        keras.Input((64,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ], name="digits-64")
    model.compile(
        keras.optimizers.SGD(0.5, momentum=0.9), "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        x, y, validation_split=0.2, epochs=epochs, verbose=2,
        callbacks=[
            lrdash.Monitor("digits, plateau", dataset="digits"),
            keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2),
        ],
    )


if __name__ == "__main__":
    main(*(int(given) for given in sys.argv[1:2]))
