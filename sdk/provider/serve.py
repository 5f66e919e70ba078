"""The provider's server: `/openai/v1`, `/anthropic/v1`, `/gemini/v1beta` on one port. `GET /seen` tells what it refused, for whoever wonders why.

Usage: python3 -m provider.serve ADDRESS     (in the folder `sdk`)
"""

import http.server
import itertools
import json
import sys
import threading
import urllib.parse

from . import anthropic, gemini, openai, script
from .script import Refused

# What the gateway is configured with for this provider; a caller's key must never arrive here.
KEY = "sk-scripted-0123456789abcdef"
DIALECTS = {"openai": openai, "anthropic": anthropic, "gemini": gemini}
CREDENTIALS = {"openai": ("authorization", f"Bearer {KEY}"), "anthropic": ("x-api-key", KEY), "gemini": ("x-goog-api-key", KEY)}
PATHS = {"openai": ("/v1/chat/completions",), "anthropic": ("/v1/messages", "/v1/messages/count_tokens"), "gemini": ("/v1beta/models/",)}
OTHER_KEYS = ("authorization", "x-api-key", "x-goog-api-key", "api-key")

numbers = itertools.count(1)
refusals = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply(200, refusals)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parsed = urllib.parse.urlparse(self.path)
        name, _, rest = parsed.path.lstrip("/").partition("/")
        dialect = DIALECTS.get(name)
        try:
            self.answer(name, dialect, urllib.parse.unquote("/" + rest), json.loads(body))
        except Refused as refused:
            self.refuse(dialect, refused, body)
        except BrokenPipeError:
            pass
        except Exception as mistake:  # Whatever it cannot read, it refuses and says so: this is a test's provider.
            self.refuse(dialect or openai, Refused(f"cannot be read: {mistake!r}"), body)

    def answer(self, name, dialect, path, body):
        if dialect is None or not path.startswith(PATHS[name]):
            raise Refused(f"no such path: {self.path}", 404)
        header, value = CREDENTIALS[name]
        shown = {each for each in OTHER_KEYS if self.headers.get(each)}
        if shown != {header} or self.headers[header] != value:
            raise Refused(f"the wrong credential, or in the wrong place: {sorted(shown)}", 401)
        question = dialect.read(body, self.headers, path)
        if path.endswith("/count_tokens"):
            return self.reply(200, {"input_tokens": question.input_tokens})
        if path.endswith(":countTokens"):
            return self.reply(200, {"totalTokens": question.input_tokens})
        answer = script.answer(question)
        number = next(numbers)
        if not question.stream:
            return self.reply(200, dialect.whole(answer, question, number))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in dialect.stream(answer, question, number, body):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def refuse(self, dialect, refused, body):
        refusals.append({"path": self.path, "status": refused.status, "message": refused.message, "body": body.decode(errors="replace")[:20_000]})
        self.reply(refused.status, (dialect or openai).error(refused))

    def reply(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def start(address):
    """Serves in a thread of this process, until it ends."""
    host, _, port = address.rpartition(":")
    server = Server((host, int(port)), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    start(sys.argv[1])
    threading.Event().wait()
