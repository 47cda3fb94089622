"""The site's settings for tests: a home of its own, quick passwords, short leases."""

import os
import tempfile

_home = tempfile.mkdtemp(prefix="mixassist-test-")
os.environ.setdefault("MIXASSIST_HOME", _home)
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright runs a loop in the test's thread

from mixassist_site.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = False
ALLOWED_HOSTS = ["*"]
TRANSCRIBE_MODEL = BERTSCORE_MODEL = "tiny"
JOB_LEASE_SECONDS = 3.0
JOB_HEARTBEAT_SECONDS = 0.5
JOB_REAPER_SECONDS = 0.5
JOB_STOP_GRACE_SECONDS = 20.0
GENERATION_IDLE_SECONDS = float(os.environ.get("GENERATION_IDLE", 0))  # one that stays would outlive its test

_database = DATABASES["default"]  # noqa: F405
if _database["ENGINE"].endswith("sqlite3"):
    # A file, so that threads and child processes meet real locks; no fsync, since no test survives a power cut.
    _database["TEST"] = {"NAME": f"{_home}/test.sqlite3"}
    _pragmas = ("journal_mode=WAL", "synchronous=OFF", "foreign_keys=ON")
    _database["OPTIONS"]["init_command"] = "".join(f"PRAGMA {pragma};" for pragma in _pragmas)
else:
    _database.setdefault("OPTIONS", {})["options"] = "-c synchronous_commit=off"  # for the same reason
