"""The web server: Streamlit with a clean start (laboratory and warm worker) and a clean stop."""

from __future__ import annotations

import errno
import gc
import importlib
import logging
import os
import pkgutil
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from lrdash import ui
from lrdash.core.errors import InvalidField, LrdashError
from lrdash.ui import resources, shell
from lrdash.ui.gate import gate_for
from lrdash.ui.uploads import upload_limit

APP = Path(__file__).resolve().parent.parent / "app.py"
logger = logging.getLogger(__name__)


def serve(
    *, host: str = "127.0.0.1", port: int = 8501, base_path: str = "", browser: bool = True,
    resume_interrupted: bool = False,
) -> None:
    """Serve the app until SIGTERM or Ctrl-C.

    Args:
        host: address to bind to; anything but loopback lets other machines in.
        port: TCP port.
        base_path: path under which a proxy shows the app, e.g. `lr`.
        browser: open the system's browser once the server is up.
        resume_interrupted: resume runs that were interrupted before the start.

    Raises:
        InvalidField: the port is taken or the address is not this machine's.
        LrdashError: app.py is not there.
    """
    if not APP.is_file():
        raise LrdashError(
            f"The app's files are not beside the package ({APP.name} is missing in "
            f"{APP.parent}). Run `lrdash serve` from a clone of the project."
        )
    refuse_taken_port(host, port)
    import streamlit as st

    sys.argv = [str(APP)]  # Streamlit looks for .streamlit/config.toml beside this file
    shell.own_navigation()
    resources.resume_at_start(wanted=resume_interrupted)
    application = st.App(
        APP, lifespan=_lifespan, routes=resources.asset_routes(),
        middleware=[gate_for(host, os.environ.get("LRDASH_ALLOWED_HOSTS", "")), upload_limit()],
    )
    settings: dict[str, Any] = {
        "server.address": host,
        "server.port": port,
        "server.baseUrlPath": base_path.strip("/"),
        "server.headless": not browser,
    }
    # Uvicorn shuts down in order and then sends itself the signal again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt):
        application.run(config=settings)


def refuse_taken_port(host: str, port: int) -> None:
    """Raise InvalidField if nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                problem = "must be a free port (another program listens there; try --port 8502)"
                raise InvalidField("port", problem, port) from None
            if fault.errno == errno.EACCES:
                raise InvalidField("port", "must be one this user may open", port) from None
            raise InvalidField("host", "must be an address of this machine", host) from None


@asynccontextmanager
async def _lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
    try:
        resources.laboratory()
        threading.Thread(target=_warm, name="lrdash-warm", daemon=True).start()
    except LrdashError as fault:  # the server stays up, so that the page can show it
        logger.error("%s", fault)
    try:
        yield {}
    finally:
        resources.close()


def _warm() -> None:
    """Load what the first pages need."""
    import pandas as pd
    import plotly.graph_objects as go
    import scipy.special  # noqa: F401

    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        importlib.import_module(module.name)
    traces = [go.Scatter(x=[0], y=[0]), go.Heatmap(z=[[0]])]
    go.Figure(traces).update_layout(height=100).to_json()
    pd.DataFrame().style  # noqa: B018 (loads it)
    gc.freeze()  # Streamlit collects garbage after every run of a page; this is skipped
