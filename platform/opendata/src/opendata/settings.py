"""Django's settings, derived from the environment (:mod:`opendata.configuration`)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from opendata.api.sharing import PRIVATE, REQUEST_HEADERS, RESPONSE_HEADERS
from opendata.configuration import Configuration

CONFIGURATION = Configuration.load()
_HERE = Path(__file__).parent

SECRET_KEY = CONFIGURATION.secret("django")
DEBUG = False
ALLOWED_HOSTS = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    *CONFIGURATION.hosts,
    *([urlsplit(CONFIGURATION.public_url).hostname or ""] if CONFIGURATION.public_url else []),
]
INSTALLED_APPS = [
    "axes",
    "corsheaders",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "opendata.accounts",
    "opendata.records",
    "opendata.curation",
    "opendata.vo",
    "opendata.searching",
    "opendata.alerts",
    "opendata.portal",
]
MIDDLEWARE = [
    "opendata.logs.RequestLog",
    "opendata.api.sharing.ReadFromAnywhere",
    "django.middleware.security.SecurityMiddleware",
    "opendata.portal.security.ContentSecurity",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "opendata.exports.addresses.Root",
    "opendata.api.negotiation.VaryByAccept",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # These do nothing before a view asks who is logged in, as only those below /curate/ do.
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
    "opendata.full_disk.FullDisk",
]
ROOT_URLCONF = "opendata.urls"
ASGI_APPLICATION = "opendata.asgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [_HERE / "portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["opendata.portal.site.site"]},
    }
]


def _database() -> dict[str, Any]:
    if CONFIGURATION.database_url:
        import dj_database_url

        return dict(dj_database_url.parse(CONFIGURATION.database_url, conn_max_age=60))
    return {
        "ENGINE": "opendata.sqlite",
        "NAME": CONFIGURATION.folder() / "opendata.sqlite",
        "OPTIONS": {
            # Readers continue while one writes; a second writer waits instead of failing.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

STATIC_URL = "/static/"
# Files of installed packages are served directly, so nobody has to run collectstatic.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# Other origins may read what is public, without credentials (opendata.api.sharing).
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_CREDENTIALS = False
CORS_URLS_REGEX = rf"^/(?!{PRIVATE})"
CORS_ALLOW_METHODS = ("GET", "HEAD", "OPTIONS")
CORS_ALLOW_HEADERS = REQUEST_HEADERS
CORS_EXPOSE_HEADERS = RESPONSE_HEADERS

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if CONFIGURATION.public_url.startswith("https") else None
)
# Only the curation pages have sessions; all others are the same for everyone.
_SECURE = CONFIGURATION.public_url.startswith("https")
SESSION_COOKIE_NAME = "opendata_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/curate/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_NAME = "opendata_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "opendata.portal.failures.no_csrf"
_PUBLIC = urlsplit(CONFIGURATION.public_url)
CSRF_TRUSTED_ORIGINS = [f"{_PUBLIC.scheme}://{_PUBLIC.netloc}"] if CONFIGURATION.public_url else []

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "opendata.accounts.backends.CuratorsBackend",
]
LOGIN_URL = "/curate/login"
LOGIN_REDIRECT_URL = "/curate/"
LOGOUT_REDIRECT_URL = "/"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
]
# The pause after failed logins; opendata.accounts.throttle has the limits and says why.
AXES_HANDLER = "opendata.accounts.throttle.Handler"
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "opendata.accounts.throttle.name_hash"
AXES_CLIENT_IP_CALLABLE = "opendata.accounts.throttle.address_hash"
AXES_LOCKOUT_CALLABLE = "opendata.accounts.views.paused"
AXES_VERBOSE = False
# What a request may hold; larger uploads are streamed to files (opendata.asgi counts them).
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
# The authors of a whole collaboration, with some ten fields each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_TEMP_DIR = CONFIGURATION.folder("incoming")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["opendata.api.authentication.TokenAuthentication"],
    # Said, so that the OpenAPI document says it: reading needs no token.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "opendata.api.negotiation.Negotiation",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "opendata.api.paging.Pages",
    "EXCEPTION_HANDLER": "opendata.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
    "PAGE_SIZE": 20,
}
SPECTACULAR_SETTINGS = {
    "TITLE": CONFIGURATION.title,
    "DESCRIPTION": "Search, records, files, uploads and alerts. Reading needs no account.",
    "VERSION": "1.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "opendata.logs.Line"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
#: Where the embedded VO services keep their tables.
VO_FOLDER = CONFIGURATION.folder("vo")
#: Limits of these services (:class:`adqlite.Limits`).
VO_LIMITS = CONFIGURATION.tap_limits
#: Tells clients of these services apart.
VO_CLIENT = "opendata.clients.client"
#: Whether the embedded VO services are served here.
HAS_VO = CONFIGURATION.vo == "embedded"
