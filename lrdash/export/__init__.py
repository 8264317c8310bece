"""Runs in common formats: tables, TensorBoard, MLflow, scripts and notebooks.

Nothing here loads TensorFlow or Keras, so a server may write all of it.
"""

from lrdash.export.formats import FORMATS, Format, recipe_of
from lrdash.export.program import notebook, script
from lrdash.export.recorded import Recorded, recorded
from lrdash.export.tables import epochs_table, updates_table

__all__ = [
    "FORMATS", "Format", "Recorded", "epochs_table", "notebook", "recipe_of", "recorded", "script",
    "updates_table",
]
