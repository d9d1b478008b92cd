"""All settings, read top to bottom; each from the environment, or from the file that `NAME_FILE` points at."""

import hashlib
import os
import sys
from datetime import timedelta
from pathlib import Path

import environ
from django.utils.translation import gettext_lazy

from besedka.project import databases
from besedka.project.addresses import place, site
from besedka.project.secrets import own_secret

env = environ.FileAwareEnv()

# Where we live. Everything that is ours on disk is under one folder.
HOME = Path(env.str("BESEDKA_HOME", "var") or "var").resolve()  # the folder of database, files and secret key
PACKAGE = Path(__file__).resolve().parent.parent

DEBUG = False  # a page with a traceback must be impossible on a service that is open to strangers
SECRET_KEY = env.str("SECRET_KEY", "") or own_secret(HOME)  # signs sessions; made at the first start if unset
HOST = env.str("HOST", "127.0.0.1")  # the address to listen on; nothing is open that need not be
PORT = env.int("PORT", 8000)  # of HTTP and WebSockets, both
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])  # names we answer to
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])  # https://… that forms may come from
HTTPS = env.bool("BESEDKA_HTTPS", False)  # on: cookies only over TLS, HSTS
SITE_URL = env.str("BESEDKA_SITE_URL", "")  # https://…, of links that bots send; unset: first public ALLOWED_HOSTS
SITE_URL = site(SITE_URL, ALLOWED_HOSTS, https=HTTPS, port=PORT)
PUBLIC = HTTPS or HOST not in ("127.0.0.1", "localhost", "::1")  # strangers may come: weak secrets are refused
TRUSTED_PROXIES = env.int("BESEDKA_TRUSTED_PROXIES", 0)  # how many proxies of ours append to X-Forwarded-For
OPEN_DOCS = env.bool("BESEDKA_OPEN_DOCS", False)  # on: strangers may read /swagger/ on the open net, too

# Conversations
DEMO_BOT = env.bool("BESEDKA_DEMO_BOT", True)  # off: the demo shop's inbox has no bot
ADMIN_PASSWORD = env.str("BESEDKA_ADMIN_PASSWORD", "")  # of `admin`, set at each start; unset: made up once
RATE_LIMITS = env.bool("BESEDKA_RATE_LIMITS", True)  # off: for a benchmark, never for the open net
ACCESS_LOG = env.bool("BESEDKA_ACCESS_LOG", False)  # path and status only: no query, no header, no body
LOG_LEVEL = env.str("BESEDKA_LOG_LEVEL", "INFO")  # DEBUG, INFO, WARNING or ERROR
LOG_FORMAT = env.str("BESEDKA_LOG_FORMAT", "line")  # line: for people; json: one object a line, for programs
METRICS_TOKEN = env.str("BESEDKA_METRICS_TOKEN", "")  # 16 characters or more that open /metrics; unset: it is shut
METRICS_PORT = env.int("BESEDKA_METRICS_PORT", 0)  # where a process that is no web serves them; unset: nowhere
SENTRY_DSN = env.str("SENTRY_DSN", "")  # https://…, where faults are told, without texts; unset: nowhere
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", "")  # redis://… or amqp://…; unset: who serves runs the turns
CELERY_VISIBILITY_TIMEOUT = env.int("CELERY_VISIBILITY_TIMEOUT", 120)  # seconds; Redis gives a task out again then
BEAT_FILE = env.str("BESEDKA_BEAT_FILE", "")  # touched whenever beat comes round; unset: none
FLOWER_HOST = env.str("FLOWER_HOST", "127.0.0.1")  # where `besedka flower` shows the workers
FLOWER_PORT = env.int("FLOWER_PORT", 5555)  # of that
FLOWER_USER = env.str("FLOWER_USER", "admin")  # who may look
FLOWER_PASSWORD = env.str("FLOWER_PASSWORD", "")  # 12 characters or more; unset: Flower does not start
REDIS_URL = env.str("REDIS_URL", "")  # signals, who looks, rates of several processes; unset: each its own

