"""Byte ranges as browsers ask for them, and nginx by a setting."""

import pytest
from django.test import RequestFactory

from annotation.media import send

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def file(home):
    path = home / "media" / "proxy.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return path


def ask(file, method="get", **headers):
    request = getattr(RequestFactory(), method)("/x", headers={k.replace("_", "-"): v for k, v in headers.items()})
    return send(request, file, "audio/mp4", etag="abc")


def body(response):
    return b"".join(response) if response.streaming else response.content


def test_without_a_range_the_whole_file_comes(file):
    answer = ask(file)
    assert answer.status_code == 200
    assert body(answer) == CONTENT
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["ETag"] == '"abc"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in answer


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, 255_999),
        ("bytes=0-0", 0, 0),
        ("bytes=1000-1999", 1000, 1999),
        ("bytes=255000-999999999", 255_000, 255_999),
        ("bytes=-500", 255_500, 255_999),
        ("bytes=-999999999", 0, 255_999),
    ],
)
def test_a_range_comes_as_206(file, asked, first, last):
    answer = ask(file, Range=asked)
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {first}-{last}/256000"
    assert answer["Content-Length"] == str(last - first + 1)
    assert body(answer) == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=999999-1000000", "bytes=-0"])
def test_a_range_past_the_end_is_416_with_the_size(file, asked):
    answer = ask(file, Range=asked)
    assert answer.status_code == 416
    assert answer["Content-Range"] == "bytes */256000"


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=0-1,5-9", "lines=1-2", "bytes=-", "bytes=a-b"])
def test_a_range_that_can_not_be_understood_is_ignored(file, asked):
    answer = ask(file, Range=asked)
    assert answer.status_code == 200
    assert body(answer) == CONTENT


def test_head_tells_the_size_and_sends_nothing(file):
    answer = ask(file, "head")
    assert (answer.status_code, answer["Content-Length"], body(answer)) == (200, "256000", b"")
    answer = ask(file, "head", Range="bytes=0-9")
    assert (answer.status_code, answer["Content-Length"], body(answer)) == (206, "10", b"")


def test_a_range_holds_only_for_the_file_it_was_asked_of(file):
    assert ask(file, Range="bytes=0-9", If_Range='"abc"').status_code == 206
    assert ask(file, Range="bytes=0-9", If_Range='"old"').status_code == 200


def test_a_file_that_the_browser_has_is_304(file):
    assert ask(file, If_None_Match='"abc"').status_code == 304
    assert ask(file, If_None_Match='"old"').status_code == 200


def test_nginx_sends_the_bytes_where_it_is_set(file, settings):
    settings.X_ACCEL_PREFIX = "/protected/"
    answer = ask(file, Range="bytes=0-9")
    assert answer["X-Accel-Redirect"] == "/protected/media/proxy.mp4"
    assert body(answer) == b""
