"""The way from the browser to the sidecar: who may pass, what passes, and how the sidecar lives and ends.

Small things are tested in process with a sidecar that echoes (tests/echo); the life of real processes with a real
``jupyter server`` and the real bundle.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest
from conftest import ROOT, JupyterServer, is_alive, wait_until
from tornado.httpclient import HTTPClientError

from jupyterlab_sluice import node, sidecar

pytest_plugins = ["pytest_jupyter.jupyter_server"]
API = ("sluice", "api", "v1")
HEALTH = "/sluice/api/v1/health"

# ---------------------------------------------------------------- in process, with the sidecar that echoes


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"jupyterlab_sluice": True}}}


@pytest.fixture
def echo(monkeypatch, jp_serverapp):
    """Our sidecar object, which will start tests/echo/main.mjs."""
    monkeypatch.setattr(node, "BUNDLES", Path(__file__).parent / "echo")
    proxy = jp_serverapp.web_app.settings["sluice_sidecar"]
    yield proxy
    proxy.close()


async def refusal(fetch) -> tuple[int, dict]:
    """Status and body of an answer that must be an error."""
    with pytest.raises(HTTPClientError) as caught:
        await fetch
    return caught.value.code, json.loads(caught.value.response.body)


async def test_nothing_starts_before_the_first_request(echo, jp_fetch):
    assert echo.pid is None
    await jp_fetch(*API, "health")
    assert echo.pid is not None


async def test_what_reaches_the_sidecar_and_what_does_not(echo, jp_fetch, jp_root_dir, jp_auth_header):
    token = jp_auth_header["Authorization"].split()[1]
    answer = await jp_fetch(
        *API, "runs", "a%2Fb", method="POST", body='{"x": 1}', params={"notebook": "ä b.ipynb", "token": token},
        headers={"Cookie": "secret=1", "X-Sluice-Secret": "guess", "Content-Type": "application/json"},
    )  # fmt: skip
    seen = json.loads(answer.body)
    assert (seen["method"], seen["url"], seen["body"]) == ("POST", "/runs/a%252Fb?notebook=%C3%A4+b.ipynb", '{"x": 1}')
    assert seen["isSecret"]
    assert not {"cookie", "authorization", "x-xsrftoken"} & {name.lower() for name in seen["headers"]}
    assert (seen["python"], seen["prefix"], seen["root"]) == (sys.executable, sys.prefix, str(jp_root_dir))
    assert answer.headers["Content-Type"] == "application/json"
    assert "a=b" not in answer.headers.get_list("Set-Cookie")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_methods(echo, jp_fetch, method):
    body = "{}" if method in {"POST", "PUT", "PATCH"} else None
    answer = await jp_fetch(*API, "any", method=method, body=body)
    assert json.loads(answer.body)["method"] == method


async def test_the_sidecars_own_errors_and_empty_answers_pass(echo, jp_fetch):
    code, body = await refusal(jp_fetch(*API, "missing"))
    assert (code, body["url"]) == (404, "/missing")
    assert (await jp_fetch(*API, "nothing")).code == 204


async def test_a_large_answer_passes_whole(echo, jp_fetch, jp_serverapp, jp_auth_header, jp_base_url):
    def fetch() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", jp_serverapp.port)
        connection.request("GET", f"{jp_base_url}sluice/api/v1/big", headers=jp_auth_header)
        return len(connection.getresponse().read())

    assert await asyncio.to_thread(fetch) == 150 << 20


async def test_events_arrive_as_they_happen(echo, jp_fetch):
    """The sidecar sends each event only when the one before has arrived here."""
    arrivals: list[bytes] = []
    answers = []

    def arrived(chunk: bytes) -> None:
        arrivals.append(chunk)
        answers.append(asyncio.ensure_future(jp_fetch(*API, "next")))

    await asyncio.wait_for(jp_fetch(*API, "ticks", streaming_callback=arrived), 60)
    await asyncio.gather(*answers)
    assert arrivals == [b"data: 0\n\n", b"data: 1\n\n", b"data: 2\n\n"]


@pytest.fixture
def open_stream(jp_serverapp, jp_auth_header, jp_base_url):
    """Opens an endless stream as a browser does, and returns once its first event is there."""

    async def open_stream() -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_serverapp.port)
        token = jp_auth_header["Authorization"]
        start = f"GET {jp_base_url}sluice/api/v1/endless HTTP/1.1"
        writer.write(f"{start}\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\n\r\n".encode())
        await asyncio.wait_for(reader.readuntil(b"data: 0"), 20)
        return writer

    return open_stream


async def test_a_browser_that_leaves_ends_the_stream_at_once(echo, jp_fetch, open_stream):
    writer = await open_stream()
    assert json.loads((await jp_fetch(*API, "gone")).body) == []
    writer.close()
    for _ in range(40):
        if json.loads((await jp_fetch(*API, "gone")).body) == ["/endless"]:
            return
        await asyncio.sleep(0.05)
    pytest.fail("The sidecar still streams to nobody.")


async def test_fifty_streams_at_once_do_not_wait_for_each_other(echo, jp_fetch, open_stream):
    writers = [await open_stream() for _ in range(50)]
    assert (await asyncio.wait_for(jp_fetch(*API, "any"), 5)).code == 200
    for writer in writers:
        writer.close()


async def test_many_first_requests_start_one_sidecar(echo, jp_fetch):
    answers = await asyncio.gather(*(jp_fetch(*API, "any") for _ in range(12)))
    assert len({json.loads(answer.body)["pid"] for answer in answers}) == 1


async def test_a_sidecar_lost_before_it_answers(echo, jp_fetch):
    code, body = await refusal(jp_fetch(*API, "silent"))
    assert (code, body["code"]) == (502, "sidecar-lost")
    assert (await jp_fetch(*API, "any")).code == 200


async def test_half_an_answer_is_not_taken_for_a_whole_one(echo, jp_fetch):
    with pytest.raises(Exception, match="(?i)closed|599"):
        await jp_fetch(*API, "half")


async def test_a_socket_that_is_gone_means_a_new_sidecar_and_the_old_one_ends(echo, jp_fetch):
    first = json.loads((await jp_fetch(*API, "any")).body)["pid"]
    Path(echo.socket_path).unlink()
    second = json.loads((await jp_fetch(*API, "any")).body)["pid"]
    assert first != second
    wait_until(lambda: not is_alive(first), what="the old sidecar's end")


BAD_STARTS = [
    ("it throws", "console.error('no room on device'); process.exit(7)", {}, ["exit status 7", "no room on device"]),
    ("it ends in silence", "", {}, ["exit status 0", "(nothing)"]),
    ("it never listens", "setInterval(() => {}, 1000)", {"seconds": 1.0}, ["was not ready after 1 seconds"]),
    ("the bundle is missing", None, {}, ["main.mjs’ is missing", "make build"]),
    ("no Node", "", {"SLUICE_NODE": "/nowhere/node"}, ["SLUICE_NODE names ‘/nowhere/node’", "pip install"]),
]


@pytest.mark.parametrize("_, script, settings, expected", BAD_STARTS)
async def test_a_failed_start_says_why(echo, jp_fetch, monkeypatch, tmp_path, _, script, settings, expected):
    if script is not None:
        (tmp_path / "main.mjs").write_text(script)
    monkeypatch.setattr(node, "BUNDLES", tmp_path)
    monkeypatch.setattr(sidecar, "START_SECONDS", settings.get("seconds", 60.0))
    if "SLUICE_NODE" in settings:
        monkeypatch.setenv("SLUICE_NODE", settings["SLUICE_NODE"])
    code, body = await refusal(jp_fetch(*API, "any"))
    assert (code, body["code"]) == (503, "sidecar-unavailable")
    for part in expected:
        assert part in body["message"]


async def test_a_failed_start_is_not_repeated_by_everyone_who_waits(echo, jp_fetch, monkeypatch, tmp_path):
    note = f"fs.appendFileSync({json.dumps(str(tmp_path / 'starts'))}, 'x')"
    (tmp_path / "main.mjs").write_text(f"import fs from 'node:fs'; {note}; process.exit(1)")
    monkeypatch.setattr(node, "BUNDLES", tmp_path)
    await asyncio.gather(*(refusal(jp_fetch(*API, "any")) for _ in range(8)))
    assert (tmp_path / "starts").read_text() == "x"
    monkeypatch.setattr(node, "BUNDLES", Path(__file__).parent / "echo")
    await asyncio.sleep(sidecar.HOLD_SECONDS)
    assert (await jp_fetch(*API, "any")).code == 200


@pytest.mark.parametrize("method, allowed", [("GET", "read"), ("POST", "write"), ("DELETE", "write")])
async def test_the_authorizer_is_asked(echo, jp_fetch, jp_serverapp, monkeypatch, method, allowed):
    asked = []

    def is_authorized(handler, user, action, resource):
        asked.append((action, resource))
        return False

    monkeypatch.setattr(jp_serverapp.authorizer, "is_authorized", is_authorized)
    code, _ = await refusal(jp_fetch(*API, "any", method=method, body="{}" if method == "POST" else None))
    assert code == 403
    assert asked == [(allowed, "sluice")]
    assert echo.pid is None


def test_no_folder_for_the_socket(tmp_path):
    deep = tmp_path / ("x" * 100)
    with pytest.raises(sidecar.SidecarError, match="set XDG_RUNTIME_DIR"):
        sidecar._make_folder([str(deep), "/proc/none"])
    made = sidecar._make_folder([str(deep), str(tmp_path / "run")])
    assert Path(made).parent == tmp_path / "run"


# ---------------------------------------------------------------- real processes, the real bundle


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """One real server for the tests that leave it running."""
    server = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.end()


def xsrf(jupyter) -> tuple[str, str]:
    """A browser's cookies after it came with the token once, and the XSRF cookie's value."""
    answer = jupyter.request("GET", "/?token=t0ken", headers={})
    cookies = [value.split(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    (token,) = [cookie.split("=", 1)[1] for cookie in cookies if cookie.startswith("_xsrf")] or [""]
    return "; ".join(cookies), token


def test_who_may_pass(jupyter):
    cookies, token = xsrf(jupyter)
    assert token, "Jupyter gave no XSRF cookie; the cases below would prove nothing."
    body = {"notebook": "none.ipynb"}
    cases = [
        ("nobody reads", "GET", None, {}, 403),
        ("nobody writes", "POST", body, {}, 403),
        ("a wrong token", "GET", None, {"Authorization": "token wrong"}, 403),
        ("a token reads", "GET", None, {"Authorization": "token t0ken"}, 200),
        ("a cookie reads", "GET", None, {"Cookie": cookies, "Referer": f"http://127.0.0.1:{jupyter.port}/lab"}, 200),
        ("a cookie without XSRF does not write", "POST", body, {"Cookie": cookies}, 403),
        ("a wrong XSRF does not write", "POST", body, {"Cookie": cookies, "X-XSRFToken": "2|00|00|00"}, 403),
        ("another site does not read", "GET", None, {"Cookie": cookies, "Origin": "http://evil.example"}, 404),
    ]
    for name, method, data, headers, status in cases:
        path = "/sluice/api/v1/runs" if method == "POST" else HEALTH
        assert (name, jupyter.call(method, path, data, headers)[0]) == (name, status)
    # these two reach the sidecar, which does not know the notebook: its own error, not Jupyter's
    for headers in ({"Cookie": cookies, "X-XSRFToken": token}, {"Authorization": "token t0ken"}):
        status, text = jupyter.call("POST", "/sluice/api/v1/runs", body, headers)
        assert status in (400, 404, 422) and "none.ipynb" in json.loads(text)["message"], (status, text)


def test_the_socket_is_ours_alone(jupyter):
    assert jupyter.call("GET", HEALTH)[0] == 200
    (folder,) = [path for path in jupyter.runtime.iterdir() if path.name.startswith(sidecar.PREFIX)]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for headers in ({}, {"X-Sluice-Secret": "guess"}):
        link = http.client.HTTPConnection("sluice")
        link.sock = socket.socket(socket.AF_UNIX)
        link.sock.connect(str(folder / "s"))
        link.request("GET", "/health", headers=headers)
        assert link.getresponse().status == 403
        link.close()


def test_the_version(jupyter):
    version = json.loads((ROOT / "package.json").read_text())["version"]
    assert json.loads(jupyter.call("GET", HEALTH)[1])["version"] == version


def test_a_killed_sidecar_is_replaced(jupyter):
    assert jupyter.call("GET", HEALTH)[0] == 200
    (before,) = jupyter.sidecars()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not is_alive(before), what="the sidecar's end")
    assert jupyter.call("GET", HEALTH)[0] == 200
    (after,) = jupyter.sidecars()
    assert after != before


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_nothing_is_left_when_jupyter_ends(start_jupyter, with_signal):
    jupyter = start_jupyter()
    assert jupyter.call("GET", HEALTH)[0] == 200
    (pid,) = jupyter.sidecars()
    jupyter.end(with_signal)
    wait_until(lambda: not is_alive(pid), what="the sidecar's end")
    left = [path for path in jupyter.runtime.iterdir() if path.name.startswith(sidecar.PREFIX)]
    assert [inside for folder in left for inside in folder.iterdir()] == []
    # Nobody could remove the folder of a Jupyter that was killed; the next one does.
    assert len(left) == (with_signal == signal.SIGKILL)
    for folder in left:
        os.utime(folder, (0, 0))
    sidecar._make_folder([str(jupyter.runtime)])
    assert not any(folder.exists() for folder in left)