# Operators in Telegram
TELEGRAM_BOT_TOKEN = env.str("TELEGRAM_BOT_TOKEN", "")  # of a bot, from @BotFather; unset: no Telegram
TELEGRAM_API_BASE = env.str("TELEGRAM_API_BASE", "")  # of another Bot API server, http://…; unset: Telegram's
TELEGRAM_WEBHOOK_URL = env.str("TELEGRAM_WEBHOOK_URL", "")  # of ours, https://…/telegram/webhook; unset: we poll
TELEGRAM_WEBHOOK_SECRET = env.str("TELEGRAM_WEBHOOK_SECRET", "")  # A–Z, a–z, 0–9, _, -; unset: the webhook is shut
TELEGRAM_BOT_NAME = env.str("TELEGRAM_BOT_NAME", "")  # as besedka_bot, for links to it; unset: a command to copy
BOT_SECRET = env.str("BOT_SECRET", "")  # 16 characters or more: `besedka telegram` runs apart, called with it
BOT_HOST = env.str("BOT_HOST", "127.0.0.1")  # where `besedka telegram` is called, if BOT_SECRET is set
BOT_PORT = env.int("BOT_PORT", 8082)  # of that; 8081 is where other Bot API servers listen

# Models. A bot that names none speaks by the first of these that has a key; without any it answers offline.
YANDEX_API_KEY = env.str("YANDEX_API_KEY", "")  # of YandexGPT
YANDEX_FOLDER_ID = env.str("YANDEX_FOLDER_ID", "")  # the folder in Yandex Cloud that is charged
YANDEX_MODEL = env.str("YANDEX_MODEL", "yandexgpt-lite")  # of the folder's models
YANDEX_BASE_URL = env.str("YANDEX_BASE_URL", "")  # another server of the same protocol
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")  # of OpenAI, or of any server that speaks like it
OPENAI_MODEL = env.str("OPENAI_MODEL", "gpt-4o-mini")  # as that server names it
OPENAI_BASE_URL = env.str("OPENAI_BASE_URL", "")  # as http://127.0.0.1:11434/v1; unset: OpenAI
MODEL_TOKENS_A_DAY = env.int("BESEDKA_MODEL_TOKENS_A_DAY", 5_000_000)  # of all bots together; 0: no limit
# Keys of bots are stored encrypted with the first of these; the others only open what was stored before.
ENCRYPTION_KEYS = env.list("BESEDKA_ENCRYPTION_KEYS", default=[]) or [SECRET_KEY]  # any texts; unset: SECRET_KEY
OUTBOUND_ALLOW = env.list("BESEDKA_OUTBOUND_ALLOW", default=[])  # host:port that may be reached though not public
OUTBOUND_ALLOW = {*OUTBOUND_ALLOW, *(place(url) for url in (YANDEX_BASE_URL, OPENAI_BASE_URL) if url)}

