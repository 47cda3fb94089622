"""Every setting of the site, each with a default that runs on one laptop without services."""

import json
import os
import secrets
from pathlib import Path

import environ
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# Where everything that the site writes lives: database, media, snapshots, runs, adapters, models.
MIXASSIST_HOME = Path(env.str("MIXASSIST_HOME", default=str(BASE_DIR / "var"))).expanduser().resolve()
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(MIXASSIST_HOME / "media")))
SNAPSHOTS_ROOT = MIXASSIST_HOME / "snapshots"
RELEASES_ROOT = MIXASSIST_HOME / "releases"
FIGURES_ROOT = MIXASSIST_HOME / "figures"
RUNS_ROOT = MIXASSIST_HOME / "runs"
ADAPTERS_ROOT = MIXASSIST_HOME / "adapters"
MODELS_ROOT = MIXASSIST_HOME / "models"
AUDIO_ROWS_ROOT = MIXASSIST_HOME / "audio-rows"
AUDIO_ROWS_BYTES = env.int("AUDIO_ROWS_BYTES", default=20_000_000_000)
UPLOADS_ROOT = MEDIA_ROOT / "uploads"


def own_secret() -> str:
    """Return this installation's own key, made at the first start and kept beside its data."""
    path = MIXASSIST_HOME / "secret_key"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        MIXASSIST_HOME.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"secret_key.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(64))
        try:
            os.link(fresh, path)  # two first starts at once: one key wins, both use it
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_text().strip()


PRODUCTION = env.bool("PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or ("" if PRODUCTION else own_secret())
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG must be off in production; unset DEBUG.")
    if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
        raise ImproperlyConfigured("SECRET_KEY must be a random text of at least 50 characters in production.")
    if not ALLOWED_HOSTS or any("*" in host or host.startswith(".") for host in ALLOWED_HOSTS):
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the site's hosts one by one in production.")
    if any(not origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS):
        raise ImproperlyConfigured("CSRF_TRUSTED_ORIGINS must begin with https:// in production.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "axes",
    "csp",
    "mixassist_site",
    "annotation",
    "modeling",
    "evaluation",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "annotation.logins.WhoAsks",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "mixassist_site.urls"
WSGI_APPLICATION = "mixassist_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mixassist_site.page.frame",
            ],
        },
    },
]

# --- database: SQLite under MIXASSIST_HOME, or whatever DATABASE_URL names ---
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{MIXASSIST_HOME / 'mixassist.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    MIXASSIST_HOME.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # read-then-write in a deferred transaction fails under writers
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
DATABASES["default"]["CONN_MAX_AGE"] = 60  # opening SQLite's file anew takes longer than most of its queries
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people ---
AUTH_USER_MODEL = "annotation.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "mixassist_site.access.RoleBackend",
]
PASSWORD_HASHERS = [
    "mixassist_site.passwords.LeanArgon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_TEMPLATE = "registration/locked.html"
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True

# --- what a browser may do ---
SESSION_ENGINE = "annotation.logins"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
    SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=True)
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- static files and media ---
STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(MIXASSIST_HOME / "static"))
STATICFILES_DIRS = [BASE_DIR / "static"]
# Collected: served compressed, under names that hold a hash; else as they lie in static/.
STATIC_COLLECTED = env.bool("STATIC_COLLECTED", default=PRODUCTION)
WHITENOISE_USE_FINDERS = not STATIC_COLLECTED
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# With this prefix set, media answers carry X-Accel-Redirect and nginx sends the bytes.
X_ACCEL_PREFIX = env.str("X_ACCEL_PREFIX", default="")

# --- audio in ---
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=8 * 2**30)
UPLOAD_CHUNK_BYTES = env.int("UPLOAD_CHUNK_BYTES", default=8 * 2**20)
DATA_UPLOAD_MAX_MEMORY_SIZE = max(UPLOAD_CHUNK_BYTES, 8 * 2**20) + 2**20

# --- jobs ---
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
JOB_LEASE_SECONDS = env.float("JOB_LEASE_SECONDS", default=60.0)
JOB_HEARTBEAT_SECONDS = env.float("JOB_HEARTBEAT_SECONDS", default=15.0)
JOB_REAPER_SECONDS = env.float("JOB_REAPER_SECONDS", default=30.0)
JOB_STOP_GRACE_SECONDS = env.float("JOB_STOP_GRACE_SECONDS", default=120.0)

# --- models and judges ---
HF_HOME = env.str("HF_HOME", default="")
JUDGE_ENDPOINTS = json.loads(env.str("JUDGE_ENDPOINTS", default="{}"))
# Servers that answer like a base model: {"name": {"base_url": "https://…/v1", "model": "…", "api_key_env": "NAME"}}.
ANSWER_ENDPOINTS = json.loads(env.str("ANSWER_ENDPOINTS", default="{}"))
# How long the child that answered last keeps its base in memory for the next request.
GENERATION_IDLE_SECONDS = env.float("GENERATION_IDLE_SECONDS", default=300.0)
# What transcribes: a Whisper's hub id or folder, or "tiny" for one with random weights; empty: nothing does.
TRANSCRIBE_MODEL = env.str("TRANSCRIBE_MODEL", default="openai/whisper-small")
TRANSCRIBE_REVISION = env.str("TRANSCRIBE_REVISION", default="")
# What BERTScore reads with: a hub id or a folder, or "tiny" for random weights; empty: no BERTScore. Layer 0: the one
# that its authors chose for the model. Without a baseline it is measured on the study's own references.
BERTSCORE_MODEL = env.str("BERTSCORE_MODEL", default="roberta-large")
BERTSCORE_REVISION = env.str("BERTSCORE_REVISION", default="")
BERTSCORE_LAYER = env.int("BERTSCORE_LAYER", default=0)
BERTSCORE_BASELINE = env.float("BERTSCORE_BASELINE", default=None)
# {"base_url": "https://…/v1", "model": "…", "api_key_env": "NAME", "timeout_s": 60}; empty: no drafts of summaries.
SUMMARY_DRAFTS = env.str("SUMMARY_DRAFTS", default="")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "annotation.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated", "mixassist_site.http.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["mixassist_site.http.PlainJSON"],
    "DEFAULT_PAGINATION_CLASS": "mixassist_site.http.Pages",
    "PAGE_SIZE": 50,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MixAssist site",
    "DESCRIPTION": "What the pages do, for scripts: the same rights, the same acts.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "JobState": "mixassist_site.jobs.State",
        "LayerState": "annotation.models.layer.Layer.State",
        "StudyState": "evaluation.models.study.Study.State",
        "LayersThatAre": "annotation.snapshots.choosing.STATES",
        "Split": "annotation.snapshots.splits.SPLITS",
        "SplitBy": "annotation.snapshots.choosing.SPLIT_BY",
    },
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {"mixassist_site.jobs": {"level": "INFO"}},
}
