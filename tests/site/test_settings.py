"""Defaults run; production refuses what would be unsafe, in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEY = "k3y-" + "abcdefghij0123456789" * 3
GOOD = {
    "PRODUCTION": "1",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "mix.example.org",
    "CSRF_TRUSTED_ORIGINS": "https://mix.example.org",
}


def manage(home, *words, **values):
    ours = (
        "PRODUCTION",
        "DEBUG",
        "SECRET_KEY",
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "DJANGO_SETTINGS_MODULE",
        "DJANGO_ALLOW_ASYNC_UNSAFE",
    )
    env = {name: value for name, value in os.environ.items() if name not in ours}
    env |= {"MIXASSIST_HOME": str(home), **values}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )


def test_a_clean_clone_needs_no_setting(tmp_path):
    done = manage(tmp_path, "check")
    assert done.returncode == 0, done.stderr


def test_each_installation_draws_its_own_key_once(tmp_path):
    keys = []
    for home in ("one", "one", "two"):
        done = manage(
            tmp_path / home, "shell", "-v0", "-c", "from django.conf import settings; print(settings.SECRET_KEY)"
        )
        keys.append(done.stdout.strip())
    assert keys[0] == keys[1] != keys[2]
    assert len(keys[0]) >= 50
    assert (tmp_path / "one" / "secret_key").stat().st_mode & 0o077 == 0


def test_production_starts_with_good_values_and_passes_the_deployment_check(tmp_path):
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **GOOD)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"DEBUG": "1"}, "DEBUG"),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ".example.org"}, "ALLOWED_HOSTS"),
        ({"CSRF_TRUSTED_ORIGINS": "http://mix.example.org"}, "CSRF_TRUSTED_ORIGINS"),
    ],
    ids=str,
)
def test_production_refuses_a_bad_value_in_one_line(tmp_path, values, named):
    done = manage(tmp_path, "check", **{**GOOD, **values})
    assert done.returncode != 0
    (line,) = done.stderr.strip().splitlines()
    assert named in line
    assert "Traceback" not in done.stderr


def test_every_answer_carries_the_headers_that_bind_a_browser(client, db):
    for path in ("/login/", "/healthz", "/nowhere/", "/"):
        answer = client.get(path)
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["Referrer-Policy"] == "same-origin"


def test_a_wrong_password_ten_times_locks_the_door(client, ana, settings):
    settings.AXES_ENABLED = True
    for _ in range(12):
        answer = client.post("/login/", {"username": "ana", "password": "guess"})
    assert answer.status_code == 429
    right = client.post("/login/", {"username": "ana", "password": "the right words"})
    assert right.status_code == 429


def test_the_way_back_after_a_login_stays_on_the_site(client, ana):
    form = {"username": "ana", "password": "the right words"}
    answer = client.post("/login/", {**form, "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"
