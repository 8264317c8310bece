"""`lrdash serve`: the app in the browser."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    host: Annotated[
        str,
        typer.Option(
            envvar="LRDASH_HOST",
            help="Address to listen on. Anything but 127.0.0.1 lets other machines in.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=1, max=65_535, help="TCP port.")] = 8501,
    base_path: Annotated[
        str,
        typer.Option(
            envvar="LRDASH_BASE_PATH", help="Path under which a proxy shows the app, e.g. lr."
        ),
    ] = "",
    browser: Annotated[bool, typer.Option(help="Open the browser once the app is up.")] = True,
    resume_interrupted: Annotated[
        bool,
        typer.Option(
            envvar="LRDASH_RESUME_INTERRUPTED",
            help="Let runs go on by themselves that were interrupted before the start; without "
            "it the app offers to continue them.",
        ),
    ] = False,
) -> None:
    """Open the app: choose, train and watch in the browser. Ctrl-C ends it."""
    from lrdash import server  # brings Streamlit

    server.serve(
        host=host, port=port, base_path=base_path, browser=browser,
        resume_interrupted=resume_interrupted,
    )
