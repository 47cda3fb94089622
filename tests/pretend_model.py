"""A language model that pretends: a server on this machine that keeps what it was sent and answers as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


class PretendModel:
    """`said` is what it answers with; `status`, `body` and `headers` are for the days when it does not."""

    def __init__(self) -> None:
        self.said = "They listened to the kick."
        self.status, self.body, self.headers = 200, None, {}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        model = self

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self):
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                model.asked.append((self.path, dict(self.headers), sent))
                told = {"choices": [{"message": {"role": "assistant", "content": model.said}}]}
                body = json.dumps(told).encode() if model.body is None else model.body
                self.send_response(model.status)
                for name, value in model.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answering)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def sent(self) -> bytes:
        """All bytes that it was ever sent."""
        return b"".join(body for _, _, body in self.asked)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def pretend_model(settings, monkeypatch):
    """A configured model that answers."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    model = PretendModel()
    settings.SUMMARY_DRAFTS = json.dumps({"base_url": model.address, "model": "pretend-1", "timeout_s": 5})
    yield model
    model.close()