# Database
DATABASE_URL = env.str("DATABASE_URL", "")  # postgresql://… or mysql://…; unset: SQLite in BESEDKA_HOME
DATABASE_URL = DATABASE_URL or f"sqlite:///{HOME / 'besedka.sqlite3'}"
DATABASE_POOL = env.int("BESEDKA_DATABASE_POOL", 13)  # connections of a process to PostgreSQL; 0: one a thread
PGBOUNCER = env.bool("BESEDKA_PGBOUNCER", False)  # on: DATABASE_URL leads to PgBouncer, which pools transactions
DATABASES = {"default": {**env.db_url_config(DATABASE_URL), "CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        # A deferred transaction that turns from reading to writing fails at once when another one wrote meanwhile.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds to wait for another writer
        # FULL: a commit is on disk before it is told. The cache is 16 MB (negative: KiB).
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000;",
    }
    # A file, as in life: in memory SQLite locks whole tables between the threads of one process.
    _database["TEST"] = {"NAME": str(HOME / "test.sqlite3")}
elif _database["ENGINE"].endswith("mysql"):
    import pymysql  # takes a tenth of a second: whoever has no MySQL need not wait for it

    pymysql.install_as_MySQLdb()
    _database["OPTIONS"] = databases.mysql()
    _database["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin"}
elif _database["ENGINE"].endswith("postgresql"):
    _pool = 0 if "pytest" in sys.modules else DATABASE_POOL  # threads of tests give nothing back
    _database |= databases.postgresql(pool=_pool, pgbouncer=PGBOUNCER)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",  # its pages come with the addresses: few processes have any
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework_simplejwt.token_blacklist",
    "axes",
    "besedka.accounts",
    "besedka.conversations",
    "besedka.bots",
    "besedka.knowledge",
    "besedka.answers",
    "besedka.desk",
    "besedka.ads",
    "besedka.turns",
    "besedka.telegram",
    "besedka.web",
]
MIDDLEWARE = [
    "besedka.web.counting.counted_answers",  # the outermost: it sees every answer
    "besedka.web.problems.plain_refusals",  # it sees every answer, of the others too
    "django.middleware.security.SecurityMiddleware",
    "besedka.web.security.content_security",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "besedka.web.trying.Again",  # the innermost: the view alone is done again
]
CSRF_FAILURE_VIEW = "besedka.web.problems.csrf_failed"
ROOT_URLCONF = "besedka.project.urls"
WSGI_APPLICATION = "besedka.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Accounts
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/auth/login/"
LOGIN_REDIRECT_URL = "/admin/"  # of who signed in without having wanted a page
REGISTRATION = env.bool("BESEDKA_REGISTRATION", True)  # off: only an administrator makes accounts
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: whoever is locked is not even asked for a password
    # These two sign nobody in: they say who has which role, before groups and permissions are read.
    "besedka.accounts.roles.OfAccounts",
    "besedka.desk.rights.OfTheDesk",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "first_name"]},
    },
]
# Wrong tries are counted by axes in the database, so all processes count together; see besedka.accounts.guarding.
AXES_ENABLED = RATE_LIMITS
AXES_FAILURE_LIMIT = 5  # wrong tries under one name from one address
AXES_COOLOFF_TIME = timedelta(minutes=15)  # after the last of them
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # both: nobody locks the owner out from elsewhere
AXES_CLIENT_IP_CALLABLE = "besedka.accounts.networks.axes_address"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who goes on guessing does not lengthen it
AXES_DISABLE_ACCESS_LOG = True  # who signed in from where, for ever, is more than we need to know
AXES_ENABLE_ADMIN = False  # ours shows what is locked now
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
# We speak HTTP only: that HTTPS is on means that a proxy of ours ends it, and says so. Who forges this header by
# going past the proxy gains nothing but not being sent to HTTPS.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS or TRUSTED_PROXIES else None
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # whoever watches over us asks from inside
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0  # a year; a browser that saw it never asks over plain HTTP again
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
X_FRAME_OPTIONS = "DENY"

