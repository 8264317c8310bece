"""The reference engine: `model.fit` with Keras' own callbacks, one run at a time."""
