"""How passwords are kept: Argon2id at OWASP's setting for servers, so that a login costs 19 MB and not a hundred."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class LeanArgon2(Argon2PasswordHasher):
    """Argon2id with m = 19 MiB, t = 3, p = 1 (OWASP Password Storage: at least m = 19 MiB, t = 2)."""

    time_cost = 3
    memory_cost = 19 * 1024  # KiB
    parallelism = 1
