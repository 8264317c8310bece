"""Runs of other programs, read from files: TensorBoard events, CSV and JSON.

Files are parsed, never executed or unpickled; sizes are limited and every error names its place.
"""

from __future__ import annotations

from lrdash.tracking.importing.bring import Brought, bring, import_runs
from lrdash.tracking.importing.found import Found
from lrdash.tracking.importing.sources import UPLOAD_LIMIT, Upload, read_paths, read_uploads

__all__ = [
    "UPLOAD_LIMIT", "Brought", "Found", "Upload", "bring", "import_runs", "read_paths",
    "read_uploads",
]
