"""Where the long-lived objects are wired: one store and one laboratory per server process.

They live in a module made by hand, which neither `st.cache_resource.clear()` (any client can send
it) nor Streamlit's hot reload (it drops modules that have a file) reaches.
"""

from __future__ import annotations

import sys
import threading
import types
from pathlib import Path
from typing import Any, cast

from lrdash.jobs.laboratory import Laboratory
from lrdash.store import Store

PLOTLY_ROUTE = "/lrdash/plotly.min.js"


def _process() -> Any:
    """The module that holds the objects; made once a process."""
    fresh = types.ModuleType("_lrdash_process")
    fresh.__dict__.update(
        lock=threading.RLock(), store=None, laboratory=None, served=False, resume=False
    )
    return sys.modules.setdefault("_lrdash_process", fresh)


def store() -> Store:
    """The store; opened at first use.

    Raises:
        StoreError: if the database can't be opened; the next call tries again.
    """
    process = _process()
    with process.lock:
        if process.store is None:
            process.store = Store()
        return cast(Store, process.store)


def resume_at_start(*, wanted: bool) -> None:
    """Whether the laboratory resumes interrupted runs when it starts."""
    _process().resume = wanted


def laboratory() -> Laboratory:
    """The running laboratory; started at first use, with its warm worker.

    Raises:
        StoreError: if the database can't be opened.
    """
    process = _process()
    with process.lock:
        if process.laboratory is None:
            started = Laboratory(store(), resume=process.resume)
            started.start()
            process.laboratory = started
        return cast(Laboratory, process.laboratory)


def close() -> None:
    """End workers and close the store; harmless when called twice."""
    process = _process()
    with process.lock:
        if process.laboratory is not None:
            process.laboratory.close()
        if process.store is not None:
            process.store.close()
        process.laboratory = process.store = None


def plotly_file() -> Path:
    """plotly.min.js as the installed Plotly brings it; never from a CDN."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


def asset_routes() -> list[Any]:
    """Routes of the files that the live chart needs, for `st.App`."""
    from starlette.responses import FileResponse
    from starlette.routing import Route

    async def plotly_js(_request: Any) -> FileResponse:
        headers = {"Cache-Control": "public, max-age=86400"}
        return FileResponse(plotly_file(), media_type="text/javascript", headers=headers)

    _process().served = True
    return [Route(PLOTLY_ROUTE, plotly_js)]


def plotly_url() -> str:
    """Where the browser finds plotly.min.js, relative to the page.

    Under `lrdash serve` a route of its own; under plain `streamlit run` Streamlit's media files.
    """
    if _process().served:
        return f".{PLOTLY_ROUTE}"
    from streamlit import runtime

    if not runtime.exists():
        return f".{PLOTLY_ROUTE}"
    files = runtime.get_instance().media_file_mgr
    return "." + files.add(str(plotly_file()), "text/javascript", "lrdash-plotly")
