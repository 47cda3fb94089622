"""Run what touches the database a second time, on PostgreSQL: `python -m tests.on_postgresql [pytest options]`.

The server is TEST_DATABASE_URL's, 127.0.0.1:5432 by default. Where none answers, this says so and ends well; on CI it
fails.
"""

import os
import subprocess
import sys

SERVER = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
ROOMS = ["tests/annotation", "tests/modeling/app", "tests/evaluation", "tests/site"]
CHOICE = ["-p", "tests.touching", "--ignore", "tests/annotation/audio", "-m", "not torch and not browser"]


def answers() -> str:
    """Why the server can't be used; nothing when it can."""
    import psycopg2

    try:
        psycopg2.connect(SERVER, connect_timeout=3).close()
    except psycopg2.OperationalError as error:
        return str(error).strip().splitlines()[0]
    return ""


def main(options: list[str]) -> int:
    """Exit like pytest does."""
    why = answers()
    if why:
        print(f"Skipped: PostgreSQL is not here: {why}", file=sys.stderr)
        return os.environ.get("CI") == "true"
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", *CHOICE, *options, *ROOMS]
    return subprocess.run(command, env={**os.environ, "DATABASE_URL": SERVER}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
