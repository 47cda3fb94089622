"""What every gunicorn of this site has; it reads this file where it is started."""

import os

worker_class = "gthread"
# A worker touches a file before each request; on a disk that can take longer than a query. gunicorn makes it with
# mkstemp, which nobody can foresee.
MEMORY = "/dev/shm"  # noqa: S108
worker_tmp_dir = MEMORY if os.access(MEMORY, os.W_OK) else None
