"""What the teaching pages show, computed in pure NumPy; all rates come from `lrdash.strategies`."""

from lrdash.teaching.descent import Path, descend
from lrdash.teaching.surfaces import SURFACES, Minimum, Surface
from lrdash.teaching.telling import compare_in_words, path_in_words

__all__ = [
    "SURFACES",
    "Minimum",
    "Path",
    "Surface",
    "compare_in_words",
    "descend",
    "path_in_words",
]