# Languages and files
LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", "Русский"), ("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True
LOCALE_PATHS = [PACKAGE / "locale"]
STATIC_URL = "/static/"
MEDIA_ROOT = HOME / "media"  # what people send us to be shown, unless there is a bucket for it
S3_BUCKET = env.str("BESEDKA_S3_BUCKET", "")  # private, for files of several hosts; unset: BESEDKA_HOME/media
S3_ENDPOINT = env.str("BESEDKA_S3_ENDPOINT", "")  # https://… of MinIO, Yandex and others; unset: Amazon
S3_REGION = env.str("BESEDKA_S3_REGION", "us-east-1")  # as that server calls it; requests are signed for it
S3_KEY = env.str("BESEDKA_S3_KEY", "")  # who we are there; unset: what the machine itself may (Amazon's role)
S3_SECRET = env.str("BESEDKA_S3_SECRET", "")  # of that key
S3_PREFIX = env.str("BESEDKA_S3_PREFIX", "")  # folders in the bucket, as besedka/media; unset: its root
_bucket = {
    "bucket_name": S3_BUCKET,
    "endpoint_url": S3_ENDPOINT or None,
    "region_name": S3_REGION,
    "access_key": S3_KEY or None,
    "secret_key": S3_SECRET or None,
    "location": S3_PREFIX.strip("/"),
}
STORAGES = {
    "default": {"BACKEND": "besedka.media.bucket.Bucket", "OPTIONS": _bucket}
    if S3_BUCKET
    else {"BACKEND": "besedka.media.folder.Folder"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
INDEX_FOLDER = HOME / "indexes"  # of large bases of knowledge, so that a restart need not build them
STATIC_ROOT = env.str("BESEDKA_STATIC", "")  # the folder of static files for nginx; unset: static in BESEDKA_HOME
STATIC_ROOT = Path(STATIC_ROOT or HOME / "static")
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns at every start where it is missing
# Files of the package are served as they lie there: no copying step between an update and a start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

# APIs of Django's side
DATA_UPLOAD_MAX_MEMORY_SIZE = 15_000_000  # bytes of a body that is no file: a picture of 10 MB in base64
REST_FRAMEWORK = {
    # The first one names the challenge of a 401: Basic there would let browsers ask for a password themselves.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "besedka.accounts.bearer.Bearer",
        "rest_framework.authentication.SessionAuthentication",
        "besedka.accounts.basic.Basic",
    ],
    "DEFAULT_PARSER_CLASSES": ["besedka.web.parsing.BoundedJSON"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "besedka.web.problems.render_drf",
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",  # microseconds always, also when they are none
}
SIMPLE_JWT = {
    "SIGNING_KEY": hashlib.sha256(
        f"tokens {SECRET_KEY}".encode()
    ).hexdigest(),  # what signs sessions signs no tokens
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Besedka",
    "DESCRIPTION": "Where a company's customers, bots and people talk.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["besedka.project.schema.add_the_door"],
}
_GREENS = ("238 248 243", "215 238 227", "178 222 202", "132 199 171", "84 171 137", "66 170 131", "29 107 79")
_DEEP_GREENS = ("24 88 65", "19 73 54", "14 56 42", "8 36 27")
_SHADES = (50, *range(100, 1000, 100), 950)
UNFOLD = {
    "SITE_TITLE": "Besedka",
    "SITE_HEADER": "Besedka",
    "SITE_SYMBOL": "forum",
    "ACCOUNT": {"navigation": [{"title": gettext_lazy("Sign in with a code"), "link": "/auth/second-factor/"}]},
    "STYLES": [lambda request: f"{STATIC_URL}site/admin.css"],
    "COLORS": {
        "primary": {
            str(shade): f"rgb({green.replace(' ', ', ')})"
            for shade, green in zip(_SHADES, (*_GREENS, *_DEEP_GREENS), strict=True)
        }
    },
}

HEALTH = {  # parts that say in a word how they do, and what does so
    "loops": "besedka.project.pulse.state",
    "telegram": "besedka.telegram.health.state",
    **({"files": "besedka.media.store.state"} if S3_BUCKET else {}),
}
SILENCED_SYSTEM_CHECKS = [
    "axes.W002",  # its middleware answers with a page of its own; ours are problems, see besedka.accounts.guarding
]
TESTING = "pytest" in sys.modules or os.environ.get("BESEDKA_TESTING") == "on"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "besedka.project.logging.OneLine"},
        "json": {"()": "besedka.project.logging.OneObject"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "filters": {"clients_fault": {"()": "besedka.project.logging.ClientsFault"}},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "uvicorn.error": {"filters": ["clients_fault"]},
        # These write a line for every request, and what is in requests to models is nobody's business.
        "axes": {"level": "ERROR"},  # it would write the name that was typed, and people type passwords there
        "httpx2": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "celery": {"level": "WARNING"},  # a line for each task that comes, and for each that goes
    },
}
