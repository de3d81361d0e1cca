"""Jupyter Server's door to Sluice: every request under /sluice/api/v1 goes to the sidecar, once Jupyter has let it in.

Jupyter's own authentication, XSRF check and authorizer (resource ``sluice``) decide who may pass. Neither cookies nor
tokens travel on: the sidecar knows its Jupyter by a secret. Answers are passed on chunk by chunk, so events arrive as
they happen, and a browser that goes away ends the request to the sidecar, too.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import StreamClosedError

from .sidecar import Sidecar, SidecarError

#: all that the sidecar needs to know of a request; a list of what passes cannot forget a secret
PASSED_IN = ("Accept", "Content-Type", "If-None-Match", "Last-Event-ID")
PASSED_OUT = (
    "Cache-Control",
    "Content-Disposition",
    "Content-Length",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Location",
)
LOST = "Sluice’s server ended before it answered. Try again: it starts anew with the next request."
UNLIMITED = HTTP1ConnectionParameters(no_keep_alive=True, max_body_size=1 << 62)


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Add the route. The sidecar itself starts with the first request."""
    root = getattr(serverapp.contents_manager, "root_dir", None) or serverapp.root_dir
    folders = [os.environ.get("XDG_RUNTIME_DIR"), serverapp.runtime_dir, tempfile.gettempdir()]
    sidecar = Sidecar(os.path.abspath(os.path.expanduser(root)), serverapp.log, filter(None, folders))
    atexit.register(sidecar.close)
    settings = serverapp.web_app.settings
    settings["sluice_sidecar"] = sidecar
    pattern = url_path_join(settings["base_url"], "sluice", "api", "v1", "(.*)")
    serverapp.web_app.add_handlers(".*$", [(pattern, SluiceHandler, {"sidecar": sidecar})])


async def forward(handler: SluiceHandler, _path: str) -> None:
    """Pass one request on to the sidecar, and its answer back."""
    answer = Answer(handler)
    try:
        await converse(handler, answer)
        if not answer.has_begun and handler.request.method == "GET":
            await converse(handler, answer)  # it was about to end when we came; asking again does no harm
    except SidecarError as error:
        handler.refuse(503, "sidecar-unavailable", str(error))
        return
    if answer.is_complete or handler.is_gone:
        return
    if answer.has_begun:
        handler.request.connection.close()  # so that half an answer is not taken for a whole one
    else:
        handler.refuse(502, "sidecar-lost", LOST)


async def converse(handler: SluiceHandler, answer: Answer) -> None:
    """One connection, one request, one answer, as far as sidecar and browser stay."""
    stream = handler.upstream = await handler.sidecar.connect()
    connection = HTTP1Connection(stream, is_client=True, params=UNLIMITED)
    try:
        if not handler.is_gone:
            connection.write_headers(*handler.outgoing())
            connection.finish()
            await connection.read_response(answer)
    except StreamClosedError:
        pass  # the answer tells how far it came
    finally:
        stream.close()


def proxied(action: str) -> Callable[[SluiceHandler, str], Awaitable[None]]:
    """A handler's method behind login and authorizer. Each method needs its own: ``authorized`` keeps its first action."""

    @web.authenticated
    @authorized(action, "sluice")
    async def method(self: SluiceHandler, path: str) -> None:
        await forward(self, path)

    return method


class SluiceHandler(APIHandler):
    """One request on its way to the sidecar."""

    auth_resource = "sluice"
    get = proxied("read")
    post = proxied("write")
    put = proxied("write")
    patch = proxied("write")
    delete = proxied("write")

    def initialize(self, sidecar: Sidecar) -> None:
        self.sidecar = sidecar
        self.upstream = None
        self.is_gone = False

    def on_connection_close(self) -> None:
        """The browser went away."""
        super().on_connection_close()
        self.is_gone = True
        if self.upstream:
            self.upstream.close()

    def outgoing(self) -> tuple[RequestStartLine, HTTPHeaders, bytes]:
        """The request as the sidecar gets it: its path without our base URL, its query without Jupyter's token."""
        arguments = {name: values for name, values in self.request.query_arguments.items() if name != "token"}
        path = "/" + self.request.path.split("/sluice/api/v1/", 1)[1]
        target = path + ("?" + urlencode(arguments, doseq=True) if arguments else "")
        headers = HTTPHeaders({name: self.request.headers[name] for name in PASSED_IN if name in self.request.headers})
        headers["Host"] = "sluice"
        headers["Connection"] = "close"
        headers["X-Sluice-Secret"] = self.sidecar.secret
        headers["Content-Length"] = str(len(self.request.body))
        return RequestStartLine(self.request.method, target, "HTTP/1.1"), headers, self.request.body

    def refuse(self, status: int, code: str, message: str) -> None:
        """Answer with an error of our own."""
        self.set_status(status)
        self.finish({"code": code, "message": message})


class Answer(HTTPMessageDelegate):
    """The sidecar's answer, passed on as it arrives; reading waits while the browser is slow."""

    def __init__(self, handler: SluiceHandler) -> None:
        self.handler = handler
        self.has_begun = False
        self.is_complete = False

    async def headers_received(self, start_line: ResponseStartLine, headers: HTTPHeaders) -> None:
        """The answer begins; the headers that may pass do."""
        self.has_begun = True
        self.handler.set_status(start_line.code, start_line.reason)
        for name in PASSED_OUT:
            if name in headers:
                self.handler.set_header(name, headers[name])
        await self._flush()

    async def data_received(self, chunk: bytes) -> None:
        """A piece of the answer's body."""
        if not self.handler.is_gone:
            self.handler.write(chunk)
            await self._flush()

    def finish(self) -> None:
        """The answer is whole."""
        self.is_complete = True

    async def _flush(self) -> None:
        try:
            await self.handler.flush()
        except StreamClosedError:
            self.handler.is_gone = True
