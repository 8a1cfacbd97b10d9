"""A stand-in for the Hugging Face Hub on this computer: repositories that can be made, written to and read from."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


class Hub(ThreadingHTTPServer):
    """Answers the requests of `huggingface_hub` that save and load a model.

    Attributes:
        commits: The files of each repository after each of its commits, the first of which is empty.
        visibility: Of each repository, as it was asked for when it was made.
        requests: What was asked for, as `POST /api/repos/create`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.commits: dict[str, list[dict[str, bytes]]] = {}
        self.visibility: dict[str, str] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a Hub until the end of a `with` block."""
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, daemon=True).start()
        yield hub
        hub.shutdown()


def name_commit(repository: str, number: int) -> str:
    return hashlib.sha1(f"{repository} {number}".encode(), usedforsecurity=False).hexdigest()


class _Request(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        asked = self._note()
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if asked == "/api/repos/create":
            said = json.loads(content)
            name = f"{said.get('organization', 'user')}/{said['name']}"
            self.server.commits.setdefault(name, [{}])
            self.server.visibility.setdefault(name, said["visibility"])
            self._answer({"url": f"{self.server.url}/{name}"})
        elif asked == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        else:
            _, _, user, model, what, _ = asked.removeprefix("/").split("/")
            assert f"{user}/{model}" in self.server.commits
            (self._say_how_to_upload if what == "preupload" else self._commit)(f"{user}/{model}", content)

    def do_HEAD(self) -> None:
        self._send_file(with_content=False)

    def do_GET(self) -> None:
        if self.path.startswith("/api/"):
            self._note()
            self._answer({})
        else:
            self._send_file(with_content=True)

    def log_message(self, *_: object) -> None:
        """Print nothing."""

    def _say_how_to_upload(self, _name: str, content: bytes) -> None:
        files = [file["path"] for file in json.loads(content)["files"]]
        self._answer({"files": [{"path": path, "uploadMode": "regular", "shouldIgnore": False} for path in files]})

    def _commit(self, name: str, content: bytes) -> None:
        lines = [json.loads(line) for line in content.splitlines()]
        files = dict(self.server.commits[name][-1])
        for line in lines:
            if line["key"] == "file":
                files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        self.server.commits[name].append(files)
        commit = name_commit(name, len(self.server.commits[name]) - 1)
        self._answer({"commitUrl": f"{self.server.url}/{name}/commit/{commit}", "commitOid": commit})

    def _send_file(self, *, with_content: bool) -> None:
        user, model, _, revision, path = self._note().removeprefix("/").split("/")
        commits = self.server.commits.get(f"{user}/{model}", [])
        names = {name_commit(f"{user}/{model}", number): files for number, files in enumerate(commits)}
        commit = list(names)[-1] if revision == "main" and names else revision
        content = names.get(commit, {}).get(path)
        self.send_response(404 if content is None else 200)
        if content is None:
            self.send_header("X-Error-Code", "EntryNotFound" if commit in names else "RepoNotFound")
        else:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        if with_content and content is not None:
            self.wfile.write(content)

    def _note(self) -> str:
        path = unquote(self.path.partition("?")[0])
        self.server.requests.append(f"{self.command} {path}")
        return path

    def _answer(self, said: dict[str, Any]) -> None:
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
