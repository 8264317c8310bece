"""`lrdash.Monitor`: a Keras callback that puts somebody's own training on the dashboard."""

from __future__ import annotations

from lrdash.tracking.monitor.callback import Monitor

__all__ = ["Monitor"]
