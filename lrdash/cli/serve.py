"""`lrdash serve`: the app in the browser."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[
        str,
        typer.Option(
            envvar="LRDASH_HOST",
            help="Address to listen on. Any other than 127.0.0.1 admits other machines.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65_535, help="TCP port.")] = 8501,
    base_path: Annotated[
        str,
        typer.Option(
            envvar="LRDASH_BASE_PATH", help="Path under which a proxy serves the app, e.g. lr."
        ),
    ] = "",
    browser: Annotated[bool, typer.Option(help="Open the browser when the app is ready.")] = True,
    resume_interrupted: Annotated[
        bool,
        typer.Option(
            envvar="LRDASH_RESUME_INTERRUPTED",
            help="Resume interrupted runs at the start; otherwise the app offers to resume them.",
        ),
    ] = False,
) -> None:
    """Start the app: choose, train and watch in the browser. Ctrl-C stops it."""
    from lrdash import server  # brings Streamlit

    server.serve(
        host=host, port=port, base_path=base_path, browser=browser,
        resume_interrupted=resume_interrupted,
    )
