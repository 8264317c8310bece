"""Start and stop of the server, as an operator does them."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser, Page, expect

from tests.browser.app import Server, settle


def wait_healthy(server: Server) -> None:
    for _ in range(240):
        if server.healthy() and server.workers():
            return
        try:
            server.process.wait(0.25)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError((server.home / "server.log").read_text())


def test_sigterm_ends_the_server_and_its_worker(tmp_path: Path) -> None:
    server = Server(tmp_path)
    wait_healthy(server)
    workers = server.workers()
    assert server.close() == 0
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def test_the_first_visitor_of_a_server_may_come_straight_to_a_page(
    tmp_path: Path, browser: Browser
) -> None:
    server = Server(tmp_path)
    wait_healthy(server)
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/runs")
    settle(page)
    expect(page.get_by_role("link", name="Train", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="app", exact=True)).to_have_count(0)
    context.close()
    server.close()


def refused(server: Server, **headers: str) -> bool:
    """Whether the server closes the door to a websocket with these headers."""
    lines = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "bHJkYXNoLWxyZGFzaC1scg==",
             "Host": f"localhost:{server.port}"} | headers
    request = "\r\n".join(["GET /_stcore/stream HTTP/1.1",
                           *(f"{name}: {value}" for name, value in lines.items()), "", ""])
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as called:
        called.sendall(request.encode())
        status = called.recv(12).decode()
    assert status in ("HTTP/1.1 101", "HTTP/1.1 403")
    return status.endswith("403")


def test_pages_of_other_sites_reach_nothing(server: Server) -> None:
    assert not refused(server, Origin=f"http://localhost:{server.port}")
    assert refused(server, Origin="http://evil.example")
    assert refused(server, Origin="http://localhost:1")
    assert refused(server, Host="rebound.example")
    with urllib.request.urlopen(server.url) as page:
        assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]


def test_no_text_makes_a_browser_ask_another_site(page: Page, server: Server) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    picture = "http://evil.example/p.png"
    page.goto(f"{server.url}/?run={quote(f'![x]({picture})')}")
    expect(page.get_by_text("There is no run")).to_be_visible()
    assert not [url for url in asked if url.startswith("http://evil")]
    # Nor would it if a text came through.
    assert page.evaluate("""url => new Promise(done => {
      document.addEventListener('securitypolicyviolation', e => done(e.blockedURI));
      document.body.append(Object.assign(new Image(), {src: url}));
    })""", picture) == picture


def test_a_port_in_use_is_reported_in_one_line(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lrdash", "serve", "--no-browser", "--port", str(server.port)],
        capture_output=True, text=True, check=False, timeout=120,
    )
    assert done.returncode == 2
    assert str(server.port) in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
