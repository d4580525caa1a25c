"""The promises of moi, kept against the real thing: Redis, ipyparallel engines, Tornado, Chromium.

Each test's name is a promise. Whatever waits, waits for an event and has a deadline. `python -m pytest` runs what ends
within minutes; ``-m slow`` the long ones, ``-m benchmark -s`` prints figures.
"""
import ast
import asyncio
import bisect
import contextlib
import dataclasses
import decimal
import enum
import fcntl
import functools
import heapq
import io
import itertools
import json
import logging
import math
import operator
import os
import pickle
import queue
import random
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import termios
import textwrap
import threading
import time
import types
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from pathlib import Path

import hypothesis
import hypothesis.strategies
import ipyparallel
import pytest
import redis
import redis.asyncio
import tornado.httpclient
import tornado.ioloop
import tornado.web
import tornado.websocket
from ipyparallel.serialize import pack_apply_message

import moi

HERE = Path(__file__).parent
DEADLINE = 30          # seconds for whatever has to happen; a loaded machine is slow
PASSWORD = "only-moi-knows-this"
SECRET = "a secret for the tests' cookies"
hypothesis.settings.register_profile("moi", derandomize=True, deadline=None, database=None, max_examples=100)
hypothesis.settings.load_profile("moi")
RECORD = {"id", "name", "handler", "group", "status", "result", "progress", "output", "date_created", "date_start",
          "date_end", "context", "engine"}


# ---------------------------------------------------------------------------------------------------
# The real services, started once
# ---------------------------------------------------------------------------------------------------

def until(condition, what, seconds=DEADLINE):
    """Wait for a condition of another process, which sends no event; return what it gave."""
    give_up = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return value


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def command(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def environ(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes() + bytes(Path(f"/proc/{pid}/cwd").readlink())
    return b""


def descendants(pid):
    """The processes below `pid`, and what they have started in sessions of their own."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split("\n")
    parents = dict(map(int, line.split()) for line in found if line)
    below = {pid}
    while more := {p for p, parent in parents.items() if parent in below} - below:
        below |= more
    return below - {pid}


@pytest.fixture(scope="session")
def folder():
    """A short path: a unix socket's may have about 100 characters."""
    with tempfile.TemporaryDirectory(prefix="moi-test-") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def redis_url(folder):
    """A private redis-server, as its administrator speaks to it."""
    for name in [name for name in os.environ if name.startswith("MOI_")]:
        del os.environ[name]
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    os.environ["JUPYTER_PLATFORM_DIRS"] = "1"
    with moi._private_redis(str(folder)) as url:
        yield url
        moi.shutdown()


@pytest.fixture(scope="session", autouse=True)
def moi_url(redis_url):
    """The same as moi speaks to it: with a password, and with the rights in the README and no others."""
    rights = re.search("ACL SETUSER moi .*", (HERE / "README.md").read_text())[0].replace("PASSWORD", PASSWORD)
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command(*rights.split())
    url = redis_url.replace("unix://", f"unix://moi:{PASSWORD}@")
    moi.configure(redis_url=url, linger=1)
    return url


@pytest.fixture(scope="session")
def r(redis_url):
    with redis.Redis.from_url(redis_url, decode_responses=True, encoding_errors="replace") as client:
        yield client


class Cluster:
    """A controller and engines that were started in another folder and have never seen moi.py."""

    def __init__(self, folder, n=0):
        self.folder = folder
        (folder / "elsewhere").mkdir(parents=True, exist_ok=True)
        with moved(folder / "elsewhere"):
            self.cluster = ipyparallel.Cluster(n=n, profile_dir=str(folder / "profile"), cluster_id="", delay=0,
                                               controller_ip="127.0.0.1", log_level=logging.ERROR,
                                               # Engines are taken in sooner, and given up no sooner.
                                               controller_args=["--HeartMonitor.period=250",
                                                                "--HeartMonitor.max_heartmonitor_misses=120"])
            self.cluster.start_controller_sync()
        self.file = str(folder / "profile" / "security" / "ipcontroller-client.json")
        self.client = self.cluster.connect_client_sync()
        self.ensure(n)

    def ensure(self, n):
        """Start engines until there are `n`."""
        missing = n - len(self.client.ids)
        if missing > 0:
            with moved(self.folder / "elsewhere"):
                self.cluster.start_engines_sync(n=missing)
            until(lambda: len(self.client.ids) >= n, "the engines register")

    def stop(self):
        below = descendants(os.getpid())
        self.client.close()
        for path in (self.folder / "profile" / "log").iterdir():
            if path.stat().st_size > 1 << 20:  # ipyparallel would read the gigabytes of the jobs that print so much
                os.truncate(path, 0)
        self.cluster.stop_engines_sync()
        self.cluster.stop_controller_sync()
        mine = {pid for pid in below if b"ipyparallel" in command(pid) and str(self.folder).encode() in environ(pid)}
        until(lambda: not any(map(alive, mine)), "the cluster ends")


@contextlib.contextmanager
def moved(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def cluster(folder, redis_url):
    cluster = Cluster(folder / "cluster", n=2)
    yield cluster
    cluster.stop()


@pytest.fixture
def ctx(cluster):
    """The context `default`, with two engines alive."""
    if len(cluster.client.ids) < 2:
        cluster.ensure(2)
    context = moi.ctxs.get("default")
    if context is None or str(context.connection_file) != cluster.file:
        context = moi.Context("default", connection_file=cluster.file)
    return context


@pytest.fixture
def group():
    return f"user {uuid.uuid4().hex[:8]}@example.org"


def submit(ctx, group, name, handler, func, *args, **kwargs):
    """Submit a function of this file as one of a program's main file: by value, for engines know no tests."""
    if isinstance(func, types.FunctionType):
        func.__module__ = "__main__"
    return moi.submit(ctx, group, name, handler, func, *args, **kwargs)


@pytest.fixture
def run(ctx, group):
    """Submit, wait, and return the ended record."""
    def run(func, *args, **kwargs):
        return moi.wait(submit(ctx, group, "a job", None, func, *args, **kwargs), DEADLINE)
    return run


def running(job_id):
    return until(lambda: (found := moi.job_info(job_id))["status"] != "Queued" and found, "the job starts")


def occupy(ctx, cluster, group, seconds=60):
    """Have each engine run a job for a while; return their IDs."""
    job_ids = [submit(ctx, group, "blocker", None, time.sleep, seconds) for _ in cluster.client.ids]
    for job_id in job_ids:
        running(job_id)
    return job_ids


def workers_leave():
    until(lambda: not moi._redis().exists("moi:workers:default"), "the workers leave their engines")


def program(code, *args, cwd=None, **env):
    """Run a Python program in a process of its own; return what it has printed, or raise."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *args], cwd=cwd or HERE, capture_output=True,
                          text=True, timeout=60, env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip() + done.stderr.strip()


class Handler(moi.MOIMessageHandler):
    opened = []

    def open(self):
        super().open()
        self.opened.append(self)


class Page(tornado.web.RequestHandler):
    own = {}    # the tests' own pages, by name; they sign nobody in

    def get(self):
        if name := self.get_argument("own", ""):
            return self.write(self.own[name])
        self.set_signed_cookie("user", self.get_argument("user"))
        self.set_header("Content-Security-Policy", "default-src 'self'")
        self.write('<!DOCTYPE html><meta charset="utf-8"><title>test</title><link rel="icon" href="/icon"><div '
                   'id="moi-joblist"></div><script src="/moi.js"></script>')


class Server:
    """A Tornado application on a free port of the loopback, its IOLoop in a thread; clients live there too."""

    host = "127.0.0.1"

    def __init__(self, port=0, handler=Handler):
        ready = threading.Event()

        def serve():
            async def main():
                self.app = tornado.web.Application([
                    (r"/", Page), (r"/moi-ws", handler),
                    (r"/(moi\.js)", tornado.web.StaticFileHandler, {"path": os.path.dirname(moi.moi_js())}),
                    (r"/icon", type("Icon", (tornado.web.RequestHandler,), {"get": lambda self: None})),
                ], cookie_secret=SECRET, log_function=lambda handler: None)
                self.http = self.app.listen(port, "127.0.0.1")
                self.port = next(iter(self.http._sockets.values())).getsockname()[1]
                self.loop = asyncio.get_running_loop()
                self.end = asyncio.Event()
                ready.set()
                await self.end.wait()
                self.http.stop()
                await self.http.close_all_connections()
            asyncio.run(main())

        self.thread = threading.Thread(target=serve, name="test-server")
        self.thread.start()
        assert ready.wait(DEADLINE)

    def do(self, coroutine, seconds=DEADLINE):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def stop(self):
        self.loop.call_soon_threadsafe(self.end.set)
        self.thread.join(DEADLINE)


@pytest.fixture(scope="session")
def server(redis_url):
    server = Server()
    yield server
    server.stop()


def cookie(user):
    return "user=" + tornado.web.create_signed_value(SECRET, "user", user).decode()


class Client:
    """A websocket client that knows the protocol and nothing of moi.js."""

    def __init__(self, server, user, **headers):
        self.server, self.seen, self.jobs, self.arrived = server, [], {}, queue.Queue()
        headers = {"Cookie": cookie(user), **headers} if user else headers
        request = tornado.httpclient.HTTPRequest(f"ws://{server.host}:{server.port}/moi-ws", headers=headers)

        async def connect():
            return await tornado.websocket.websocket_connect(request, max_message_size=1 << 30,
                                                             on_message_callback=self.arrived.put)
        self.socket = server.do(connect())

    def send(self, **message):
        self.say(json.dumps(message))

    def say(self, message):
        async def write():
            await self.socket.write_message(message, binary=isinstance(message, bytes))
        self.server.do(write())

    def read(self, seconds=DEADLINE):
        """Take in one message."""
        message = self.arrived.get(timeout=seconds)
        assert message is not None, "the server has closed the connection"
        message = self.last = json.loads(message, parse_constant=pytest.fail)
        for action, jobs in message.items():
            for job in jobs if action != "error" else ():
                self.seen.append((action, job["id"], job.get("status")))
                if action == "remove":
                    self.jobs.pop(job["id"], None)
                else:
                    self.jobs[job["id"]] = job
        return message

    def until(self, condition, what):
        give_up = time.monotonic() + DEADLINE
        while not condition(self):
            self.read(give_up - time.monotonic())

    def ended(self, job_id):
        self.until(lambda self: self.jobs.get(job_id, {}).get("status") in moi.ENDED, "the job's end")
        return self.jobs[job_id]

    def close(self):
        self.server.loop.call_soon_threadsafe(self.socket.close)


@pytest.fixture
def connect(server):
    clients = []

    def connect(user, **headers):
        clients.append(Client(server, user, **headers))
        return clients[-1]
    yield connect
    for client in clients:
        client.close()


@contextlib.contextmanager
def configured(r, name, value):
    """Have Redis work with another setting for a while."""
    before = r.config_get(name)
    r.config_set(name, value)
    try:
        yield
    finally:
        r.config_set(name, before[name])


@contextlib.contextmanager
def hung(redis_url):
    """Have Redis hang for a while."""
    with redis.Redis.from_url(redis_url) as admin:
        os.kill(pid := admin.info("server")["process_id"], signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def forbidden(redis_url, command):
    """Have Redis refuse moi's user a command for a while, or the channels of groups and jobs."""
    redis_cli(redis_url, "ACL", "SETUSER", "moi", *(
        ["resetchannels", "&moi:worker:*"] if command == "channels" else ["-" + command]))
    try:
        yield
    finally:
        redis_cli(redis_url, "ACL", "SETUSER", "moi", "&*:pubsub" if command == "channels" else "+" + command)


def relay_of(group):
    return next(relay for (name, _), relay in moi._relays.items() if name == group)


def redis_cli(url, *args):
    """Speak to Redis as an administrator would, from another program."""
    path = shutil.which("redis-cli") or str(Path(moi._redis_server()).with_name("redis-cli"))
    done = subprocess.run([path, "-s", url.removeprefix("unix://"), *args], capture_output=True, text=True, timeout=10)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---------------------------------------------------------------------------------------------------
# The module
# ---------------------------------------------------------------------------------------------------

def test_importing_moi_connects_to_nothing_and_starts_no_thread():
    assert program("""
        import redis, ipyparallel, tornado.websocket, sys, threading
        before = threading.enumerate()
        sys.addaudithook(lambda event, args: print(event) if event in ("socket.connect", "subprocess.Popen") else None)
        import moi, moi.job, moi.group, moi.websocket
        assert threading.enumerate() == before
    """) == ""


def test_the_library_imports_its_three_packages_and_the_standard_library_only():
    names = set()
    for node in ast.walk(ast.parse((HERE / "moi.py").read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.partition(".")[0])
    assert names - sys.stdlib_module_names - {"moi"} == {"redis", "ipyparallel", "tornado"}


def test_one_file_answers_to_job_group_and_websocket():
    import moi.group
    from moi.job import submit
    from moi.websocket import MOIMessageHandler
    assert moi.group.Group is moi.Group and submit is moi.submit and MOIMessageHandler is moi.MOIMessageHandler


SAMPLE_1 = """from moi.job import submit_nouser

def hello(**kwargs):
    return "hi!"

submit_nouser(hello)
"""
SAMPLE_2 = '''from moi import ctx_default
from moi.job import submit
from tornado.web import RequestHandler

def hello(**kwargs):
    kwargs['status_update']("I'm about to say hello")
    return "hi!"

class Handler(RequestHandler):
    def get(self):
        result_handler = "/hello_result"
        submit(ctx_default, self.current_user, "The hello job", result_handler,
               hello)
'''


def test_both_sample_programs_run_as_printed_against_engines_that_have_never_seen_moi(tmp_path, moi_url, r):
    """With moi.py merely lying beside them, and `ipcluster start -n 2` in another folder, quick to take engines in."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "app").mkdir()
    shutil.copy(HERE / "moi.py", tmp_path / "app")
    (tmp_path / "app" / "one.py").write_text(SAMPLE_1)
    (tmp_path / "app" / "two.py").write_text(SAMPLE_2)
    env = {**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "MOI_REDIS_URL": moi_url}
    env.pop("PYTHONPATH", None)
    engines = subprocess.Popen(
        [sys.executable, "-m", "ipyparallel.cluster", "start", "-n", "2", "--Cluster.delay=0",
         "--Cluster.controller_args=--HeartMonitor.period=250",
         "--Cluster.controller_args=--HeartMonitor.max_heartmonitor_misses=120"], env=env,
        cwd=tmp_path / "elsewhere", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        connection = tmp_path / "ipython/profile_default/security/ipcontroller-client.json"
        until(connection.exists, "the controller starts")
        before = r.smembers("no-user:jobs")
        subprocess.run([sys.executable, "one.py"], cwd=tmp_path / "app", env=env, check=True, timeout=60)
        (job_id,) = r.smembers("no-user:jobs") - before  # the program has ended; its job has not been forgotten
        assert moi.wait(job_id, DEADLINE)["result"] == "hi!"

        code = """
            import asyncio, runpy, tornado.httpclient, tornado.web
            class Handler(runpy.run_path("two.py", run_name="__main__")["Handler"]):
                def get_current_user(self):
                    return "ann"
            async def main():
                server = tornado.web.Application([("/", Handler)]).listen(0, "127.0.0.1")
                port = next(iter(server._sockets.values())).getsockname()[1]
                await tornado.httpclient.AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")
            asyncio.run(main())
        """
        subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path / "app", env=env, check=True,
                       timeout=60)
        (job_id,) = r.smembers("ann:jobs")
        record = moi.wait(job_id, DEADLINE)
        assert (record["result"], record["name"], record["handler"]) == ("hi!", "The hello job", "/hello_result")
    finally:
        children = descendants(engines.pid)
        engines.send_signal(signal.SIGINT)
        engines.wait(DEADLINE)
        until(lambda: not any(map(alive, children)), "the engines end")


def test_settings_come_from_the_environment_or_configure_and_are_fixed_by_the_first_use():
    assert program("""
        import moi
        moi.configure(linger=1.5)
        conf = moi.settings()
        print(conf.redis_url, conf.context, moi.ctx_default, conf.job_ttl, conf.linger)
        try:
            moi.configure(linger=2)
        except moi.MoiError as error:
            print("first use" in str(error))
    """, MOI_REDIS_URL="redis://x:1/2", MOI_CONTEXT="gpu", MOI_JOB_TTL="99") == "redis://x:1/2 gpu gpu 99 1.5\nTrue"
    for bad in ({"job_ttl": "soon"}, {"linger": -1}, {"job_ttl": math.inf}, {"redis_url": "localhost:6379"},
                {"redis_url": 3}, {"redis_url": "redis://h?db=1&decode_responses=1"},
                {"redis_url": "unix:///s?protocol=3"}, {"redis_url": "redis://h?timeout=5"},
                {"redis_url": "redis://h?retry=5"}, {"redis_url": "redis://h?socket_keepalive_options=x"},
                {"redis_url": "redis+sentinel://h:1/s?sentinel_retry=1"},
                {"redis_url": "redis://h?maint_notifications_config=x"},
                {"context": "a/b"}, {"context": "a\nb"}, {"context": "\ud800"}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} is"):
            moi._Settings(**bad).check()


def test_what_cannot_be_reached_is_said_with_its_address_and_what_starts_it():
    said = program("""
        import moi
        for use in (lambda: moi.job_info(moi.uuid.uuid4()), lambda: moi.submit_nouser(abs, 1)):
            try:
                use()
            except moi.MoiError as error:
                print(type(error).__name__, error)
    """, MOI_REDIS_URL="redis://:hidden@127.0.0.1:1/0", MOI_CONTEXT="nowhere")
    assert "RedisNotFound" in said and "127.0.0.1:1" in said and "redis-server" in said and "hidden" not in said
    assert "ClusterNotFound" in said and "'nowhere'" in said and "ipcluster start --profile=nowhere" in said


@pytest.mark.parametrize("url", ["redis://localhost?nonsense=1", "rediss://localhost?ssl_cert_reqs=nonsense"])
def test_what_redis_py_does_not_know_of_an_address_is_named(url):
    with pytest.raises(ValueError, match="redis-py cannot read it.*nonsense"):
        moi._connect(url, 2)


@pytest.mark.slow
def test_sentinels_that_hang_hold_up_nobody_for_longer_than_redis():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        for url, seconds in ((f"redis+sentinel://{address}/svc", 3), ("redis+sentinel://h:99999/svc", 2)):
            took, error = json.loads(program("""
                import json, time, moi
                began = time.monotonic()
                try:
                    moi.job_info(moi.uuid.uuid4())
                except moi.RedisNotFound as error:
                    print(json.dumps([time.monotonic() - began, str(error)]))
            """, MOI_REDIS_URL=url))
            assert took < seconds and "Redis does not answer at redis+sentinel://" in error


@pytest.mark.parametrize("option, checked", [
    ("", True), ("?ssl_cert_reqs=required", True), ("?ssl_cert_reqs=optional", True),
    ("?ssl_check_hostname=no", False)])
def test_the_host_s_name_in_a_certificate_is_checked_whatever_redis_py_s_default(option, checked):
    given = moi._connect("rediss://localhost" + option, 2).connection_pool.connection_kwargs
    assert given["ssl_check_hostname"] is checked
    assert "ssl_check_hostname" not in moi._connect(
        "rediss://localhost?ssl_cert_reqs=none", 2).connection_pool.connection_kwargs


ADDRESSES = [
    ("redis://moi:{}@127.0.0.1:1", "RedisNotFound"), ("redis://:{}/x@127.0.0.1:1", "ValueError"),
    ("redis://:{}#x@127.0.0.1:1", "ValueError"), ("redis://127.0.0.1:1?password={}", "RedisNotFound"),
    ("http://:{}@127.0.0.1", "ValueError"), ("redis://:{}@127.0.0.1:port", "ValueError"),
    ("redis://127.0.0.1:1?password={}&socket_timeout=soon", "ValueError"), ("SOCKET", "RedisRefuses"),
    ("redis://127.0.0.1:1?pwd={}", "ValueError"),
    ("moi:{}@127.0.0.1:1", "ValueError"), ("redis:/:{}@127.0.0.1", "ValueError"), ("redis://moi:{}\n@h", "ValueError"),
    ("redis://moi:{}/x@127.0.0.1:1", "ValueError"), ("redis://moi:12{}?x@127.0.0.1:1", "ValueError")]


def test_no_error_shows_a_password(redis_url):
    urls = [address.replace("SOCKET", redis_url.replace("://", "://moi:{}@")).format("s3same")
            for address, _ in ADDRESSES]
    said = program("""
        import logging, os, sys, traceback, moi
        logging.basicConfig(level=logging.DEBUG)
        for os.environ["MOI_REDIS_URL"] in sys.argv[1:]:
            print("ADDRESS", file=sys.stderr)
            for use in (lambda: moi.job_info(moi.uuid.uuid4()), lambda: moi.submit_nouser(abs, 1),
                        lambda: moi.Group("g").jobs()):
                try:
                    use()
                except Exception:
                    traceback.print_exc()
            moi._watch()
            moi.shutdown()
    """, *urls).split("ADDRESS")[1:]
    assert len(said) == len(ADDRESSES)
    for address, words in zip(ADDRESSES, said):
        assert address[1] in words and "3same" not in words, address


def test_a_worker_that_does_not_reach_redis_shows_no_password_though_redis_py_6_does():
    said = program("""
        import logging, os, traceback, types, moi
        log = logging.getLogger("engine")
        logging.basicConfig(level=logging.DEBUG)
        os.environ["MOI_REDIS_URL"] = "redis+sentinel://:s3same1@127.0.0.1:1/svc?sentinel_password=s3same2"
        moi.GRACE = moi.LEASE = 0
        def discover(*args):
            raise moi.redis.sentinel.MasterNotFoundError("No master found for 'svc' : <redis.client.Redis("
                "<redis.connection.ConnectionPool(<redis.connection.Connection(password=s3same2,host=h)>)>)>")
        moi.redis.sentinel.Sentinel.discover_master = discover
        shell = types.SimpleNamespace(user_ns={"exit": 0, "quit": 0}, kernel=types.SimpleNamespace(
            log=log, session=types.SimpleNamespace(key=b"key")))
        for attended in False, True:
            worker = moi._Worker(shell, "w", "default", "redis://other", 60, 1, [], "", {})
            worker.attended.set() if attended else None
            worker._renew = worker._attend = lambda: None
            try:
                worker.run()
            except Exception:
                traceback.print_exc()
    """)
    assert said.count("No master found") == 2 and "gave the engine back" in said and "3same" not in said


def test_an_error_before_the_first_use_shows_no_password_of_a_client_that_is_in_the_wrong_place():
    said = program("""
        import os, redis, moi
        client = "<redis.client.Redis(<redis.connection.ConnectionPool(<redis.connection.Connection(%s)>)>)>"
        class Client:
            def __init__(self, said): self.said = said
            def __repr__(self): return client % self.said
        os.environ["MOI_REDIS_URL"] = "redis://:s3same1@127.0.0.1:1"
        for said in ("host=h,password=s3same2,port=1", "password=s3s)a,me2" + 999 * "s3s", "user=s3same1"):
            try:
                moi.Group(Client(said))
            except TypeError as error:
                print(error)
    """)
    assert said.count("the group is <redis.client") == 3 and said.count("***") == 3 and "s3s" not in said


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad %s\r\n", b":%s\r\n"])
def test_what_is_no_redis_is_called_so_and_its_words_show_no_password(answer):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def echo():
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    with listener.accept()[0] as connection:
                        connection.sendall(answer % connection.recv(9999).replace(b"\r\n", b" "))
        threading.Thread(target=echo, daemon=True).start()
        said = program("""
            import logging, moi, time, traceback
            logging.basicConfig(level=logging.DEBUG)
            for use in (lambda: moi.job_info("0" * 8 + "-0000" * 3 + "-" + "0" * 12), lambda: moi.Group("g").jobs()):
                try:
                    use()
                except moi.RedisNotFound:
                    traceback.print_exc()
            moi._watch()
            moi.until = time.monotonic() + 20
            while not moi._watcher.trouble and time.monotonic() < moi.until:
                time.sleep(0.05)
            moi.shutdown()
        """, MOI_REDIS_URL=f"redis://ann:s3same@127.0.0.1:{listener.getsockname()[1]}")
    assert said.count("what answers at redis://***@127.0.0.1") == 2 and "s3same" not in said
    assert "the watcher met an error" in said or "Redis is away" in said


def test_a_worker_keeps_a_result_while_a_proxy_answers_for_a_redis_that_is_away():
    errors = [redis.InvalidResponse("Protocol Error: b'HTTP/1.1 503 Unavailable'"), ValueError("no number: b'x'"),
              redis.ResponseError("upstream failure"), redis.ConnectionError("refused")]

    def command():
        if errors:
            raise errors.pop()
        return "recorded"
    said = []
    worker = types.SimpleNamespace(terminated=False, left=threading.Event(), _complain=lambda *what: said.append(what))
    assert moi._Worker._insist(worker, command) == "recorded" and "upstream failure" in str(said)


def test_a_wait_whose_connection_is_cut_as_the_job_ends_returns_its_record(run, monkeypatch):
    subscribed = moi._subscribed

    @contextlib.contextmanager
    def cut(channel):
        with subscribed(channel) as connection:
            yield connection
            connection._sock.shutdown(socket.SHUT_RDWR)
    monkeypatch.setattr(moi, "_subscribed", cut)
    for _ in range(5):
        assert run(abs, -1)["result"] == 1


@pytest.mark.slow
def test_what_engines_print_and_strangers_put_into_that_port_of_the_controller_piles_up_nowhere(folder, group, moi_url):
    """Once an unsigned message has come, ipyparallel's client would read no more, and keep all that follows."""
    own = Cluster(folder / "flooded", n=1)
    ports = [json.loads(Path(own.file).with_name(f"ipcontroller-{side}.json").read_text())["iopub"]
             for side in ("engine", "client")]
    try:
        grown = program("""
            import re, sys, time, zmq, moi
            ctx = moi.Context("flooded", connection_file=sys.argv[1])
            def run(): assert moi.wait(moi.submit(ctx, sys.argv[2], "n", None, abs, -7), 30)["result"] == 7
            def rss(): return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
            run()
            context = zmq.Context()
            sender, receiver = context.socket(zmq.PUB), context.socket(zmq.SUB)
            receiver.subscribe(b"engine")
            for each, port in zip((sender, receiver), sys.argv[3:]):
                each.connect("tcp://127.0.0.1:" + port)
            before = count = 0
            while count < 80:
                sender.send_multipart([b"engine.0.stdout", b"<IDS|MSG>", b"x", b"{}", b"{}", b"{}", b"y" * 1_000_000])
                if receiver.poll(2000 if count else 100):  # the first are lost: it has no subscribers yet
                    receiver.recv_multipart()
                    count += 1
                    before = before or rss()
            for _ in range(4):
                run()
                while moi._redis().exists("moi:workers:flooded"):  # each in a worker of its own
                    time.sleep(0.01)
            print(rss() - before, len(ctx._client._futures), len(ctx._client._output_futures))
            context.destroy(linger=0)
        """, own.file, group, *map(str, ports), MOI_REDIS_URL=moi_url, MOI_LINGER="0.1")
    finally:
        own.stop()
    kibibytes, *kept = map(int, grown.split())
    assert kibibytes < 40_000 and max(kept) <= 1


def test_a_command_of_a_job_does_not_see_the_cluster_s_key(run, cluster):
    key = json.loads(Path(cluster.file).read_text())["key"]
    assert "PATH=" in (said := str(run("env")["result"])) and key not in said


def test_while_redis_runs_a_script_without_end_a_job_is_not_said_to_be_unknown(ctx, group, r, redis_url):
    job_id = submit(ctx, group, "n", None, abs, -1)
    moi.wait(job_id, DEADLINE)

    def configure(milliseconds):
        with contextlib.suppress(redis.ResponseError):  # the script is still being killed
            return r.config_set("lua-time-limit", milliseconds)
    before = r.config_get("lua-time-limit")["lua-time-limit"]
    configure("10")
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=0.5) as other, pytest.raises(redis.TimeoutError):
            other.eval("while true do end", 0)
        for look in (lambda: moi.job_info(job_id), lambda: moi.cancel(job_id), lambda: moi.submit_nouser(abs, 1)):
            with pytest.raises(moi.RedisNotFound, match="answers nobody .*SCRIPT KILL"):
                look()
    finally:
        r.script_kill()
        until(lambda: configure(before), "Redis answers again")
    assert moi.job_info(job_id)["result"] == 1


def test_the_password_is_in_no_record_log_or_command_line(run, cluster, r, group, connect):
    run(abs, 1), run(operator.truediv, 1, 0), run("false"), run("/nonesuch", "x")
    client = connect(group)
    client.send(get=[])
    client.until(lambda self: len(self.jobs) == 4, "the jobs")
    logs = "".join(path.read_text() for path in (cluster.folder / "profile").rglob("*") if path.is_file())
    lines = b"".join(map(command, descendants(os.getpid())))
    values = "".join(r.get(key) for key in r.keys() if r.type(key) == "string")
    for text in (logs, lines.decode(errors="replace"), values, json.dumps(client.jobs)):
        assert len(text) > 100 and PASSWORD not in text


def test_redis_over_tls_with_a_password_serves_web_server_and_engines(tmp_path, cluster, group):
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=tmp_path)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/opt/homebrew/bin") or moi._redis_server(),
         "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--tls-cert-file", "ca.pem", "--tls-key-file",
         "ca.key", "--tls-ca-cert-file", "ca.pem", "--tls-auth-clients", "no", "--save", "", "--requirepass", PASSWORD],
        cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        for line in server.stdout:
            if "Ready to accept" in line:
                break
        else:
            pytest.skip("this redis-server speaks no TLS")
        url = f"rediss://:{PASSWORD}@localhost:{port}/0?ssl_ca_certs={urllib.parse.quote(str(tmp_path / 'ca.pem'))}"
        assert program("""
            import sys, time, moi
            ctx = moi.Context("default", connection_file=sys.argv[1])
            print(moi.wait(moi.submit(ctx, sys.argv[2], "n", None, abs, -7), 30)["result"])
            while moi._redis().exists("moi:workers:default"):  # it would wait for this Redis to come back
                time.sleep(0.01)
        """, cluster.file, group, MOI_LINGER="0.1", MOI_REDIS_URL=url) == "7"
    finally:
        server.terminate()
        server.communicate(timeout=DEADLINE)


@pytest.mark.slow
def test_a_cluster_with_encrypted_connections_runs_jobs_and_no_forged_ones(folder, group, monkeypatch, r):
    monkeypatch.setenv("IPP_ENABLE_CURVE", "1")
    curved = Cluster(folder / "curved", n=1)
    try:
        assert json.loads(Path(curved.file).read_text())["curve_serverkey"]
        context = moi.Context("curved", connection_file=curved.file)
        assert moi.wait(submit(context, group, "n", None, abs, -3), DEADLINE)["result"] == 3
        # Its own key is empty: what is signed with that must not be run.
        for key, runs in (moi._payload_key(b""), False), (context.key, True):
            head, job_id = b"-" + moi._cargo().version + moi._fingerprint(key), str(uuid.uuid4())
            buffers = [pickle.PickleBuffer(buffer) for buffer in pack_apply_message(
                os.mkdir, (str(folder / "forged"),), {})]
            body = pickle.dumps((None, False, buffers), 5)
            r.set(job_id, json.dumps({"id": job_id, "status": "Queued", "engine": None, "date_start": None}), ex=60)
            r.rpush("moi:queue:curved", job_id.encode() + moi._sign(key, "curved", job_id, [head, body]) + head + body)
            moi._watch(context)
            assert ("not signed" in str(moi.wait(job_id, DEADLINE)["result"])) is not runs
            assert (folder / "forged").exists() is runs
    finally:
        curved.stop()
        moi.ctxs.pop("curved").close()


def test_the_private_redis_is_a_socket_that_nobody_else_can_reach(redis_url, r):
    path = Path(redis_url.removeprefix("unix://"))
    assert path.is_socket() and path.parent.stat().st_mode & 0o777 == 0o700
    assert r.config_get("port") == {"port": "0"}


def test_a_controller_that_is_gone_is_noticed_at_once_though_its_file_is_there(cluster, tmp_path):
    info = json.loads(Path(cluster.file).read_text())
    (tmp_path / "client.json").write_text(json.dumps({**info, "registration": 1}))
    with pytest.raises(moi.ClusterNotFound, match="does not answer.*ipcluster start --profile=gone"):
        moi.Context("gone", connection_file=str(tmp_path / "client.json")).key
    del moi.ctxs["gone"]


# ---------------------------------------------------------------------------------------------------
# Records and results
# ---------------------------------------------------------------------------------------------------

def test_a_record_has_the_keys_of_the_protocol_and_its_dates_in_order(ctx, group, r):
    job_id = submit(ctx, group.encode(), "a name", "/results", abs, -3)
    assert uuid.UUID(job_id).version == 4
    record = moi.wait(job_id, DEADLINE)
    assert record == json.loads(r.get(job_id)) and set(record) == RECORD
    assert record["date_created"] <= record["date_start"] <= record["date_end"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", record["date_end"])
    expected = {"id": job_id, "name": "a name", "handler": "/results", "group": group, "status": "Success", "result": 3,
                "progress": None, "output": None, "context": "default"}
    assert {key: record[key] for key in expected} == expected
    assert r.smembers(f"{group}:jobs") == {job_id}


def strict(text):
    return json.loads(text, parse_constant=pytest.fail)


LOOP: list = [1]
LOOP.append(LOOP)


class Sulky:
    def __repr__(self):
        raise RuntimeError("no")

    def __reduce__(self):
        raise type("Sulks", (Exception,), {"__str__": lambda error: repr(self)})


class Color(enum.Enum):
    RED = (255, 0, 0)


@dataclasses.dataclass
class Point:
    x: object
    y: object


class Model:
    """As one of pydantic's."""

    def model_dump(self):
        return {"id": 1}


class Nowhere(tzinfo):
    def utcoffset(self, when):
        raise RuntimeError("no offset")

    def __repr__(self):
        return "nowhere"


class Frame:
    """As one of pandas'."""

    def to_dict(self, orient):
        assert orient == "records"
        return [{"n": 1}, {"n": math.nan}]


@pytest.mark.parametrize("value, said", [
    (None, None), (True, True), ("text", "text"), (2 ** 53, 2 ** 53), (0.1, 0.1), ([1, "a", None], [1, "a", None]),
    (math.nan, None), (math.inf, "Infinity"), ([-math.inf], ["-Infinity"]), (b"caf\xc3\xa9\xff", "café\\xff"),
    ("\ud800!", "\\ud800!"), ((1, 2), [1, 2]), ({1}, [1]), ({1: 2, None: 3}, {"1": 2, "null": 3}),
    ({1: "a", "1": "b"}, {"1": "a", "'1'": "b"}), ({"1": "a", 1: "b"}, {"1": "a", "1 (2)": "b"}),
    ({float("nan"): i for i in range(3)}, {"null": 0, "nan": 1, "null (3)": 2}),
    ({"a": {"b": (math.nan,)}}, {"a": {"b": [None]}}),
    (moi.datetime(2024, 5, 6, 7, 8), "2024-05-06T07:08:00"), (moi.date(2024, 5, 6), "2024-05-06"),
    (10 ** 5000, hex(10 ** 5000)), (LOOP, [1, "[...]"]), (Sulky(), "<Sulky, whose repr raised RuntimeError>"),
    (1j, "1j"), (range(2), [0, 1]),
    ({"a": 1}.keys(), ["a"]), (Path("/a/b"), "/a/b"), (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (decimal.Decimal("1.10"), "1.10"), (Color.RED, [255, 0, 0]),
    (Point(1, Point(2, None)), {"x": 1, "y": {"x": 2, "y": None}}), (Point, "<class 'test_moi.Point'>"),
    (moi.datetime(2024, 5, 6, tzinfo=Nowhere()), "datetime.datetime(2024, 5, 6, 0, 0, tzinfo=nowhere)"),
    (Model(), {"id": 1}), (Frame(), [{"n": 1}, {"n": None}]),
], ids=lambda value: type(value).__name__)
def test_what_json_cannot_say_is_stored_in_the_nearest_form_it_can(value, said):
    assert strict(moi._encode({"result": moi._plain(value)})) == {"result": said}


ANYTHING = hypothesis.strategies.recursive(
    hypothesis.strategies.one_of(
        hypothesis.strategies.none(), hypothesis.strategies.booleans(), hypothesis.strategies.integers(),
        hypothesis.strategies.floats(), hypothesis.strategies.text(), hypothesis.strategies.binary(),
        hypothesis.strategies.text("\ud800\udfff\0\u2028\"\\/"), hypothesis.strategies.datetimes(),
        hypothesis.strategies.complex_numbers()),
    lambda inner: hypothesis.strategies.one_of(
        hypothesis.strategies.lists(inner), hypothesis.strategies.tuples(inner, inner),
        hypothesis.strategies.frozensets(hypothesis.strategies.one_of(
            hypothesis.strategies.integers(), hypothesis.strategies.text())),
        hypothesis.strategies.dictionaries(hypothesis.strategies.one_of(
            hypothesis.strategies.text(), hypothesis.strategies.integers(), hypothesis.strategies.floats(),
            hypothesis.strategies.none(), hypothesis.strategies.binary()), inner)), max_leaves=20)


@hypothesis.given(ANYTHING)
def test_whatever_is_stored_is_what_a_strict_json_reader_reads(value):
    plain = moi._plain(value)
    assert strict(moi._encode({"result": plain})) == {"result": plain}
    assert moi._plain(plain) == plain and items(plain) == items(value)


def items(value):
    """Count what is in all containers of a value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple, frozenset)) else ()
    return sum(1 + items(item) for item in inner)


@hypothesis.given(hypothesis.strategies.recursive(
    hypothesis.strategies.one_of(hypothesis.strategies.none(), hypothesis.strategies.booleans(),
                                 hypothesis.strategies.floats(allow_nan=False, allow_infinity=False),
                                 hypothesis.strategies.integers(-2 ** 63, 2 ** 63), hypothesis.strategies.text()),
    lambda inner: hypothesis.strategies.one_of(hypothesis.strategies.lists(inner), hypothesis.strategies.dictionaries(
        hypothesis.strategies.text(), inner))))
def test_what_json_can_say_is_stored_as_it_is(value):
    assert moi._plain(value) == value


def test_numpy_scalars_and_arrays_are_stored_as_numbers_and_lists():
    np = pytest.importorskip("numpy")
    value = {"a": np.arange(6).reshape(2, 3), "b": np.float32(0.5), "c": np.array([np.nan, 1]), "d": np.bool_(True)}
    assert moi._plain(value) == {"a": [[0, 1, 2], [3, 4, 5]], "b": 0.5, "c": [None, 1.0], "d": True}


@pytest.mark.parametrize("value", [[1 << 8_000_000] * 600, [Path("x" * 2_000_000)] * 600])
def test_long_numbers_and_paths_count_as_texts_do(value):
    with pytest.raises(moi._TooLong):
        moi._plain(value, moi.MAX_RECORD)


def test_keys_count_and_lead_back_to_themselves_as_values_do():
    @dataclasses.dataclass(eq=False)
    class Node:
        near: dict

    chain = Node({})
    for _ in range(26):
        chain = Node({chain: 1})
    with pytest.raises(moi._TooLong):
        moi._plain(chain, 10_000_000)
    a, b = Node({}), Node({})
    a.near[b], b.near[a] = 1, 2
    assert len(json.dumps(moi._plain(a, 10_000))) < 1000


def test_numpy_s_nanoseconds_are_dates():
    np = pytest.importorskip("numpy")
    dates = np.array(["2026-01-02T03:04:05", "NaT"], dtype="datetime64[ns]")
    assert moi._plain([dates, dates[0]]) == [["2026-01-02T03:04:05", None], "2026-01-02T03:04:05"]


def test_what_does_not_even_tell_its_class_keeps_nothing_else_from_being_stored():
    class Unbound:
        __class__ = property(lambda self: 1 / 0)

        def __repr__(self):
            return "unbound"
    assert moi._plain([1, Unbound()]) == [1, "unbound"] and moi._plain(Unbound()) == "unbound"


def test_numpy_s_long_numbers_are_numbers_and_at_once():
    np = pytest.importorskip("numpy")
    assert moi._plain(np.full(100_000, 1.5, dtype=np.longdouble)) == [1.5] * 100_000
    assert moi._plain(np.clongdouble(1 + 2j)) == repr(np.clongdouble(1 + 2j))


def test_an_array_that_is_too_long_is_refused_before_it_is_turned_into_a_list():
    np = pytest.importorskip("numpy")
    with pytest.raises(moi._TooLong):
        moi._plain({"a": np.broadcast_to(np.float64(0), 10 ** 15)}, moi.MAX_RECORD)
    assert moi._plain(np.zeros(100), 4000) == [0.0] * 100


def test_what_nests_without_end_is_stored_as_text_beyond_a_depth_that_readers_manage():
    value = []
    for _ in range(100_000):
        value = [value]
    assert len(strict(json.dumps(moi._plain(value)))) == 1


# ---------------------------------------------------------------------------------------------------
# Functions and commands on an engine
# ---------------------------------------------------------------------------------------------------

def test_a_function_with_arguments_returns_its_result(run):
    assert run(lambda a, *, b: {"sum": a + b}, 1, b=2)["result"] == {"sum": 3}


def test_a_function_is_sent_as_it_is_at_each_submit(run):
    def plain():
        return 1
    n, many = 1, [1]

    def enclosing():
        return n

    def defaulting(many=many, *, more=many):
        return many + more
    assert [run(func)["result"] for func in (plain, enclosing, defaulting)] == [1, 1, [1, 1]]
    plain.__code__, n = (lambda: 2).__code__, 2
    many.append(2)
    assert [run(func)["result"] for func in (plain, enclosing, defaulting)] == [2, 2, [1, 2, 1, 2]]


def test_a_function_gets_status_update_only_if_it_takes_it(run):
    assert run(math.factorial, 10)["result"] == 3628800
    assert run(lambda x: x, 1)["result"] == 1
    assert run(lambda status_update: callable(status_update))["result"] is True
    assert run(lambda **kwargs: sorted(kwargs), other=1)["result"] == ["other", "status_update"]
    assert run(lambda **kwargs: kwargs["status_update"], status_update="mine")["result"] == "mine"
    assert run(lambda a=0, status_update=0, /, *b, c=0: [a, status_update, b, c])["result"] == [0, 0, [], 0]
    assert run(lambda *, status_update=0: status_update != 0)["result"] is True

    def decorated(func):
        def wrapper(*args, **kwargs):
            return func(*args, **kwargs)
        func.__module__ = "__main__"
        return functools.wraps(func)(wrapper)
    assert run(decorated(lambda n=1: n))["result"] == 1
    assert run(decorated(lambda n, status_update: callable(status_update)), 1)["result"] is True


def test_a_function_that_yields_or_returns_something_lazy_is_run_to_its_end(run):
    def yields(n, status_update):
        for i in status_update.track(range(n)):
            yield i * i

    def starts():
        async def main():
            return 1
        return main()
    assert run(yields, 4)["result"] == [0, 1, 4, 9]
    assert run(lambda: map(str, range(3)))["result"] == ["0", "1", "2"]
    record = run(starts)
    assert record["status"] == "Failed" and "which has not run: have it call asyncio.run" in record["result"]


def test_what_is_summed_up_to_a_little_over_1_is_a_progress_and_a_total_may_be_numpy_s(run):
    def job(status_update):
        import numpy
        share = 0.0
        for _ in range(49):
            share += 1 / 49
            status_update(progress=share)
        status_update(progress=-1e-17)
        return list(status_update.track("ab", total=numpy.int64(2)))
    pytest.importorskip("numpy")
    assert run(job)["result"] == ["a", "b"]
    assert "progress is 1.01" in run(lambda status_update: status_update(progress=1.01))["result"]


def test_errors_that_come_of_how_functions_travel_say_what_to_do(run):
    def needs_class():
        raise AttributeError("Can't get attribute 'Model' on <module '__main__'>")
    assert "A class of the program's main file" in run(needs_class)["result"]
    assert "moi gives status_update to what takes **kwargs" in run(lambda **kwargs: int(**kwargs))["result"]


@pytest.mark.slow
def test_with_cloudpickle_a_function_of_the_main_file_takes_along_what_it_uses_of_it(ctx, cluster, group, moi_url, r):
    workers_leave()
    moi.shutdown()
    job_ids = program("""
        import math, sys, ipyparallel.serialize, moi
        ipyparallel.serialize.use_cloudpickle()

        class Circle:
            def area(self, r):
                return factor * math.floor(math.pi) * r ** 2

        def factorial(n):
            return n * factorial(n - 1) if n > 1 else factor

        moi.Context("default", connection_file=sys.argv[1])
        for factor in 1, 2:
            print(moi.submit("default", sys.argv[2], "n", None, Circle().area, 2))
            print(moi.submit("default", sys.argv[2], "n", None, factorial, 4))
            print(moi.wait(moi.submit("default", sys.argv[2], "n", None, "exit 0"))["id"])
    """, cluster.file, group, MOI_REDIS_URL=moi_url).split()
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in job_ids] == [12, 24, ["", "", 0], 24, 48, ["", "", 0]]


def test_the_first_submits_of_a_process_may_come_from_several_threads_at_once(ctx, cluster, group, moi_url):
    job_ids = program("""
        import sys, threading, moi
        from concurrent.futures import ThreadPoolExecutor
        ctx, barrier = moi.Context("default", connection_file=sys.argv[1]), threading.Barrier(8)
        def submit(i):
            barrier.wait(9)
            return moi.submit(ctx, sys.argv[2], "n", None, abs, -i)
        with ThreadPoolExecutor(8) as pool:
            print(*pool.map(submit, range(8)))
    """, cluster.file, group, MOI_REDIS_URL=moi_url)
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in job_ids.split()] == list(range(8))


def test_status_update_sets_status_and_progress_and_refuses_what_is_moi_s_own(ctx, group):
    def job(go, **kwargs):
        import time
        update, refused = kwargs["status_update"], 0
        for bad in ({"status": "Success"}, {"status": 3}, {"progress": 2}, {"progress": float("nan")},
                    {"progress": "half"}):
            try:
                update(**bad)
            except ValueError as error:
                refused += str(next(iter(bad.values()))) in str(error)
        update("half way", 0.5)
        update(progress=0.75)
        while not __import__("os").path.exists(go):
            time.sleep(0.01)
        return refused

    with tempfile.TemporaryDirectory() as path:
        job_id = submit(ctx, group, "status", None, job, path + "/go")
        record = until(lambda: (found := moi.job_info(job_id))["progress"] == 0.75 and found, "progress")
        assert record["status"] == "half way" and record["date_start"] and not record["date_end"]
        Path(path, "go").touch()
        assert moi.wait(job_id, DEADLINE)["result"] == 5


def test_status_update_is_safe_from_several_threads_of_a_job(run):
    def job(**kwargs):
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: kwargs["status_update"](f"step {i}", i / 200), range(200)))
        return "done"
    record = run(job)
    assert record["result"] == "done" and 0 <= record["progress"] < 1


def test_what_a_job_prints_is_kept_up_to_its_last_16_kib(run):
    def chatty():
        import sys
        print("x" * 100_000)
        print("the end", file=sys.stderr)
    output = run(chatty)["output"]
    assert len(output) == 16 * 1024 and output.endswith("x\nthe end\n")
    assert run(lambda: None)["output"] is None  # and no job sees the output of another


def test_output_appears_while_the_job_runs(ctx, group):
    def job():
        import time
        print("at work")
        time.sleep(60)
    job_id = submit(ctx, group, "printing", None, job)
    until(lambda: moi.job_info(job_id)["output"] == "at work\n", "the output is in the record")
    assert moi.cancel(job_id) and moi.wait(job_id, DEADLINE)["status"] == "Failed"


def test_a_failure_is_recorded_with_the_traceback_of_the_job_s_own_code(run):
    def fails():
        return {}["missing"]
    record = run(fails)
    assert record["status"] == "Failed" and record["result"].startswith("Traceback")
    assert "KeyError: 'missing'" in record["result"] and "in fails" in record["result"]
    assert "_call" not in record["result"]


@pytest.mark.parametrize("what", ["sys.exit('enough')", "raise KeyboardInterrupt", "raise type('E', (Exception,), "
                                  "{'__str__': lambda self: 1/0})()", "raise GeneratorExit"])
def test_whatever_a_job_raises_fails_that_job_and_the_engine_goes_on(run, what):
    def job(code):
        import sys
        exec(code, {"sys": sys, "__name__": "job"})
    record = run(job, what)
    assert record["status"] == "Failed" and "Traceback" in record["result"]
    assert run(abs, -1)["result"] == 1


@pytest.mark.parametrize("code, said", [
    ("return (i for i in range(3))", [0, 1, 2]), ("return open('/dev/null')", "TextIOWrapper"),
    ("return float('nan')", None), ("return {(1, 2): b'x', 3: {4}}", {"[1, 2]": "x", "3": [4]}),
    pytest.param("return 'x' * 50_000_000", "x" * 50_000_000, marks=pytest.mark.slow),
    ("return type('T', (), {})()", "object at"),
    ("class E(Exception):\n  def __reduce__(self): raise TypeError\nraise E('told')", "told"),
    ("raise SystemExit", "SystemExit")],
    ids=["generator", "file", "nan", "keys", "50 MB", "object", "exception", "exit"])
def test_no_result_however_hard_leaves_a_job_running(run, code, said):
    def job(code):
        found = {"__name__": "job"}
        exec("def f():\n " + code.replace("\n", "\n "), found)
        return found["f"]()
    record = run(job, code)
    assert record["status"] in moi.ENDED
    assert record["result"] == said or said is not None and said in record["result"]


def test_a_job_that_forks_stays_one_worker(ctx, group, run, r, redis_url):
    def forks():
        import os
        import sys
        if (child := os.fork()) == 0:
            sys.exit(3)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert run(forks)["result"] == 3
    ids = [submit(ctx, group, "n", None, counted, f"{group}:forked:{i}", redis_url) for i in range(20)]
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in ids] == [1] * 20
    r.delete(*r.keys(f"{group}:forked:*"))


def test_what_a_job_forks_has_no_signal_handler_of_the_engine_s(run):
    def forks():
        import os
        import signal
        near, far = os.pipe()
        if (child := os.fork()) == 0:
            said = [signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
                    signal.getsignal(signal.SIGINT) == signal.default_int_handler, *signal.pthread_sigmask(0, [])]
            os.write(far, repr(said).encode())
            os._exit(0)
        os.waitpid(child, 0)
        return os.read(near, 1000).decode(), list(signal.pthread_sigmask(0, []))
    assert run(forks)["result"] == ["[True, True]", []]


@pytest.mark.slow
def test_jobs_that_use_pools_of_processes_end(ctx, group):
    def pool():
        import multiprocessing
        with multiprocessing.get_context("fork").Pool(2) as processes:
            return processes.map(abs, [-1, -2])
    job_ids = [submit(ctx, group, "n", None, pool) for _ in range(200)]
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in job_ids] == [[1, 2]] * 200


@pytest.mark.parametrize("action", ["SIG_DFL", "SIG_IGN"])
def test_a_job_that_has_undone_the_interrupt_is_cancelled_and_its_engine_lives(ctx, group, action):
    def job(action):
        import os
        import signal
        import time
        signal.signal(signal.SIGINT, getattr(signal, action))
        print(os.getpid())
        time.sleep(60)
    job_id = submit(ctx, group, "n", None, job, action)
    until(lambda: (moi.job_info(job_id) or {}).get("output"), "it runs")
    moi.cancel(job_id)
    record = moi.wait(job_id, 5)
    assert record["result"] == "Cancelled while it was running." and alive(int(record["output"]))


@pytest.mark.parametrize("leave", ["exit", "quit"])
def test_a_function_of_the_main_file_that_exits_is_failed(run, leave):
    function = types.FunctionType(compile(f"{leave}(3)", "main.py", "exec"), {"__name__": "__main__"})
    record = run(function)
    assert record["status"] == "Failed" and "SystemExit: 3" in record["result"]


def test_a_job_cannot_spoil_output_and_cancel_for_those_after_it(ctx, cluster, group, run):
    def spoils():
        import os
        import signal
        import sys
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.stdout.detach()
        os.chdir("/")

    def garbles():
        import sys
        sys.stdout.reconfigure(encoding="utf-16")
        sys.stdout.close()
    folder = run("pwd")["result"]
    for job in [spoils, garbles] * len(cluster.client.ids):
        assert run(job)["status"] == "Success"
    assert run(print, "seen")["output"] == "seen\n"
    assert run("pwd")["result"] == folder != ["/\n", "", 0]
    job_id = submit(ctx, group, "endless", None, sleeper)
    running(job_id)
    moi.cancel(job_id)
    assert moi.wait(job_id, 5)["result"] == "Cancelled while it was running."


def test_what_one_job_sets_up_for_its_log_shows_in_the_output_of_later_ones(cluster, run):
    def logs(what):
        import logging
        logging.basicConfig()
        logging.error(what)
    for i in range(3 * len(cluster.client.ids)):
        assert run(logs, f"{i} failed")["output"] == f"ERROR:root:{i} failed\n"


def test_a_job_hands_its_output_s_file_number_to_what_needs_one(run):
    def job():
        import faulthandler
        import subprocess
        import sys
        faulthandler.enable()
        return subprocess.run(["true"], stdout=sys.stdout, stderr=sys.stderr, check=True).returncode
    assert run(job)["result"] == 0


def test_what_a_forked_child_prints_is_in_the_engine_s_log_and_not_lost(run):
    def job():
        import os
        read, write = os.pipe()
        if os.fork() == 0:
            os.dup2(write, 2)
            print("from the child")
            os._exit(0)
        os.wait()
        return os.read(read, 100).decode()
    assert run(job)["result"] == "from the child\n"


@pytest.mark.slow
def test_a_plot_that_one_job_leaves_open_is_not_in_the_next_one_s(cluster, run, tmp_path):
    def job(folder):
        import importlib
        import sys
        sys.path.insert(0, folder)
        pyplot = importlib.import_module("matplotlib.pyplot")
        pyplot.figures.append(1)
        return len(pyplot.figures)
    (tmp_path / "matplotlib").mkdir()  # a stand-in: the real one is no dependency
    (tmp_path / "matplotlib" / "pyplot.py").write_text("figures = []\ndef close(which): figures.clear()\n")
    try:
        assert [run(job, str(tmp_path))["result"] for _ in range(2 * len(cluster.client.ids))] == [1] * (
            2 * len(cluster.client.ids))
    finally:
        cluster.client[:].execute("import sys; [sys.modules.pop(name, None) for name in ('matplotlib', "
                                  "'matplotlib.pyplot')]", block=True)


def test_a_job_runs_a_coroutine_and_is_cancelled_in_it(ctx, cluster, group, run):
    def runs(seconds, status_update):
        import asyncio

        async def main():
            status_update("in the loop")
            await asyncio.sleep(seconds)
            return "slept"
        asyncio.get_event_loop().run_until_complete(asyncio.sleep(0))  # the way of old
        return asyncio.run(main())
    for _ in range(2 * len(cluster.client.ids)):
        assert run(runs, 0.01)["result"] == "slept"
    job_id = submit(ctx, group, "endless", None, runs, 60)
    until(lambda: moi.job_info(job_id)["status"] == "in the loop", "it sleeps")
    moi.cancel(job_id)
    assert moi.wait(job_id, 5)["result"] == "Cancelled while it was running."
    assert run(runs, 0.01)["result"] == "slept"
    assert cluster.client[:].apply_sync(os.getpid), "the engines' own loop goes on"


def test_a_module_that_the_engine_lacks_fails_the_job_at_once_and_is_named(ctx, group, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def work():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here
    record = moi.wait(moi.submit(ctx, group, "n", None, only_here.work), DEADLINE)
    assert record["status"] == "Failed" and "ModuleNotFoundError: No module named 'only_here'" in record["result"]
    assert "start the engines in your application's folder" in record["result"]


@pytest.mark.slow
def test_a_result_whose_parts_hold_each_other_without_end_is_too_long_and_its_engine_goes_on(ctx, group, run):
    def linked():
        nodes = [{"name": i} for i in range(12)]
        for node in nodes:
            node["others"] = [other for other in nodes if other is not node]
        return nodes

    def doubled():
        found = []
        for _ in range(200):
            found = [found, found]
        return found
    for what in linked, doubled:
        record = run(what)
        assert record["status"] == "Failed" and "The result is too long: more than" in record["result"]
    assert run("true")["status"] == "Success"


def test_a_result_or_exception_that_is_not_what_it_says_harms_no_engine(ctx, cluster, group, run):
    def dated():
        import datetime
        return type("Odd", (datetime.date,), {"isoformat": lambda self: {1}})(2000, 1, 1)

    def worded():
        return type("Odd", (str,), {"encode": lambda self, *args: b"x"})("as it is")

    def raises(name, what):
        def get(self):
            raise what
        raise type("Odd", (Exception,), {name: property(get)})

    def shown():
        def text(self):
            raise KeyboardInterrupt
        import moi
        raise type("Odd", (moi.CommandFailed,), {"__str__": text})
    engines = set(cluster.client.ids)
    assert "(2000, 1, 1)" in run(dated)["result"] and run(worded)["result"] == "as it is"
    for name in "__cause__", "__notes__", "__traceback__":
        for what in KeyboardInterrupt(), SystemExit(0), RuntimeError():
            assert run(raises, name, what)["status"] == "Failed"
    assert "Odd" in run(shown)["result"]
    assert run("true")["status"] == "Success" and set(cluster.client.ids) == engines


def test_an_exception_whose_text_never_ends_is_cancelled(ctx, group):
    def endless():
        def text(self):
            while True:
                pass
        raise type("Odd", (Exception,), {"__str__": text})
    job_id = submit(ctx, group, "n", None, endless)
    running(job_id)
    assert moi.cancel(job_id) is True
    assert moi.wait(job_id, DEADLINE)["result"] == "Cancelled while it was running."


def test_an_error_that_cannot_be_explained_fails_its_job_all_the_same(run):
    def odd():
        class Odd:
            def __repr__(self):
                raise RuntimeError
        raise ModuleNotFoundError("odd", name=Odd())
    assert run(odd)["result"] == "ModuleNotFoundError, whose traceback cannot be shown: RuntimeError\n"


@pytest.mark.parametrize("module, mend", [("__main__", "import inside the function"),
                                          ("string", "start the engines anew, or have moi send it")])
def test_a_name_that_the_engine_lacks_is_said_last_and_what_to_do_first(ctx, group, module, mend):
    def lost():
        return what_only_the_submitter_has  # noqa: F821
    lost.__module__ = module
    record = moi.wait(moi.submit(ctx, group, "n", None, lost), DEADLINE)
    first, *_, last = record["result"].splitlines()
    assert mend in first and last == "NameError: name 'what_only_the_submitter_has' is not defined"


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["", "geheim"])
def test_the_cluster_s_own_key_and_what_is_derived_from_it_stay_off_the_wire(cluster, group, monkeypatch, secret):
    """ipyparallel's connections are signed, but in the clear."""
    sent, send = [], ipyparallel.LoadBalancedView.apply_async
    monkeypatch.setattr(ipyparallel.LoadBalancedView, "apply_async",
                        lambda view, func, source, options: sent.append(options) or send(view, func, source, options))
    conf = moi._Settings(redis_url=moi.settings().redis_url, secret=secret, linger=0.1).check()
    monkeypatch.setattr(moi, "_settings", conf)
    monkeypatch.setattr(moi, "ctxs", {})
    context = moi.Context(f"wire{secret}", connection_file=cluster.file)
    try:
        assert moi.wait(submit(context, group, "n", None, abs, -1), DEADLINE)["result"] == 1
        own = cluster.client.session.key
        for key in own, moi._payload_key(own), moi._payload_key(own).hex().encode():
            assert key not in pickle.dumps(sent)
        assert [options["keys"] for options in sent] == [[moi._payload_key(b"geheim")] if secret else []] * len(sent)
    finally:
        context.close()


def lasting(r):
    """The keys in Redis but for those of workers and of running processes, which come and go."""
    return {key for key in r.keys("*") if not key.startswith(("moi:worker", "moi:version:"))}


def test_a_job_is_cancelled_while_the_set_of_workers_is_another_program_s(ctx, group, r, monkeypatch):
    job_id = submit(ctx, group, "n", None, sleeper)
    running(job_id)
    monkeypatch.setattr(moi._Watcher, "_tend", lambda *args: None)  # as when the web server is down
    r.delete("moi:workers:default")
    r.set("moi:workers:default", "x")
    assert moi.cancel(job_id) is True
    assert moi.wait(job_id, 5)["result"] == "Cancelled while it was running."
    until(lambda: r.type("moi:workers:default") != "string", "the key is moi's again")


def test_scripts_do_not_read_a_long_record_for_each_payload_that_names_it(r, group):
    planted, left = str(uuid.uuid4()), "x" * 20_000_000
    keys = [f"moi:queue:{group}", f"moi:claimed:{group}"]
    for status, found in ("Success", [b""]), ("odd", [None] * 50):
        r.set(planted, f'{{"status": "{status}", "a": "{left}"}}', ex=60)
        r.rpush(keys[0], *[planted + "x"] * 50)
        began = time.monotonic()
        claims = []
        while claim := moi._script(moi._NEXT, keys, [60, moi._now(), '"w"', 60]):
            claims.append(claim[1])
        assert time.monotonic() - began < 2  # on a quick machine 5 s and more, where each is
        assert claims == found
    r.delete(planted)


def test_what_others_plant_in_moi_s_own_keys_stops_neither_watchers_nor_workers(ctx, cluster, group, r, redis_url):
    name, planted = "é" * 200, str(uuid.uuid4())
    with redis.Redis.from_url(redis_url) as raw:
        raw.sadd("moi:contexts", name)
        raw.rpush(f"moi:queue:{name}", "x")
        raw.sadd("moi:workers:default", b"\xff\xfe")
        raw.set(planted, json.dumps({"id": planted, "status": "Queued", "engine": None, "date_start": None,
                                     "handed_back": -1000000000}), ex=60)
        raw.rpush("moi:queue:default", planted + "garbage")
        try:
            began = time.monotonic()
            assert moi.wait(submit(ctx, group, "n", None, abs, -1), DEADLINE)["result"] == 1
            assert time.monotonic() - began < 5
            assert "not signed" in moi.wait(planted, DEADLINE)["result"]
            until(lambda: not raw.sismember("moi:workers:default", b"\xff\xfe"), "it is thrown out")
        finally:
            raw.srem("moi:contexts", name)
            raw.delete(f"moi:queue:{name}", planted)


def test_a_watcher_s_troubles_that_take_turns_are_each_logged_once_until_all_was_well(monkeypatch, caplog):
    monkeypatch.setattr(moi, "ctxs", {})
    watcher, context = moi._Watcher.__new__(moi._Watcher), moi.Context("odd")
    for trouble in [*("one", "other") * 20, "", "one", *map(str, range(50))]:
        watcher._complain(context, trouble)
    assert len(caplog.records) == 12


def test_a_group_or_context_is_the_text_that_it_is_whatever_its_class_would_have_it_written_as(monkeypatch):
    class User(str, enum.Enum):
        ANN = "alice"

        def __format__(self, spec):
            return "moi:queue:default"
    group = moi.Group(User.ANN)
    assert (group.name, group.key, group.channel) == ("alice", "alice:jobs", "alice:pubsub")
    monkeypatch.setattr(moi, "ctxs", {})
    context = moi.Context(User.ANN)
    assert (type(context.name), context.queue) == (str, "moi:queue:alice")


def test_what_is_no_list_of_ids_is_refused_in_few_words_and_at_once():
    texts, objects = [""] * 100_000, [{}] * 100_000

    def refuse():
        assert moi._job_ids(texts) == [""]
        with pytest.raises(ValueError, match="no list of job IDs"):
            moi._job_ids(objects)

    def seconds(call):
        began = time.process_time()
        call()
        return time.process_time() - began

    def look():
        return [isinstance(i, str) for i in texts + objects]
    # 2 to 3, where each is looked at for itself.
    assert min(seconds(refuse) / seconds(look) for _ in range(9)) < 1.5


def test_a_list_of_numbers_that_share_one_hash_is_refused_at_once():
    clash = [(2 ** 61 - 1) * i for i in range(10_900)]  # as many as a message holds; a set of them takes half a second
    assert {hash(number) for number in clash} == {0}
    for ids in clash, [*clash, "x"], ["x", *clash]:
        began = time.process_time()
        with pytest.raises(ValueError, match="no list of job IDs"):
            moi._job_ids(ids)
        assert time.process_time() - began < 0.1


def test_what_is_no_id_in_a_group_s_set_fails_no_submit(ctx, group, run, r):
    run(abs, 1)
    r.sadd(f"{group}:jobs", "x", "moi:key:default")
    until(lambda: run(abs, -1)["result"] == 1 and not r.sismember(f"{group}:jobs", "x"), "it is thrown out")


def test_any_number_of_payloads_that_are_no_jobs_any_more_is_dropped(ctx, cluster, group, r, run):
    """Some at once: Redis does nothing else meanwhile."""
    blockers = occupy(ctx, cluster, group)
    cancelled = [submit(ctx, group, "never", None, abs, -1) for _ in range(120)]
    after = submit(ctx, group, "after", None, abs, -2)
    for job_id in cancelled + blockers:
        moi.cancel(job_id)
    assert moi.wait(after, DEADLINE)["result"] == 2
    assert {moi.job_info(job_id)["result"] for job_id in cancelled} == {"Cancelled before it started."}


@pytest.mark.slow
def test_a_dead_worker_with_many_claims_of_a_record_that_hides_its_status_is_buried(ctx, cluster, group, r, run):
    run(abs, 1)
    job_id, worker = str(uuid.uuid4()), uuid.uuid4().hex[:12]
    r.set(job_id, json.dumps({"id": job_id, "a": {"status": "x"}, "status": "y"}), ex=60)
    r.rpush(f"moi:claimed:{worker}", *[job_id + "junk"] * 500)
    r.sadd("moi:workers:default", worker)
    until(lambda: not r.sismember("moi:workers:default", worker), "it is buried")
    assert "died while it ran" in moi.job_info(job_id)["result"] and not r.exists(f"moi:claimed:{worker}")
    assert run(abs, -2)["result"] == 2


def test_a_dead_worker_of_a_cluster_that_has_ended_is_buried_by_whoever_uses_moi_next(r, caplog):
    context, job_id, worker = f"gone {uuid.uuid4().hex}", str(uuid.uuid4()), uuid.uuid4().hex[:12]
    record = dict.fromkeys(RECORD) | {"id": job_id, "status": "Running", "engine": f"host/1/{worker}"}
    r.set(job_id, json.dumps(record), ex=60)
    r.rpush(f"moi:claimed:{worker}", job_id + "payload")
    r.rpush(f"moi:queue:{context}", "a payload")
    r.sadd(f"moi:workers:{context}", worker)
    r.sadd("moi:contexts", context)  # whose ipcontroller-client.json went with its controller
    try:
        assert "died while it ran this job" in moi.wait(job_id, DEADLINE)["result"]
        until(lambda: not r.exists(f"moi:workers:{context}", f"moi:claimed:{worker}"), "its worker is forgotten")
        assert context not in caplog.text, "what waits there may be another host's"
    finally:
        r.srem("moi:contexts", context)
        r.delete(f"moi:queue:{context}")
        moi.ctxs.pop(context, None)


@pytest.mark.slow
def test_planted_workers_hold_up_a_queue_no_longer_than_dead_ones(ctx, cluster, group, r):
    until(lambda: not r.keys("moi:worker*"), "workers have left")
    planted = [uuid.uuid4().hex[:12] for _ in range(2 * len(cluster.client.ids))]
    for name in planted:
        r.sadd("moi:workers:default", name)
        r.set(f"moi:worker:{name}", "x", **({"ex": 10_000} if name in planted[::2] else {}))  # no lease is like that
    assert moi.wait(submit(ctx, group, "n", None, abs, -1), 20)["result"] == 1
    until(lambda: not r.exists(*(f"moi:worker:{name}" for name in planted)), "they are thrown out")


def test_a_redis_that_moi_cannot_use_is_named_with_what_to_do(redis_url):
    assert "sock?*** is none that moi can use (DB index is out of range): set MOI_REDIS_URL" in program("""
        import moi
        try:
            moi.Group("g").jobs()
        except moi.RedisNotFound as error:
            print(error)
    """, MOI_REDIS_URL=redis_url + "?db=99")


def test_neither_settings_nor_errors_show_a_password(monkeypatch):
    url = "redis+sentinel://:geheim%2F1@127.0.0.1:1/svc?sentinel_password=geheim+2"
    with monkeypatch.context() as patch:
        patch.setattr(moi, "_settings", moi._Settings(redis_url=url, secret="geheim 3").check())
        assert "geheim" not in repr(moi.settings())
        assert moi._words("AUTH 'geheim/1' geheim%2F1 'geheim 2'") == "AUTH '***' *** '***'"
        patch.setattr(moi, "_settings", moi._Settings(redis_url="redis://:geheimes-w%C3%B6rtchen@h").check())
        assert moi._words("geheimes-wörtchen".encode(), repr) == "b'***'"
        patch.setattr(moi, "_settings", moi._Settings(redis_url=url, secret="geheim 3").check())
        with pytest.raises(redis.ResponseError, match=r"you said AUTH \*\*\*$") as caught, moi._reaching_redis():
            raise redis.ResponseError("you said AUTH geheim/1")  # as a proxy may
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
        cut = redis.ResponseError("unknown command 'AUTH', with args beginning with: 'gehe")
        assert moi._words(cut) == "unknown command 'AUTH', with args beginning with: ***"
        patch.setattr(moi, "_settings", moi._Settings(redis_url="redis://:ge%5C%27%22%0A%80heim@h").check())
        shown = {"password": "ge\\'\"\n\ufffdheim"}
        assert {moi._words(shown, say) for say in (repr, json.dumps)} == {"{'password': '***'}", '{"password": "***"}'}
        assert "heim" not in moi._without_password("redis://h?password=ge&heim")
    for bad in ("redis://:geheim\u2100@h:1", "redis://:geheim\uff20h:1", "redis://:geheim[@h",
                f"redis://:geheim@{'h' * 70}:1", "unix://:ge/geheim@/tmp/redis.sock", "unix://geheim#@/tmp/redis.sock"):
        with pytest.raises(ValueError, match="as %XX") as caught:
            moi._Settings(redis_url=bad).check()
        assert "geheim" not in str(caught.value)
    for good in "unix:///tmp/a@b/redis.sock", "redis+sentinel://u:geheim@h:1,[::1]:2,h3:3/svc", "rediss://[::1]:1/0":
        monkeypatch.setattr(moi, "_settings", moi._Settings(redis_url=good).check())
        assert moi._words("a geheim") == ("a ***" if "geheim" in good else "a geheim")
    for bad in ("redis://localhost:geheim", "redis://localhost/0?Password=geheim", "redis://localhost/0?passwd=geheim"):
        with pytest.raises(ValueError) as caught:
            moi._connect(bad, 2)
        assert "geheim" not in str(caught.value) and "redis-py cannot read it" in str(caught.value)


def test_a_submit_with_a_wrong_argument_does_not_even_meet_the_controller(cluster, r, monkeypatch):
    monkeypatch.setattr(moi, "ctxs", {})
    monkeypatch.setattr(moi, "_connection_file", lambda profile: Path(cluster.file))
    for group, name, func in ("moi:bad", "n", abs), ("g", 3, abs), ("g", "n", 3):
        with pytest.raises((TypeError, ValueError)):
            moi.submit("never-met", group, name, None, func)
    assert not r.exists("moi:key:never-met")


def test_a_submit_that_redis_refuses_leaves_no_long_arguments_behind(ctx, r, group):
    r.set(f"{group}:jobs", "something else", ex=60)
    before = r.keys("moi:buffers:*")
    with pytest.raises(moi.MoiError, match="another program has put something else"):
        moi.submit(ctx, group, "n", None, len, b"x" * 1_000_000)
    assert r.keys("moi:buffers:*") == before


def test_what_cannot_be_sent_raises_and_leaves_nothing_behind(ctx, group, r):
    lock = threading.Lock()
    before = lasting(r)
    for bad in (lambda: lock, threading.Lock().acquire):
        with pytest.raises(moi.NotSendable, match="cannot be sent.*inside the function"):
            submit(ctx, group, "n", None, bad)
    with pytest.raises(moi.NotSendable):
        submit(ctx, group, "n", None, abs, lock)
    assert lasting(r) <= before


@pytest.mark.parametrize("args, error, said", [
    (("default", None, "n", None, abs), TypeError, "group is None"),
    (("default", 3, "n", None, abs), TypeError, "group is 3"),
    (("default", "", "n", None, abs), ValueError, "group is ''"),
    (("default", "moi:queue:default", "n", None, abs), ValueError, "moi:"),
    (("default", str(uuid.uuid4()), "n", None, abs), ValueError, "no job's ID"),
    (("default", "g", 5, None, abs), TypeError, "name is 5"),
    (("default", "g", "n", 5, abs), TypeError, "handler is 5"),
    (("default", "g", "n", None, 5), TypeError, "5 is neither a function nor a command"),
    (("default", "g", "n", None, ""), TypeError, "command is"),
    (("default", "g", "n", None, "ls", 5), TypeError, "command is"),
    (("default", "g", "n", None, asyncio.sleep), TypeError, "coroutine"),
    ((5, "g", "n", None, abs), ValueError, "context is 5"),
    (("a/b", "g", "n", None, abs), ValueError, "context is 'a/b'"),
    (("nowhere", "g", "n", None, abs), moi.ClusterNotFound, "ipcluster start --profile=nowhere"),
])
def test_bad_arguments_raise_with_the_value_and_leave_nothing_behind(ctx, r, args, error, said):
    before = lasting(r)
    with pytest.raises(error, match=said):
        moi.submit(*args)
    assert lasting(r) <= before and not moi.ctxs.keys() & {"nowhere", "a/b"}


@pytest.mark.parametrize("call, error, said", [
    (lambda: moi.wait("nonesuch"), moi.UnknownJob, "'nonesuch'"), (lambda: moi.wait(None), moi.UnknownJob, "None"),
    (lambda: moi.wait("x", "soon"), ValueError, "timeout is 'soon'"),
    (lambda: moi.wait("x", math.nan), ValueError, "timeout is nan"),
    (lambda: moi.wait("x", -10 ** 400), ValueError, "timeout is -1000"),
    (lambda: moi.cancel("nonesuch"), moi.UnknownJob, "'nonesuch'"), (lambda: moi.cancel("*"), moi.UnknownJob, "'\\*'"),
    (lambda: moi.cancel("moi:queue:default"), moi.UnknownJob, "moi:queue:default"),
    (lambda: moi.Group(None), TypeError, "group is None"),
    (lambda: moi.Group({"id": 3}), TypeError, "group is {'id': 3}"),
    (lambda: moi.Group("g" * 513), ValueError, "512 characters"),
    (lambda: moi.Context("x", job_timeout=0), ValueError, "job_timeout is 0"),
    (lambda: moi.Context("x", job_timeout="5"), ValueError, "job_timeout is '5'"),
    (lambda: moi.system_call(5), TypeError, "command is .5"), (lambda: moi.system_call("a\0"), TypeError, "NUL"),
    (lambda: moi.wait("\ud800"), moi.UnknownJob, "ud800"), (lambda: moi.wait("x", 10 ** 400), ValueError, "below 1e9"),
    (lambda: moi.Context("x", job_timeout=10 ** 400), ValueError, "job_timeout is 1000"),
    (lambda: moi.Context("\ud800"), ValueError, "ud800"),
    (lambda: moi.cancel("\ud800"), moi.UnknownJob, "ud800"), (lambda: moi.Group(b"\xff"), ValueError, "group is"),
    (lambda: moi.Group("g").add(["hello"]), ValueError, "hello.* no job IDs"),
    (lambda: moi.Context(None), ValueError, "context is None"),
    (lambda: moi.configure(linger=3), moi.MoiError, "linger.* after the first use"),
    (lambda: moi.system_call("/nonesuch", "x"), OSError, "/nonesuch"),
    (lambda: moi.system_call("ls", "\ud800"), TypeError, "lone surrogates"),
    (lambda: moi.Context("x" * 70_000), ValueError, "context is 'xxx.*: give"),
    (lambda: moi.wait("x", "s" * 70_000), ValueError, "timeout is 'sss.*: give"),
    *((lambda call=call: call(Sulky()), error, "Sulky, whose repr raised RuntimeError") for call, error in (
        (moi.Context, ValueError), (lambda sulky: moi.Context("x", sulky), ValueError), (moi.Group, TypeError),
        (lambda sulky: moi.Context("x", None, sulky), TypeError), (lambda sulky: moi.wait("x", sulky), ValueError),
        (moi.wait, moi.UnknownJob), (moi.cancel, moi.UnknownJob),
        (lambda sulky: list(moi.StatusUpdate(print).track([], "", sulky)), ValueError))),
    (lambda: moi.submit("default", "g", "n", None, abs, Sulky()), moi.NotSendable, "Sulks, whose str raised RuntimeE"),
])
def test_every_call_says_which_of_its_arguments_is_bad_and_what_to_give(ctx, r, call, error, said):
    before = lasting(r)
    with pytest.raises(error, match=said) as caught:
        call()
    assert len(str(caught.value)) < 1000 and lasting(r) <= before and "x" not in moi.ctxs


def test_a_text_is_a_line_for_the_shell(run):
    record = run("echo $((1 + 2)); echo oops >&2")
    assert record["result"] == ["3\n", "oops\n", 0] and sorted(record["output"].split()) == ["3", "oops"]


def test_a_text_with_arguments_never_meets_a_shell(run):
    assert run("echo", "$(id); `id` > x", "'two  words'")["result"] == ["$(id); `id` > x 'two  words'\n", "", 0]


def test_a_program_whose_name_looks_like_an_option_is_run_and_no_argument_meets_a_shell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-d").mkdir()
    (tmp_path / "-d" / "prog").write_text("#!/bin/sh\nprintf '%s|' \"$@\"")
    (tmp_path / "-d" / "prog").chmod(0o755)
    args = ["", "--", "-c", "$(id)", "a\nb", "*", "'", "; id"]
    assert moi.system_call("-d/prog", *args) == ["|".join(args) + "|", "", 0]


@pytest.mark.parametrize("command, said", [
    (["exit 3"], "exit status 3"), (["echo sorry >&2; kill -9 $$"], "signal 9 (Killed)"),
    (["ls", "/no/such", "$(a\nb)"], "exit status 2: ls /no/such '$(a b)'"),
    (["no-such-program", "x"], "there is no program 'no-such-program'")])
def test_a_command_that_fails_fails_its_job_and_says_how_in_the_last_line(run, command, said):
    record = run(*command)
    assert record["status"] == "Failed" and said in record["result"].splitlines()[-1]
    assert ("stderr:\nsorry\n" in record["result"]) == ("sorry" in command[0]) and "stdout:" not in record["result"]


def test_a_command_s_result_keeps_the_last_mib_of_each_stream_and_says_what_was_cut(run):
    out, err, code = run("head -c 3000000 /dev/zero | tr '\\0' x; echo end")["result"]
    assert code == 0 and err == "" and out.startswith("[1951428 bytes before this were cut]\nxxx")
    assert out.endswith("xend\n") and len(out) == 2 ** 20 + len("[1951428 bytes before this were cut]\n")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["print", "descriptor", "command"])
def test_a_job_that_prints_1_gb_grows_neither_web_server_nor_engine(run, connect, group, what):
    def chatty(gigabyte):
        import os
        from pathlib import Path

        def rss():
            return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        def command(megabytes):
            import moi
            return moi.system_call("sh", "-c", f"yes 0123456789abcde | head -c {megabytes}000000; echo the end")

        write = {"print": lambda n: [print("0123456789abcde\n" * 62_500, end="") for _ in range(n)],
                 "descriptor": lambda n: [os.write(1, b"0123456789abcde\n" * 62_500) for _ in range(n)],
                 "command": command}[gigabyte]
        write(20)
        before = rss()
        result = write(1000)
        return {"grown": rss() - before, "result": result if gigabyte == "command" else None}
    client = connect(group)
    client.send(get=[])
    client.read()
    run(chatty, what)
    before = rss()
    record = run(chatty, what)
    assert record["status"] == "Success", record["result"]
    assert record["result"]["grown"] < 16 << 20 and rss() - before < 16 * 1024
    if what == "command":
        out, err, code = record["result"]["result"]
        assert out.startswith("[998951432 bytes before this were cut]\n") and out.endswith("\nthe end\n")
        assert len(out) == len("[998951432 bytes before this were cut]\n") + (1 << 20) and (err, code) == ("", 0)
    elif what == "print":
        assert len(record["output"]) == 16 * 1024


def test_system_call_works_outside_a_job_as_well():
    assert moi.system_call("echo a; exit 2") == ["a\n", "", 2] and moi.system_call("echo", "$HOME")[0] == "$HOME\n"


def test_a_job_can_submit_jobs(run, group):
    def parent(group):
        import moi
        return moi.submit("default", group, "child", None, abs, -7)
    record = run(parent, group)
    # The engine's own IPython folder is this one's; the child finds the same cluster only where a profile says so.
    assert record["status"] in moi.ENDED and ("ClusterNotFound" in record["result"] or record["status"] == "Success")


# ---------------------------------------------------------------------------------------------------
# Submit, wait, cancel
# ---------------------------------------------------------------------------------------------------

def test_submit_is_one_round_trip(ctx, run, group, r):
    run(abs, 1)
    before = r.info("commandstats")
    job_id = submit(ctx, group, "n", None, abs, 1)
    monitor = r.info("commandstats")
    moi.wait(job_id, DEADLINE)
    calls = {name: stats["calls"] - before.get(name, {"calls": 0})["calls"] for name, stats in monitor.items()}
    # within the submit script; the worker and the watcher may have spoken meanwhile, but never through RPUSH
    assert calls["cmdstat_rpush"] == 1 and calls["cmdstat_evalsha"] <= 3


def test_a_short_job_costs_two_round_trips_and_less_than_4_kb(ctx, group, r):
    """One to submit it, one to end it and begin the next; what else is asked comes once a second, not once a job."""
    def counted():
        return r.info("commandstats")["cmdstat_evalsha"]["calls"], r.info("stats")["total_net_input_bytes"], sum(
            stats["calls"] for name, stats in r.info("commandstats").items() if name.partition("_")[2] in (
                "blmove", "multi", "exec", "mget", "subscribe", "smembers"))
    for job_id in [submit(ctx, group, "n", None, time.sleep, 1) for _ in range(2)]:
        running(job_id)
    before = counted()  # with both engines at work, so that the others wait in the queue
    jobs = [submit(ctx, group, "n", None, abs, i) for i in range(500)]
    until(lambda: not r.exists("moi:queue:default"), "all have run")
    scripts, size, others = (now - then for now, then in zip(counted(), before))
    assert scripts < 2 * 500 + 50 and others < 100 and size < 500 * 4096
    assert moi.wait(jobs[-1], DEADLINE)["result"] == 499


@pytest.mark.slow
def test_however_soon_records_expire_a_list_lives_as_long_as_what_is_queued_and_runs(
        ctx, group, connect, r, monkeypatch):
    workers_leave()
    monkeypatch.setattr(moi.settings(), "job_ttl", 60)

    def job(status_update):
        import ctypes
        status_update("at work")
        return ctypes.PyDLL(None).sleep(2)  # holds the interpreter's lock, so that nothing is renewed
    client = connect(group)
    r.expire("moi:contexts", 10)
    job_id = submit(ctx, group, "n", None, job)
    until(lambda: (moi.job_info(job_id) or {}).get("status") == "at work", "it runs")
    # By these a web server that comes later finds a worker that has died.
    assert min(map(r.ttl, (job_id, "moi:workers:default"))) > 60
    until(lambda: r.ttl("moi:contexts") > 60, "the watcher notes which contexts are used")
    moi.Group(group).add([job_id])
    assert client.ended(job_id) and r.ttl(f"{group}:jobs") > moi.QUEUE_TTL
    assert 50 < r.ttl(job_id) <= 60


def test_every_key_expires(ctx, group, r, run):
    run(abs, 1)
    job_id = submit(ctx, group, "n", None, time.sleep, 30)
    running(job_id)
    until(lambda: r.exists("moi:workers:default"), "its worker, which is an earlier test's, has signed on again")
    submit(ctx, group, "n", None, abs, 1)
    moi.Group(group).add([job_id])
    try:
        lives = {key: r.ttl(key) for key in r.keys("*")}
        assert {"moi:workers:default", "moi:contexts", job_id, f"{group}:jobs"} <= set(lives)
        assert not [key for key, ttl in lives.items() if ttl == -1]
    finally:
        moi.cancel(job_id)
    moi.wait(job_id, DEADLINE)


def test_wait_says_when_the_time_is_over_and_what_is_unknown(ctx, group):
    job_id = submit(ctx, group, "n", None, time.sleep, 30)
    with pytest.raises(TimeoutError, match=job_id):
        moi.wait(job_id, 0.2)
    moi.cancel(job_id)
    moi.wait(job_id, DEADLINE)
    for use in (moi.wait, moi.cancel):
        for unknown in ("nonesuch", None):
            with pytest.raises(moi.UnknownJob, match=f"no job {unknown!r}") as caught:
                use(unknown)
            assert caught.value.job_id == unknown
            assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # between processes
    assert moi.job_info("nonesuch") is None


@pytest.mark.parametrize("key", ["session:ann", "x:jobs", "********-****-****-****-************", f"{uuid.uuid4()}\n"])
def test_a_visitor_s_text_in_place_of_an_id_names_no_other_key_of_redis(key, redis_url, moi_url, monkeypatch):
    with monkeypatch.context() as patch, redis.Redis.from_url(redis_url) as raw:
        patch.setitem(moi._clients, 2, moi._connect(redis_url, 2))  # one that may read and write all
        moi._clients[2].moi_spare, moi._clients[2].moi_spare_listeners = moi.deque(), moi.deque()
        raw.set(key, before := b'{"status": "Queued", "token": "secret"}', ex=60)
        assert moi.job_info(key) is None
        for use in moi.wait, moi.cancel:
            with pytest.raises(moi.UnknownJob, match="no job"):
                use(key)
        assert raw.get(key) == before and not raw.exists(f"moi:cancel:{key}")


def test_submit_and_wait_open_no_connection_each_time(run, r):
    run(abs, 1)
    before = r.info("stats")["total_connections_received"]
    for i in range(20):
        run(abs, i)
    assert r.info("stats")["total_connections_received"] - before < 5  # a worker may have begun meanwhile


def test_a_cancelled_queued_job_never_starts(ctx, cluster, group, tmp_path):
    blockers = occupy(ctx, cluster, group)
    queued = submit(ctx, group, "never", None, "touch", str(tmp_path / "started"))
    assert moi.cancel(uuid.UUID(queued)) is True
    assert moi.job_info(queued)["result"] == "Cancelled before it started."
    for job_id in blockers:
        assert moi.cancel(job_id) is True
    for job_id in blockers:
        assert moi.wait(job_id, DEADLINE)["result"] == "Cancelled while it was running."
    moi.wait(submit(ctx, group, "after", None, abs, 1), DEADLINE)
    assert not (tmp_path / "started").exists() and moi.cancel(queued) is False


def sleeper():
    import time
    time.sleep(60)


def spinner():
    while True:
        pass


def test_a_cancelled_function_is_interrupted_and_the_engine_stays_healthy(ctx, group):
    for func in (sleeper, spinner):
        job_id = submit(ctx, group, "endless", None, func)
        engine = running(job_id)["engine"]
        assert moi.cancel(job_id) is True
        record = moi.wait(job_id, 5)
        assert record["status"] == "Failed" and record["result"] == "Cancelled while it was running."
        after = moi.wait(submit(ctx, group, "after", None, os.getpid), DEADLINE)
        assert after["status"] == "Success" and engine


def test_a_cancelled_command_ends_with_its_children(ctx, group, tmp_path):
    pids = tmp_path / "pids"
    job_id = submit(ctx, group, "family", None,
                    f"sleep 60 & echo $! > {pids}; (trap '' TERM; sleep 60 & echo $! >> {pids}; wait)")
    until(lambda: pids.exists() and len(pids.read_text().split()) == 2, "the children start")
    assert moi.cancel(job_id) is True
    assert moi.wait(job_id, 10)["result"] == "Cancelled while it was running."
    until(lambda: not any(alive(pid) for pid in pids.read_text().split()), "no child is left", 5)


@pytest.mark.parametrize("job", [[sleeper], [spinner], pytest.param(
    ["trap '' TERM; sleep 60"], marks=pytest.mark.slow)], ids=["sleeps", "spins", "ignores"])
def test_a_context_s_time_limit_ends_a_job(cluster, group, job, ctx):
    limited = moi.Context("limited", job_timeout=1, connection_file=cluster.file)
    record = moi.wait(submit(limited, group, "too long", None, *job), DEADLINE)
    assert record["status"] == "Failed" and "time limit of its context, 1 s" in record["result"]


@pytest.mark.slow
def test_a_time_limit_is_kept_while_redis_hangs(cluster, group, ctx, redis_url):
    limited = moi.Context("limited", job_timeout=1, connection_file=cluster.file)
    job_id = submit(limited, group, "too long", None, time.sleep, 10)
    running(job_id)
    with hung(redis_url):
        time.sleep(12)
    assert "time limit of its context, 1 s" in moi.wait(job_id, DEADLINE)["result"]


@pytest.mark.slow
def test_two_contexts_of_one_cluster_each_keep_their_own_time_limit(cluster, group):
    fast = moi.Context("limits", job_timeout=0.5, connection_file=cluster.file)
    slow = moi.Context("limits", connection_file=cluster.file)
    jobs = [submit(ctx, group, "n", None, time.sleep, 2) for ctx in (fast, slow, "limits")]
    assert [moi.wait(job_id, DEADLINE)["status"] for job_id in jobs] == ["Failed", "Success", "Success"]
    moi.ctxs.pop("limits").close()


# ---------------------------------------------------------------------------------------------------
# What dies
# ---------------------------------------------------------------------------------------------------

def suicidal(key, url):
    import os
    import redis
    redis.Redis.from_url(url).incr(key)
    os._exit(1)


def counted(key, url):
    import redis
    return redis.Redis.from_url(url).incr(key)


def test_a_killed_engine_s_job_fails_within_10_s_and_the_others_run_once_each(ctx, cluster, group, r, redis_url):
    cluster.ensure(2)
    key = f"{group}:runs"
    dies = submit(ctx, group, "dies", None, suicidal, key + ":dies", redis_url)
    others = [submit(ctx, group, "lives", None, counted, f"{key}:{i}", redis_url) for i in range(50)]
    began = time.monotonic()
    record = moi.wait(dies, DEADLINE)
    assert time.monotonic() - began < 10
    assert record["status"] == "Failed" and re.match(r"EngineError: the engine on .+ died", record["result"])
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in others] == [1] * 50
    assert r.get(key + ":dies") == "1"
    r.delete(*r.keys(f"{key}:*"))


def idle_workers(r, cluster):
    """Have a worker wait for jobs on each engine; return their process IDs by name."""
    def waiting():
        found = {name: r.get(f"moi:worker:{name}") for name in r.smembers("moi:workers:default")}
        return len(found) == len(cluster.client.ids) and all(found.values()) and found
    jobs = [moi.submit("default", "idle", "n", None, time.sleep, 0.2) for _ in range(2 * len(cluster.client.ids))]
    for job_id in jobs:
        moi.wait(job_id, DEADLINE)
    return {name: int(json.loads(label).split("/")[1]) for name, label in until(waiting, "each has a worker").items()}


@pytest.mark.slow
def test_a_job_that_a_dying_engine_had_claimed_and_not_started_runs_elsewhere_once(ctx, cluster, group, r, redis_url):
    """Frozen while it waits, a worker is given the next job by Redis and cannot start it."""
    cluster.ensure(2)
    claimed = []
    while not claimed:  # Redis waits for half a second on behalf of each: that may be over before the job is there
        r.delete(f"{group}:early")
        pids = idle_workers(r, cluster)
        for pid in pids.values():
            os.kill(pid, signal.SIGSTOP)
        try:
            job_id = submit(ctx, group, "n", None, counted, f"{group}:early", redis_url)
            claimed = [name for name in pids if r.llen(f"moi:claimed:{name}")]
            if claimed:
                assert moi.job_info(job_id)["status"] == "Queued"
                os.kill(pids[claimed[0]], signal.SIGKILL)
        finally:
            for pid in pids.values():
                os.kill(pid, signal.SIGCONT)
        record = moi.wait(job_id, DEADLINE)
    assert record["result"] == 1 and claimed[0] not in record["engine"]
    r.delete(f"{group}:early")


@pytest.mark.slow
def test_an_engine_that_dies_between_a_job_s_end_and_its_record_fails_that_job(ctx, cluster, group):
    def job():
        class Deadly:
            def tolist(self):  # called for the record, when the function has returned
                import os
                import signal
                os.kill(os.getpid(), signal.SIGKILL)
        return Deadly()
    cluster.ensure(2)
    began = time.monotonic()
    record = moi.wait(submit(ctx, group, "n", None, job), DEADLINE)
    assert "died while it ran this job" in record["result"] and time.monotonic() - began < 10


@pytest.mark.parametrize("words, how", [
    (["timeout", "300", "sleep", "61.5"], "cancel"), (["timeout 300 sleep 61.5 | cat"], "cancel"),
    pytest.param(["timeout 300 sleep 61.5 & sleep 61.5"], "kill", marks=pytest.mark.slow)])
def test_a_command_that_makes_a_process_group_of_its_own_ends_with_its_job(ctx, cluster, group, words, how):
    def left():
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if command(pid) == b"sleep\x0061.5\0"]
    cluster.ensure(2)
    job_id = submit(ctx, group, "n", None, *words)
    until(left, "it runs")
    if how == "cancel":
        moi.cancel(job_id)
    else:
        os.kill(int(running(job_id)["engine"].split("/")[1]), signal.SIGKILL)
    assert moi.wait(job_id, 10)["status"] == "Failed"
    until(lambda: not left(), "no process of the command is left", 2)


def test_no_process_hides_from_its_command_s_end_by_a_line_break_in_its_name(ctx, cluster, group, tmp_path):
    def left():
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if b"\0" b"62.5\0" in command(pid)]
    for name in "timeout", "sleep":
        (tmp_path / f"{name}\n) a b 0 0").symlink_to(shutil.which(name))
    cluster.ensure(2)
    timeout, sleep = (f"'{tmp_path}/{name}\n) a b 0 0'" for name in ("timeout", "sleep"))
    job_id = submit(ctx, group, "n", None, f"{timeout} 300 {sleep} 62.5 | cat")
    until(lambda: len(left()) == 2, "it runs")
    moi.cancel(job_id)
    assert moi.wait(job_id, 10)["status"] == "Failed"
    until(lambda: not left(), "no process of the command is left", 2)


@pytest.mark.slow
def test_a_first_job_that_holds_the_interpreter_s_lock_is_not_taken_for_dead(ctx, group, r):
    def job():
        import ctypes
        return ctypes.PyDLL(None).sleep(12)
    workers_leave()
    records = [moi.wait(i, DEADLINE) for i in [submit(ctx, group, "n", None, job) for _ in range(2)]]
    assert [record["result"] for record in records] == [0, 0], records


@pytest.mark.slow
def test_a_job_cannot_block_or_time_the_signals_of_those_after_it(ctx, cluster, group, run, r):
    def spoils():
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        signal.signal(signal.SIGALRM, lambda *args: 1 / 0)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        signal.setitimer(signal.ITIMER_PROF, 0.3)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in range(2 * len(cluster.client.ids)):
        assert run(spoils)["status"] == "Success"
        assert "exit status 3" in run("exit 3")["result"]
    workers_leave()
    jobs = [submit(ctx, group, "n", None, "sleep 1; exit 3") for _ in range(2)]
    assert ["exit status 3" in moi.wait(job_id, DEADLINE)["result"] for job_id in jobs] == [True, True]
    jobs = [submit(ctx, group, "n", None, *work) for work in [(time.sleep, 1), (sum, range(50_000_000))] * 2]
    assert [moi.wait(job_id, DEADLINE)["status"] for job_id in jobs] == ["Success"] * 4
    job_id = submit(ctx, group, "endless", None, sleeper)
    running(job_id)
    moi.cancel(job_id)
    assert moi.wait(job_id, 5)["result"] == "Cancelled while it was running."


def test_a_status_update_in_a_forked_child_hangs_nothing(ctx, group, run):
    def job(status_update):
        import multiprocessing
        for i in range(50):
            child = multiprocessing.get_context("fork").Process(target=status_update, args=(f"child {i}",))
            child.start()
            child.join()
        return "done"
    assert run(job)["result"] == "done"


def test_a_command_dies_with_its_process_at_whatever_moment_that_is_killed(tmp_path):
    assert program("""
        import os, random, signal, sys, time, warnings, moi
        warnings.simplefilter("ignore")  # Python 3.12 and later warn of every fork
        for i in range(60):
            if (child := os.fork()) == 0:
                moi.system_call(f"echo $$ >> {sys.argv[1]}/pids; sleep 60 & wait")
                os._exit(0)
            time.sleep(random.random() / 50)  # a fork needs a millisecond or two, a shell some more
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    """, str(tmp_path)) == ""
    pids = (tmp_path / "pids").read_text().split()
    assert len(pids) > 5
    until(lambda: not any(map(alive, pids)), "no command is left", 5)


@pytest.mark.slow
def test_jobs_without_an_engine_stay_queued_with_one_warning_and_run_when_one_joins(folder, group, caplog):
    """Twice: where there never was an engine, and where the last one has been killed."""
    lonely = Cluster(folder / "lonely")
    try:
        context = moi.Context("lonely", connection_file=lonely.file)
        for the_last_one_dies in (True, False):
            caplog.clear()
            context._no_engine_since = -math.inf  # the grace of a cluster that has just started is over
            jobs = [submit(context, group, "n", None, abs, -i) for i in range(3)]
            until(lambda: "no engine is registered" in caplog.text, "the warning")
            assert {moi.job_info(job_id)["status"] for job_id in jobs} == {"Queued"}
            lonely.ensure(1)
            assert [moi.wait(job_id, DEADLINE)["result"] for job_id in jobs] == [0, 1, 2]
            assert caplog.text.count("no engine is registered") == 1
            if the_last_one_dies:
                last = submit(context, group, "n", None, sleeper)
                os.kill(int(running(last)["engine"].split("/")[1]), signal.SIGKILL)
                assert "died while it ran this job" in moi.wait(last, 10)["result"]
                until(lambda: not lonely.client.ids, "the death is noticed")
    finally:
        moi.ctxs.pop("lonely").close()
        lonely.stop()


@pytest.mark.slow
def test_an_engine_that_is_shut_down_fails_its_job_at_once_and_says_so(folder, group):
    short = Cluster(folder / "short", n=1)
    try:
        context = moi.Context("short", connection_file=short.file)
        job_id = submit(context, group, "n", None, sleeper)
        running(job_id)
    finally:
        short.stop()
    assert moi.wait(job_id, 5)["result"] == "EngineError: the engine was shut down while it ran this job."
    moi.ctxs.pop("short").close()


def test_a_script_that_submits_and_ends_at_once_has_its_jobs_run(ctx, cluster, group, moi_url):
    workers_leave()
    job_ids = program("""
        import sys, moi
        ctx = moi.Context("default", connection_file=sys.argv[1])
        print(*[moi.submit(ctx, sys.argv[2], "n", None, abs, -i) for i in range(20)])
    """, cluster.file, group, MOI_REDIS_URL=moi_url)
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in job_ids.split()] == list(range(20))


def test_a_result_that_redis_has_no_room_for_waits_until_it_has(ctx, group, r):
    def job():
        import time
        time.sleep(1)
        return 7
    job_id = submit(ctx, group, "n", None, job)
    running(job_id)
    with configured(r, "maxmemory", "1"):
        time.sleep(2)  # beyond the job's end, which cannot be seen from here
        assert moi.job_info(job_id)["status"] == "Running"
    assert moi.wait(job_id, DEADLINE)["result"] == 7


@pytest.mark.slow
def test_engines_that_cannot_reach_redis_are_complained_of_once_and_their_jobs_stay_queued(
        folder, group, monkeypatch, caplog):
    monkeypatch.setenv("MOI_REDIS_URL", "redis://127.0.0.1:1")  # an engine's own wins over what it is sent
    cut_off = Cluster(folder / "cut_off", n=1)
    monkeypatch.delenv("MOI_REDIS_URL")
    try:
        job_id = submit(moi.Context("cut_off", connection_file=cut_off.file), group, "a job", None, abs, -1)
        until(lambda: "a worker could not work" in caplog.text, "the warning")
        assert "Engines need redis-py, Python 3." in caplog.text and moi.job_info(job_id)["status"] == "Queued"
        assert moi.cancel(job_id) is True
    finally:
        cut_off.stop()
        moi.ctxs.pop("cut_off").close()


@pytest.mark.slow
def test_a_worker_whose_redis_has_gone_for_good_gives_its_engine_back(ctx, cluster, tmp_path):
    def free():
        status = cluster.client.queue_status()
        return not any(status[engine]["tasks"] + status[engine]["queue"] for engine in cluster.client.ids)
    until(free, "no worker is at work")
    with tempfile.TemporaryDirectory(prefix="moi-gone-") as folder, moi._private_redis(folder) as url:
        program("""
            import sys, moi
            moi.configure(linger=300)
            moi.Context("default", connection_file=sys.argv[1])
            print(moi.wait(moi.submit_nouser(abs, -5), 30)["result"])
        """, cluster.file, MOI_REDIS_URL=url)
        assert not free()
    until(free, "the engine is free again")


@pytest.mark.slow
def test_a_redis_that_may_drop_jobs_is_warned_of_once(moi_url, r):
    code = """
        import logging, moi
        logging.basicConfig()
        for _ in range(2):
            try:
                moi.wait("x")
            except moi.UnknownJob:
                moi._watcher.thread.join(0.5)  # it goes on, and has looked meanwhile
    """
    before = r.config_get("maxmemory*")
    assert "maxmemory" not in program(code, MOI_REDIS_URL=moi_url)
    try:
        r.config_set("maxmemory", "1gb")
        r.config_set("maxmemory-policy", "volatile-lru")
        assert program(code, MOI_REDIS_URL=moi_url).count("maxmemory-policy is volatile-lru; set it to noeviction") == 1
    finally:
        for name in "maxmemory", "maxmemory-policy":
            r.config_set(name, before[name])


def test_a_context_outlives_shutdown_and_fork(cluster, redis_url, moi_url, group):
    assert program("""
        import os, sys, warnings, moi
        warnings.simplefilter("ignore")  # Python 3.12 and later warn of every fork
        ctx = moi.Context("default", connection_file=sys.argv[1])
        print(moi.wait(moi.submit(ctx, sys.argv[2], "n", None, abs, -1), 30)["result"], flush=True)
        if (child := os.fork()) == 0:
            print(moi.wait(moi.submit(ctx, sys.argv[2], "n", None, abs, -2), 30)["result"], flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        moi.shutdown()
        moi.configure(redis_url=os.environ["MOI_REDIS_URL"])
        print(moi.wait(moi.submit(ctx, sys.argv[2], "n", None, abs, -3), 30)["result"])
    """, cluster.file, group, MOI_REDIS_URL=moi_url) == "1\n2\n3"


def test_a_job_claimed_twice_in_a_row_for_want_of_an_answer_is_not_lost(ctx, group, r):
    """A BLMOVE whose answer was lost has moved its item, and the next one moves another."""
    worker = moi._Worker.__new__(moi._Worker)
    worker.redis, worker.ttl, worker.label, worker.tail = moi._redis(), 60, '"here/1/w"', moi._Tail(10)
    worker.queue, worker.claimed = f"moi:queue:{group}", "moi:claimed:w"
    ids = [str(uuid.uuid4()) for _ in range(3)]
    for job_id in ids:
        record = dict.fromkeys(sorted(RECORD - {"id", "status"}))
        r.set(job_id, json.dumps({"id": job_id, "status": "Queued", **record, "group": group}), ex=60)
        r.rpush(worker.queue, job_id + "payload")
    for _ in range(2):
        r.blmove(worker.queue, worker.claimed, 1)
    done, order = None, []
    while claim := worker._next(done):
        record = json.loads(claim[1])
        assert claim == worker._next(None) == worker._next(None), "asked again, the answer is the same"
        assert (record["status"], record["engine"]) == ("Running", "here/1/w")
        order.append(record["id"])
        done = record["id"], json.dumps({**record, "status": "Success"})
    assert order == ids and not r.exists(worker.queue, worker.claimed)
    assert {moi.job_info(job_id)["status"] for job_id in ids} == {"Success"}


def test_an_ended_record_is_final_whoever_writes_it_second(ctx, group, r, run):
    record = run(abs, 1)
    assert moi._script(moi._WRITE, [record["id"]], [60, moi._encode({**record, "status": "Failed"})]) == 0
    assert moi.job_info(record["id"]) == record


def test_a_payload_that_is_not_signed_never_reaches_an_unpickler(ctx, cluster, group, run, r, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/pwned",)
    import pickle
    record = {**run(abs, 1), "id": str(uuid.uuid4()), "status": "Queued", "result": None, "engine": None}
    r.set(record["id"], json.dumps(record), ex=60)
    r.rpush("moi:queue:default", record["id"].encode() + b"\0" * 32 + pickle.dumps(Evil()))
    r.rpush("moi:queue:default", b"garbage")
    assert "not signed" in moi.wait(record["id"], DEADLINE)["result"]
    assert run(abs, -5)["result"] == 5 and not (tmp_path / "pwned").exists()
    log = "".join(path.read_text() for path in (cluster.folder / "profile" / "log").glob("*engine*"))
    assert f"not signed with a key of this cluster: job {record['id']}" in log and "without a record" in log


@pytest.mark.parametrize("odd", ['NaN', '1e999', '"\\ud83d"', '{"a": "\\udfff"}'])
def test_a_record_in_which_another_program_wrote_what_is_no_strict_json_stops_nothing(ctx, group, run, r, connect, odd):
    blockers = [submit(ctx, group, "blocker", None, sleeper) for _ in range(2)]
    for job_id in blockers:
        running(job_id)
    client = connect(group)
    ids = [submit(ctx, group, "odd", None, abs, -i) for i in range(3)]
    for job_id in ids:
        r.set(job_id, r.get(job_id)[:-1] + f', "extra": {odd}}}', ex=60)
    client.send(get=[])
    client.until(lambda self: len(self.jobs) == 5, "the list")
    client.send(cancel=ids[:1])
    assert client.ended(ids[0])["result"] == "Cancelled before it started."
    for job_id in blockers:
        moi.cancel(job_id)
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in ids[1:]] == [1, 2]


def test_a_long_argument_arrives_whole_and_is_in_redis_only_while_the_job_is_queued(ctx, cluster, group, run, r):
    numpy = pytest.importorskip("numpy")

    def job(array, text):
        return [float(array.sum()), len(text)]
    array, text = numpy.ones((1000, 200)).T, "x" * 3_000_000
    assert run(job, array, text)["result"] == [200_000, 3_000_000] and not r.keys("moi:buffers:*")
    blockers = occupy(ctx, cluster, group)
    spoiled, cancelled, whole = (submit(ctx, group, "a job", None, job, array, text) for _ in range(3))
    assert len(r.keys("moi:buffers:*")) == 3 and r.ttl(f"moi:buffers:{whole}") > 0
    assert r.memory_usage("moi:queue:default") < 20_000
    r.lset(f"moi:buffers:{spoiled}", 0, "y" * 1_600_000)
    assert moi.cancel(cancelled) is True and not r.exists(f"moi:buffers:{cancelled}")
    for job_id in blockers:
        moi.cancel(job_id)
    assert "not signed" in moi.wait(spoiled, DEADLINE)["result"]
    assert moi.wait(whole, DEADLINE)["result"] == [200_000, 3_000_000] and not r.exists(f"moi:buffers:{whole}")
    r.delete(f"moi:buffers:{spoiled}")


def test_a_long_argument_whose_connection_is_cut_on_the_way_is_read_anew(folder, moi_url, r):
    def pass_on(source, sink, most=math.inf):
        with contextlib.suppress(OSError):
            while most > 0 and (data := source.recv(65536)):
                sink.sendall(data)
                most -= len(data)
            sink.shutdown(socket.SHUT_RDWR)

    def serve():
        for most in (1_000_000, math.inf):
            front, back = door.accept()[0], socket.socket(socket.AF_UNIX)
            with front, back:
                back.connect(r.connection_pool.connection_kwargs["path"])
                threading.Thread(target=pass_on, args=(front, back), daemon=True).start()
                pass_on(back, front, most)

    key, long = f"moi:buffers:{uuid.uuid4()}", [b"x" * 3_000_000, b"", b"\r\n"]
    r.rpush(key, *long)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / "cut.sock"))
        door.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        moi.shutdown()
        client = moi._clients[2] = moi._connect(moi_url.replace("redis.sock", "cut.sock"), 2)
        client.moi_spare = client.moi_spare_listeners = moi.deque()
        assert moi._quick("LRANGE", key, 0, -1, read=moi._straight) == long
        moi.shutdown()
        thread.join(DEADLINE)
    assert not thread.is_alive()
    r.delete(key)
    r.set(key, "no list")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        moi._quick("LRANGE", key, 0, -1, read=moi._straight)
    r.delete(key)


def test_nobody_can_change_in_a_payload_which_workers_are_to_run_it(ctx, cluster, group, r, redis_url):
    blockers = occupy(ctx, cluster, group)
    job_ids = [submit(ctx, group, "a job", None, abs, -1) for _ in range(3)]
    with redis.Redis.from_url(redis_url) as raw:
        for i, head in enumerate((b"l" + b"\0" * 8, b"-" + moi._cargo().version)):
            payload = raw.lindex("moi:queue:default", i)
            raw.lset("moi:queue:default", i, payload[:68] + head + payload[77:])
        raw.set(moi._version_key(b"\0" * 8), 1, ex=60)
    for job_id in blockers:
        moi.cancel(job_id)
    assert ["not signed" in str(moi.wait(job_id, DEADLINE)["result"]) for job_id in job_ids] == [True, True, False]
    r.delete(moi._version_key(b"\0" * 8))


def test_what_a_payload_calls_itself_is_a_job_s_id_or_it_is_dropped(ctx, group, run, r, redis_url):
    run(abs, 1)
    with redis.Redis.from_url(redis_url) as raw:
        for name in (b"\xff" * 8 + b"-aaaa-aaaa-aaaa-aaaaaaaaaaaa", b"moi:key:default".ljust(36)):
            raw.set(name, '{"status": "Queued", "engine": null, "date_start": null}', ex=60)
            raw.rpush("moi:queue:default", name + b"junk")
    assert [run(abs, -i)["result"] for i in range(4)] == [0, 1, 2, 3]
    assert not r.exists("moi:queue:default")


@pytest.mark.slow
@pytest.mark.parametrize("plant", [
    lambda r, group: r.set(f"{group}:jobs", "no set", ex=60), lambda r, group: r.sadd(f"{group}:jobs", b"\xff", "x"),
    lambda r, group: r.sadd("moi:workers:default", b"\xff")])
def test_a_key_of_the_wrong_kind_is_logged_once_and_silences_nobody_else(
        ctx, run, r, connect, caplog, group, plant, redis_url):
    with redis.Redis.from_url(redis_url) as raw:
        plant(raw, group)
        client, other = connect(group), connect(f"other of {group}")
        client.send(get=[])
        other.send(get=[])
        assert other.read() == {"add": []}
        job_id = submit(ctx, f"other of {group}", "n", None, abs, -1)
        assert other.ended(job_id)["result"] == 1
        time.sleep(3)  # long enough for a log that grows
        assert len(caplog.records) <= 2
        raw.delete(f"{group}:jobs")
        raw.srem("moi:workers:default", b"\xff")
    client.until(lambda self: True, "the answer")


def test_a_socket_that_asks_for_too_much_is_disconnected_and_holds_up_nobody(ctx, group, connect, server, run):
    jobs = [run(abs, i)["id"] for i in range(20)]
    client = connect(f"other of {group}")
    client.send(get=[])
    client.read()
    before = rss()
    with Raw(server, group) as raw:
        with contextlib.suppress(OSError):
            for i in range(5000):
                raw.say(json.dumps({"cancel": jobs * 20}).encode())
                if i % 20 == 0:
                    raw.say(b"x")
        began = time.monotonic()
        client.send(get=[])
        assert client.read() == {"add": []} and time.monotonic() - began < 2
        while (frame := raw.frame())[0] not in (8, None):
            pass
    assert frame[0] is None or int.from_bytes(frame[1][:2], "big") == 1008
    assert rss() - before < 48 * 1024


@pytest.mark.slow
def test_a_socket_that_asks_for_ids_that_nobody_has_and_does_not_read_is_disconnected(group, server):
    handler = Handler.opened
    with Raw(server, group) as slow:
        opened = until(lambda: [h for h in handler if h._group.name == group], "it is open")[0]
        before = rss()
        with contextlib.suppress(OSError):  # cut while we still send
            for i in range(3000):
                slow.say(json.dumps({"get": [f"{i}-{j}" for j in range(2000)]}).encode())
                until(lambda: not opened.relay.requests or opened.asked > moi.MAX_ASKED, "the relay has served it")
                if opened.asked > moi.MAX_ASKED:
                    break
        assert opened.asked > moi.MAX_ASKED and rss() - before < 32 * 1024


@pytest.mark.slow
def test_a_key_of_moi_s_own_that_another_program_has_put_there_stops_no_context(ctx, cluster, group, run, r, caplog):
    def spoil(*names):
        for name in names:
            r.delete(name)
            r.set(name, "x", ex=300)
    run(abs, 1)
    spoil("moi:groups", "moi:contexts")
    assert run(abs, -1)["result"] == 1
    r.delete("moi:groups")
    workers_leave()
    dead = [uuid.uuid4().hex[:12] for _ in cluster.client.ids]
    spoil(*(f"moi:claimed:{worker}" for worker in dead))
    r.sadd("moi:workers:default", *dead)
    assert run(abs, -2)["result"] == 2
    workers_leave()
    spoil("moi:workers:default")
    assert run(abs, -3)["result"] == 3
    for key in f"{group}:jobs", "moi:queue:default":
        spoil(key)
        before = lasting(r)
        with pytest.raises(moi.MoiError, match="another program has put something else under a key"):
            moi.submit(ctx, group, "n", None, abs, 1)
        assert lasting(r) <= before
        r.delete(key)
    assert run(abs, -4)["result"] == 4


def test_a_record_with_an_odd_group_or_engine_loses_neither_its_lease_nor_its_cancel(ctx, group, r):
    job_id = submit(ctx, group, "a job", None, time.sleep, 60)
    running(job_id)
    for worker in r.smembers("moi:workers:default"):
        odd = json.dumps({**moi.job_info(job_id), "group": "\ud800"})
    r.set(job_id, odd.replace("/" + moi.job_info(job_id)["engine"].rpartition("/")[2], "/\\ud800"), ex=300)
    assert moi.cancel(job_id) is True
    assert "Cancelled" in moi.wait(job_id, DEADLINE)["result"]


@pytest.mark.parametrize("spoiled", ['{"status": "Queued"', '{"status": "Queued"}', '["status": "Queued"]', "nonsense",
                                     '{"status": 3}', ""])
def test_a_broken_record_stops_no_worker(ctx, group, run, r, spoiled):
    run(abs, 1)
    blockers = [submit(ctx, group, "blocker", None, sleeper) for _ in range(2)]
    for job_id in blockers:
        running(job_id)
    job_id = submit(ctx, group, "spoiled", None, abs, 1)
    r.set(job_id, spoiled, ex=60)
    listed = submit(ctx, group, "of another type", None, abs, 1)
    r.delete(listed)
    r.rpush(listed, "x")
    r.expire(listed, 60)
    for blocker in blockers:
        moi.cancel(blocker)
    assert [run(abs, -i)["result"] for i in range(4)] == [0, 1, 2, 3]
    assert r.llen("moi:queue:default") == 0


# ---------------------------------------------------------------------------------------------------
# Groups, relay, websocket
# ---------------------------------------------------------------------------------------------------

def test_a_client_that_knows_only_the_protocol_sees_add_updates_and_remove_in_order(ctx, group, connect, redis_url):
    def job(**kwargs):
        import time
        for i in range(3):
            kwargs["status_update"](f"step {i}", i / 3)
            time.sleep(0.1)
        return "done"

    client = connect(group)
    client.send(get=[])
    assert client.read() == {"add": []}
    job_id = submit(ctx, group, "watched", "/h", job)
    assert client.ended(job_id)["result"] == "done"
    redis_cli(redis_url, "PUBLISH", f"{group}:pubsub", json.dumps({"remove": [job_id]}))
    client.until(lambda self: not self.jobs, "remove")
    actions = [action for action, _, _ in client.seen]
    states = [status for action, _, status in client.seen if action != "remove"]
    assert actions == ["add", *["update"] * (len(actions) - 2), "remove"]
    order = ["Queued", "Running", "step 0", "step 1", "step 2", "Success"]
    assert states == sorted(states, key=order.index) and states[-4:] == order[-4:]
    assert moi.Group(group).jobs() == [] and moi.job_info(job_id)["status"] == "Success"


def test_get_is_answered_by_add_with_all_or_with_those_asked_for(group, connect, run):
    records = [run(abs, -i) for i in range(3)]
    client = connect(group)
    client.send(get=[])
    assert {job["id"]: job for job in client.read()["add"]} == {record["id"]: record for record in records}
    client.send(get=[records[1]["id"], str(uuid.uuid4())])
    answers = [client.read(), client.read()]
    assert {"add": [records[1]]} in answers and "remove" in {**answers[0], **answers[1]}
    client.say("{}")
    assert client.read() == {}, "the connection is there"


def test_actions_on_the_group_s_channel_are_honoured_from_any_process(group, connect, run, redis_url, r):
    mine, other = run(abs, 1), moi.wait(submit("default", "somebody", "n", None, abs, 2), DEADLINE)
    client = connect(group)
    client.send(get=[])
    client.read()
    redis_cli(redis_url, "PUBLISH", f"{group}:pubsub", json.dumps({"add": [other["id"], "no job"]}))
    assert client.read() == {"add": [other]}
    until(lambda: r.sismember(f"{group}:jobs", other["id"]), "it is put into the group's set")
    redis_cli(redis_url, "PUBLISH", f"{group}:pubsub", json.dumps({"get": [mine["id"]]}))
    assert client.read() == {"add": [mine]}
    moi.Group(group).remove([other["id"]])
    assert client.read() == {"remove": [{"id": other["id"]}]}


def test_an_update_may_name_other_jobs_and_comes_from_any_process(group, connect, run, redis_url, r):
    first, second = run(abs, 1), run(abs, 2)
    client = connect(group)
    client.send(get=[])
    client.read()
    r.set(second["id"], json.dumps({**second, "remark": "changed by another program"}), ex=60)
    redis_cli(redis_url, "PUBLISH", f"{first['id']}:pubsub", json.dumps({"update": [second["id"]]}))
    assert client.read()["update"][0]["remark"] == "changed by another program"


def test_garbage_on_the_channels_is_skipped_and_logged_once(group, connect, run, redis_url, r, caplog):
    record = run(abs, 1)
    client = connect(group)
    client.send(get=[])
    client.read()
    for text in ("no json", "[]", '{"add": 3}', '{"add": [3]}', '{"fly": []}', "[" * 10_000, '{"get": "all"}'):
        redis_cli(redis_url, "PUBLISH", f"{group}:pubsub", text)
        redis_cli(redis_url, "PUBLISH", f"{record['id']}:pubsub", text)
    redis_cli(redis_url, "PUBLISH", f"{record['id']}:pubsub", json.dumps({"update": [record["id"]]}))
    assert client.read() == {"update": [record]} and caplog.text.count("skipped a message") == 1


def test_of_a_message_with_one_wrong_action_nothing_is_done(ctx, group, connect, run, r, caplog):
    record, other = run(abs, 1), moi.wait(submit(ctx, f"other of {group}", "another's", None, abs, 2), DEADLINE)
    client = connect(group)
    client.send(get=[])
    client.read()
    r.publish(f"{group}:pubsub", json.dumps({"add": [other["id"]], "remove": [record["id"]], "fly": []}))
    last = run(abs, 3)
    client.ended(last["id"])
    assert set(client.jobs) == {record["id"], last["id"]} and "'fly' is no action" in caplog.text


def test_a_message_too_long_to_be_read_has_the_list_read_anew(group, connect, run, r, caplog):
    run(abs, 1)
    client = connect(group)
    client.send(get=[])
    client.read()
    for job_id in str(uuid.uuid4()), str(uuid.uuid4()):
        r.set(job_id, json.dumps({"id": job_id, "status": "Success"}), ex=60)
        r.sadd(f"{group}:jobs", job_id)
        r.publish(f"{group}:pubsub", '{"remove": [' + "{}, " * 400_000 + "{}]}")
        client.until(lambda self: job_id in self.jobs, "the list")
    assert len(client.jobs) == 3 and caplog.text.count("skipped a message") == 1 and "1600016 bytes" in caplog.text


def test_an_answer_tells_nobody_whether_what_he_sent_is_in_a_password(group, connect):
    password, client = urllib.parse.urlsplit(moi.settings().redis_url).password, connect(group)
    assert moi._words(password) == "***"
    for message in {"get": [1, password]}, {password: []}, {"cancel": [password]}, {"remove": {password: 1}}:
        client.send(**message)
        assert "***" not in client.read()["error"]


def test_a_client_reaches_the_jobs_of_its_own_group_and_no_others(group, connect, ctx, run, r):
    mine = run(abs, 1)
    other = submit(ctx, "somebody else", "n", None, time.sleep, 60)
    running(other)
    client = connect(group)
    strange = [other, "moi:queue:default", "*", "", "a\nb", "x" * 200_000]
    client.send(get=strange)
    assert {job["id"] for job in client.read()["remove"]} == set(strange[:-1])  # not what is too long for any ID
    assert client.read() == {"add": []}
    for action in ("remove", "cancel"):
        client.send(**{action: strange})
        assert "not in this group" in client.read()["error"]
    assert moi.job_info(other)["status"] == "Running" and other in moi.Group("somebody else").jobs()
    client.send(get=[mine["id"]])
    assert client.read() == {"add": [mine]}
    moi.cancel(other)
    moi.wait(other, DEADLINE)


def test_groups_with_colliding_names_stay_apart_or_are_refused(ctx, connect, group):
    names = [group, f"{group}:jobs", f"{group}:pubsub", f"{group}\0", f"{group}\n", f" {group}", f"{group}*", "*",
             ":jobs", f"{uuid.uuid4()}:pubsub", "a:b:c", "\u202e", "jobs", "%s", "__proto__", "g" * 512]
    ids = {name: submit(ctx, name, "n", None, abs, -1) for name in names}
    for name, job_id in ids.items():
        moi.wait(job_id, DEADLINE)
    for name, job_id in ids.items():
        client = connect(name)
        client.send(get=[])
        client.until(lambda self: self.jobs, "the list")
        client.send(get=list(ids.values()))
        client.send(get=["the end"])
        client.until(lambda self: {"id": "the end"} in self.last.get("remove", ()), "the answer")
        assert set(client.jobs) == {job_id}
        moi.Group(name).remove([job_id])
    for name in ("", "g" * 10_000, "moi:queue:default", "moi:", str(uuid.uuid4()), "\ud800"):
        with pytest.raises(ValueError, match="the group is"):
            moi.Group(name)


def test_an_answer_does_not_wait_until_the_one_before_is_acknowledged(group, connect):
    client, times = connect(group), []
    for _ in range(20):
        began = time.monotonic()
        client.send(get=[str(uuid.uuid4())])
        while client.read() != {"add": []}:
            pass
        times.append(time.monotonic() - began)
    assert sorted(times)[10] < 0.02  # Linux acknowledges after 40 ms


def test_a_client_cancels_and_removes_its_jobs(group, connect, ctx):
    client = connect(group)
    client.send(get=[])
    job_id = submit(ctx, group, "endless", None, sleeper)
    client.until(lambda self: self.jobs.get(job_id, {}).get("status") == "Running", "it runs")
    client.send(cancel=[job_id])
    assert client.ended(job_id)["result"] == "Cancelled while it was running."
    client.send(remove=[job_id])
    client.until(lambda self: not self.jobs, "it is removed")


def test_who_is_not_signed_in_or_comes_from_another_origin_gets_403(server, connect, group):
    expired = tornado.web.create_signed_value(SECRET, "user", group, clock=lambda: time.time() - 40 * 86400).decode()
    for user, headers in [(None, {}), (None, {"Cookie": "user=forged"}), (None, {"Cookie": cookie(group)[:-3]}),
                          (None, {"Cookie": "user=" + expired}), (group, {"Origin": "http://elsewhere.example"})]:
        with pytest.raises(tornado.httpclient.HTTPClientError) as caught:
            connect(user, **headers)
        assert caught.value.code == 403


def test_what_has_been_submitted_a_moment_ago_is_cancelled_and_removed_though_the_relay_has_not_heard_of_it(
        group, connect, run, r):
    record = run(abs, 1)
    client = connect(group)
    client.send(get=[])
    client.until(lambda self: record["id"] in self.jobs, "the list")
    new = [str(uuid.uuid4()) for _ in range(2)]
    for job_id in new:  # as if their message was still on its way
        r.set(job_id, json.dumps({**record, "id": job_id, "status": "Queued"}), ex=60)
        r.sadd(f"{group}:jobs", job_id)
    client.send(cancel=new[:1])
    client.send(remove=new[1:])
    assert client.ended(new[0])["result"] == "Cancelled before it started."
    until(lambda: not r.sismember(f"{group}:jobs", new[1]), "it is removed")
    assert not any("error" in str(text) for text in client.arrived.queue)


@pytest.mark.parametrize("text", ["no json", "3", "[]", '{"fly": []}', '{"get": 3}', '{"get": [3]}', '{"remove": {}}',
                                  "[" * 5000, b'{"get": null}', '{"get": [[]]}', '{"get": ["\\ud800", {}]}'])
def test_what_the_server_cannot_act_on_is_answered_and_the_connection_stays(group, connect, run, text):
    record = run(abs, 1)
    client = connect(group)
    client.say(text)
    assert client.read()["error"]
    client.send(get=[])
    assert client.read() == {"add": [record]}


@hypothesis.given(hypothesis.strategies.data())
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_no_message_whatever_it_is_ends_the_connection_or_goes_unanswered(group, connect, data):
    if not hasattr(connect, "client"):
        connect.client = connect(group)
    client = connect.client
    inner = hypothesis.strategies.one_of(ANYTHING.map(moi._plain), hypothesis.strategies.lists(
        hypothesis.strategies.text(max_size=20), max_size=5))
    actions = hypothesis.strategies.dictionaries(hypothesis.strategies.sampled_from(
        ["get", "remove", "cancel", "add", "update", "error", "", "__proto__"]), inner, min_size=1, max_size=3)
    client.say(data.draw(hypothesis.strategies.one_of(
        hypothesis.strategies.binary(min_size=1), hypothesis.strategies.text(min_size=1).map(moi._text),
        actions.map(json.dumps))))
    client.send(get=["the end"])
    while (answer := client.read()).get("remove") != [{"id": "the end"}]:
        assert set(answer) <= {"add", "remove", "error"}
    assert client.read() == {"add": []}


class Raw:
    """A websocket client that says what no good client would say."""

    def __init__(self, server, group):
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.socket.settimeout(DEADLINE)
        self.socket.sendall(
            f"GET /moi-ws HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            f"Cookie: {cookie(group)}\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        while self.stream.readline().strip():
            pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stream.close()
        self.socket.close()

    @staticmethod
    def framed(content, kind=1, size=None):
        """Return one frame (RFC 6455), its mask all zeros; or the beginning of one of so many bytes."""
        size = size or len(content)
        head = bytes([0x80 | kind]) + (bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
                                       if size < 1 << 16 else b"\xff" + size.to_bytes(8, "big"))
        return head + b"\0\0\0\0" + content

    def say(self, *frame):
        self.socket.sendall(self.framed(*frame))

    def frame(self):
        """Return the kind and the content of the next frame; at the connection's end, (None, b"")."""
        head = self.stream.read(2)
        if len(head) < 2:
            return None, b""
        kind, size = head[0] & 15, head[1]
        if size >= 126:
            size = int.from_bytes(self.stream.read(2 if size == 126 else 8), "big")
        return kind, self.stream.read(size)

    def message(self):
        """Return the next message; answer pings."""
        while (frame := self.frame())[0] == 9:
            self.say(frame[1], 10)
        return json.loads(frame[1]) if frame[0] == 1 else frame


@pytest.mark.parametrize("content, kind, size, code", [
    (b"\xff\xfe", 1, None, None), (b'{"get": ["', 1, 1 << 20, 1009), (b"x", 5, None, None),
    (b"\x03\xe8\xff\xfe", 8, None, None)], ids=["no UTF-8", "too long", "no such frame", "a close that is no UTF-8"])
def test_what_breaks_the_websocket_protocol_closes_that_connection_alone(
        group, connect, server, content, kind, size, code):
    client = connect(group)
    with Raw(server, group) as raw:
        raw.say(content, kind, size)
        while (frame := raw.frame())[0] == 9:
            pass
        assert frame[0] in (8, None) and (code is None or int.from_bytes(frame[1][:2], "big") == code)
    relay = relay_of(group)
    until(lambda: len(relay.sockets) == 1, "it has left")
    client.send(get=[])
    assert client.read() == {"add": []}


def test_a_flood_of_10_000_gets_delays_nobody_else_and_is_logged_once_at_most(group, connect, server, run, caplog):
    for i in range(5):
        run(abs, i)
    client = connect(group)
    client.send(get=[])
    client.read()
    before = rss()
    with Raw(server, group) as raw:
        flood = threading.Thread(target=lambda: [contextlib.suppress(OSError).__enter__() or raw.say(b'{"get": []}')
                                                 for _ in range(10_000)])
        flood.start()
        slowest = 0.0
        while flood.is_alive():
            began = time.monotonic()
            client.send(get=[])
            while set(client.read()) != {"add"}:
                pass
            slowest = max(slowest, time.monotonic() - began)
        flood.join()
    assert slowest < 1 and rss() - before < 16 * 1024 and len(caplog.records) <= 1


def remark(r, record, what):
    """Change a record as another program would."""
    r.set(record["id"], json.dumps({**record, "remark": what}), ex=60)
    r.publish(f"{record['id']}:pubsub", json.dumps({"update": [record["id"]]}))


@pytest.mark.slow
@pytest.mark.skipif(tornado.version_info < (6, 6), reason="Tornado before 6.6 reads on while a socket has more")
@pytest.mark.parametrize("frames", [b"\x8a\x80\0\0\0\0", b"\0\x80\0\0\0\0"], ids=["pongs", "fragments"])
def test_frames_without_end_from_one_browser_keep_no_news_from_another(group, connect, server, run, r, frames):
    record = run(abs, 1)
    client = connect(group)
    client.send(get=[])
    client.read()
    with Raw(server, "other") as raw:
        if frames[0] == 0:
            raw.socket.sendall(b"\x01\x80\0\0\0\0")  # the beginning of the message whose fragments follow
        flood = subprocess.Popen([sys.executable, "-c", """if True:
            import socket, sys
            flood = socket.socket(fileno=int(sys.argv[1]))
            flood.setblocking(True)
            while True:
                flood.sendall(bytes.fromhex(sys.argv[2]) * 10_000)
        """, str(raw.socket.fileno()), frames.hex()], pass_fds=[raw.socket.fileno()], stderr=subprocess.DEVNULL)
    try:
        for i in range(60):
            began = time.monotonic()
            remark(r, record, i)
            client.until(lambda self: self.jobs[record["id"]].get("remark") == i, "it arrives")
            assert time.monotonic() - began < 0.5 and flood.poll() is None
            time.sleep(0.03)  # the pace
    finally:
        flood.kill()
        flood.wait()

        async def hang_up():  # or the server would read on for as long as what the kernel has kept of it lasts
            for (name, _), relay in moi._relays.items():
                for handler in relay.sockets if name == "other" else ():
                    handler.ws_connection.stream.close()
        server.do(hang_up())


@pytest.mark.parametrize("message", [
    pytest.param('{"get": [' + ("[" * 400 + "]" * 400 + ",") * 300 + "3]}", marks=pytest.mark.slow),
    '{"get": [' + "[]," * 80_000 + "3]}", pytest.param("no json", marks=pytest.mark.slow)],
    ids=["deep", "many", "short"])
def test_what_some_browsers_send_without_pause_delays_another_by_less_than_the_blink_of_an_eye(
        group, connect, server, message):
    client, times = connect(group), []
    with contextlib.ExitStack() as stack:
        floods = []
        for _ in range(4):
            raw = stack.enter_context(Raw(server, "other"))
            floods.append(stack.enter_context(subprocess.Popen([sys.executable, "-c", """if True:
                import socket, sys, threading
                flood, content = socket.socket(fileno=int(sys.argv[1])), sys.stdin.buffer.read()
                flood.setblocking(True)
                def send():
                    while True:
                        flood.sendall(content * (1 + 10_000 // len(content)))
                threading.Thread(target=send, daemon=True).start()
                while flood.recv(1 << 20):
                    pass
            """, str(raw.socket.fileno())], pass_fds=[raw.socket.fileno()], stdin=subprocess.PIPE)))
            floods[-1].stdin.write(Raw.framed(message.encode()))
            floods[-1].stdin.close()
            stack.callback(floods[-1].kill)
        for _ in range(30):
            began = time.monotonic()
            client.send(get=[])
            client.read()
            times.append(time.monotonic() - began)
            time.sleep(0.02)  # the pace
        assert all(flood.poll() is None for flood in floods)
    assert sorted(times)[15] < 0.1, times


@pytest.mark.slow
def test_a_server_that_is_held_up_is_not_sent_changes_in_a_heap(group, connect, server, run, r):
    record = run(abs, 1)
    client = connect(group)
    client.send(get=[])
    client.read()
    server.loop.call_soon_threadsafe(time.sleep, 1.5)
    began = i = 0
    while not began or time.monotonic() < began + 1:
        began, i = began or time.monotonic(), i + 1
        remark(r, record, i)
        time.sleep(0.01)  # the pace
    client.until(lambda self: self.jobs[record["id"]].get("remark") == i, "the last state")
    assert len(client.seen) < 6


@pytest.mark.parametrize("user, name", [("ann", "ann"), (b"ann", "ann"), ({"id": 3}, None), (3, None), (["ann"], None),
                                        ("moi:queue:default", None)])
def test_a_user_is_a_text_or_says_which_group_is_his(user, name, run, caplog):
    class Signed(moi.MOIMessageHandler):
        def get_current_user(self):
            return user

    class Object(Signed):
        def get_group(self):
            return f"group of {self.current_user!r}"

    for handler, expected in ((Signed, name), (Object, f"group of {user!r}")):
        server = Server(handler=handler)
        try:
            if expected:
                Client(server, None).close()
            else:
                with pytest.raises(tornado.httpclient.HTTPClientError, match="500"):
                    Client(server, None)
                assert "group is" in caplog.text and ("Error: the group is " + repr(user)) in caplog.text
        finally:
            server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("action", ["add", "remove"])
def test_of_ids_that_somebody_publishes_without_end_a_relay_notes_some_and_then_reads_the_list(
        action, group, connect, run, r, monkeypatch):
    monkeypatch.setattr(moi, "NOTED", 10_000)
    client = connect(group)
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    hear, noted = relay._hear, []

    def count(changed):
        heard = hear(changed)
        noted.append(len(relay._subscribed) + len(changed))
        return heard
    monkeypatch.setattr(relay, "_hear", count)
    for _ in range(20):
        r.publish(f"{group}:pubsub", json.dumps({action: [str(uuid.uuid4()) for _ in range(5000)]}))
    record = run(abs, -1)
    assert client.ended(record["id"])["result"] == 1
    until(lambda: relay._subscribed == {record["id"]}, "the relay lets go of them")
    assert 5000 <= max(noted) <= 20_000 and not relay._fresh and not relay._unsent


def test_the_websockets_of_a_group_share_one_thread_that_ends_with_the_last(group, connect):
    def threads():
        return [t for t in threading.enumerate() if t.name == f"moi-relay:{group}"]
    clients = [connect(group) for _ in range(5)]
    for client in clients:
        client.send(get=[])
        client.read()
    assert len(threads()) == 1
    for client in clients[1:]:
        client.close()
    clients[0].send(get=[])
    assert clients[0].read() == {"add": []} and len(threads()) == 1
    clients[0].close()
    until(lambda: not threads(), "the thread ends")


def test_a_flood_of_updates_reaches_a_client_merged_and_its_last_state_arrives(group, connect, run, r):
    record = run(abs, 1)
    client = connect(group)
    client.send(get=[])
    client.read()
    began, count = time.monotonic(), 5000
    with r.pipeline(transaction=False) as pipe:
        for i in range(count):
            pipe.set(record["id"], json.dumps({**record, "remark": i}), ex=60)
            pipe.publish(f"{record['id']}:pubsub", json.dumps({"update": [record["id"]]}))
            if i % 100 == 99:
                pipe.execute()
    client.until(lambda self: self.jobs[record["id"]].get("remark") == count - 1, "the last state")
    assert len(client.seen) - 1 <= 60 * (time.monotonic() - began) + 2


@pytest.mark.slow
def test_a_client_that_stops_reading_costs_bounded_memory_and_gets_the_last_state_of_every_job(group, connect, r, run):
    base = run(abs, 1)
    ids = [str(uuid.uuid4()) for _ in range(100)]

    def publish(i):
        with r.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.set(job_id, json.dumps({**base, "id": job_id, "remark": i, "output": "x" * 2000}), ex=300)
                pipe.publish(f"{job_id}:pubsub", json.dumps({"update": [job_id]}))
            pipe.execute()

    publish(-1)
    moi.Group(group).add(ids)
    quick = connect(group)
    quick.send(get=[])
    quick.until(lambda self: len(self.jobs) == 101, "all are there")
    with Raw(quick.server, group) as slow:
        before = rss()
        for i in range(1000):  # 100,000 updates
            publish(i)
            if i % 25 == 24:
                quick.until(lambda self: all(self.jobs[j].get("remark") == i for j in ids), "the other is not delayed")
                quick.seen.clear()  # server and client share this process
        assert rss() - before < 16 * 1024
        seen = {}
        while any(seen.get(job_id) != 999 for job_id in ids):
            seen.update((job["id"], job["remark"]) for job in slow.message().get("update", ()))


def rss():
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def test_a_long_result_goes_to_the_browser_cut_and_stays_whole_in_redis(group, connect, run):
    client = connect(group)
    client.send(get=[])
    client.read()
    record = run(lambda: "é" * 1_000_000)
    shown = client.ended(record["id"])
    assert shown["truncated"] is True and shown["result"] == "é" * 65536 and len(record["result"]) == 1_000_000


@pytest.mark.parametrize("text", ["é" * 200_000, "\0" * 400_000, "\\\"" * 300_000, [["x" * 1000] * 1000],
                                  "a\u2028" * 300_000], ids=["accents", "NULs", "quotes", "list", "separators"])
def test_of_a_long_result_no_more_is_read_than_a_page_shows(group, connect, run, text):
    record = run(lambda value: value, text)
    client = connect(group)
    client.send(get=[])
    client.until(lambda self: self.jobs, "the list")
    shown = client.jobs[record["id"]]
    whole = text if isinstance(text, str) else json.dumps(text)
    assert shown == {**record, "result": whole[:65536], "truncated": True}
    assert len(dict(moi.Group(group)._read([record["id"]]))[record["id"]]) <= moi.HEAD


def test_of_a_result_of_many_lists_no_more_is_parsed_than_a_page_shows(group, connect, run, r):
    """Parsing a hundred such records would hold up the IOLoop: the interpreter's lock is kept meanwhile."""
    record = run(lambda: [[i, i] for i in range(20_000)])
    r.set(record["id"], r.get(record["id"])[:-2] + "... and what is no JSON]}", keepttl=True)
    others = [{**record, "id": str(uuid.uuid4()), **more} for more in ({}, {"remark": "last"}, {"tags": []})]
    for other, keys in zip(others, (None, None, ["result", *record, "tags"])):  # another program's, in its own order
        r.set(other["id"], json.dumps({key: other[key] for key in keys or sorted(other)}), ex=60)
    moi.Group(group).add([other["id"] for other in others])
    client = connect(group)
    client.send(get=[])
    client.until(lambda self: len(self.jobs) == 4, "the list")
    for each in record, *others:
        assert client.jobs[each["id"]] == {**each, "result": json.dumps(record["result"])[:65536], "truncated": True}


def test_of_a_record_that_another_program_has_made_too_long_no_more_is_read_than_4_mib(group, connect, run, r):
    client, record = connect(group), run(abs, -1)
    shown, skipped = (str(uuid.uuid4()) for _ in range(2))
    for job_id, size in (shown, 600_000), (skipped, 5_000_000):
        r.set(job_id, json.dumps({**record, "id": job_id, "output": "x" * size, "result": "y" * size}), ex=60)
    moi.Group(group).add([shown, skipped])
    client.send(get=[])
    client.until(lambda self: shown in self.jobs, "the one that is not too long")
    last = run(abs, -2)
    client.ended(last["id"])
    assert skipped not in client.jobs and client.jobs[shown]["truncated"] is True
    assert client.jobs[shown]["output"] == "x" * 65536 and client.jobs[shown]["result"] == "y" * 65536


def test_the_long_records_of_a_group_are_read_one_by_one(group, run, r):
    """Redis would stand still, for everybody, while it puts a hundred of 100 MB together."""
    record = run(lambda: "x" * 8_000_000)
    others = [str(uuid.uuid4()) for _ in range(5)]
    for job_id in others:
        r.set(job_id, json.dumps({**record, "id": job_id}), ex=60)
    moi.Group(group).add(others)
    with configured(r, "client-output-buffer-limit", "normal 20000000 0 0"):  # cuts off who asks for more
        assert {each["result"] for each in moi.Group(group).get()} == {record["result"]}


def test_a_cancel_of_a_job_with_a_long_result_reads_no_more_than_its_beginning(run, r):
    record = run(lambda: "x" * 20_000_000)
    before = r.info("stats")["total_net_output_bytes"]
    assert moi.cancel(record["id"]) is False
    assert r.info("stats")["total_net_output_bytes"] - before < 2_000_000


@pytest.mark.slow
def test_a_group_of_so_many_ids_that_redis_would_cut_the_relay_off_can_be_opened(group, connect, r, run):
    """It asks for as many subscriptions as it has read answers; Redis's own limit is reached with half a million."""
    record = run(abs, 1)
    for _ in range(5):
        r.sadd(f"{group}:jobs", *(str(uuid.uuid4()) for _ in range(10_000)))
    with configured(r, "client-output-buffer-limit", "pubsub 2mb 2mb 60"):
        client = connect(group)
        client.send(get=[])
        client.until(lambda self: record["id"] in self.jobs, "the one that has a record")
    r.delete(f"{group}:jobs")


@pytest.mark.slow
def test_the_list_of_a_large_group_reaches_a_slow_client_whole_and_in_bounded_memory(group, connect, server, r, run):
    base, count = run(abs, 1), 60_000
    ids = [str(uuid.uuid4()) for _ in range(count)]
    for start in range(0, count, 1000):
        with r.pipeline(transaction=False) as pipe:
            for job_id in ids[start:start + 1000]:
                pipe.set(job_id, json.dumps({**base, "id": job_id}), ex=120)
            pipe.sadd(f"{group}:jobs", *ids[start:start + 1000])
            pipe.execute()
    with Raw(server, group) as raw:
        raw.say(b'{"get": []}')
        seen = {}
        while len(seen) < count + 1:
            message = raw.message()
            seen.update((job["id"], job["status"]) for job in message["add"])
            time.sleep(0.001)  # a slow client
    assert set(seen.values()) == {"Success"}
    r.delete(*ids, f"{group}:jobs")


def test_who_asks_for_the_list_again_while_he_is_told_it_is_told_it_once_more(group, server, write):
    """Else one user with many jobs and sockets that read nothing would take up the IOLoop by a few bytes a second."""
    ids = {write("Success", output="x" * 60_000) for _ in range(2 * moi.PART)}
    with Raw(server, group) as raw:
        opened = until(lambda: [h for h in Handler.opened if h._group.name == group], "it is open")[0]
        opened.ws_connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 16)
        owe, owed = opened.owe, []
        opened.owe = lambda actions: owed.append(len(actions)) or owe(actions)
        raw.say(b'{"get": []}')
        until(lambda: owed and opened.ws_connection.stream.writing(), "it is behind")
        for i in range(20):
            raw.say(b'{"get": []}')
            until(lambda: opened.asked == 1 and len(opened.relay.requests) == 1, "one wish stands for all")
        seen = []
        while len(seen) < 2 * len(ids):
            frame = raw.frame()[1]
            seen += [job["id"] for job in json.loads(frame)["add"]]
            assert len(frame) < 2 * moi.MESSAGE
        assert set(seen) == ids and owed == [len(ids)] * 2


def test_a_job_that_one_browser_finds_gone_is_gone_in_all(group, connect, run, r):
    record, others = run(abs, 1), [connect(group) for _ in range(3)]
    for client in others:
        client.send(get=[])
        client.until(lambda self: record["id"] in self.jobs, "the job")
    r.delete(record["id"])  # as it does when it expires
    others[0].send(get=[])
    for client in others:
        client.until(lambda self: record["id"] not in self.jobs, "it is gone")


def test_browsers_that_take_nothing_have_little_read_for_them(group, server, write):
    for _ in range(moi.PART):
        write("Success", result="\U0001f600" * 65536)
    with contextlib.ExitStack() as stack:
        before = rss()
        for raw in [stack.enter_context(Raw(server, group)) for _ in range(6)]:
            raw.say(b'{"get": []}')
        until(lambda: len(behind := [h for h in Handler.opened if h._group.name == group]) == 6 and all(
            h.ws_connection.stream.writing() for h in behind), "they are behind")
        assert rss() - before < 60 * 1024


def test_a_job_that_is_added_and_removed_at_once_stays_removed(group, connect, run, r):
    client = connect(group)
    client.send(get=[])
    client.read()
    records = [run(abs, i) for i in range(20)]
    for record in records:
        moi.Group(group).remove([record["id"]])
    for _ in range(5):
        for record in records:
            moi.Group(group).add([record["id"]])
            moi.Group(group).remove([record["id"]])
    last = run(abs, 1)
    client.ended(last["id"])
    client.send(get=[])
    client.until(lambda self: set(self.jobs) == {last["id"]}, "only the last is left")
    assert moi.Group(group).jobs() == [last["id"]]


def test_what_is_read_of_a_browser_after_its_end_was_noticed_is_done(ctx, group, connect, server, run, r):
    ended, endless = run(abs, 1)["id"], submit(ctx, group, "endless", None, time.sleep, 60)
    running(endless)
    connect(group)
    handler = until(lambda: [h for h in Handler.opened if h._group.name == group], "it is open")[0]

    async def leave():
        handler._leave()

    async def read():
        await handler.on_message(json.dumps({"remove": [ended], "cancel": [endless]}))
    server.do(leave())
    handler.relay.thread.join(DEADLINE)
    assert handler.relay.ended
    server.do(read())
    until(lambda: not r.sismember(f"{group}:jobs", ended), "it is removed")
    assert moi.wait(endless, DEADLINE)["result"] == "Cancelled while it was running."
    until(lambda: not any(t.name == f"moi-relay:{group}" for t in threading.enumerate()), "the relay ends")


def test_a_job_that_is_removed_while_the_last_browser_leaves_stays_removed(group, connect, run, r, monkeypatch):
    record, client = run(abs, 1), connect(group)
    moi.Group(group).remove([record["id"]])
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    quick, gone = moi._quick, []

    def late(*command, **options):
        if command[:2] == ("SADD", f"{group}:jobs") and not gone:
            gone.append(command[2])
            moi.Group(group).remove(gone)
            client.close()
            until(lambda: relay.stopping, "the browser has left")
        return quick(*command, **options)
    monkeypatch.setattr(moi, "_quick", late)
    r.publish(f"{group}:pubsub", json.dumps({"add": [record["id"]]}))
    relay.thread.join(DEADLINE)
    assert gone and relay.ended and moi.Group(group).jobs() == []


@pytest.mark.slow
def test_a_browser_that_reads_nothing_is_not_owed_the_removal_of_any_number_of_jobs(
        group, connect, server, write, monkeypatch):
    monkeypatch.setattr(moi, "NOTED", 200)
    jobs = [write("Success", result="\U0001f600" * 65536) for _ in range(moi.PART)]
    other = connect(group)
    with Raw(server, group) as raw:
        raw.say(b'{"get": []}')
        until(lambda: [h for h in Handler.opened if h._group.name == group and h.ws_connection.stream.writing()],
              "it is behind")
        handler, = (h for h in Handler.opened if h._group.name == group and h.ws_connection.stream.writing())
        turns = 0
        while handler.ws_connection:  # until it is disconnected
            turns += 1
            new = [write("Queued") for _ in range(10)]
            other.until(lambda self: set(new) <= set(self.jobs), "they are shown")
            assert len(handler._owed) < len(jobs) + 250
            moi.Group(group).remove(new)
            other.until(lambda self: not set(new) & set(self.jobs), "they are gone")
        assert turns > 10


@pytest.mark.slow
def test_a_flood_delays_neither_messages_nor_cancels(group, connect, ctx, run, r):
    job_id, record = submit(ctx, group, "endless", None, sleeper), run(abs, 1)
    client = connect(group)
    client.send(get=[])
    client.until(lambda self: self.jobs.get(job_id, {}).get("status") == "Running", "it runs")
    end = time.monotonic() + 4

    def flood():
        with r.pipeline(transaction=False) as pipe:
            began, sent = time.monotonic(), 0
            while (now := time.monotonic()) < end:
                while sent < 10_000 * (now - began):
                    pipe.publish(f"{record['id']}:pubsub", json.dumps({"update": [record["id"]]}))
                    sent += 1
                pipe.execute()
                time.sleep(0.01)  # the pace: 10,000 a second
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        arrived = []
        while time.monotonic() < end - 2:
            client.read()
            arrived.append(time.monotonic())
        began = time.monotonic()
        client.send(cancel=[job_id])
        client.ended(job_id)
        assert time.monotonic() - began < 3
        assert max(b - a for a, b in zip(arrived, arrived[1:])) < 1.5
    finally:
        thread.join()


@pytest.mark.parametrize("by", ["publishing", "websocket"])
def test_who_asks_for_a_long_list_again_and_again_has_it_read_a_few_times(group, connect, r, run, by):
    record = run(abs, -1)
    ids = [record["id"], *(str(uuid.uuid4()) for _ in range(2000))]
    with r.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.set(job_id, json.dumps({**record, "id": job_id}), ex=60)
        pipe.execute()
    moi.Group(group).add(ids)
    client = connect(group)
    client.send(get=[])
    client.until(lambda self: len(self.jobs) == len(ids), "the list")

    def readings():
        return r.info("commandstats")["cmdstat_smembers"]["calls"]
    before = readings()
    with r.pipeline(transaction=False) as pipe:
        for _ in range(300):
            if by == "publishing":
                pipe.publish(f"{group}:pubsub", '{"get": []}')
            else:
                client.send(get=[])
        pipe.set(ids[0], json.dumps({**record, "name": "changed"}), ex=60)
        pipe.publish(f"{ids[0]}:pubsub", json.dumps({"update": [ids[0]]}))
        pipe.execute()
    client.until(lambda self: self.jobs[ids[0]]["name"] == "changed", "the change")
    assert readings() - before < 100


def test_a_full_redis_answers_a_cancel_with_an_error_and_the_relay_goes_on(group, connect, ctx, r, caplog):
    job_id = submit(ctx, group, "endless", None, sleeper)
    running(job_id)
    client = connect(group)
    client.send(get=[])
    client.read()
    with configured(r, "maxmemory", "1"):
        client.send(cancel=[job_id])
        client.until(lambda self: "error" in self.last, "the error")
    client.send(cancel=[job_id])
    assert client.ended(job_id)["result"] == "Cancelled while it was running."
    assert "lost Redis" not in caplog.text


def test_a_group_that_nobody_watches_does_not_collect_expired_jobs_for_ever(ctx, group, r):
    r.sadd(f"{group}:jobs", *[str(uuid.uuid4()) for _ in range(200)])
    ids = [submit(ctx, group, "n", None, abs, i) for i in range(400)]
    assert r.scard(f"{group}:jobs") < 400 + 60
    assert {moi.wait(job_id, DEADLINE)["status"] for job_id in ids} == {"Success"}


def test_an_expired_job_is_dropped_from_its_group_when_it_is_read(group, run, r, connect):
    gone, kept = run(abs, 1), run(abs, 2)
    r.delete(gone["id"])
    assert moi.Group(group).get() == [kept] and moi.Group(group).jobs() == [kept["id"]]


def test_ids_that_are_no_list_are_refused(group):
    for bad in ("an-id", 3, {"a": 1}, [3]):
        for use in (moi.Group(group).get, moi.Group(group).add, moi.Group(group).remove):
            with pytest.raises(ValueError, match="no list of job IDs"):
                use(bad)


def test_a_record_that_is_not_strict_json_spoils_no_message(group, run, r, connect):
    kept, nan, latin = run(abs, 1), run(abs, 2), run(abs, 3)
    r.set(nan["id"], json.dumps({**nan, "result": math.nan}), ex=60)
    r.set(latin["id"], json.dumps({**latin, "name": "caf~"}).encode().replace(b"~", b"\xe9"), ex=60)
    client = connect(group)
    client.send(get=[])
    client.read()
    assert client.jobs == {kept["id"]: kept, nan["id"]: {**nan, "result": None}}


def test_a_record_of_the_wrong_type_or_broken_stops_no_page(group, run, r, connect):
    kept, listed, broken = run(abs, 1), run(abs, 2), run(abs, 3)
    r.delete(listed["id"])
    r.rpush(listed["id"], "x")
    r.expire(listed["id"], 60)
    r.set(broken["id"], '{"id": "', ex=60)
    client = connect(group)
    client.send(get=[])
    gone = [{"id": i} for i in sorted([listed["id"], broken["id"]])]
    message = client.read()
    assert message["add"] == [kept] and sorted(message["remove"], key=lambda job: job["id"]) == gone
    assert moi.job_info(listed["id"]) is None and moi.job_info(broken["id"]) is None
    assert moi.Group(group).get() == [kept]


def test_a_browser_that_comes_and_goes_while_redis_hangs_has_one_relay(group, connect, server, run, redis_url):
    record = run(abs, 1)
    with hung(redis_url):
        for _ in range(30):
            with Raw(server, group):
                pass
        assert [thread.name for thread in threading.enumerate()].count(f"moi-relay:{group}") <= 1
    client = connect(group)
    client.send(get=[])
    client.until(lambda self: record["id"] in self.jobs, "and it serves who comes after that")


def test_what_is_found_gone_just_as_the_connection_is_cut_is_told(group, connect, run, r, monkeypatch):
    record, client = run(abs, 1), connect(group)
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    cut = []

    def forget(ids):
        if ids and not cut:
            cut.append(ids)
            raise redis.ConnectionError("cut")
        return moi._Relay._forget(relay, ids)
    monkeypatch.setattr(relay, "_forget", forget)
    r.srem(f"{group}:jobs", record["id"])
    client.send(get=[])
    client.until(lambda self: not self.jobs and cut, "it is gone")


def test_a_job_that_is_removed_as_the_connection_is_cut_before_it_was_listed_stays_removed(
        group, connect, run, r, monkeypatch):
    client = connect(group)
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    read, gone = relay._read, []

    def cut(actions, *most):
        found = read(actions, *most)
        if actions and not gone:
            gone.extend(actions)
            moi.Group(group).remove(gone)
            r.client_kill_filter(_type="pubsub")
        return found
    monkeypatch.setattr(relay, "_read", cut)
    run(abs, 1)
    last = run(abs, 2)
    client.until(lambda self: set(self.jobs) == {last["id"]}, "the other is gone")
    assert gone and moi.Group(group).jobs() == [last["id"]]


def test_an_added_job_that_only_a_message_names_is_in_the_group_from_then_on(group, connect, run, r):
    record, client = run(abs, 1), connect(group)
    client.send(get=[])
    client.read()
    r.srem(f"{group}:jobs", record["id"])
    client.send(get=[])
    client.until(lambda self: not self.jobs, "it is gone")
    r.publish(f"{group}:pubsub", json.dumps({"add": [record["id"]]}))
    client.until(lambda self: set(self.jobs) == {record["id"]}, "it is back")
    until(lambda: moi.Group(group).jobs() == [record["id"]], "it is in the group")


@pytest.mark.slow
def test_while_redis_hangs_long_ids_take_no_memory_and_after_it_the_list_is_there_soon(group, connect, run, redis_url):
    record, client = run(abs, 1), connect(group)
    client.send(get=[])
    client.read()
    began = time.monotonic()
    with hung(redis_url):
        client.send(get=[])  # the relay begins to read the list
        before = rss()
        for _ in range(300):
            client.send(get=["x" * 200_000])
        assert rss() - before < 16 * 1024
        time.sleep(max(0, 2.5 - time.monotonic() + began))  # the hang
    other, back = connect(group), time.monotonic()
    other.send(get=[])
    other.until(lambda self: record["id"] in self.jobs, "the list")
    assert time.monotonic() - back < 4


def test_a_page_is_shown_what_is_there_while_others_submit_without_end(group, connect, run):
    records, client = [run(abs, i) for i in range(3)], connect(group)
    client.send(get=[])
    client.until(lambda self: len(self.jobs) == 3, "the list")
    relay_of(group)._awaited.add(str(uuid.uuid4()))  # there is always one whose subscription is on its way
    other = connect(group)
    other.send(get=[])
    other.until(lambda self: len(self.jobs) == 3, "the list")
    other.send(get=[records[0]["id"]])
    other.until(lambda self: self.last == {"add": [records[0]]}, "one of it")


def test_news_are_told_while_a_page_has_many_jobs_cancelled(group, connect, write, monkeypatch):
    job_ids, cancelled, began = [write("Queued") for _ in range(50)], [], threading.Event()
    client, other = connect(group), connect(group)
    for each in client, other:
        each.send(get=[])
        each.until(lambda self: len(self.jobs) == 50, "the list")

    def slowly(job_id):  # as with a Redis that is far away
        began.set()
        time.sleep(0.03)
        cancelled.append(job_id)
    monkeypatch.setattr(moi, "cancel", slowly)
    client.send(cancel=job_ids)
    assert began.wait(DEADLINE)
    write("news", job_id=job_ids[0])
    other.until(lambda self: self.jobs[job_ids[0]]["status"] == "news", "the news")
    assert len(cancelled) < 25
    until(lambda: cancelled == job_ids, "each is cancelled, once")
    until(lambda: {handler.asked for handler in relay_of(group).sockets} == {0}, "nothing waits")


def test_a_wish_that_is_done_after_the_last_browser_has_left_keeps_no_relay(group, connect, run, monkeypatch):
    record, client, cancelled, left = run(abs, 1), connect(group), threading.Semaphore(0), threading.Event()
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    monkeypatch.setattr(moi, "cancel", lambda job_id: (cancelled.release(), left.wait(DEADLINE)))
    client.send(cancel=[record["id"]])
    assert cancelled.acquire(timeout=DEADLINE)
    client.send(cancel=[record["id"]])
    client.close()
    until(lambda: relay.stopping and len(relay.requests) == 2, "it has left, and one wish waits behind the other")
    left.set()
    relay.thread.join(moi.SILENCE / 2)
    assert not relay.thread.is_alive() and cancelled.acquire(timeout=0)


@pytest.mark.parametrize("alone", [True, False])
def test_what_a_browser_has_asked_for_is_done_though_it_leaves_at_once(alone, group, connect, run, redis_url):
    records, client = [run(abs, i) for i in range(2)], connect(group)
    other = None if alone else connect(group)
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    with hung(redis_url):
        for record in records:
            client.send(remove=[record["id"]])
        client.close()
        until(lambda: len(relay.sockets) == bool(other), "it has left")
    until(lambda: not moi.Group(group).jobs(), "both are removed")
    if alone:
        relay.thread.join(DEADLINE)
        assert relay.ended


def test_the_watcher_keeps_nobody_waiting_while_it_asks_redis_of_other_contexts(ctx, r, monkeypatch, tmp_path):
    file = tmp_path / "profile_other" / "security" / "ipcontroller-client.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    asked, answered = threading.Event(), threading.Event()
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    # Also of a pipeline, which is one of these.
    monkeypatch.setattr(redis.Redis, "exists", lambda *keys: (asked.set(), answered.wait(DEADLINE)) and 0)
    r.sadd("moi:contexts", "other")
    try:
        moi._watch()
        assert asked.wait(DEADLINE)
        assert moi._lock.acquire(timeout=1), "a websocket that opens, and submit, take it in the IOLoop"
        moi._lock.release()
    finally:
        r.srem("moi:contexts", "other")
        answered.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_relay_that_ends_by_an_error_with_a_wish_in_hand_makes_way_for_another(group, connect, run, monkeypatch):
    record, client = run(abs, 1), connect(group)
    client.send(get=[])
    client.read()
    relay = relay_of(group)

    def fail(*args):
        raise redis.ConnectionError("lost") if args else RuntimeError("no thread, no memory")
    monkeypatch.setattr(relay, "_act", fail)
    monkeypatch.setattr(relay, "_wait", lambda *args: fail())
    client.send(remove=[record["id"]])
    relay.thread.join(DEADLINE)
    assert relay.ended
    other = connect(group)
    other.send(get=[])
    other.until(lambda self: record["id"] in self.jobs, "the list")
    assert relay_of(group) is not relay


def test_what_is_asked_of_a_relay_that_is_about_to_end_is_done(group, connect, server, run, redis_url):
    record, client = run(abs, 1), connect(group)
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    with hung(redis_url):
        client.close()
        until(lambda: relay.stopping, "the first has left")
        with Raw(server, group) as raw:
            raw.say(json.dumps({"remove": [record["id"]]}).encode())
            until(lambda: [action for _, action, _ in list(relay.requests)] == ["remove"], "it is asked for")
        until(lambda: not relay.sockets, "the second has left")
    until(lambda: not moi.Group(group).jobs(), "it is removed")
    relay.thread.join(DEADLINE)
    assert relay.ended


def test_a_redis_that_refuses_pings_for_it_cannot_save_is_there_all_the_same(group, connect, run, monkeypatch, caplog):
    record, client, pings = run(abs, 1), connect(group), []
    client.send(get=[])
    client.read()
    relay = relay_of(group)
    read = relay._connection.read_response

    def refuse():
        if (said := read())[0] == b"pong":
            pings.append(said)
            raise redis.ResponseError("MISCONF Redis is configured to save RDB snapshots, but ...")
        return said
    monkeypatch.setattr(relay._connection, "read_response", refuse)
    monkeypatch.setattr(moi, "SILENCE", 0.1)
    relay.wake()
    until(lambda: len(pings) > 3, "it pings")
    last = run(abs, 2)
    client.ended(last["id"])
    assert ("add", record["id"], "Success") not in client.seen[1:] and not caplog.records


def test_a_wish_that_redis_refuses_is_answered_and_nobody_else_waits(group, connect, ctx, run, redis_url):
    records, client, other = [run(abs, i) for i in range(2)], connect(group), connect(group)
    client.send(get=[])
    client.read()
    with forbidden(redis_url, "srem"):
        client.send(remove=[records[0]["id"]])
        client.until(lambda self: self.last == {"error": "cannot remove: Redis refuses it now"}, "the answer")
        other.send(get=[])
        other.until(lambda self: len(self.jobs) == 2, "the list")


def test_a_redis_that_has_become_a_replica_shows_lists_and_answers_wishes(group, connect, run, redis_url):
    record, client = run(abs, 1), connect(group)
    client.send(get=[])
    client.until(lambda self: record["id"] in self.jobs, "the list")
    redis_cli(redis_url, "REPLICAOF", "127.0.0.1", "1")
    try:
        client.send(remove=[record["id"]])
        client.until(lambda self: self.last == {"error": "cannot remove: Redis refuses it now"}, "the answer")
        other = connect(group)
        other.send(get=[])
        other.until(lambda self: record["id"] in self.jobs, "the list")
    finally:
        redis_cli(redis_url, "REPLICAOF", "NO", "ONE")
    assert run(abs, -2)["result"] == 2


def test_a_relay_that_cannot_go_on_waits_whatever_browsers_ask_for_and_says_so_once(
        group, connect, run, redis_url, monkeypatch, caplog):
    record, client, began, new = run(abs, 1), connect(group), [], moi._new_connection

    def counted(client):
        if threading.current_thread().name == f"moi-relay:{group}":
            began.append(time.monotonic())
        return new(client)
    client.send(get=[])
    client.until(lambda self: record["id"] in self.jobs, "the list")
    monkeypatch.setattr(moi, "TICK", 0.5)
    monkeypatch.setattr(moi, "_new_connection", counted)
    redis_cli(redis_url, "ACL", "SETUSER", "moi", "resetchannels", "&moi:worker:*",
              f"&{group}:pubsub".replace(" ", "?"))
    try:
        redis_cli(redis_url, "CLIENT", "KILL", "TYPE", "pubsub")
        until(lambda: client.send(remove=[]) or len(began) >= 6, "the relay begins anew")
        client.jobs.clear()
    finally:
        redis_cli(redis_url, "ACL", "SETUSER", "moi", "&*:pubsub")
    pauses = [later - earlier for earlier, later in zip(began[1:], began[2:])]
    assert min(pauses) > 0.4
    said = [message for message in caplog.messages if group in message]
    assert len(said) == len(set(said)) and any("permission" in message for message in said)
    client.until(lambda self: record["id"] in self.jobs, "the list, once more")


@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_jobs_whose_records_redis_refuses_to_read_are_not_taken_for_gone(n, group, connect, run, redis_url, caplog):
    ids = {run(abs, i)["id"] for i in range(n)}
    with forbidden(redis_url, "getrange"):
        client = connect(group)
        client.send(get=[])
        until(lambda: "the relay met" in caplog.text, "it is logged")
        for use in moi.Group(group).get, lambda: moi.job_info(min(ids)):
            with pytest.raises(moi.RedisRefuses):
                use()
    client.until(lambda self: set(self.jobs) == ids, "the list")
    assert set(moi.Group(group).jobs()) == ids


@pytest.mark.parametrize("arg, more", [(-1, []), (b"x" * 300_000, ["multi"])], ids=["short", "long"])
def test_a_submit_that_redis_refuses_by_a_missing_right_leaves_nothing(ctx, run, r, redis_url, arg, more):
    run(abs, 1)
    before = set(r.keys())
    for right in ["channels", "publish", "set", "sadd", "expire", "rpush", "exists", "srandmember", "evalsha", *more]:
        with forbidden(redis_url, right), pytest.raises(moi.RedisRefuses):
            submit(ctx, "refused", "refused", None, len, arg)
        left = [key for key in set(r.keys()) - before if not re.match("moi:(worker|version|key|contexts)", key)]
        assert left == [], right


def refused(r, right, contexts=("lua", "multi")):  # the second is what Redis 6.2 says of a script
    """Whether Redis has refused a worker a command since the last `ACL LOG RESET`."""
    return any(entry["object"] == right and entry["context"] in contexts for entry in r.acl_log())


def test_a_result_that_a_worker_has_no_right_to_write_waits_for_it(ctx, cluster, group, r, redis_url):
    ids = occupy(ctx, cluster, group, 0.5)
    r.execute_command("ACL", "LOG", "RESET")
    with forbidden(redis_url, "set"):
        until(lambda: refused(r, "set"), "it has tried")
    assert [moi.wait(job_id, DEADLINE)["status"] for job_id in ids] == ["Success"] * len(ids)


def test_long_arguments_that_a_worker_has_no_right_to_read_are_waited_for(ctx, group, r, redis_url):
    r.execute_command("ACL", "LOG", "RESET")
    with forbidden(redis_url, "lrange"):
        job_id = submit(ctx, group, "n", None, len, b"x" * 300_000)
        until(lambda: refused(r, "lrange", ["toplevel"]), "it has tried")
    assert moi.wait(job_id, DEADLINE)["result"] == 300_000


def test_a_job_that_a_worker_has_no_right_to_start_stays_queued_until_it_has(ctx, cluster, group, r, redis_url):
    with redis.Redis.from_url(redis_url) as admin:
        before = occupy(ctx, cluster, group, 0.5)
        job_id = submit(ctx, group, "queued", None, abs, -1)
        payload = admin.lpop("moi:queue:default")
        for each in before:
            moi.wait(each, DEADLINE)
        r.execute_command("ACL", "LOG", "RESET")
        with forbidden(redis_url, "publish"):
            admin.rpush("moi:queue:default", payload)
            until(lambda: refused(r, "publish"), "it is claimed")
            assert moi.job_info(job_id)["status"] == "Queued"
    assert moi.wait(job_id, DEADLINE)["result"] == 1


@pytest.mark.slow
def test_a_job_whose_record_redis_refuses_to_read_waits_in_the_queue(group, ctx, redis_url, caplog):
    with forbidden(redis_url, "getrange"):
        job_id = submit(ctx, group, "queued", None, abs, -1)
        until(lambda: "Its jobs stay queued" in caplog.text, "it is logged")
    assert moi.wait(job_id, DEADLINE)["result"] == 1


def test_a_list_with_an_expired_job_is_shown_though_redis_takes_no_writes(group, connect, run, r, redis_url):
    gone, kept = run(abs, 1), run(abs, 2)
    r.delete(gone["id"])
    with forbidden(redis_url, "srem"):  # as when its disk is full
        client = connect(group)
        client.send(get=[])
        client.until(lambda self: set(self.jobs) == {kept["id"]}, "the list")


def test_a_browser_is_not_shown_what_has_become_of_a_job_since_it_was_removed(group, connect, run, r):
    record, client = run(abs, 1), connect(group)
    client.send(get=[])
    client.read()
    r.srem(f"{group}:jobs", record["id"])
    r.set(record["id"], json.dumps({**record, "result": "another's"}), ex=60)
    r.publish(f"{group}:pubsub", json.dumps({"remove": [record["id"]]}))
    assert client.read() == {"remove": [{"id": record["id"]}]}


def test_a_browser_whose_handler_fails_as_it_opens_leaves_no_relay_behind(group):
    class Faulty(moi.MOIMessageHandler):
        def open(self):
            super().open()
            raise RuntimeError("the application's own")

    server = Server(handler=Faulty)
    try:
        with Raw(server, group) as raw:
            assert raw.frame()[0] is None
            until(lambda: f"moi-relay:{group}" not in [thread.name for thread in threading.enumerate()], "it ends")
    finally:
        server.stop()


def test_the_relay_starts_anew_after_its_connection_was_cut(group, connect, run, r):
    client = connect(group)
    client.send(get=[])
    client.read()
    r.client_kill_filter(_type="pubsub")
    record = run(abs, 1)
    client.ended(record["id"])
    assert client.jobs == {record["id"]: record}


# ---------------------------------------------------------------------------------------------------
# The page, in a real browser
# ---------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def chromium():
    """A Chromium from PATH, else Playwright's own. Its event loop stays in a thread of its own."""
    api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=[
                "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"])
        except api.Error as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no Chromium: install it, or run `playwright install chromium` ({error.message[:100]})")
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, server, group):
    page = chromium.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.goto(f"http://127.0.0.1:{server.port}/?user={group}")
    yield page
    page.close()
    assert page.errors == []


def row(page, job_id):
    return page.locator(f"[data-id='{job_id}']")


def test_the_page_shows_a_job_live_with_status_progress_time_and_result_link(page, ctx, group):
    def job(**kwargs):
        import time
        kwargs["status_update"]("half way", 0.5)
        time.sleep(2)
        print("printed")
        return {"a": "long result", "b": list(range(50))}
    page.get_by_text("No jobs yet.").wait_for()
    job_id = submit(ctx, group, "Watch me", "/results", job)
    shown = row(page, job_id)
    shown.get_by_text("half way").wait_for()
    assert shown.locator("progress").evaluate("e => e.value") == 0.5
    before = shown.locator(".moi-time").inner_text()
    page.wait_for_function("([id, before]) => document.querySelector(`[data-id='${id}'] .moi-time`).textContent "
                           "!== before", arg=[job_id, before])
    shown.get_by_text("Success").wait_for()
    assert shown.locator(".moi-result").get_attribute("href") == f"{page.url.partition('?')[0]}results/{job_id}"
    assert shown.locator("progress").is_hidden() and shown.locator(".moi-output-text").text_content() == "printed\n"
    assert "long result" in shown.locator(".moi-value-text").text_content()


def test_the_page_says_what_the_server_could_not_do(page):
    page.get_by_text("No jobs yet.").wait_for()
    page.evaluate("moi.lists[0].remove(['00000000-0000-4000-8000-000000000000'])")
    page.get_by_text("cannot remove what is not in this group").wait_for()


def test_the_page_folds_a_traceback_and_shows_it_when_asked(page, ctx, group):
    job_id = submit(ctx, group, "Fails", None, operator.truediv, 1, 0)
    shown = row(page, job_id)
    shown.get_by_text("Why it failed").wait_for()
    assert shown.locator(".moi-traceback-text").is_hidden()
    shown.get_by_text("Why it failed").click()
    shown.locator(".moi-traceback-text").get_by_text("ZeroDivisionError").wait_for()
    assert shown.locator(".moi-status").inner_text() == "ZeroDivisionError: division by zero"
    assert shown.locator(".moi-result").is_hidden()


def test_the_page_cancels_and_removes_at_a_click(page, ctx, group):
    job_id = submit(ctx, group, "Endless", None, sleeper)
    shown = row(page, job_id)
    shown.get_by_text("Running").wait_for()
    shown.get_by_role("button", name="Cancel").click()
    shown.get_by_text("Cancelled while it was running.").wait_for()
    assert moi.job_info(job_id)["result"] == "Cancelled while it was running."
    shown.get_by_role("button", name="Remove").click()
    page.get_by_text("No jobs yet.").wait_for()
    assert moi.Group(group).jobs() == []


def test_redis_cli_changes_the_open_page(page, run, group, redis_url):
    record = run(abs, 1)
    row(page, record["id"]).wait_for()
    redis_cli(redis_url, "PUBLISH", f"{group}:pubsub", json.dumps({"remove": [record["id"]]}))
    page.get_by_text("No jobs yet.").wait_for()


def test_the_page_reconnects_and_ends_with_the_true_list(page, run, group, server):
    kept, gone = run(abs, 1), run(abs, 2)
    row(page, gone["id"]).wait_for()
    (handler,) = {h for h in Handler.opened if h.ws_connection and h._group.name == group}
    server.loop.call_soon_threadsafe(handler.close)
    page.get_by_text("Reconnecting").wait_for()
    moi.Group(group).remove([gone["id"]])
    new = run(abs, 3)
    row(page, new["id"]).wait_for()
    row(page, gone["id"]).wait_for(state="detached")
    assert row(page, kept["id"]).is_visible() and page.get_by_text("Reconnecting").count() == 0


def shown(page):
    """The list as a visitor sees it: the IDs from top to bottom, each with its state."""
    return page.evaluate("[...document.querySelectorAll('.moi-job')].map(e => [e.dataset.id, e.dataset.state])")


def ends_with_the_true_list(page, group):
    def same():
        return shown(page) == [[record["id"], record["status"].lower()] for record in moi.Group(group).get()]
    until(same, "the page shows what is in Redis")


def test_the_page_ends_with_the_true_list_after_it_was_offline(page, run, group):
    first = run(abs, 1)
    row(page, first["id"]).wait_for()
    # First the end of the connection: when Chromium plays offline it may leave an open socket alone, or freeze it.
    page.evaluate("moi.lists[0].options.retry = [5000, 5000]; moi.lists[0].socket.close()")
    page.get_by_text("Connection lost.").wait_for()
    page.context.set_offline(True)
    page.get_by_text("You are offline.").wait_for()
    page.evaluate("() => { moi.lists[0].options.retry = [300, 300]; dispatchEvent(new Event('online')); }")
    moi.Group(group).remove([first["id"]])
    second = run(abs, 2)
    page.wait_for_function("() => moi.lists[0].attempts > 1")
    page.errors.clear()  # the browser's own lines about attempts in vain
    page.context.set_offline(False)
    row(page, second["id"]).wait_for()
    page.wait_for_function("() => document.querySelectorAll('.moi-job').length == 1")
    ends_with_the_true_list(page, group)
    assert page.locator(".moi-away").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3, 60])
def test_the_page_ends_with_the_true_list_after_its_tab_was_in_the_background(page, run, group, seconds):
    first = run(abs, 1)
    row(page, first["id"]).wait_for()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    for i in range(20):
        run(abs, i)
    moi.Group(group).remove([first["id"]])
    time.sleep(seconds)  # as long as the visitor looks at something else
    devtools.send("Page.setWebLifecycleState", {"state": "active"})
    page.wait_for_function("() => document.querySelectorAll('.moi-job').length == 20")
    last = run(abs, 3)
    row(page, last["id"]).wait_for()
    ends_with_the_true_list(page, group)


@pytest.mark.slow
def test_200_tabs_reconnect_to_a_restarted_server_spread_over_time_and_end_with_the_true_list(chromium, run, group):
    opened = []

    class Timed(moi.MOIMessageHandler):
        def open(self):
            opened.append(time.monotonic())
            super().open()

    first = run(abs, 1)
    server = Server(handler=Timed)
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/?user={group}")
    page.evaluate("""for (let i = 1; i < 200; i++) {
        const element = document.createElement("div");
        document.body.append(element);
        moi.connect({element});
    }""")
    full = "n => moi.lists.every(list => list.items.size == n && list.state == 'online' && list.shown.length == n)"
    page.wait_for_function(full, arg=1)
    server.stop()
    page.wait_for_function("() => moi.lists.every(list => list.state == 'reconnecting')")
    moi.Group(group).remove([first["id"]])
    run(abs, 2), run(abs, 3)
    opened.clear()
    server = Server(server.port, handler=Timed)
    try:
        page.wait_for_function(full, arg=2, timeout=60_000)
        assert len(opened) == 200
        busiest = max(sum(t <= other < t + 0.25 for other in opened) for t in opened)
        assert busiest < 60, f"{busiest} of 200 came within a quarter of a second"
        assert page.evaluate("moi.lists.every(list => list.shown.map(item => item.job.id).sort().join() == "
                             "moi.lists[0].shown.map(item => item.job.id).sort().join())")
        assert set(page.evaluate("moi.lists[0].shown.map(item => item.job.id)")) == set(moi.Group(group).jobs())
    finally:
        page.close()
        server.stop()


def test_what_is_clicked_while_the_connection_is_lost_is_done_when_it_is_back(page, ctx, group, server):
    job_id = submit(ctx, group, "Endless", None, sleeper)
    row(page, job_id).get_by_text("Running").wait_for()
    page.evaluate("moi.lists[0].options.retry = [3000, 3000]")
    (handler,) = {h for h in Handler.opened if h.ws_connection and h._group.name == group}
    server.loop.call_soon_threadsafe(handler.close)
    page.get_by_text("Reconnecting").wait_for()
    row(page, job_id).get_by_role("button", name="Cancel").click()
    row(page, job_id).get_by_text("Cancelled while it was running.").wait_for()


def test_a_cancel_that_was_lost_with_its_connection_is_asked_again(page, ctx, group):
    job_id = submit(ctx, group, "Endless", None, sleeper)
    row(page, job_id).get_by_text("Running").wait_for()
    page.evaluate("moi.lists[0].options.retry = [100, 100]; moi.lists[0].socket.send = () => {}")  # sent, and lost
    row(page, job_id).get_by_role("button", name="Cancel").click()
    row(page, job_id).get_by_text("Cancelling").wait_for()
    page.evaluate("moi.lists[0].socket.close()")
    row(page, job_id).get_by_text("Cancelled while it was running.").wait_for()


def test_a_remove_that_was_lost_with_two_connections_is_asked_over_the_third(page, write):
    job_id = write("Success")
    row(page, job_id).wait_for()
    page.evaluate("""() => {
        const { send } = WebSocket.prototype, list = moi.lists[0];
        let lost = 0;
        WebSocket.prototype.send = function (text) {
            if (!text.includes("remove") || ++lost > 2) send.call(this, text);
        };
        list.options.retry = [100, 100];
        window.added = 0;
        moi.on("add", () => added++);
    }""")
    row(page, job_id).get_by_role("button", name="Remove").click()
    page.evaluate("() => { moi.lists[0].socket.close(); }")
    page.wait_for_function("() => added == 2")  # what is there still, and then all
    row(page, job_id).get_by_text("Removing").wait_for()
    page.evaluate("() => { moi.lists[0].socket.close(); }")
    row(page, job_id).wait_for(state="detached")


def test_the_page_shows_text_and_never_html(page, ctx, group):
    html = "<img src=x onerror='document.title = \"pwned\"'><script>document.title = 'pwned'</script>"

    def job(text, status_update):
        print(text)
        status_update(text)
        return text

    handlers = "javascript:document.title='pwned'", "data:text/html,x", "/ok"
    job_ids = [submit(ctx, group, html, handler, job, html) for handler in handlers]
    for job_id in job_ids:
        row(page, job_id).get_by_text("Success").wait_for()
        assert row(page, job_id).locator(".moi-name").inner_text() == html
    assert page.locator("#moi-joblist img, #moi-joblist script").count() == 0 and page.title() == "test"
    assert [row(page, job_id).locator(".moi-result").is_visible() for job_id in job_ids] == [False, False, True]


@pytest.mark.parametrize("width", [320, pytest.param(1280, marks=pytest.mark.slow)])
def test_no_text_breaks_the_page_s_layout(page, group, r, width):
    page.set_viewport_size({"width": width, "height": 800})
    long, turned = "W" * (1 << 20), "\u202egnp.exe\u202d \u2066" + "\u0627" * 50 + "\u0301" * 500
    for i, text in enumerate([long, turned, "\n" * 1000, "\0\x1b[31m", "</li></ul><style>*{display:none}</style>"]):
        for status in ("Success", "Failed", text):
            job_id = str(uuid.uuid4())
            r.set(job_id, json.dumps({
                "id": job_id, "name": text, "group": group, "status": status, "handler": text[:2000], "progress": 0.5,
                "result": text[:60_000], "output": text[:60_000], "date_created": text[:100],
                "date_start": text[:100]}), ex=60)
            moi.Group(group).add([job_id])
    page.wait_for_function("() => document.querySelectorAll('.moi-job').length == 15")
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = page.evaluate("""[...document.querySelectorAll('.moi-job')].map(row => [row, ...row.querySelectorAll('*')]
        .filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect())
        .map(b => [b.left, b.right, b.top, b.bottom]))""")
    for (left, right, top, bottom), *parts in boxes:
        assert bottom - top < 1500 and all(left <= part[0] and part[1] <= right + 1 for part in parts)
    tops = [row[0][2] for row in boxes]
    assert tops == sorted(tops) and all(above[0][3] <= below[0][2] for above, below in zip(boxes, boxes[1:]))


def test_the_page_shows_a_record_that_another_program_has_written_and_any_status(page, group, r):
    for status in ({"toString": 0}, [{"toString": 0}], 5, None):  # shown, and no harm to the others
        job_id = str(uuid.uuid4())
        odd = dict.fromkeys(("name", "status", "output", "date_created", "date_start", "date_end", "result"), status)
        r.set(job_id, json.dumps({"id": job_id, **odd, "progress": status, "handler": status}), ex=60)
        r.set(other := str(uuid.uuid4()), f'{{"id": "{other}", "name": "twice", "id": null}}', ex=60)
        moi.Group(group).add([job_id, other])
        row(page, job_id).wait_for()
        row(page, other).wait_for()
    for status in ("Running", "Success", "empty", "constructor"):
        job_id = str(uuid.uuid4())
        r.set(job_id, json.dumps({"id": job_id, "name": "foreign", "group": group, "status": status, "handler": None}),
              ex=60)
        moi.Group(group).add([job_id])
        row(page, job_id).get_by_text(status, exact=True).wait_for()


def test_a_record_that_nests_deeply_stops_no_page_and_is_not_swollen_by_indentation(page, ctx, group, r):
    for depth, inner in (900, ", ".join("0" * 20_000)), (3000, "0"), (6000, "0"):
        job_id = str(uuid.uuid4())
        r.set(job_id, f'{{"id": "{job_id}", "status": "Success", "name": "deep", "date_created": "2026-01-01", '
                      f'"result": {"[" * depth}{inner}{"]" * depth}}}', ex=60)
        moi.Group(group).add([job_id])
    row(page, submit(ctx, group, "after them", None, abs, -1)).get_by_text("Success").wait_for()
    assert page.evaluate("document.getElementById('moi-joblist').textContent.length") < 4 * moi.RESULT_CUT


@pytest.mark.slow
def test_a_record_that_nests_as_deeply_as_its_reader_can_read_stops_no_list(group, r, capsys):
    def nesting(depth):
        part = "[" * depth + "]" * depth
        return f'{{"id": "{uuid.uuid4()}", "status": {part}, "name": {part}, "date_created": {part}, "result": {part}}}'

    border = bisect.bisect(range(1 << 17), False, key=lambda depth: moi._decode(nesting(depth)) is None)
    assert 500 < border < 1 << 17
    deep = [nesting(depth) for depth in range(border - 70, border + 10)]
    records = [record for record in map(moi._decode, deep) if record]
    with r.pipeline(transaction=False) as pipe:
        for text in deep:
            pipe.set(text[8:44], text, ex=60)
        pipe.sadd(f"{group}:jobs", *(text[8:44] for text in deep))
        pipe.execute()
    few = len(records) - 10  # the border is where the stack ends: not at the same depth for each who reads
    assert len(moi.Group(group).get()) > few
    assert moi.main(["jobs", group]) == 0 and len(capsys.readouterr().out.splitlines()) > few
    moi._Screen(False, sys.stdout).show(records)
    assert len(capsys.readouterr().out.splitlines()) == len(records)
    for record in records[few:]:
        assert moi.main(["job", record["id"]]) == 0 or "no job" in capsys.readouterr().err
    r.delete(f"{group}:jobs", *(text[8:44] for text in deep))


def test_the_page_lists_the_newest_first(page, ctx, group):
    job_ids = [submit(ctx, group, f"job {i}", None, abs, i) for i in range(20)]
    for job_id in job_ids:
        row(page, job_id).get_by_text("Success").wait_for()
    shown = page.locator(".moi-job").evaluate_all("rows => rows.map(row => row.dataset.id)")
    assert shown == job_ids[::-1]


def test_a_long_list_shows_its_newest_and_goes_on_when_it_is_scrolled(page, group, r, run):
    base, ids = run(abs, 1), [str(uuid.uuid4()) for _ in range(700)]
    with r.pipeline(transaction=False) as pipe:
        for i, job_id in enumerate(ids):
            pipe.set(job_id, json.dumps({**base, "id": job_id, "date_created": f"2030-01-01T00:{i:04}"}), ex=300)
        pipe.execute()
    moi.Group(group).add(ids)
    page.wait_for_function("() => moi.lists[0].order.length == 701")
    newest = [*reversed(ids), base["id"]]
    until(lambda: [job_id for job_id, _ in shown(page)] == newest[:200], "the newest are shown")
    moi.Group(group).remove(newest[100:150])
    page.wait_for_function("() => moi.lists[0].order.length == 651")
    newest = newest[:100] + newest[150:]
    until(lambda: [job_id for job_id, _ in shown(page)] == newest[:200], "the next ones move up")
    while len(shown(page)) < 651:
        page.mouse.wheel(0, 20_000)
    assert [job_id for job_id, _ in shown(page)] == newest


def test_a_template_on_the_page_replaces_the_row_and_events_reach_it(chromium, server, group, ctx):
    record = moi.wait(submit(ctx, group, "a job", "/results", abs, -4), DEADLINE)
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/?user={group}")
    row(page, record["id"]).wait_for()
    page.evaluate("""() => {
        const template = document.createElement("template");
        template.id = "moi-job";
        const item = document.createElement("li");
        const name = document.createElement("b");
        name.className = "moi-name";
        const stop = document.createElement("button"), result = document.createElement("a");
        stop.className = "moi-remove";
        stop.append("Off with it");
        result.className = "moi-result";
        result.ariaLabel = "Look";
        result.append("\u2197");
        item.append("mine: ", name, stop, result);
        template.content.append(item);
        document.body.append(template);
        window.heard = [];
        moi.on("add", job => heard.push(job.id));
        const element = document.createElement("div");
        document.body.append(element);
        window.second = moi.connect({element});
    }""")
    page.get_by_text("mine: a job").wait_for()
    page.get_by_role("button", name="Off with it: a job").wait_for()
    page.get_by_role("link", name="Look: a job").wait_for()
    assert page.evaluate("heard") == [record["id"]]
    page.evaluate("second.close()")
    page.close()


@pytest.fixture
def visit(chromium, server, group):
    """Open a page of one's own, as `group`, with any way of looking at it."""
    contexts = []

    def visit(html="", list_html='<div id="moi-joblist"></div>', script="", **how):
        context = chromium.new_context(**how)
        contexts.append(context)
        name, value = cookie(group).split("=", 1)
        url = f"http://127.0.0.1:{server.port}/"
        context.add_cookies([{"name": name, "value": value, "url": url}])
        Page.own[group] = (
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f'<title>mine</title><link rel="icon" href="/icon">{html}{list_html}<script src="/moi.js"></script>')
        page = context.new_page()
        page.add_init_script(script)
        page.goto(f"{url}?own={group}")
        return page
    yield visit
    for context in contexts:
        context.close()


@pytest.fixture
def write(r, group):
    """Write a record as another program would, and have it shown; return its ID."""
    def write(status, name="a job", job_id=None, **more):
        job_id = job_id or str(uuid.uuid4())
        dates = {"date_created": ago(0), "date_start": None if status == "Queued" else ago(more.pop("ran", 0)),
                 "date_end": ago(0) if status in moi.ENDED else None}
        record = dict.fromkeys(RECORD) | dates | {"id": job_id, "name": name, "group": group, "status": status} | more
        r.set(job_id, json.dumps(record), ex=300)
        if r.sismember(f"{group}:jobs", job_id):
            r.publish(f"{job_id}:pubsub", json.dumps({"update": [job_id]}))
        else:
            moi.Group(group).add([job_id])
        return job_id
    return write


def ago(seconds):
    return (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat()


def focused(page):
    """The text of what has the focus, and the job whose it is."""
    return page.evaluate("""() => [document.activeElement.textContent,
                                   document.activeElement.closest(".moi-job")?.dataset.id]""")


def test_a_row_says_its_state_by_word_and_icon_and_its_progress_and_time_left_as_text(page, write):
    for status, word in (("Queued", "Queued"), ("half way", "Running"), ("Success", "Success"), ("Failed", "Failed")):
        shown = row(page, write(status))
        assert shown.locator(".moi-word").inner_text() == word and shown.locator(".moi-icon svg").count() == 1
    paths = page.locator(".moi-icon path").evaluate_all("paths => paths.map(path => path.getAttribute('d'))")
    assert len(set(paths)) == 4
    row(page, write("sweep 0", progress=0.29)).get_by_text("29%").wait_for()
    shown = row(page, write("sweep 1", ran=60, progress=0.25))
    shown.get_by_text("25%").wait_for()
    shown.get_by_text("about 3 min left").wait_for()
    assert shown.get_by_role("progressbar", name="a job").evaluate("e => e.value") == 0.25
    assert shown.locator(".moi-status").inner_text() == "sweep 1"


def test_the_time_left_is_smooth_and_there_only_once_the_pace_is_known(page, write):
    job_id = write("Running", progress=0.5)
    left = row(page, job_id).locator(".moi-left")
    row(page, job_id).get_by_text("50%").wait_for()
    assert left.text_content() == ""
    job_id = write("Running", ran=600, progress=0.5)
    left = row(page, job_id).locator(".moi-left")
    left.get_by_text("about 10 min left").wait_for()
    write("Running", job_id=job_id, ran=600, progress=0.9)   # a leap: about 1 min, if one believes it
    left.get_by_text("about 7 min left").wait_for()
    write("Running", job_id=job_id, ran=600, progress=0.1)   # it begins anew: nothing is known
    page.wait_for_function("id => !document.querySelector(`[data-id='${id}'] .moi-left`).textContent", arg=job_id)


@pytest.mark.parametrize("hours", [-3, 3])
def test_times_are_true_though_the_browser_s_clock_is_wrong(visit, write, hours):
    write("Success"), write("Queued")
    job_id = write("Running", ran=100, progress=0.5)
    page = visit(script=f"{{ const now = Date.now; Date.now = () => now() + {hours * 3_600_000}; }}")
    for job_id in (job_id, write("Running", "started just now")):
        row(page, job_id).locator(".moi-time").get_by_text(re.compile(r"^(1:[45]\d|\d(\.\d)? s)$")).wait_for()
    page.get_by_text("about 2 min left").wait_for()


def test_times_are_true_where_a_cache_says_when_it_had_the_script(visit, write):
    def cached(route):
        answer = route.fetch()
        then = format_datetime(datetime.now(timezone.utc) - timedelta(hours=2), usegmt=True)
        route.fulfill(response=answer, headers={**answer.headers, "date": then, "age": "7200"})
    write("Running", ran=100, progress=0.5)
    page = visit()
    page.route("**/moi.js", cached)
    page.reload()
    page.wait_for_function("() => moi.lists[0]?.sure")
    frames(page, 2)
    page.get_by_text("about 2 min left").wait_for()


def test_while_nothing_happens_no_row_but_the_running_ones_is_written(page, write):
    queued, ended, running = write("Queued"), write("Success"), write("Running", ran=100)
    for job_id in queued, ended, running:
        row(page, job_id).get_by_text("a job").wait_for()
    written = page.evaluate("""() => new Promise((resolve) => {
        const list = moi.lists[0], { time } = list, written = [];
        list.time = (item) => {
            time.call(list, item);
            if (written.push(item.job.id) === 3) resolve(written);
        };
    })""")
    assert written == [running] * 3


def test_a_record_with_a_date_that_is_yet_to_come_changes_no_other_job_s_time(visit, write):
    page = visit()
    page.get_by_text("No jobs yet.").wait_for()
    job_id = write("Queued")
    row(page, job_id).wait_for()
    write("Running", job_id=job_id)
    row(page, job_id).get_by_text(re.compile(r"^\d\.\d s$")).wait_for()
    planted = write("Running", "planted", ran=-36_000)
    row(page, planted).wait_for()
    before = row(page, job_id).locator(".moi-time").text_content()
    page.wait_for_function("([id, before]) => document.querySelector(`[data-id='${id}'] .moi-time`).textContent "
                           "!== before", arg=[job_id, before])
    assert re.fullmatch(r"\d+(\.\d)? s", row(page, job_id).locator(".moi-time").text_content())


@pytest.mark.parametrize("status, start, end, said", [
    ("Running", -60, None, r"\d\.\d s"), ("Success", 60, 120, r"0\.0 s"), ("Success", 277_200, 0, "3 d 5 h"),
    ("Running", "0000-01-01T00:00:00Z", None, ""), ("Success", "no date", "nor this", "")])
def test_no_time_is_negative_or_absurd(page, write, status, start, end, said):
    dates = [ago(date) if isinstance(date, int) else date for date in (start, end)]
    job_id = write(status, date_start=dates[0], date_end=dates[1])
    row(page, job_id).get_by_text(status).wait_for()
    assert re.fullmatch(said, row(page, job_id).locator(".moi-time").text_content())


@pytest.mark.parametrize("clipboard", [True, False])
def test_output_and_traceback_are_copied_at_a_click(visit, write, clipboard):
    page = visit(script="" if clipboard else "Object.defineProperty(navigator, 'clipboard', {value: undefined})",
                 permissions=["clipboard-read", "clipboard-write"])
    long = "printed\n\n\ttwice\n" * 200 + "x" * 2000 + "\n"
    shown = row(page, write("Failed", result="Traceback\n  a\x1b\x9b line\nError: why", output=long))
    for title, text in (("Why it failed", "Traceback\n  a line\nError: why"), ("Output", long)):
        shown.get_by_text(title).click()
        button = shown.locator("details", has_text=title).get_by_role("button")
        button.click()
        button.get_by_text("Copied").wait_for()
        assert focused(page)[0] == "Copied"
        page.evaluate("""() => { const area = document.body.appendChild(document.createElement("textarea"));
                                 area.id = "paste"; area.focus(); }""")
        page.keyboard.press("Control+V")
        assert page.locator("#paste").input_value() == text
        page.evaluate("document.getElementById('paste').remove()")


def test_a_template_without_an_element_is_as_good_as_none(visit, write):
    page = visit('<template id="moi-job">text alone</template>')
    row(page, write("Success", "shown")).get_by_text("shown").wait_for()


@pytest.mark.slow
def test_a_template_s_heading_is_not_copied_in_place_of_the_output_and_its_button_keeps_its_own_words(visit, write):
    page = visit("""<template id="moi-job"><li><div class="moi-output"><h6 class="card-text">Heading</h6>
        <button class="moi-copy"><b>Kopieren</b></button><pre class="moi-output-text"></pre></div></li></template>""",
                 permissions=["clipboard-read", "clipboard-write"])
    button = row(page, write("Success", output="printed")).get_by_role("button")
    button.click()
    button.get_by_text("Copied").wait_for()
    button.click()
    assert page.evaluate("navigator.clipboard.readText()") == "printed"
    button.locator("b", has_text="Kopieren").wait_for()


def test_a_copy_that_fails_says_so_and_one_that_takes_its_time_leaves_the_focus_where_it_is(visit, write):
    page = visit(script="""let refuse;
        Object.defineProperty(navigator, 'clipboard', {value: {writeText: () => new Promise((_, no) => refuse = no)}});
        document.execCommand = () => false; window.refuse = () => refuse();""")
    shown = row(page, write("Success", output="printed"))
    shown.get_by_text("Output").click()
    shown.get_by_role("button", name="Copy").press("Enter")
    page.evaluate("refuse()")
    shown.get_by_role("button", name="Could not copy").wait_for()
    assert page.evaluate("moi.lists[0].voice.textContent") == "Could not copy"
    page.evaluate("() => { navigator.clipboard.writeText = () => new Promise((yes) => { window.agree = yes; }); }")
    shown.get_by_role("button", name="Copy", exact=True).press("Enter")
    page.keyboard.press("Tab")
    page.evaluate("agree()")
    shown.get_by_role("button", name="Copied").wait_for()
    assert focused(page)[0] == "printed"


@pytest.mark.parametrize("result, shown", [
    ('Traceback (most recent call last):\n  File "a.py", line 1, in f\n    x\nValueError: first\nsecond\na note',
     "ValueError: first"),
    ('  + Exception Group Traceback (most recent call last):\n  |   File "a.py", line 1\n  | ExceptionGroup: two '
     '(2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | KeyError: 1\n    +------------------------',
     "ExceptionGroup: two (2 sub-exceptions)"),
    ("stdout:\nx\n\nThe command ended with exit status 1: false",
     "The command ended with exit status 1: false")])
def test_a_failed_row_says_the_error_and_not_what_comes_after_it(visit, write, result, shown):
    status = row(visit(), write("Failed", result=result)).locator(".moi-status")
    assert status.text_content() == shown


def test_output_shows_neither_a_terminal_s_colours_nor_what_it_would_have_written_over(visit, write):
    colours = "\x1b[31mred\x1b[0m\x1b[2 q\x1b[5@\x1b(B\x1b]0;a title\a\x1b]8;;http://h\x1b\\ link\x1b]8;;\x1b\\"
    shown = row(visit(), write("Success", output=colours + "\r\n 0%|\r 50%|\r100%|\r\nend\r"))
    assert shown.locator(".moi-output-text").text_content().replace("\r", "") == "red link\n100%|\nend"


#: Letters that no font has all of, in no order.
RARE = [chr(code) for code in range(0x370, 0x1FFFF) if unicodedata.category(chr(code))[0] in "LNPS"]
random.Random(1).shuffle(RARE)
RARE = "".join(RARE[:32_000])


@pytest.mark.parametrize("text", [
    "\u0628" * 64_000, "a\u0627" * 32_000, "x\n\n\n" * 900 + "y" * 3000,
    *(pytest.param(text, marks=pytest.mark.slow) for text in (
        "a" + "\u0301" * 64_000, "\U0001f600" * 16_000, "a\u0627b\u0628c\n" * 10_000, RARE))],
    ids=["arabic", "mixed", "blank lines", "accents", "faces", "mixed lines", "rare"])
def test_a_text_as_long_as_it_gets_opens_at_once_and_is_whole(visit, write, text):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    shown = row(page, write("Success", result=text))
    shown.get_by_text("Value").wait_for()
    assert page.evaluate("""() => {
        const began = performance.now(), fold = document.querySelector(".moi-value");
        fold.open = true;
        fold.getBoundingClientRect();
        return performance.now() - began;
    }""") < 500
    shown.get_by_role("button", name="Copy").click()
    shown.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text


def test_who_reads_an_output_keeps_place_and_selection_while_it_goes_on(visit, write):
    def lines(first, last, more=""):
        return "".join(f"line {i} of what it prints\n" for i in range(first, last)) + more
    page = visit()
    job_id = write("Running", output=lines(0, 300, "10%"))
    row(page, job_id).get_by_text("Output").click()
    page.evaluate("""() => {
        const pre = document.querySelector(".moi-output-text"), range = document.createRange();
        pre.scrollTop = 2000;
        window.pre = pre;
        window.find = (text) => {
            for (const part of pre.children) {
                const at = part.textContent.indexOf(text);
                if (at >= 0) {
                    range.setStart(part.firstChild, at);
                    range.setEnd(part.firstChild, at + text.length);
                    return range;
                }
            }
        };
        const { top } = pre.getBoundingClientRect();
        const shown = [...pre.children].find((part) => part.getBoundingClientRect().bottom > top + 60);
        window.line = shown.textContent.match(/line \\d+ /g).at(-1);
        getSelection().removeAllRanges();
        getSelection().addRange(find(line).cloneRange());
        window.place = () => find(line).getBoundingClientRect().top - pre.getBoundingClientRect().top;
    }""")
    before, said = page.evaluate("[place(), getSelection().toString()]")
    assert said.startswith("line ")
    for first, last, more in (0, 301, "20%"), (0, 340, ""), (12, 380, ""), (70, 420, "end"):
        write("Running", job_id=job_id, output=(text := lines(first, last, more)))
        page.wait_for_function("text => pre.textContent === text", arg=text)
        after, still = page.evaluate("[place(), getSelection().toString()]")
        assert abs(after - before) < 3 and still == said, (first, last)
    page.evaluate("() => { pre.scrollTop = pre.scrollHeight; }")
    for last in 421, 480, 600:
        write("Running", job_id=job_id, output=(text := lines(70, last)))
        page.wait_for_function("text => pre.textContent === text", arg=text)
        page.wait_for_function("() => pre.scrollTop + pre.clientHeight > pre.scrollHeight - 4")


def test_blank_lines_and_lines_of_any_length_are_shown_as_high_as_in_one_piece(visit, write):
    page = visit()
    shown = row(page, write("Success", result="\n".join("x" * (i % 80) for i in range(400)) + "\n\n\n" * 400))
    shown.get_by_text("Value").click()
    pre = shown.locator(".moi-value-text")
    assert pre.locator("span").count() > 10
    # Without skipping what is out of sight, whose height is a guess.
    pre.evaluate("e => { for (const part of e.children) part.style.contentVisibility = 'visible'; }")
    in_parts = pre.evaluate("e => e.scrollHeight")
    assert pre.evaluate("e => { e.textContent += ''; return e.scrollHeight; }") == in_parts


def test_a_search_does_not_write_out_every_nested_result(visit):
    page = visit()
    page.get_by_text("No jobs yet.").wait_for()
    took = page.evaluate("""() => {
        const list = moi.lists[0], nest = (n) => (n ? [nest(n - 1)] : 1), result = Array(1500).fill(nest(19));
        const jobs = Array.from({length: 300}, (_, i) => ({id: String(i), name: "n", status: "Success", result}));
        for (const job of jobs) list.put(job, "add");
        list.query = "x";
        const began = performance.now();
        for (const item of list.items.values()) list.fits(item);
        return performance.now() - began;
    }""")
    assert took < 100


def test_results_of_long_words_hold_up_no_frame(visit, write):
    page = visit()
    job_id = write("Success", result="x")
    row(page, job_id).wait_for()
    results = [f"{'x' * n} " * (65536 // n) for n in (1, 7, 120, 999, 65536)]
    took = page.evaluate("""([id, results]) => results.map((result) => {
        const list = moi.lists[0], item = list.items.get(id), began = performance.now();
        item.job = {...item.job, result};
        list.fill(item);
        return performance.now() - began; })""", [job_id, results])
    assert max(took) < 50, took


def test_integers_are_shown_to_the_last_digit(page, write):
    numbers = 9007199254740993, -12345678901234567890, 10 ** 50, 9007199254740991, -1234567890123456
    for number in numbers:
        row(page, write("Success", result=number)).get_by_text(str(number), exact=True).wait_for()
    result = {"integers": [1 << 53, 1234567890123456], "number": 0.12345678901234567, "padding": "x" * 60}
    shown = row(page, write("Success", 10 ** 16 + 1, result=result))
    shown.get_by_text(str(10 ** 16 + 1)).wait_for()
    shown.get_by_text("Value").click()
    result["integers"][0] = str(1 << 53)
    assert json.loads(shown.locator(".moi-value-text").text_content()) == result


def test_of_a_record_without_name_and_status_nothing_is_made_up(page, group, r):
    job_id = str(uuid.uuid4())
    r.set(job_id, json.dumps({"id": job_id, "date_start": "2" * 1_000}), ex=60)
    moi.Group(group).add([job_id])
    row(page, job_id).get_by_text("Running").wait_for()
    assert "undefined" not in row(page, job_id).text_content() + row(page, job_id).inner_html()
    assert page.evaluate("id => moi.lists[0].items.get(id).job.date_start.length", job_id) == 50


def test_a_line_of_output_as_long_as_it_gets_holds_up_no_frame(visit, write):
    page = visit()
    job_id = write("Running", output="x")
    row(page, job_id).wait_for()
    took = page.evaluate("""([id, lines]) => lines.map((output) => {
        const list = moi.lists[0], began = performance.now();
        const item = list.items.get(id);
        item.job = {...item.job, output};
        list.fill(item);
        return performance.now() - began; })""", [
            job_id, ["x" * 16384, "\r" * 16384, "x\r" * 8192, "\x1b[" * 8192, "\x1b]" * 8192]])
    assert max(took) < 50, took


def test_a_page_that_draws_itself_anew_keeps_one_list(visit, write):
    page = visit()
    row(page, write("Running")).wait_for()
    for _ in range(3):
        page.evaluate("""() => { document.getElementById("moi-joblist").outerHTML = '<div id="moi-joblist"></div>';
                                 moi.connect(); moi.connect(); }""")
        page.locator(".moi-job").wait_for()
    page.evaluate("""() => {
        for (let i = 0; i < 9; i++) {  // before the browser draws any of them
            document.getElementById("moi-joblist").outerHTML = '<div id="moi-joblist"></div>';
            moi.connect();
        }
    }""")
    page.locator(".moi-job").wait_for()
    assert page.evaluate("moi.lists.length") == 1 and page.title() == "(1) mine"


def test_deferred_scripts_set_defaults_and_a_second_moi_js_changes_nothing(visit, write):
    page = visit("""<script defer src="/moi.js"></script>
        <script type="module">moi.defaults.words.empty = "Noch nichts";</script>
        <script>addEventListener("load", () => {
            document.head.append(Object.assign(document.createElement("script"), {src: "/moi.js"}));
        });</script>""")
    page.get_by_text("Noch nichts").wait_for()
    job_id = write("Running")
    for i in range(3):
        write("Running", job_id=job_id, progress=i / 4)
        row(page, job_id).get_by_text(f"{25 * i}%").wait_for()
    assert page.title() == "(1) mine" and page.evaluate("moi.lists.length") == 1
    late = visit("<script>addEventListener('load', () => document.head.append("
                 "Object.assign(document.createElement('script'), {src: '/moi.js?late'})));</script>")
    row(late, job_id).wait_for()


def test_a_listener_that_signs_on_anew_in_each_call_is_called_once_for_each_event(visit, write):
    page = visit()
    page.get_by_text("No jobs yet.").wait_for()  # or the list would be told of the job as well as by the message
    page.evaluate("""() => { window.calls = 0; const hear = () => {
        calls += 1; if (calls < 100) { off(); off = moi.on("add", hear); } }; let off = moi.on("add", hear); }""")
    row(page, write("Queued")).wait_for()
    assert page.evaluate("calls") == 1


def test_a_listener_that_fails_keeps_no_other_and_no_row_from_a_job_and_is_told(visit, write):
    page, told = visit(), []
    page.get_by_text("No jobs yet.").wait_for()  # as above
    page.on("pageerror", lambda error: told.append(error.message))
    page.evaluate("""() => { window.heard = [];
        moi.lists[0].on("add", () => { throw new Error("mine"); });
        moi.on("add", (job, list) => heard.push(job.id, list === moi.lists[0])); }""")
    job_id = write("Queued")
    row(page, job_id).wait_for()
    assert page.evaluate("heard") == [job_id, True] and told == ["mine"]


def test_a_long_word_of_the_server_s_leaves_the_page_as_wide_as_it_is(visit):
    page = visit(viewport={"width": 320, "height": 500})
    page.evaluate("moi.lists[0].cancel(['x'.repeat(99)])")
    page.get_by_text("xxxxxx").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def names(page):
    return page.locator(".moi-job .moi-name").all_text_contents()


def test_jobs_are_filtered_by_state_searched_and_removed_when_they_have_ended(page, write, group):
    for i in range(4):
        write("Success", f"Mean {i}", date_created=f"2030-01-01T00:00:0{i}")
        write("Failed", f"Fit {i}", result="odd", date_created=f"2029-01-01T00:00:0{i}")
    last = write("Queued", "Mean of all", date_created="2028-01-01")
    pressed = page.locator(".moi-filter[aria-pressed=true]")
    page.get_by_role("button", name="All 9").wait_for()
    assert pressed.text_content() == "All 9" and page.get_by_role("searchbox").is_hidden()
    assert page.locator(".moi-filter:visible").all_text_contents() == ["All 9", "Queued 1", "Success 4", "Failed 4"]
    page.get_by_role("button", name="Failed 4").click()
    until(lambda: names(page) == ["Fit 3", "Fit 2", "Fit 1", "Fit 0"], "the failed ones are shown")
    write("Failed", "Mean of all", last, date_created="2028-01-01")
    until(lambda: names(page)[-1] == "Mean of all", "it comes into the view when it fails")
    write("Success", "Mean 5", date_created="2031-01-01")
    page.get_by_role("button", name="All 10").click()
    page.get_by_role("searchbox").fill("MEAN")
    until(lambda: names(page) == ["Mean 5", "Mean 3", "Mean 2", "Mean 1", "Mean 0", "Mean of all"], "names are found")
    page.get_by_role("searchbox").fill(last[:13])
    until(lambda: names(page) == ["Mean of all"], "an ID is found")
    page.get_by_role("searchbox").fill("nothing of the kind")
    page.get_by_text("No job matches.").wait_for()
    assert page.get_by_role("button", name="Remove ended").is_hidden()
    page.get_by_role("searchbox").fill("mean")
    page.get_by_role("button", name="Success 5").click()
    until(lambda: len(names(page)) == 5, "both narrow the list")
    page.get_by_role("button", name="Remove ended").click()
    page.get_by_text("No job matches.").wait_for()
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="All 5").click()
    until(lambda: names(page) == ["Fit 3", "Fit 2", "Fit 1", "Fit 0", "Mean of all"], "the others are kept")
    page.get_by_role("button", name="Remove ended").click()
    page.get_by_text("No jobs yet.").wait_for()
    assert moi.Group(group).jobs() == [] and page.locator(".moi-bar").is_hidden()
    write("Queued", "new")
    page.get_by_text("new").wait_for()


def test_a_page_that_has_never_had_a_connection_does_not_say_that_it_lost_one(visit):
    page = visit(list_html='<div id="moi-joblist" data-url="/icon"></div>')
    page.evaluate("moi.lists[0].options.retry = [10, 10]")
    page.wait_for_function("() => moi.lists[0].attempts > 2")
    assert page.locator(".moi-state").text_content() == "Connecting \u2026"


def test_who_is_signed_out_is_told_so_and_the_list_goes_on_after_a_new_sign_in(visit, write, group):
    job_id = write("Running", "kept")
    page = visit()
    row(page, job_id).wait_for()
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.evaluate("moi.lists[0].options.retry = [50, 200]; moi.lists[0].socket.close()")
    page.get_by_text("You are signed out.").wait_for()
    page.wait_for_function("() => moi.lists[0].attempts > 2")
    assert row(page, job_id).is_visible() and page.locator(".moi-away").count() == 1
    page.context.add_cookies(cookies)
    page.wait_for_function("() => moi.lists[0].state == 'online' && !document.querySelector('.moi-away')")
    assert page.get_by_text("You are signed out.").count() == 0
    page.context.clear_cookies()
    page.reload()
    page.get_by_text("You are signed out.").wait_for()


def test_a_websocket_that_is_refused_as_another_origin_s_is_said_in_the_console(chromium, group):
    class Proxied(moi.MOIMessageHandler):
        def prepare(self):
            self.request.headers["Host"] = "internal:8888"  # as a proxy says that keeps the page's own to itself
            self.request.headers.pop("Sec-Fetch-Site", None)  # as browsers do not say without TLS; Tornado 6.6 asks it
            super().prepare()

    server, context = Server(handler=Proxied), chromium.new_context()
    try:
        page = context.new_page()
        with page.expect_console_message(lambda message: "answers 400" in message.text) as said:
            page.goto(f"http://127.0.0.1:{server.port}/?user={group}")
        assert "pass on Host and Upgrade" in said.value.text
        page.get_by_text("Connecting").wait_for()
    finally:
        context.close()
        server.stop()


def test_the_title_counts_running_jobs_of_all_lists_and_is_the_page_s_own_again(page, write):
    ids = [write("Running") for _ in range(3)]
    page.wait_for_function("() => document.title == '(3) test'")
    page.evaluate("""() => {
        const more = title => moi.connect({title, element: document.body.appendChild(document.createElement("div"))});
        [window.second, window.third] = [more(true), more(false)];
    }""")
    page.wait_for_function("() => document.title == '(6) test'")
    page.evaluate("document.title = 'changed by the page'")
    write("Success", job_id=ids[0])
    page.wait_for_function("() => document.title == '(4) changed by the page'")
    page.evaluate("second.close()")
    assert page.title() == "(2) changed by the page"
    for job_id in ids[1:]:
        write("Failed", job_id=job_id)
    page.wait_for_function("() => document.title == 'changed by the page'")
    page.evaluate("third.close()")


@pytest.mark.slow
def test_a_long_job_that_ends_while_the_page_is_hidden_is_notified_if_the_visitor_has_asked_for_it(visit, write):
    page = visit(list_html='<div id="moi-joblist" data-notify></div>', script="""
        window.shown = [], window.tags = new Set(), window.asked = 0;
        window.Notification = class {
            static permission = "default";
            static async requestPermission() { asked++; return Notification.permission = "granted"; }
            constructor(text, { tag }) { shown.push(text); tags.add(tag); }
        };""")
    long, also, short = write("Running", "long", ran=90), write("Running", "also", ran=90), write("Running", "short")
    row(page, short).wait_for()
    assert page.evaluate("asked") == 0
    page.get_by_role("button", name="Notify me").click()
    page.get_by_role("button", name="Notify me").wait_for(state="hidden")
    assert page.evaluate("moi.lists[0].voice.textContent") == "Notifications are on."
    write("Success", "also", job_id=also, ran=90)
    page.locator(".moi-voice", has_text="also: Success").wait_for(state="attached")
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    write("Success", "short", job_id=short)
    write("Failed", "long", job_id=long, ran=90)
    page.wait_for_function("() => shown.length")
    later = write("Running", "later", ran=90)
    row(page, later).wait_for()
    write("Success", "later", job_id=later, ran=90)
    page.wait_for_function("() => shown.length == 2")
    assert page.evaluate("[asked, shown]") == [1, ["long: Failed", "later: Success"]]
    assert page.evaluate("tags.size") == 2  # or the later one would take the earlier one's place


@pytest.mark.slow
def test_what_has_the_keyboard_stays_in_sight_however_high_the_rows_that_come_above_it(visit, write):
    page = visit('<body style="font: 20px sans-serif; padding: 200px 0 0">', viewport={"width": 800, "height": 600})
    for i in range(12):
        write("Success", f"old {i}", date_created=f"20{i + 10}", result=i)
    page.wait_for_function("() => document.querySelectorAll('.moi-job').length == 12")
    while focused(page)[0] != "Remove" or "old 11" not in page.evaluate("document.activeElement.ariaLabel"):
        page.keyboard.press("Tab")
    for i in range(25):
        write("half way through a long status text " * 8, "Simulation of the lattice " * 8, progress=0.4, ran=20)
        page.wait_for_function("n => document.querySelectorAll('.moi-job').length == n", arg=13 + i)
        frames(page, 6)
    frames(page, 30)
    top, bottom = page.evaluate("""() => { const box = document.activeElement.getBoundingClientRect();
                                           return [box.top, box.bottom]; }""")
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove: old 11" and 0 <= top < bottom <= 600


def frames(page, n):
    """Let the page draw some frames."""
    page.evaluate("""n => new Promise((done) => {
        const next = () => (n-- ? requestAnimationFrame(next) : done());
        next();
    })""", n)


def test_the_keyboard_keeps_its_place_when_buttons_and_rows_go(page, write, run, group):
    first, second, third = (write("Running", f"job {i}", date_created=f"200{i}") for i in range(3))
    page.get_by_role("button", name="Cancel: job 1").focus()
    write("Running", "newer", date_created="2020")
    page.get_by_text("newer").wait_for()
    assert focused(page) == ["Cancel", second]
    write("Success", "job 1", job_id=second, date_created="2001", handler="/results")
    page.get_by_role("button", name="Remove: job 1").wait_for()
    until(lambda: focused(page)[0] != "Cancel", "the focus leaves what is gone")
    assert page.evaluate("document.activeElement.matches('.moi-job')")  # where Enter follows no link
    page.keyboard.press("Tab")
    assert focused(page) == ["Result", second]
    page.keyboard.press("Tab")
    assert focused(page) == ["Remove", second]
    page.keyboard.press("Enter")
    until(lambda: focused(page)[1] == first, "after a removal the focus goes to the neighbour")
    assert page.evaluate("document.activeElement.matches('.moi-job')")  # and not to its Cancel
    moi.Group(group).remove([first])
    until(lambda: focused(page)[1] == third, "the focus goes to the other neighbour")
    moi.Group(group).remove(moi.Group(group).jobs())
    page.get_by_text("No jobs yet.").wait_for()
    assert page.evaluate("document.activeElement === moi.lists[0].line")
    last = write("Running", "last")
    until(lambda: page.evaluate("document.activeElement === moi.lists[0].list"), "the focus leaves the line that goes")
    page.get_by_role("button", name="Running 1").focus()
    write("Success", "last", job_id=last)
    until(lambda: focused(page)[0] == "All 1", "the focus stays in the bar")


def test_the_row_that_has_the_focus_stays_however_many_newer_ones_come(visit, write):
    page = visit("<style>.moi-job { min-height: 2000px }</style>", '<div id="moi-joblist" data-rows="3"></div>')
    ids = [write("Running", f"job {i}", date_created=f"200{i}") for i in range(9)]
    page.get_by_role("button", name="Cancel: job 7").focus()
    for i in range(5):
        write("Queued", f"newer {i}", date_created=f"201{i}")
    page.wait_for_function("() => moi.lists[0].order.length == 14 && !moi.lists[0].frame")
    assert focused(page) == ["Cancel", ids[7]]
    assert page.locator(".moi-job").count() == 8
    page.keyboard.press("Tab")
    assert focused(page) == ["Cancel", ids[6]]  # and the next one, where Tab leads


def test_who_scrolls_while_jobs_run_is_not_pulled_back_to_the_focus(page, write):
    for i in range(40):
        write("Running", f"job {i}", date_created=f"20{i:02}")
    page.wait_for_function("() => moi.lists[0].shown.length == 40")
    page.get_by_role("button", name="Cancel: job 20").focus()
    page.keyboard.press("Shift")
    page.evaluate("document.activeElement.scrollIntoView({block: 'end', behavior: 'instant'})")
    place = page.evaluate("document.activeElement.matches(':focus-visible') && scrollY")
    assert place > 200
    for y in (-60, -140, -200, 400, 580):
        page.evaluate("y => scrollTo({top: y, behavior: 'instant'})", place + y)
        write("Running", "another", date_created="1999")
        page.evaluate("""() => new Promise(then => {
            const { draw } = moi.lists[0];
            moi.lists[0].draw = function () { draw.call(this); then(); };
            moi.lists[0].schedule(); })""")
        assert page.evaluate("scrollY") == max(0, place + y)


def test_who_has_scrolled_reads_on_however_many_newer_jobs_come(visit, write):
    page = visit("", '<div id="moi-joblist" data-rows="30"></div>')
    for i in range(30):
        write("Running", f"old {i}", date_created=f"20{i:02}")
    page.wait_for_function("() => moi.lists[0].shown.length == 30")
    read = page.get_by_text("old 4", exact=True)
    read.scroll_into_view_if_needed()
    # The browser keeps the place of who scrolls from the next frame on.
    frames(page, 2)
    for i in range(60):
        write("Queued", f"newer {i}", date_created=f"21{i:02}")
    page.wait_for_function("() => moi.lists[0].items.size == 90 && !moi.lists[0].frame")
    until(lambda: read.evaluate("""e => {
        const box = e.getBoundingClientRect();
        return 0 <= box.top && box.bottom <= innerHeight; }"""), "what was read is in sight")
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    page.get_by_text("newer 59").wait_for()


def test_a_double_click_removes_and_cancels_no_more_than_a_click(page, ctx, group, write):
    def double_click(job_id, button, until_then):
        box = row(page, job_id).get_by_role("button", name=button).bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        for count in 1, 2:  # the second one when something else stands there
            page.mouse.down(click_count=count)
            page.mouse.up(click_count=count)
            until_then()
    older, gone = [write("Success", f"job {i}", date_created=f"200{i}") for i in range(2)]
    row(page, older).wait_for()
    double_click(gone, "Remove", lambda: row(page, gone).wait_for(state="detached"))
    job_id = submit(ctx, group, "cancel me", None, time.sleep, 60)
    row(page, job_id).get_by_text("Running").wait_for()
    double_click(job_id, "Cancel", lambda: row(page, job_id).get_by_role("button", name="Remove").wait_for())
    assert page.evaluate("() => [...moi.lists[0].items.values()].some((item) => item.asked)") is False
    assert {*moi.Group(group).jobs()} == {older, job_id}


@pytest.mark.parametrize("style", [
    "#foot { position: fixed; bottom: 0; width: 100%; height: 50px; margin: 0 }",
    ".moi-job + .moi-job { margin-top: .5rem }"])
def test_what_lies_over_the_end_of_the_window_brings_no_rows_that_nobody_scrolls_to(visit, write, style):
    page = visit("", '<div id="moi-joblist" data-rows="30"></div><p id="foot"></p>')
    page.evaluate("""css => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(css);
        document.adoptedStyleSheets.push(sheet);
    }""", style)
    job_ids = [write("Running", f"job {i}", date_created=f"20{i:02}") for i in range(90)]
    page.wait_for_function("() => moi.lists[0].items.size == 90 && !moi.lists[0].frame")
    # The window's foot stands between two rows.
    page.evaluate("""async () => {
        await new Promise(requestAnimationFrame);
        const { bottom } = document.querySelectorAll(".moi-job")[14].getBoundingClientRect();
        scrollBy({top: bottom + 4 - innerHeight, behavior: "instant"});
    }""")
    frames(page, 3)
    before = page.locator(".moi-job").count()
    for n in range(10):
        write("Running", job_id=job_ids[-1], progress=n / 10)
        row(page, job_ids[-1]).get_by_text(f"{10 * n}%", exact=True).wait_for()
    assert page.locator(".moi-job").count() == before < 60


def test_a_page_that_is_not_looked_at_keeps_nothing_of_jobs_that_come_and_go(visit, write, group):
    page = visit(script="""
        window.requestAnimationFrame = () => 1;  // a hidden page has no frames
        window.jobs = [];""")
    page.wait_for_function("() => window.moi?.lists[0]?.answered", polling=100)
    page.evaluate("() => { moi.on('add', (job) => jobs.push(new WeakRef(job))); moi.on('remove', () => gone++); "
                  "window.gone = 0; }")
    job_ids = [write("Success", result="x" * 1000) for _ in range(10)]
    page.wait_for_function("() => jobs.length == 10", polling=100)
    moi.Group(group).remove(job_ids)
    page.wait_for_function("() => gone == 10", polling=100)
    page.context.new_cdp_session(page).send("HeapProfiler.collectGarbage")
    assert page.evaluate("() => jobs.filter((job) => job.deref()).length") == 0


def test_a_search_finds_what_rows_say_and_tells_how_many_when_the_typing_pauses(page, write):
    for i in range(10):
        write("Running", f"alike {i}")
    write("Failed", "other", result="Cancelled while it was running.")
    page.get_by_text("Cancelled while").wait_for()
    page.evaluate("""() => { window.told = []; const { voice } = moi.lists[0];
        new MutationObserver(() => voice.textContent.endsWith("jobs") && told.push(voice.textContent))
            .observe(voice, {childList: true}); }""")
    page.get_by_role("searchbox").press_sequentially("alike")
    page.wait_for_function("() => told.length")
    assert page.evaluate("told") == ["10 jobs"]
    page.get_by_role("searchbox").fill("cancelled while")
    until(lambda: page.locator(".moi-job").count() == 1, "it is found")
    page.get_by_role("button", name="Remove ended").press("Enter")
    page.get_by_text("No job matches.").wait_for()
    assert page.evaluate("document.activeElement === moi.lists[0].search")  # which holds what is looked for


def test_a_row_that_leaves_the_filter_stays_while_the_keyboard_is_in_it(page, write):
    ids = [write("Queued", f"job {i}", date_created=f"200{i}") for i in range(4)]
    page.get_by_role("button", name="Queued 4").press("Enter")
    page.get_by_role("button", name="Cancel: job 3").wait_for()
    page.get_by_role("button", name="Cancel: job 2").press("Shift")
    for job_id in ids[3], ids[2], ids[0]:
        write("Running", "it runs", job_id=job_id)
    row(page, ids[2]).get_by_text("Running").wait_for()
    until(lambda: page.locator(".moi-job").count() == 2, "the others have gone")
    assert focused(page) == ["Cancel", ids[2]]
    page.keyboard.press("Tab")
    assert focused(page) == ["Cancel", ids[1]]
    until(lambda: page.locator(".moi-job").count() == 1, "it goes when the keyboard has left it")
    assert focused(page) == ["Cancel", ids[1]]


def test_newer_rows_push_the_keyboard_s_focus_out_of_nobody_s_sight_and_pull_back_nobody_who_has_scrolled(page, write):
    first = write("Running", "first", date_created="2000")
    page.get_by_role("button", name="Cancel: first").wait_for()
    for _ in range(9):
        page.keyboard.press("Tab")
        if focused(page) == ["Cancel", first]:
            break
    in_view = """() => { const box = document.activeElement.getBoundingClientRect();
        return box.top >= 0 && box.bottom <= innerHeight; }"""
    for newer, jump, seen in ((20, 0, True), (40, 1e6, False)):
        page.evaluate("y => scrollBy(0, -y)", jump)
        while page.evaluate("moi.lists[0].items.size") <= newer:
            write("Running", f"job {uuid.uuid4()}", date_created="2001")
        page.wait_for_function("n => moi.lists[0].shown.length > n && !moi.lists[0].frame", arg=newer)
        assert focused(page) == ["Cancel", first] and page.evaluate(in_view) is seen


def test_a_key_that_is_held_down_removes_one_job_and_after_it_the_next_has_the_focus(page, write):
    ids = [write("Success", f"job {i}", date_created=f"200{i}") for i in range(3)]
    page.get_by_role("button", name="Remove: job 2").focus()
    for _ in range(4):
        page.keyboard.down("Enter")
    until(lambda: focused(page) == ["Remove", ids[1]], "the next Remove has it")
    page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.keyboard.press("Tab")  # the page has handled the keys before
    assert page.locator(".moi-job").count() == 2
    page.get_by_role("button", name="Remove ended").focus()
    page.evaluate("() => { window.sent = []; moi.lists[0].socket.send = (text) => sent.push(JSON.parse(text)); }")
    for _ in range(4):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    assert page.evaluate("sent") == [{"remove": [ids[1], ids[0]]}]
    page.evaluate("() => { window.toggled = 0; addEventListener('toggle', () => toggled++, true); }")
    last = row(page, write("Success", "last", output="printed"))
    last.get_by_text("Output").focus()
    for _ in range(4):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    page.wait_for_function("toggled")  # which is said a moment later
    assert last.get_by_role("group", name="Output").is_visible() and page.evaluate("toggled") == 1


def test_what_is_clicked_without_a_connection_shows_it_and_is_asked_for_once_over_the_next(page, write, group, r):
    ended, gone, endless = write("Success", "ended"), write("Success", "gone"), write("Running", "endless")
    page.get_by_text("endless").wait_for()
    page.evaluate("""() => { const list = moi.lists[0]; list.options.retry = [60000, 60000]; list.socket.close();
        window.sent = []; const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) { sent.push(JSON.parse(text)); send.call(this, text); }; }""")
    page.get_by_text("Reconnecting").wait_for()
    page.evaluate("ids => moi.lists[0].cancel(ids)", [endless, ended, "another"])  # a script's wish
    for name in ("Remove: ended", "Remove: gone", "Cancel: endless"):
        for _ in range(2):
            page.get_by_role("button", name=name).dispatch_event("click")
        page.get_by_role("button", name=name, disabled=True).wait_for()
    for job_id, word in (ended, "Removing"), (gone, "Removing"), (endless, "Cancelling"):
        row(page, job_id).get_by_text(word).wait_for()
    assert "Removing" in page.locator(".moi-live").text_content(), "it is read out, too"
    until(lambda: group not in [name for name, _ in moi._relays], "the relay has ended, and will see what is left")
    moi.Group(group).remove([gone])
    page.evaluate("moi.lists[0].connect()")
    page.wait_for_function("() => sent.length > 3 && moi.lists[0].items.size == 1")
    asked = page.evaluate("sent.filter(message => !message.get)")
    assert sorted(asked, key=str) == [{"cancel": [endless]}, {"remove": [ended]}]
    assert not r.sismember(f"{group}:jobs", ended)


@pytest.mark.slow
def test_a_connection_that_was_cut_without_a_word_is_given_up_and_what_was_clicked_meanwhile_is_done(
        visit, server, write, group, r):
    """As by a computer's sleep, or a router that forgets: neither side is told."""
    cut, swallowed = threading.Event(), threading.Semaphore(0)

    def forward(near, far):
        with contextlib.suppress(OSError):  # closed at the end
            lost = False
            while data := near.recv(65536):
                if not lost and cut.is_set():
                    lost = True
                    swallowed.release()
                if not lost:
                    far.sendall(data)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", server.port))
                stack.callback(near.close)
                stack.callback(far.close)
                for ends in (near, far), (far, near):
                    threading.Thread(target=forward, args=ends, daemon=True).start()
    with contextlib.ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        runs, gone = write("Running"), write("Success")
        page = visit()
        page.goto(f"http://127.0.0.1:{listener.getsockname()[1]}/?own={group}")
        row(page, gone).wait_for()
        cut.set()
        write("Success", job_id=runs)
        row(page, gone).get_by_role("button", name="Remove").click()
        for _ in "what the server has told", "what the page has asked for":
            assert swallowed.acquire(timeout=DEADLINE)
        cut.clear()
        page.evaluate("() => { moi.lists[0].heard -= 29_000; }")
        page.get_by_text("Connection lost.").wait_for()
        row(page, gone).wait_for(state="detached")
        row(page, runs).get_by_text("Success").wait_for()
        assert not r.sismember(f"{group}:jobs", gone)


def test_an_attempt_to_connect_that_nobody_answers_is_given_up_in_favour_of_the_next(visit, write):
    job_id = write("Running")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        page = visit(script=f"""
            const urls = ["ws://127.0.0.1:{silent.getsockname()[1]}/"], {{ WebSocket, setTimeout }} = window;
            window.WebSocket = class extends WebSocket {{ constructor(url) {{ super(urls.pop() || url); }} }};
            window.setTimeout = (then, ms) => setTimeout(then, ms > 15_000 ? 500 : ms);""")
        row(page, job_id).wait_for()


@pytest.mark.slow
def test_a_list_longer_than_the_server_takes_ids_is_read_anew_after_a_lost_connection(page, write):
    job_id = write("Success", "there")
    row(page, job_id).wait_for()
    page.evaluate("""() => { const list = moi.lists[0]; window.sent = [];
        const send = WebSocket.prototype.send;
        WebSocket.prototype.send = function (text) { sent.push(JSON.parse(text)); send.call(this, text); };
        const add = Array.from({length: 60000}, (_, i) => ({id: "job " + i, status: "Success", date_created: "2000"}));
        list.receive(JSON.stringify({add})); }""")
    page.get_by_role("button", name="Success 60,001").wait_for()
    page.get_by_role("button", name="Remove ended").click()
    assert page.evaluate("sent.splice(0).flatMap(message => message.remove).length") == 50_000
    page.evaluate("() => { moi.lists[0].options.retry = [100, 100]; moi.lists[0].socket.close(); }")
    page.wait_for_function("() => moi.lists[0].items.size < 2 && moi.lists[0].state == 'online' && sent.length")
    assert page.evaluate("sent") == [{"get": []}]


def test_after_a_removal_the_next_remove_has_the_focus_only_if_the_last_one_had_it(page, write):
    ids = [write("Success", f"job {i}", date_created=f"200{i}", handler="/results") for i in range(2)]
    page.get_by_role("link", name="Result: job 0").wait_for()
    page.get_by_role("link", name="Result: job 1").wait_for()
    page.evaluate("""id => {
        const { row } = moi.lists[0].items.get(id);
        row.querySelector(".moi-remove").click();
        row.querySelector(".moi-result").focus();
    }""", ids[1])
    until(lambda: focused(page)[1] == ids[0], "the neighbour has it")
    assert page.evaluate("document.activeElement.matches('.moi-job')")


def test_what_has_the_focus_is_not_behind_the_line_on_the_connection(visit, write):
    page = visit(viewport={"width": 800, "height": 500})
    for i in range(20):
        write("Running", f"job {i}", date_created=f"20{i:02}")
    page.get_by_text("job 19", exact=True).wait_for()
    page.evaluate("moi.lists[0].options.retry = [60000, 60000]; moi.lists[0].socket.close()")
    page.get_by_text("Reconnecting").wait_for()
    page.evaluate("moi.lists[0].bar.style.marginTop = '430px'")
    for label in ["All 20", "Running 20", None] + [f"Cancel: job {i}" for i in reversed(range(20))]:
        page.keyboard.press("Tab")
        named, covered = page.evaluate("""() => {
            const element = document.activeElement, box = element.getBoundingClientRect();
            const line = moi.lists[0].line.getBoundingClientRect();
            return [element.matches("input") ? null : element.ariaLabel || element.textContent,
                    box.bottom > line.top && box.top < line.bottom];
        }""")
        assert (named, covered) == (label, False)


def test_who_has_scrolled_away_from_the_focus_stays_where_he_reads(visit, write):
    page = visit(list_html='<form action="/nowhere"><div id="moi-joblist"></div></form>')
    ids = [write("Running", f"job {i}", date_created=f"20{i:02}") for i in range(40)]
    page.get_by_role("searchbox").press("Enter")  # and does not send a form that is around it all
    page.get_by_role("button", name="Cancel: job 0").focus()
    assert page.evaluate("scrollY") > 500
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    write("Success", "job 0", job_id=ids[0], date_created="2000", handler="/results")
    until(lambda: page.evaluate("document.activeElement.matches('.moi-job')"), "the focus goes to the row")
    assert page.evaluate("scrollY") == 0
    page.evaluate("document.activeElement.scrollIntoView()")


def test_the_row_that_the_keyboard_is_in_shows_its_whole_name(visit, write):
    page = visit(viewport={"width": 320, "height": 640})
    name = row(page, write("Running", "Simulation of the lattice " * 8)).locator(".moi-name")
    name.wait_for()
    cut = "e => e.scrollHeight > e.clientHeight"
    assert name.evaluate(cut)
    for text in ("All 1", "Running 1", "Cancel"):
        page.keyboard.press("Tab")
        assert focused(page)[0] == text
    assert not name.evaluate(cut)


def test_everything_is_done_by_the_keyboard_alone(visit, ctx, group):
    job_id = submit(ctx, group, "Endless", None, sleeper)
    page = visit()
    row(page, job_id).get_by_text("Running").first.wait_for()
    for text in ("All 1", "Running 1", "Cancel"):
        page.keyboard.press("Tab")
        assert focused(page)[0] == text
    page.keyboard.press("Enter")
    row(page, job_id).get_by_text("Cancelled while it was running.").wait_for()
    until(lambda: focused(page)[1] == job_id, "the focus stays in the row")
    for _ in range(5):
        if focused(page)[0] == "Remove":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("No jobs yet.").wait_for()


@pytest.mark.slow
def test_one_polite_live_region_tells_changes_of_state_merged_and_no_percents(page, write):
    assert page.locator("#moi-joblist [aria-live], #moi-joblist [role=status], #moi-joblist [role=alert]").count() == 1
    page.evaluate("""() => { window.twice = 0; window.heard = [];
        new MutationObserver(() => heard.push(moi.lists[0].voice.textContent))
        .observe(moi.lists[0].voice, {childList: true}); }""")
    ids = [write("Running", f"job {i}", progress=0.1) for i in range(13)]
    page.wait_for_function("() => document.querySelectorAll('.moi-job').length == 13")
    write("Running", "job 0", job_id=ids[0], progress=0.2)
    write("Failed", "job 0", job_id=ids[0])
    page.wait_for_function("() => heard.includes('job 0: Failed')")
    page.evaluate("""ids => moi.lists[0].receive(JSON.stringify(
        {update: ids.map(id => ({...moi.lists[0].items.get(id).job, status: "Success"}))}))""", ids[1:])
    page.wait_for_function("() => heard.includes('12 jobs succeeded')")
    assert not [text for text in page.evaluate("heard") if "%" in text or len(text) > 50]
    page.wait_for_function("() => performance.now() > moi.lists[0].opened + 1000")
    for _ in range(2):  # the same twice is heard twice
        write("Queued", "another")
        page.wait_for_function("() => heard.filter(text => text == 'another: Queued').length > window.twice")
        page.evaluate("window.twice = 1")
    write("Running", "quick")
    page.wait_for_function("() => heard.includes('quick: Running')")
    write("Success", "old", date_created="2001-01-01T00:00:00+00:00")
    write("Success", "quicker")
    page.wait_for_function("() => heard.some(text => text.includes('quicker: Success'))")
    assert not [text for text in page.evaluate("heard") if "old" in text]
    page.get_by_role("button", name="Failed 1").click()
    page.wait_for_function("() => heard.at(-1) == '1 job'")
    page.get_by_role("searchbox").fill("nothing of the kind")
    page.get_by_text("No job matches.").wait_for()
    page.evaluate("heard.length = 0")
    page.get_by_role("searchbox").fill("job")
    page.wait_for_function("() => heard.at(-1) == '1 job'")  # the same again is said again
    page.evaluate("moi.lists[0].socket.close()")
    page.wait_for_function("() => heard.includes('Connected again.')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_whatever_the_list_shows(visit, write, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def check(what):
        found = axe.run(page, context="#moi-joblist").response["violations"]
        assert not found, (what, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found])

    page = visit("<style>:root { color-scheme: light dark }</style>", color_scheme=scheme, reduced_motion="reduce")
    page.get_by_text("No jobs yet.").wait_for()
    check("empty")
    for i in range(3):
        write("Queued"), write("Success", result=42, handler="/results")
        write("sweep 3", ran=60, progress=0.4, output="printed")
        last = write("Failed", result="Traceback\n" + "  a line\n" * 50 + "Error: why", output="printed\n" * 300)
    row(page, last).get_by_text("Why it failed").click()
    row(page, last).get_by_text("Output").click()
    page.get_by_role("searchbox").wait_for()
    check("all states")
    page.evaluate("moi.lists[0].options.retry = [60000, 60000]; moi.lists[0].socket.close()")
    page.get_by_text("Reconnecting").wait_for()
    check("reconnecting")
    page.get_by_role("searchbox").fill("nothing of the kind")
    page.wait_for_function("() => !document.querySelector('.moi-job')")
    check("nothing found")


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_320_pixels_and_a_zoom_of_400_percent_need_no_horizontal_scrolling(visit, write, direction):
    page = visit(f"<script>document.dir = '{direction}'</script>", viewport={"width": 320, "height": 256})
    for i in range(4):
        write("sweep 1,204 of 2,000", "Simulate " * 20, ran=60, progress=0.4), write("Queued", "W" * 200)
        write("Failed", "failed", result="Traceback\n" + "x" * 300, output="o" * 300, handler="/results")
    page.wait_for_function("() => document.querySelectorAll('.moi-job').length == 12")
    for summary in page.locator("summary:visible").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    icon, name = (page.locator(part).first.bounding_box()["x"] for part in (".moi-icon", ".moi-name"))
    assert (icon < name) == (direction == "ltr")


def test_reduced_motion_stands_still_and_forced_colours_show_what_is_pressed(visit, write):
    write("Running"), write("Success")
    page = visit(reduced_motion="reduce", forced_colors="active")
    page.get_by_role("button", name="All 2").wait_for()
    assert page.evaluate("document.getAnimations().length") == 0
    pressed, *others = page.locator(".moi-filter:visible").evaluate_all(
        "filters => filters.map(e => getComputedStyle(e).backgroundColor)")
    assert pressed not in others
    page = visit(reduced_motion="no-preference")
    page.locator(".moi-job[data-state=running]").wait_for()
    assert page.evaluate("document.getAnimations().length") == 1


def test_attributes_set_the_options_and_words_can_be_translated(visit, write):
    for i in range(12):
        write("Success", f"job {i}", date_created=f"20{i:02}")
    page = visit(list_html="""
        <template id="row"><li><b class="moi-name"></b> <i class="moi-word"></i></li></template>
        <div id="moi-joblist" data-url="/moi-ws?x=1" data-rows="5" data-template="row" data-title="false"></div>
        <script>document.addEventListener("DOMContentLoaded", () => Object.assign(moi.defaults.words,
            {all: "Alle", success: "Fertig"}))</script>""", viewport={"width": 800, "height": 600})
    page.get_by_role("button", name="Alle 12").wait_for()
    until(lambda: page.locator(".moi-job").first.text_content() == "job 11 Fertig", "the template is used")
    until(lambda: page.locator(".moi-job").count() == 12, "further rows come for as long as the end is in view")
    options = page.evaluate("(({url, rows, template, title, notify}) => [url, rows, template, title, notify])"
                            "(moi.lists[0].options)")
    assert options == ["/moi-ws?x=1", 5, "row", False, False]


def test_the_looks_in_the_readme_work_as_printed(visit, write):
    html, css, template = re.findall(r"```(?:html|css)\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)[:3]
    assert len(css.splitlines()) <= 10
    job_id = write("half way", "Simulate", progress=0.5, ran=60)
    page = visit(list_html=html.partition("<script")[0])
    plain = row(page, job_id).evaluate("e => getComputedStyle(e).borderTopLeftRadius")
    page = visit(f"<style>{css}</style>", html.partition("<script")[0])
    row(page, job_id).wait_for()
    assert row(page, job_id).evaluate("e => getComputedStyle(e).borderTopLeftRadius") != plain
    page = visit(list_html=html.partition("<script")[0] + template)
    row(page, job_id).get_by_text("Simulate").wait_for()
    assert row(page, job_id).evaluate("e => e.textContent.trim()").startswith("Simulate")


@pytest.mark.benchmark
def test_benchmark_10_000_jobs_are_searched_and_updated_1_000_times_a_second_without_a_long_frame(visit, group, r, run):
    base, ids = run(abs, 1), [str(uuid.uuid4()) for _ in range(10_000)]
    with r.pipeline(transaction=False) as pipe:
        for i, job_id in enumerate(ids):
            pipe.set(job_id, json.dumps({**base, "id": job_id, "name": f"Job {i}", "date_created": ago(i)}), ex=300)
        pipe.sadd(f"{group}:jobs", *ids)
        pipe.execute()
    page = visit()
    page.wait_for_function("() => moi.lists[0].order.length == 10001 && moi.lists[0].shown.length == 200")
    longest = page.evaluate("""ids => new Promise(resolve => {
        const list = moi.lists[0], longest = {}, keys = [..."job 4321", ..."\b\b\b\b"];
        let lines = 0;
        const measured = (what, act) => (...args) => {
            const began = performance.now();
            act.apply(list, args);
            longest[what] = Math.max(longest[what] || 0, performance.now() - began);
        };
        const receive = measured("message", list.receive);
        const frame = (before) => requestAnimationFrame(now => {
            if (before) longest.frame = Math.max(longest.frame || 0, now - before);
            frame(now);
        });
        frame();
        const timers = [setInterval(() => {
            const some = Array.from({length: 10}, () => ids[Math.floor(Math.random() * ids.length)]);
            receive(JSON.stringify({update: ids.slice(0, 10).concat(some).map(
                id => ({...list.items.get(id).job, output: `line ${lines++}`}))}));
        }, 20), setInterval(() => {
            const key = keys.shift(), text = list.search.value;
            if (!key) return timers.forEach(clearInterval), resolve(longest);
            list.search.value = key == "\b" ? text.slice(0, -1) : text + key;
            measured("key", list.search.oninput)();
        }, 250)];
    })""", ids)
    figures(**{f"longest_{what}_ms": (took, "<= 50") for what, took in longest.items()})


class Firefox:
    """A Firefox, spoken to in WebDriver BiDi, as far as a page needs it."""

    def __init__(self, path, folder, server):
        self.server, self.answers = server, queue.Queue()
        self.process = subprocess.Popen(
            [path, "--headless", "--remote-debugging-port", "0", "--profile", str(folder), "--no-remote"],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(folder)})
        url = next(line.split()[-1] for line in self.process.stderr if "WebDriver BiDi listening on" in line)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()  # lest the pipe fills

        async def connect():
            return await tornado.websocket.websocket_connect(f"{url}/session", on_message_callback=self.answers.put)
        self.socket = server.do(connect())
        self.ask("session.new", capabilities={})
        self.context = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method, **params):
        async def write():
            await self.socket.write_message(json.dumps({"id": 1, "method": method, "params": params}))
        self.server.do(write())
        while "id" not in (answer := json.loads(self.answers.get(timeout=DEADLINE))):
            pass  # an event
        assert answer["type"] == "success", answer
        return answer["result"]

    def goto(self, url):
        self.ask("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def evaluate(self, code):
        result = self.ask("script.evaluate", expression=code, target={"context": self.context}, awaitPromise=True)
        return result["result"].get("value")

    def end(self):
        self.server.loop.call_soon_threadsafe(self.socket.close)
        self.process.terminate()
        self.process.wait(DEADLINE)


@pytest.fixture
def firefox(tmp_path, server):
    path = shutil.which("firefox") or shutil.which("firefox-esr")
    if not path:
        pytest.skip("no Firefox")
    browser = Firefox(path, tmp_path, server)
    yield browser
    browser.end()


def test_firefox_shows_a_job_live_and_cancels_it(firefox, server, ctx, group):
    firefox.goto(f"http://127.0.0.1:{server.port}/?user={urllib.parse.quote(group)}")
    until(lambda: firefox.evaluate("document.querySelector('.moi-state').textContent") == "No jobs yet.", "it connects")
    job_id = submit(ctx, group, "Endless", None, sleeper)
    shown = f"document.querySelector(`[data-id='{job_id}'] .%s`)"
    until(lambda: firefox.evaluate(shown % "moi-word" + "?.textContent") == "Running", "the job is shown live")
    assert firefox.evaluate("getComputedStyle(moi.lists[0].list).borderTopWidth") == "1px"
    firefox.evaluate(shown % "moi-cancel" + ".click()")
    until(lambda: firefox.evaluate(shown % "moi-word" + ".textContent") == "Failed", "the page shows its end")
    assert moi.job_info(job_id)["result"] == "Cancelled while it was running."


@pytest.mark.screenshots
def test_the_readme_s_pictures_are_taken_of_real_jobs(visit, ctx, group):
    def steps(what, n, status_update):
        import time
        for i in range(n):
            status_update(f"{what} {i} of {n}", i / n)
            time.sleep(0.1 if i < 60 else 5)

    def fit(name):
        print(f"reading {name}")
        raise ValueError(f"{name}: no peak above the noise")

    done = [submit(ctx, group, "Fit spectrum, sample 17", None, fit, "sample-17.csv"),
            submit(ctx, group, "Count words", "/results", lambda: {"whale": 1226, "ship": 507, "captain": 329}),
            submit(ctx, group, "Mean energy, 32 sites", "/results", lambda: -0.8312)]
    for job_id in done:
        moi.wait(job_id, DEADLINE)
    jobs = [submit(ctx, group, *job) for job in (
        ("Train classifier", None, steps, "epoch", 60), ("Simulate lattice, 64 sites", None, steps, "sweep", 200),
        ("Render yearly report", None, "sleep 60"))]
    page = visit("<style>:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif } body { margin: 16px }"
                 "</style>", viewport={"width": 800, "height": 100}, device_scale_factor=1.5, reduced_motion="reduce")
    page.wait_for_function("() => [...document.querySelectorAll('.moi-left')].filter(e => e.textContent).length == 2")
    for name, width, scheme in (("moi", 800, "light"), ("moi-dark", 800, "dark"), ("moi-narrow", 360, "light")):
        page.set_viewport_size({"width": width, "height": 100})
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
        path = HERE / ".github" / f"{name}.png"
        page.screenshot(path=path)
        assert path.stat().st_size < 150_000
    for job_id in jobs:
        moi.cancel(job_id)


def test_the_readme_s_server_runs_as_printed_and_its_page_shows_the_job(cluster, chromium, moi_url, tmp_path, folder):
    code = re.search(r"```python\n(import asyncio.*?)```", (HERE / "README.md").read_text(), re.DOTALL)[1]
    assert len(code.splitlines()) <= 25
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "static").mkdir()
    shutil.copy(HERE / "moi.js", tmp_path / "static")
    shutil.copy(HERE / "moi.py", tmp_path)
    (tmp_path / "app.py").write_text(code.replace("8888", str(port)).replace("count, 10)", "count, 3)"))
    security = tmp_path / "ipython" / "profile_default" / "security"
    security.mkdir(parents=True)
    shutil.copy(cluster.file, security)
    app = subprocess.Popen([sys.executable, "app.py"], cwd=tmp_path, env={
        **os.environ, "MOI_REDIS_URL": moi_url, "IPYTHONDIR": str(tmp_path / "ipython")})
    page = chromium.new_page()
    try:
        until(lambda: listens(port), "the server starts")
        page.goto(f"http://127.0.0.1:{port}/")
        page.reload()  # the first visit has signed in
        page.get_by_role("button", name="Count").click()
        page.get_by_text(re.compile(r"\d of 3")).wait_for()
        page.get_by_text("counted to 3").wait_for()
    finally:
        page.close()
        app.terminate()
        app.wait(DEADLINE)


def test_the_readme_s_result_page_shows_results_as_text_and_to_their_owner_alone(server, group, run):
    code = re.search(r"```python\n(class Result.*?)```", (HERE / "README.md").read_text(), re.DOTALL)[1]
    names = {"tornado": tornado, "job_info": moi.job_info}
    exec(code, names)
    server.app.add_handlers(".*", [(r"/result/(.*)", names["Result"])])
    url = f"http://127.0.0.1:{server.port}/result/" + run(lambda: "<b>")["id"]

    def get(url, user):
        return urllib.request.urlopen(urllib.request.Request(url, headers={"Cookie": cookie(user)})).read()
    assert get(url, group) == b"&lt;b&gt;"
    for address, user in (url, "another"), (f"{url}0", group):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(address, user)


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True


# ---------------------------------------------------------------------------------------------------
# The program
# ---------------------------------------------------------------------------------------------------

class Demo:
    """`moi demo` in a process of its own, as a user would start it."""

    def __init__(self, folder, *args, **env):
        env = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), "TMPDIR": str(folder), **env}
        env.pop("MOI_REDIS_URL", None)
        self.process = subprocess.Popen([sys.executable, str(HERE / "moi.py"), "demo", "--engines=2", *args], env=env,
                                        stderr=subprocess.PIPE, text=True, cwd=folder, start_new_session=True)
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if "open http" in line:
                self.url = re.search(r"http://\S+", line)[0]
                return
        self.process.wait(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.end()

    def end(self, number=signal.SIGINT):
        children = descendants(self.process.pid)
        self.process.send_signal(number)
        said = self.process.communicate(timeout=DEADLINE)[1]
        until(lambda: not any(map(alive, children)), "what the demo has started ends")
        return said


@pytest.fixture
def short_path():
    with tempfile.TemporaryDirectory(prefix="moi-demo-", dir="/tmp") as path:
        yield Path(path)


@pytest.mark.slow
def test_the_demo_runs_real_jobs_in_a_real_browser_and_ctrl_c_ends_all_it_has_started(short_path, chromium):
    (short_path / "psutil.py").write_text(f"open({str(short_path / 'imported')!r}, 'w')")  # as ipyparallel imports it
    with Demo(short_path, "--port=0") as demo, contextlib.closing(chromium.new_context()) as browser:
        page = browser.new_page()
        page.goto(demo.url)
        page.get_by_text("No jobs yet.").wait_for()
        assert not (short_path / "imported").exists()

        def job(name, state):
            page.locator(f".moi-job[data-state={state}]", has_text=name).first.wait_for(timeout=60_000)
            return page.locator(".moi-job", has_text=name)
        for button in ("A burst of 200", "Never end", "Draw a plot", "Estimate pi", "Count words", "Run a command",
                       "Fail"):
            with page.expect_response("**/run"):  # the next click would call off this one's request
                page.get_by_role("button", name=button, exact=True).click()
        job("odd perfect", "running").get_by_role("button", name="Cancel").click()
        job("odd perfect", "failed")
        job("Division by zero", "failed")
        for name in ("199 squared", "Hares and lynxes", "the mean of four", "Words in Python", "the system's clock"):
            job(name, "success")
        page.goto(job("Words", "success").locator(".moi-result").get_attribute("href"))
        assert '"with"' in page.inner_text("pre")
        page.go_back()
        page.goto(job("Hares", "success").locator(".moi-result").get_attribute("href"))
        assert page.locator("svg polyline").count() == 2

        page.goto(demo.url.partition("?")[0] + "both")
        ann, bob = (page.frame_locator(f"iframe[title={user}]") for user in ("ann", "bob"))
        bob.get_by_role("button", name="Fail", exact=True).click()
        bob.locator(".moi-job[data-state=failed]").wait_for(timeout=60_000)
        ann.locator(".moi-job").nth(199).wait_for(timeout=60_000)
        assert bob.locator(".moi-job").count() == 1
        assert "ending" in demo.end()
        assert demo.process.returncode == 0 and not list(short_path.glob("moi-*"))


def test_the_demo_says_what_is_missing_or_taken_in_place_of_a_traceback(short_path, server):
    with Demo(short_path, f"--port={server.port}") as taken:
        assert taken.process.returncode == 1 and len(taken.said) == 1
        assert f"127.0.0.1:{server.port}" in taken.said[0] and "--port" in taken.said[0]
    code = "import moi; moi.importlib.util.find_spec = lambda name: None; moi.main(['demo', '--port=0'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=HERE,
                          env={**os.environ, "PATH": "/nowhere", "MOI_REDIS_URL": ""})
    assert "no redis-server on PATH: install Redis" in done.stderr and "Traceback" not in done.stderr


def test_the_demo_lets_in_who_knows_its_address_and_no_forged_request(short_path):
    with Demo(short_path, "--port=0") as demo:
        def refused(url, code, **request):
            with pytest.raises(urllib.error.HTTPError, match=code):
                urllib.request.urlopen(urllib.request.Request(url, **request), timeout=DEADLINE)
        home = demo.url.partition("?")[0]
        visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert visitor.open(demo.url, timeout=DEADLINE).url == home + "ann/"
        with pytest.raises(urllib.error.HTTPError, match="403"):  # without the page's XSRF token
            visitor.open(home + "ann/run", data=b"job=Fail", timeout=DEADLINE)
        for host in "elsewhere.example", "127.0.0.1.elsewhere.example":
            refused(demo.url, "404", headers={"Host": host})
        xsrf = re.search('name="_xsrf" value="([^"]+)', visitor.open(home + "ann/").read().decode())[1]
        for origin in {"Origin": "http://127.0.0.1:1"}, {}:  # another port of this host's shares the cookies
            with pytest.raises(urllib.error.HTTPError, match="403"):
                visitor.open(urllib.request.Request(home + "ann/run", f"job=Fail&_xsrf={xsrf}".encode(), origin))
        for path in ("", "?token=", "?token=guess", "ann/", "both", "moi.js", f"ann/result/{uuid.uuid4()}"):
            refused(home + path, "403")
        refused(home + "ann/run", "403", data=b"job=Fail")
        refused(home + "ann/moi-ws", "403", headers={
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "a" * 24})
        demo.end(signal.SIGHUP)  # its terminal is closed


@pytest.fixture
def cli(cluster, moi_url, folder):
    """Run the program as a shell would; with `tty`, on a terminal."""
    profile = folder / "ipython" / "profile_here"
    (profile / "security").mkdir(parents=True, exist_ok=True)
    shutil.copy(cluster.file, profile / "security")
    env = {**os.environ, "MOI_REDIS_URL": moi_url, "MOI_CONTEXT": "here"}

    def cli(*args, begin=False, **options):
        argv = [sys.executable, str(HERE / "moi.py"), *args]
        if begin:
            # Who runs the tests in the background may have them ignore SIGINT.
            return subprocess.Popen(argv, text=True, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **options)
        return subprocess.run(argv, text=True, env=env, capture_output=True, timeout=60)
    cli.env = env
    return cli


@pytest.mark.slow
def test_the_program_submits_lists_shows_and_cancels(ctx, group, cli):
    done = cli("submit", "--wait", "--group", group, "echo", "$HOME and more")
    job_id = done.stderr.strip()
    assert done.returncode == 0 and done.stdout == "$HOME and more\n", done.stderr
    assert cli("submit", "--wait", "--shell", "echo $((1 + 1)) | cat").stdout == "2\n"
    assert cli("submit", "--wait", "--python", "x = 5; return x + 10").stdout == "15\n"
    failed = cli("submit", "--wait", "--json", "echo a | cat")  # one word, which no shell takes apart
    assert failed.returncode == 1 and json.loads(failed.stdout)["status"] == "Failed"
    assert f"id            {job_id}\nstatus        Success\n" in cli("job", job_id).stdout
    assert json.loads(cli("job", "--json", job_id).stdout)["result"][0] == "$HOME and more\n"
    assert cli("jobs", group).stdout == f"{job_id}  Success  echo '$HOME and more'\n"
    other = cli("submit", "--group", group, "--name", "the other", "true").stdout.strip()
    assert [json.loads(line)["name"] for line in cli("jobs", "--json", group).stdout.splitlines()][0] == "the other"
    assert f"     2  {group}\n" in cli("groups").stdout
    assert cli("job", "--watch", other).stdout.endswith(f"{other}  Success  the other\n")
    done = cli("cancel", job_id, "nonesuch")
    assert done.returncode == 1 and "has ended already" in done.stderr and "no job 'nonesuch'" in done.stderr
    assert cli("--version").stdout == f"moi {moi.__version__}\n"
    unknown = cli("job", "nonesuch")
    assert unknown.returncode == 1 and unknown.stderr.startswith("moi: no job 'nonesuch'")


@pytest.mark.slow
def test_the_program_shows_odd_records_and_nothing_that_a_terminal_obeys(ctx, group, cli, r):
    job_id = cli("submit", "--group", group, "true").stdout.strip()
    record = moi.wait(job_id, DEADLINE)
    record.update(name="\ud800 \x1b[2J \x9b \u202e\nstatus Success", result="\x1b]0;owned\a", status="\ud800")
    r.set(job_id, json.dumps(record), ex=300)
    r.sadd("moi:groups", "moi:x", f"{group}\n9 root\x1b")
    r.sadd(f"{group}\n9 root\x1b:jobs", job_id)
    for args in ("jobs", group), ("job", job_id), ("groups",), ("jobs", "--json", group), ("job", "--json", job_id):
        done = cli(*args)
        said = done.stdout + done.stderr
        assert done.returncode == 0 and not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u202e]", said), args
        assert "\nstatus Success" not in done.stdout and "\n9 root" not in done.stdout
    r.srem("moi:groups", "moi:x", f"{group}\n9 root\x1b")
    r.delete(f"{group}\n9 root\x1b:jobs")
    terminal, pipe = io.StringIO(), io.StringIO()
    terminal.isatty = lambda: True
    for stream in terminal, pipe:
        moi._write("\x1b[2Jcleared\n", stream)
    assert (terminal.getvalue(), pipe.getvalue()) == ("?[2Jcleared\n", "\x1b[2Jcleared\n")


def test_the_program_shows_a_redis_s_error_without_what_a_terminal_obeys():
    with socket.create_server(("127.0.0.1", 0)) as liar:
        def lie():
            connection, _ = liar.accept()
            with connection:
                while connection.recv(4096):
                    connection.sendall(b"-ERR \x1b]0;owned\x07\r\n")
        thread = threading.Thread(target=lie, daemon=True)
        thread.start()
        env = {**os.environ, "MOI_REDIS_URL": f"redis://127.0.0.1:{liar.getsockname()[1]}"}
        done = subprocess.run([sys.executable, str(HERE / "moi.py"), "groups"], text=True, capture_output=True,
                              timeout=60, env=env)
        thread.join(DEADLINE)
    assert done.returncode == 1 and "moi: ?]0;owned?" in done.stderr and "\x1b" not in done.stderr, done.stderr


@pytest.mark.parametrize("char, columns", [("a", 1), ("\u00ad", 1), ("\u0601", 1), ("\u4e00", 2), ("\u3248", 2)])
def test_a_line_is_cut_to_the_columns_that_a_terminal_draws(char, columns):
    assert moi._cut(char * 300, 80) == char * (80 // columns)
    assert len(moi._cut("x" + "\u0301" * 60_000, 80)) <= 320


@pytest.mark.parametrize("word", ["set", "-x", "echo a; echo b"])
def test_the_program_has_no_shell_read_a_single_word(cli, word):
    done = cli("submit", "--wait", "--", word)
    assert done.returncode == 1 and "exit status 127" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("args, said", [
    (("submit",), "name the program"), (("submit", "--python", "x ="), "invalid syntax"),
    (("submit", "--python", "return " + "-" * 100_000 + "1"), "--python 'return ---"),
    (("submit", "--python", "1", "ls"), "not both"), (("cancel",), "ID"), (("jobs", "--what"), "--what")])
def test_the_program_says_what_is_wrong_with_its_arguments_and_exits_with_2(args, said, capsys):
    with pytest.raises(SystemExit, match="^2$"):
        moi.main(list(args))
    assert said in (told := capsys.readouterr().err) and "Traceback" not in told


def test_the_program_without_a_command_says_that_one_is_missing(cli):
    done = cli()
    assert done.returncode == 2 and "COMMAND" in done.stderr and "Traceback" not in done.stderr


def test_the_program_follows_a_group_and_ctrl_c_ends_that_alone(ctx, group, cli):
    watch = cli("jobs", group, "--watch", "--json", begin=True)
    lines = iter(watch.stdout.readline, "")

    def job(status_update):
        status_update("half", 0.5)
        status_update("done", 1)
    until(lambda: moi._redis().pubsub_numsub(f"{group}:pubsub")[0][1], "it listens")
    job_id = submit(ctx, group, "a job", None, job)
    seen = [record := json.loads(next(lines))]
    while record["status"] != "Success":
        seen.append(record := json.loads(next(lines)))
    assert {record["id"] for record in seen} == {job_id} and all(RECORD <= set(record) for record in seen)
    watch.send_signal(signal.SIGINT)
    assert f"moi jobs '{group}' --watch" in watch.communicate(timeout=DEADLINE)[1] and watch.returncode == 130


def terminal(rows, columns):
    near, far = os.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    return near, far


def test_the_program_draws_a_progress_bar_on_a_terminal(ctx, group, cli):
    def job(gate, status_update):
        import os
        status_update("under way", 0.25)
        while not os.path.exists(gate):  # the test's sign to go on
            os.sched_yield()
    with tempfile.TemporaryDirectory() as folder:
        job_id = submit(ctx, group, "a long job\x1b[2J", None, job, folder + "/gate")
        near, far = terminal(24, 100)
        watch = subprocess.Popen([sys.executable, str(HERE / "moi.py"), "job", job_id, "--watch"], stdout=far,
                                 env={**os.environ, "MOI_REDIS_URL": moi.settings().redis_url})
        os.close(far)
        said = b""
        while b"[#####               ]  25%  a long job?[2J" not in said:
            said += os.read(near, 4096)
        Path(folder, "gate").touch()
        while b"Success" not in said:
            said += os.read(near, 4096)
        assert watch.wait(DEADLINE) == 0 and b"\x1b[1F\x1b[J" in said
        os.close(near)


def test_a_command_that_is_waited_for_draws_as_wide_as_the_terminal_of_its_errors(ctx, group, cli, tmp_path):
    near, far = terminal(24, 50)
    with open(tmp_path / "out", "w") as out:
        done = subprocess.Popen(
            [sys.executable, str(HERE / "moi.py"), "submit", "--wait", "--name", "x" * 200, "--python", "return 1"],
            stdout=out, stderr=far, env=cli.env)
    os.close(far)
    said = b""
    with contextlib.suppress(OSError):  # it is closed at the other end
        while chunk := os.read(near, 4096):
            said += chunk
    os.close(near)
    assert done.wait(DEADLINE) == 0 and (tmp_path / "out").read_text() == "1\n"
    drawn = re.split(rb"\r\n", re.sub(rb"\x1b\[[0-9]*[FJ]", b"", said))[1:]
    assert any(b"Success" in line for line in drawn) and max(map(len, drawn)) == 49, said


def test_a_watched_group_is_redrawn_in_place_whatever_is_logged_meanwhile():
    near, far = terminal(4, 20)
    with os.fdopen(far, "w") as out:
        screen = moi._Screen(False, out)
        log = moi._Log(out)
        try:
            screen.show({"id": i, "status": "Running", "name": "a\u1b44\u0300\u4e2d" * 9} for i in range(1000))
            log.emit(logging.makeLogRecord({"msg": "lost"}))
            screen.show([{"id": 7, "status": "Success", "name": "n"}])
        finally:
            moi._Log.screen = None
        said = b""
        while not said.endswith(b"n\r\n"):
            said += os.read(near, 4096)
    os.close(near)
    line = "Running  a\u1b44\u0300\u4e2da"
    assert said.decode().split("\r\n") == [f"{i}  {line}" for i in (997, 998, 999)] + ["\x1b[3F\x1b[Jlost"] + [
        f"{i}  {line}" for i in (998, 999)] + ["7  Success  n", ""]


def test_a_watch_ends_when_its_reader_has_gone(ctx, group, run):
    watch = subprocess.Popen([sys.executable, str(HERE / "moi.py"), "jobs", group, "--watch"], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={
                                 **os.environ, "MOI_REDIS_URL": moi.settings().redis_url, "PYTHONIOENCODING": "ascii"})
    until(lambda: moi._redis().pubsub_numsub(f"{group}:pubsub")[0][1], "it listens")
    job_id = submit(ctx, group, "caf\xe9", None, abs, 1)
    assert f"{job_id}  " in (line := watch.stdout.readline()) and "caf\\xe9" in line
    watch.stdout.close()
    until(lambda: run(abs, 1) and watch.poll() is not None, "it ends")
    assert (watch.returncode, watch.stderr.read()) == (0, "")


def test_track_tells_how_many_items_are_done_at_a_sane_rate(ctx, group, connect):
    def job(status_update):
        told = []
        update, status_update._update = status_update._update, lambda *what: (told.append(what), update(*what))
        items = list(status_update.track(range(50_000), "Reading"))
        list(status_update.track(iter("abc"), total=3))
        next(status_update.track(range(10 ** 30)))
        list(status_update.track(item for item in "abc"))
        return len(items), told[0], told[-4:], len(told)
    job_id = submit(ctx, group, "a job", None, job)
    assert moi.wait(job_id, DEADLINE)["result"] == [
        50_000, ["Reading: 0 of 50000", 0], [["3 of 3", 1], ["0", None], ["0", None], ["3", None]],
        pytest.approx(8, abs=4)]


def test_a_tqdm_bar_is_handed_over_by_the_line_in_the_readme(run):
    line = re.search(r"bar\.display = [^`]*", (HERE / "README.md").read_text())[0]
    source = f"""
def job(status_update):
    import tqdm
    bar = tqdm.tqdm(range(10), "Reading", mininterval=0)
    {line}
    said = []
    update, status_update._update = status_update._update, lambda *what: (said.append(what), update(*what))
    for _ in bar:
        pass
    return said"""
    namespace = {"__name__": "__main__"}
    exec(source, namespace)
    said = run(namespace["job"])["result"]
    assert ["Reading", 0.5] in said and said[-1] == ["Reading", 1]


def test_moi_js_is_found_and_copied_with_the_package():
    assert Path(moi.moi_js()) == HERE / "moi.js"


def test_shutdown_ends_every_thread_of_moi(moi_url):
    program("""
        import sys, threading, moi
        moi.job_info(moi.uuid.uuid4())
        try:
            moi.wait("x")
        except moi.UnknownJob:
            assert "moi-watcher" in [t.name for t in threading.enumerate()]
        moi.shutdown()
        assert not [t for t in threading.enumerate() if t.name.startswith("moi")]
    """, MOI_REDIS_URL=moi_url)


# ---------------------------------------------------------------------------------------------------
# Chaos: web servers, engines, the controller and Redis, each killed while jobs flow
# ---------------------------------------------------------------------------------------------------

WEB_SERVER = """
import asyncio, json, logging, os, signal, sys, time, tornado.web, moi
logging.basicConfig(format="%(asctime)s %(name)s %(message)s")
ctx = moi.Context("chaos", connection_file=sys.argv[1])

def count(key, url, seconds):
    import redis, time
    redis.Redis.from_url(url, retry_on_timeout=True).incr(key)
    time.sleep(seconds)
    return key

def updates(**kwargs):
    for i in range(5):
        kwargs["status_update"](f"step {i}", i / 5)
        print("printed", i)

def fails():
    raise ValueError("it had to be")

class Submit(tornado.web.RequestHandler):
    def get(self):
        group, kind = self.get_argument("group"), self.get_argument("kind")
        jobs = {"updates": [updates], "fails": [fails], "command": ["echo", "$HOME"], "stuck": ["sleep", "1000"],
                "short": [abs, -1], "pi": [moi._demo_pi, 1]}
        self.write({"ids": [moi.submit(ctx, group, key, None, *jobs.get(kind) or [
            count, key, sys.argv[2], float(self.get_argument("seconds"))]) for key in self.get_arguments("key")]})

async def main():
    app = tornado.web.Application([("/submit", Submit), ("/moi-ws", moi.MOIMessageHandler)],
                                  cookie_secret=sys.argv[3], log_function=lambda handler: None)
    server = app.listen(0, sys.argv[4])
    print(next(iter(server._sockets.values())).getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Web:
    """A web server in a process of its own."""

    def __init__(self, chaos, **env):
        self.chaos, self.loop, self.host = chaos, chaos.server.loop, chaos.host
        self.log = open(chaos.folder / f"web-{uuid.uuid4().hex[:6]}.log", "w+")
        self.process = subprocess.Popen(
            [*chaos.there, sys.executable, "-c", WEB_SERVER, chaos.file, chaos.count_url, SECRET, self.host], cwd=HERE,
            stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, "MOI_REDIS_URL": chaos.url, "MOI_LINGER": "1", **env})
        self.port = int(self.process.stdout.readline())

    def do(self, coroutine, seconds=DEADLINE):
        return self.chaos.server.do(coroutine, seconds)

    def watch(self, group):
        """Open a group's page here; return its client."""
        client = Client(self, group)
        client.send(get=[])
        return client

    def submit(self, group, n, seconds=0.0, kind="counts"):
        keys = [uuid.uuid4().hex for _ in range(n)]
        query = urllib.parse.urlencode({"group": group, "seconds": seconds, "kind": kind, "key": keys}, doseq=True)
        with urllib.request.urlopen(f"http://{self.host}:{self.port}/submit?{query}", timeout=DEADLINE) as answer:
            ids = json.loads(answer.read())["ids"]
        self.chaos.keys.update(zip(ids, keys))
        return ids

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.log.close()


class Chaos:
    """A Redis that keeps its data over a restart, a cluster, and web servers; all of them can be killed."""

    host, there = "127.0.0.1", ()  # where web servers listen, and what starts a program there

    def __init__(self, folder, server, count_url):
        self.folder, self.server, self.count_url = folder, server, count_url
        folder.mkdir()
        self.socket, self.webs, self.keys = str(folder / "redis.sock"), [], {}
        self.url = f"unix://{self.socket}"
        self.start_redis()
        self.r = redis.Redis.from_url(self.url, decode_responses=True)
        self.counts = redis.Redis.from_url(count_url, decode_responses=True)
        self.cluster = Cluster(folder / "cluster", n=2)
        self.file = self.cluster.file

    def start_redis(self):
        self.redis = subprocess.Popen(
            [moi._redis_server(), "--port", "0", "--unixsocket", self.socket, "--dir", str(self.folder), "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--logfile", ""], stdout=subprocess.DEVNULL)

        def ready():
            with contextlib.suppress(redis.ConnectionError):
                return redis.Redis.from_url(self.url).ping()
        until(ready, "Redis starts")

    def web(self, **env):
        self.webs.append(Web(self, **env))
        return self.webs[-1]

    def record(self, job_id):
        return json.loads(self.r.get(job_id) or "null")

    def ended(self, ids, seconds=DEADLINE):
        """Wait until all jobs have ended; return their records."""
        def all_ended():
            records = [json.loads(raw) for raw in self.r.mget(ids)]
            return [record["status"] for record in records if record["status"] not in moi.ENDED] == [] and records
        try:
            return until(all_ended, "every job ends", seconds)
        except AssertionError:
            states = [record["status"] for record in map(self.record, ids)]
            keys = {key: self.r.type(key) for key in self.r.keys("moi:*")}
            for web in self.webs:
                if not web.log.closed:
                    print(Path(web.log.name).read_text())
            raise AssertionError(f"{({s: states.count(s) for s in set(states)})}, {keys}")

    def all_succeeded(self, ids, client, seconds=DEADLINE):
        """Wait for the end of jobs, each of which has run once; their page has to show it, too."""
        records = self.ended(ids, seconds)
        assert {record["status"] for record in records} == {"Success"} and self.runs(ids) == [1] * len(ids)
        expected = {record["id"]: record for record in records}
        client.until(lambda self: self.jobs == expected, "the client has exactly the records that are in Redis")
        client.close()

    def runs(self, ids):
        return [int(count or 0) for count in self.counts.mget([self.keys[i] for i in ids])]

    def clear(self):
        while self.webs:
            self.webs.pop().kill()

    def stop(self):
        self.cluster.stop()
        self.r.close()
        self.counts.close()
        self.redis.terminate()
        self.redis.wait(DEADLINE)


@pytest.fixture(scope="session")
def battlefield(server, redis_url):
    with tempfile.TemporaryDirectory(prefix="moi-chaos-") as path:
        chaos = Chaos(Path(path) / "c", server, redis_url)
        yield chaos
        chaos.stop()


@pytest.fixture
def chaos(battlefield):
    battlefield.cluster.ensure(2)
    yield battlefield
    battlefield.clear()


@pytest.mark.slow
def test_an_engine_killed_every_second_loses_no_job_and_runs_none_twice(chaos, group):
    web = chaos.web()
    ids = web.submit(group, 200, 0.1)
    killed = set()
    while len(killed) < 6:
        pids = until(lambda: [pid for record in map(chaos.record, ids) if record["status"] == "Running"
                              and alive(pid := int(record["engine"].split("/")[1]))], "a job runs")
        os.kill(pids[0], signal.SIGKILL)
        killed.add(pids[0])
        time.sleep(1)  # the pace of the killing
        with moved(chaos.cluster.folder / "elsewhere"):
            chaos.cluster.cluster.start_engines_sync(n=1)
    records = chaos.ended(ids, 60)
    failed = [record for record in records if record["status"] == "Failed"]
    assert all("died while it ran this job" in record["result"] for record in failed) and 1 <= len(failed) <= 6
    assert all(n <= 1 for n in chaos.runs(ids)) and chaos.runs(ids).count(1) >= 194


@pytest.mark.slow
def test_redis_restarted_and_its_connections_cut_under_load_lose_no_job_and_close_no_websocket(chaos, group):
    web = chaos.web()
    client = web.watch(group)
    ids = web.submit(group, 300, 0.02)
    for kind in ("normal", "pubsub", "normal"):
        time.sleep(0.5)
        chaos.r.client_kill_filter(_type=kind, skipme=True)
    chaos.redis.kill()
    chaos.redis.wait()
    time.sleep(2)
    chaos.start_redis()
    ids += web.submit(group, 20)
    chaos.all_succeeded(ids, client, 60)


@pytest.mark.slow
def test_redis_stopped_for_30_s_loses_no_job_and_closes_no_websocket(chaos, group):
    web = chaos.web()
    client = web.watch(group)
    ids = web.submit(group, 20, 0.1) + web.submit(group, 2, 10) + web.submit(group, 20, 0.1)
    until(lambda: sum(chaos.record(i)["status"] == "Running" for i in ids[20:22]) == 2, "the long ones run")
    chaos.redis.kill()
    chaos.redis.wait()
    began = time.monotonic()
    with pytest.raises(urllib.error.HTTPError, match="500"):
        web.submit(group, 1)
    assert time.monotonic() - began < 5  # and says so soon
    time.sleep(30 - (time.monotonic() - began))
    chaos.start_redis()
    ids += web.submit(group, 20)
    chaos.all_succeeded(ids, client, 60)


@pytest.mark.slow
def test_a_redis_that_has_stopped_answering_is_noticed_by_relays_and_workers(chaos, group):
    web = chaos.web()
    client = web.watch(group)
    ids = web.submit(group, 30, 0.1)
    os.kill(chaos.redis.pid, signal.SIGSTOP)
    try:
        until(lambda: "lost Redis" in Path(web.log.name).read_text(), "the relay notices", 30)
        began = time.monotonic()
        with pytest.raises(urllib.error.HTTPError):  # the web server's own submit: it is not held up for long
            web.submit(f"{group} hung", 1)
        assert time.monotonic() - began < 12
    finally:
        os.kill(chaos.redis.pid, signal.SIGCONT)
    ids += web.submit(group, 5)
    chaos.all_succeeded(ids, client)


@pytest.mark.slow
def test_a_controller_that_is_killed_and_restarted_with_a_new_key_has_queued_jobs_run(chaos, group):
    web = chaos.web()
    until(lambda: not chaos.ended(web.submit(group, 1)) == [], "moi works")
    running_ids = web.submit(group, 2, 3)
    until(lambda: {chaos.record(i)["status"] for i in running_ids} == {"Running"}, "they run")
    ids = web.submit(group, 50)
    old = Path(chaos.file).read_text()
    mine = {pid: command(pid) for pid in descendants(os.getpid()) if str(chaos.folder).encode() in environ(pid)}
    for pid, line in mine.items():
        if b"ipyparallel.controller" in line:
            os.kill(pid, signal.SIGKILL)
    ids += web.submit(group, 5)
    chaos.cluster.client.close()
    chaos.cluster.cluster.shutdown_atexit = False
    Path(chaos.file).unlink()
    chaos.cluster = Cluster(chaos.folder / "cluster", n=2)
    assert json.loads(Path(chaos.file).read_text())["key"] != json.loads(old)["key"]
    ids += web.submit(group, 5)
    records = chaos.ended(running_ids + ids)
    assert [record["result"] for record in records if record["status"] != "Success"] == []
    assert chaos.runs(running_ids + ids) == [1] * len(records)
    for pid, line in mine.items():  # the engines of the old controller
        if b"ipyparallel.engine" in line:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
def test_a_controller_that_is_back_before_anybody_looks_has_queued_jobs_run(folder, group):
    """With --reuse it has the same ports and key, and does not know of a worker that waits for an engine."""
    profile, processes = folder / "blink" / "profile", []
    file = profile / "security" / "ipcontroller-client.json"

    def start(what, *args):
        processes.append(subprocess.Popen(
            [sys.executable, "-m", f"ipyparallel.{what}", f"--profile-dir={profile}", "--log-level=ERROR", *args],
            cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return processes[-1]

    def kill(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    try:
        controller = start("controller", "--reuse", "--ip=127.0.0.1")
        until(file.exists, "the controller starts")
        engine, before = start("engine"), file.read_text()
        with ipyparallel.Client(str(file), timeout=DEADLINE) as client:
            until(lambda: client.ids, "the engine registers")
            client[:].apply_async(time.sleep, 600)  # somebody else's work
            context = moi.Context("blink", connection_file=str(file))
            job_id = submit(context, group, "n", None, abs, -1)
            until(lambda: context._tasks, "a worker waits for the engine")
            context._knocked = time.monotonic() + 30  # nobody looks
            for nanny in descendants(engine.pid):  # else it tells the new controller that engine 0 is dead: the new one
                os.kill(nanny, signal.SIGKILL)
            kill(controller)
            kill(engine)
            start("controller", "--reuse", "--ip=127.0.0.1")

            def listens():
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", json.loads(before)["registration"]), 1).close()
                    return True
            until(listens, "the controller is back")
            engine = start("engine")

            def ended():
                nonlocal engine
                if engine.poll() is not None:  # it has only so much patience with a controller that begins
                    engine = start("engine")
                return moi.job_info(job_id)["status"] == "Success"
            until(ended, "the job runs", 60)
            assert file.read_text() == before
    finally:
        for process in processes:
            kill(process)
        moi.ctxs.pop("blink").close()


def test_a_killed_web_server_s_jobs_end_and_its_successor_shows_them_all(chaos, group):
    web = chaos.web()
    ids = web.submit(group, 50, 0.1)
    until(lambda: any(chaos.record(i)["status"] == "Running" for i in ids), "they run")
    web.kill()
    records = chaos.ended(ids)
    assert {record["status"] for record in records} == {"Success"} and chaos.runs(ids) == [1] * 50
    client = chaos.web().watch(group)
    client.until(lambda self: self.jobs == {record["id"]: record for record in records}, "the page shows them")
    client.close()


def test_two_web_servers_show_everything_run_nothing_twice_and_either_may_be_killed(chaos, group):
    webs = [chaos.web(), chaos.web()]
    clients = [Client(web, group) for web in webs]
    for client in clients:
        client.send(get=[])
    ids = [i for _ in range(10) for web in webs for i in web.submit(group, 5, 0.02)]
    webs[0].kill()
    ids += webs[1].submit(group, 20)
    records = chaos.ended(ids)
    assert {record["status"] for record in records} == {"Success"} and chaos.runs(ids) == [1] * len(ids)
    clients[1].until(lambda self: self.jobs == {record["id"]: record for record in records}, "the page shows them")
    clients[1].close()


@pytest.mark.slow
def test_an_engine_that_dies_while_no_web_server_is_up_has_its_job_failed_by_the_next_within_30_s(chaos, group):
    web = chaos.web()
    ids = web.submit(group, 1, 60)
    pid = int(until(lambda: chaos.record(ids[0])["engine"], "it runs").split("/")[1])
    web.kill()
    os.kill(pid, signal.SIGKILL)
    client = Client(chaos.web(), group)  # submits nothing, only shows
    (record,) = chaos.ended(ids, 30)
    assert record["status"] == "Failed" and "died while it ran this job" in record["result"]
    client.close()


@pytest.mark.slow
def test_a_worker_that_was_wrongly_believed_dead_flips_no_record(chaos, group):
    web = chaos.web()
    ids = web.submit(group, 1, 1)
    pid = int(until(lambda: chaos.record(ids[0])["engine"], "it runs").split("/")[1])
    os.kill(pid, signal.SIGSTOP)
    worker = chaos.record(ids[0])["engine"].rpartition("/")[2]
    chaos.r.client_kill_filter(_type="pubsub")  # its sign of life goes as well
    try:
        (failed,) = chaos.ended(ids, 60)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert failed["status"] == "Failed"
    after = web.submit(group, 20)
    chaos.ended(after)
    until(lambda: not chaos.r.exists(f"moi:claimed:{worker}"), "the worker goes on")
    assert chaos.record(ids[0]) == failed and chaos.runs(after) == [1] * 20


def test_500_jobs_cancelled_at_random_moments_end_once_each_and_no_cancel_hits_another(ctx, cluster, group, r):
    import random

    def job(i):
        import time
        time.sleep(0.01 * (i % 5))
        return i

    cluster.ensure(2)
    dice, wanted = random.Random(1), set()
    ids = [submit(ctx, group, "n", None, job, i) for i in range(500)]
    while left := [i for i in ids if (moi.job_info(i)["status"] not in moi.ENDED)]:
        for job_id in dice.sample(left, min(5, len(left))):
            wanted.add(job_id)
            moi.cancel(job_id)
        if len(wanted) > 200:
            break
    records = [moi.wait(job_id, DEADLINE) for job_id in ids]
    for i, record in enumerate(records):
        if record["status"] == "Failed":
            assert record["id"] in wanted and record["result"].startswith("Cancelled")
        else:
            assert record["result"] == i
    assert sum(record["status"] == "Failed" for record in records) > 50
    assert moi.wait(submit(ctx, group, "after", None, job, 1), DEADLINE)["result"] == 1


@pytest.mark.slow
def test_a_soak_of_20_000_mixed_jobs_leaves_nothing_behind(chaos, group):
    kinds = {"counts": 86, "updates": 8, "fails": 3, "command": 2, "stuck": 1}  # of each hundred
    webs, groups = [chaos.web(), chaos.web()], [f"{group} {i}" for i in range(50)]

    def held(pid):
        return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))

    def everyone():
        return [held(pid) for pid in [web.process.pid for web in webs] + engines]

    def idle():
        return not chaos.r.keys("moi:workers:chaos")

    def watch(groups):
        return {name: Client(webs[i % 2], name) for i, name in enumerate(groups)}

    for web in webs:  # each has had a job and a websocket before it is measured
        chaos.ended(web.submit("warm", 4) + web.submit("warm", 4, kind="command"))
        client = Client(web, "warm")
        client.send(get=[])
        client.read()
        client.close()
        until(idle, "workers have left")
    engines = chaos.cluster.client[:].apply_sync(os.getpid)
    before = everyone()
    before[0] = before[1] = tuple(map(max, *before[:2]))  # one may have left the cluster, and is to connect again
    clients = watch(groups)
    for client in clients.values():
        client.send(get=[])
    ids = {name: {kind: [] for kind in kinds} for name in groups}
    for _ in range(4):
        for i, name in enumerate(groups):
            for kind, n in kinds.items():
                ids[name][kind] += webs[i % 2].submit(name, n, kind=kind)
    for name, client in clients.items():
        client.send(cancel=ids[name]["stuck"])
    for name, client in clients.items():
        mine = {kind: chaos.ended(ids[name][kind], 300) for kind in kinds}
        for kind, records in mine.items():
            said = {record["status"] for record in records}
            assert said == {"Failed" if kind in ("fails", "stuck") else "Success"}, (kind, said)
        assert {record["result"].partition(" ")[0] for record in mine["stuck"]} == {"Cancelled"}
        assert chaos.runs(ids[name]["counts"]) == [1] * len(ids[name]["counts"])
        expected = {record["id"]: record for records in mine.values() for record in records}
        client.until(lambda self: self.jobs == expected, "the client has exactly the records that are in Redis")
        client.close()
    until(idle, "workers have left")
    assert [key for key in chaos.r.scan_iter(count=1000) if chaos.r.ttl(key) == -1] == []
    assert chaos.r.keys("moi:claimed:*") + chaos.r.keys("moi:queue:*") + chaos.r.keys("moi:worker*") == []
    # The connections that are kept: of web servers three kinds, of an engine one for each thread of its worker.
    shared = [3 * moi.MAX_CONNECTIONS] * len(webs) + [2] * len(engines)
    until(lambda: all(threads <= t and files <= f + more for (threads, files), (t, f), more in
                      zip(everyone(), before, shared)), f"no thread and no descriptor more than {before}: {everyone()}")


# ---------------------------------------------------------------------------------------------------
# Beyond one machine
# ---------------------------------------------------------------------------------------------------

def source(value):
    """Of a module of the application's."""
    return f"import os\nVALUE = {value!r}\ndef work():\n    return [VALUE, os.getpid()]\n"


@pytest.fixture
def shipping(moi_url, ctx, tmp_path, monkeypatch):
    """Have moi ship what lies in a folder that engines do not know; return the folder."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known = str(ctx.connection_file)

    def ship(*names):
        """As a web server would that has been restarted."""
        for name in [name for name in sys.modules if name.partition(".")[0] in ("my_app", "my_tool")]:
            del sys.modules[name]
        moi.shutdown()
        moi.configure(ship=list(names))
        moi.Context("default", connection_file=known)
    yield ship
    ship()


def test_shipped_modules_run_on_engines_that_lack_them_and_a_restart_of_the_web_server_brings_their_changes(
        shipping, cluster, group, tmp_path):
    (tmp_path / "my_app" / "parts").mkdir(parents=True)
    (tmp_path / "my_app" / "__init__.py").write_text("from .parts import deep\n")
    (tmp_path / "my_app" / "parts" / "__init__.py").write_text("")
    (tmp_path / "my_app" / "parts" / "deep.py").write_text(source("first"))
    (tmp_path / "my_tool.py").write_text("import my_app\ndef use():\n    raise KeyError(my_app.deep.VALUE)\n")
    shipping("my_app", "my_tool")
    import my_app
    import my_tool

    def done(func):
        return moi.wait(moi.submit("default", group, "n", None, func), DEADLINE)
    assert done(my_app.deep.work)["result"][0] == "first"
    failed = done(my_tool.use)["result"]
    assert "KeyError: 'first'" in failed and "raise KeyError(my_app.deep.VALUE)" in failed  # the source is there too
    (tmp_path / "my_app" / "parts" / "deep.py").write_text(source("second"))
    shipping("my_app")
    import my_app
    value, pid = done(my_app.deep.work)["result"]  # though workers with the first one wait for jobs
    assert value == "second" and pid in cluster.client[:].apply_sync(os.getpid)


def test_a_job_with_shipped_modules_waits_for_a_worker_that_has_them_though_another_process_starts_workers_too(
        ctx, cluster, group, tmp_path, moi_url):
    (tmp_path / "my_tool.py").write_text(source("mine"))
    job_ids = [submit(ctx, group, "n", None, time.sleep, 0.2) for _ in range(4)]  # the watcher of this one is at work
    assert program("""
        import sys, moi, my_tool
        moi.Context("default", connection_file=sys.argv[1])
        ids = [moi.submit("default", sys.argv[2], "n", None, my_tool.work) for _ in range(10)]
        print({moi.wait(job_id, 30)["result"][0] for job_id in ids})
    """, cluster.file, group, MOI_REDIS_URL=moi_url, MOI_SHIP="my_tool", PYTHONPATH=f"{HERE}:{tmp_path}") == "{'mine'}"
    assert all(moi.wait(job_id, DEADLINE)["status"] == "Success" for job_id in job_ids)


def test_what_cannot_be_shipped_is_refused_with_the_reason(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "half_compiled").mkdir()
    (tmp_path / "half_compiled" / "__init__.py").write_text("")
    (tmp_path / "half_compiled" / "fast.so").write_text("")
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    for names, why in [(["nowhere_to_be_found"], "this process can import"), (["os.path"], "without dots"),
                       (["math"], "which engines have"), (["moi"], "engines have"), (["__main__"], "engines have"),
                       (["half_compiled"], "fast.so is compiled"), (["latin"], "latin.py cannot be read"),
                       ([3], "give names of modules"), (7, "give names of modules")]:
        with pytest.raises(ValueError, match=f"ship.*{why}"):
            moi._Settings(ship=names).check()
    (tmp_path / "untidy" / "data.py").mkdir(parents=True)
    (tmp_path / "untidy" / "__init__.py").write_text("")
    (tmp_path / "untidy" / ".#views.py").symlink_to("ann@host.1")  # as Emacs locks a file
    assert moi._Settings(ship="untidy, test_moi").check().ship == ("untidy", "test_moi")
    assert list(moi._read_module("untidy")) == ["untidy"]


def test_the_address_of_a_client_is_taken_with_all_that_it_takes_to_connect():
    sentinels = redis.sentinel.Sentinel([("10.0.0.1", 26379), ("10.0.0.2", 26380)], sentinel_kwargs={"password": "s p"})
    urls = {
        "redis://10.0.0.1:6380/3": redis.Redis("10.0.0.1", 6380, 3),
        "redis://localhost:6379/0": redis.Redis.from_url("redis://"),
        "redis://[::1]:6379/0": redis.Redis("::1"),
        "redis://:12345@10.0.0.2:6379/0": redis.Redis("10.0.0.2", password=12345),
        "rediss://10.0.0.3:6379/0?": redis.Redis("10.0.0.3", ssl=True, ssl_check_hostname=False),
        "redis://ann:p%40%2F%3A@10.0.0.1:6379/0": redis.Redis("10.0.0.1", username="ann", password="p@/:"),
        "redis://:word@10.0.0.1:6379/0": redis.Redis("10.0.0.1", password="word"),
        "rediss://10.0.0.1:6379/0?ssl_ca_certs=%2Fetc%2Fca.pem": redis.Redis(
            "10.0.0.1", ssl=True, ssl_ca_certs="/etc/ca.pem"),
        "unix:///run/r.sock?db=2": redis.Redis(unix_socket_path="/run/r.sock", db=2),
        "redis+sentinel://:word@10.0.0.1:26379,10.0.0.2:26380/my%20jobs/4?sentinel_password=s+p":
            sentinels.master_for("my jobs", password="word", db=4)}
    assert moi._url_of(redis.Redis(b"10.0.0.1", password=b"word")) == "redis://:word@10.0.0.1:6379/0"
    assert moi._url_of(redis.Redis(unix_socket_path="a/b")) == f"unix://{os.getcwd()}/a/b?db=0"
    for url, client in urls.items():
        found = moi._url_of(client)
        assert found.partition("?")[0] == url.partition("?")[0]
        assert not url.partition("?")[2] or url.partition("?")[2] in found
        moi._Settings(redis_url=found).check()
        made = moi._connect(found, 2).connection_pool
        given = {"host": "localhost", "port": 6379, **client.connection_pool.connection_kwargs}
        given = {} if "path" in given or "sentinel" in url else given
        for name in {"host", "port", "db", "username", "ssl_ca_certs", "ssl_check_hostname"} & set(given):
            assert (made.connection_kwargs.get(name) or 0) == (given[name] or 0), name
        password = client.connection_pool.connection_kwargs.get("password")
        assert made.connection_kwargs.get("password") == (password and str(password))
        assert not made.connection_kwargs.get("ssl_validate_ocsp")
    assert made.service_name == "my jobs" and len(made.sentinel_manager.sentinels) == 2
    assert made.sentinel_manager.sentinels[1].connection_pool.connection_kwargs["password"] == "s p"
    by_tls = moi._connect("redis+sentinel://h:1/s?sentinel_ssl=True", 2).connection_pool.sentinel_manager.sentinels[0]
    assert by_tls.connection_pool.connection_kwargs["ssl_check_hostname"] is True
    # The last one has many colons and no service: to try each of them in each place would take minutes.
    for bad in ("redis+sentinel://h/service", "redis+sentinel://h:1", "redis+sentinel://h:x/service",
                f"redis+sentinel://{','.join(['[2001:db8:1111:2222:3333:4444:5555:6666]:26379'] * 3)}"):
        with pytest.raises(ValueError, match=r"redis_url is .*write redis\+sentinel://"):
            moi._Settings(redis_url=bad).check()
    by_tls = redis.sentinel.Sentinel([("10.0.0.1", 1)], sentinel_kwargs={"ssl": True}).master_for("s")
    provider = redis.Redis(credential_provider=redis.credentials.UsernamePasswordCredentialProvider("a", "b"))
    for wrong, why in [(redis.asyncio.from_url("rediss://h"), "a redis.Redis"), ("redis://h", "give a redis.Redis"),
                       (by_tls, "by TLS"), (sentinels.slave_for("s"), "of a replica"),
                       (provider, "credential_provider"), (redis.Redis(password=b"\xffsecret"), "no text in UTF-8"),
                       (redis.Redis(ssl=True, ssl_password=b"secret"), "a ssl_password, a bytes, of which"),
                       (redis.Redis(ssl=True, ssl_min_version=ssl.TLSVersion.TLSv1_3), "ssl_min_version")]:
        with pytest.raises(ValueError, match=why):
            moi._url_of(wrong)
    local = ("localhost", "a:b@LOCALHOST:1", "127.0.0.1:1/2", "[::1]:1", ":p@/1", "127.1", "0:1", "localhost.", "[::]",
             "ip6-localhost", "[::ffff:127.0.0.1]:1", "%6cocalhost", "localhost.localdomain/1?db=2", ":1")
    assert [where for where in local if not moi._is_local(f"redis://{where}")] == []
    assert all(map(moi._is_local, ("unix:///a", "redis+sentinel://:x@h:1,localhost:2/s")))
    assert not any(moi._is_local(f"redis://{where}") for where in (
        "localhost.example.org", ":localhost@h", "10.0.0.1/1", "[fe80::1]:1", "128.1", "[::ffff:10.0.0.1]", "h/0"))


def test_a_claim_of_what_can_be_no_job_is_dropped_with_its_dead_worker(r, group):
    keys = [f"moi:claimed:{group}", f"moi:queue:{group}", f"moi:workers:{group}", f"moi:worker:{group}"]
    r.set("", '{"status": "x"}', ex=60)
    r.rpush(keys[0], "", "nonsense")
    assert r.eval(moi._BURY, 4, *keys, 60, group, 0) is None and not r.exists(*keys)
    r.delete("")


def test_of_what_is_queued_only_jobs_whose_process_had_a_local_address_are_refused(r, group):
    ids = [str(uuid.uuid4()) for _ in range(6)]
    for job_id, kind in zip(ids, "-l+L-l"):
        r.set(job_id, json.dumps({"id": job_id, "status": "Queued", "date_end": None, "result": None}), ex=60)
        r.rpush(f"moi:queue:{group}", job_id + 32 * "m" + kind + "rest")
    moi._script(moi._REFUSE, [f"moi:queue:{group}"], [60, moi._now(), json.dumps("why"), len(ids)])
    assert [moi.job_info(job_id)["result"] for job_id in ids] == [None, "why", None, "why", None, "why"]
    assert [payload[:36] for payload in r.lrange(f"moi:queue:{group}", 0, -1)] == ids[::2]
    r.delete(f"moi:queue:{group}")


@pytest.mark.slow
def test_a_process_that_knows_another_key_leaves_jobs_to_who_knows_theirs_and_has_its_own_run(
        ctx, cluster, group, moi_url, r, monkeypatch):
    workers_leave()
    monkeypatch.setattr(ctx, "_keys", [moi._payload_key(b"a secret that the other has not")])
    moi._watch(ctx)
    until(lambda: r.exists(moi._known(moi._fingerprint(ctx.key))), "this process has said that it knows it")
    with monkeypatch.context() as patch:
        patch.setattr(moi._Watcher, "_start_workers", lambda *args: None)
        job_ids = [submit(ctx, group, "n", None, abs, -i) for i in range(20)]
        assert program("""
            import sys, moi
            moi.Context("default", connection_file=sys.argv[1])
            print(moi.wait(moi.submit("default", "other", "n", None, abs, -1), 30)["result"])
        """, cluster.file, MOI_REDIS_URL=moi_url, MOI_LINGER="1").split()[0] == "1"
        assert {moi.job_info(job_id)["status"] for job_id in job_ids} == {"Queued"}
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in job_ids] == list(range(20))


def test_jobs_whose_key_no_process_knows_any_more_fail_and_say_so(ctx, group, r, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(moi.Context, "key", b"that of an earlier controller")
        job_ids = [submit(ctx, group, "n", None, abs, -i) for i in range(10)]
    assert ["set MOI_SECRET" in moi.wait(job_id, DEADLINE)["result"] for job_id in job_ids] == [True] * 10


def test_a_job_of_a_version_that_no_process_can_start_any_more_is_run_by_what_is_there(ctx, group, r, monkeypatch):
    cargo = moi._cargo()._replace(version=b"released")
    with monkeypatch.context() as patch:
        patch.setattr(moi, "_cargo", lambda: cargo)
        job_ids = [submit(ctx, group, "n", None, abs, -i) for i in range(10)]
    r.delete(moi._version_key(cargo.version))
    assert [moi.wait(job_id, DEADLINE)["result"] for job_id in job_ids] == list(range(10))


@pytest.fixture
def sentinel(tmp_path):
    """A master, a replica that holds the same, and a sentinel that makes it the master when that dies."""
    ports, processes = [free_port() for _ in range(3)], []

    def start(*words):
        processes.append(subprocess.Popen([moi._redis_server(), *map(str, words)], stdout=subprocess.DEVNULL))
    for port, more in zip(ports, ([], ["--replicaof", "127.0.0.1", ports[0]])):
        start("--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", tmp_path, "--dbfilename", f"{port}.rdb",
              "--repl-diskless-sync-delay", 0, *more)
    replica = redis.Redis(port=ports[1])

    def linked():
        with contextlib.suppress(redis.ConnectionError):
            return replica.info("replication")["master_link_status"] == "up"
    until(linked, "the replica follows")
    (tmp_path / "sentinel.conf").write_text(
        f"port {ports[2]}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor jobs 127.0.0.1 {ports[0]} 1\n"
        "sentinel down-after-milliseconds jobs 1000\nsentinel failover-timeout jobs 5000\n")
    start(tmp_path / "sentinel.conf", "--sentinel")
    asked = redis.Redis(port=ports[2])

    def knows():
        with contextlib.suppress(redis.ConnectionError):
            return asked.sentinel_slaves("jobs")
    until(knows, "the sentinel knows the replica")
    yield types.SimpleNamespace(
        ports=ports, master=processes[0], replica=replica,
        client=redis.sentinel.Sentinel([("127.0.0.1", ports[2])]).master_for("jobs"),
        named=lambda: asked.sentinel_get_master_addr_by_name("jobs")[1])
    for process in processes:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.slow
def test_jobs_go_on_over_a_failover_to_a_replica(sentinel, chaos, group):
    """What runs, what is queued and what a browser watches; web server and engines learn of it by themselves."""
    chaos_r, chaos.r = chaos.r, sentinel.replica
    chaos.r.connection_pool.connection_kwargs["decode_responses"] = True
    try:
        web = chaos.web(MOI_REDIS_URL=moi._url_of(sentinel.client))
        client = web.watch(group)
        ids = web.submit(group, 2, 4) + web.submit(group, 30, 0.05)
        until(lambda: sum((chaos.record(i) or {}).get("status") == "Running" for i in ids[:2]) == 2, "both run")
        until(lambda: all(map(chaos.record, ids)), "the replica has all of them")
        sentinel.master.kill()
        until(lambda: sentinel.named() == sentinel.ports[1], "the sentinel names the replica")
        ids += web.submit(group, 10)
        chaos.all_succeeded(ids, client, 60)
    finally:
        chaos.clear()
        chaos.r = chaos_r


@pytest.mark.slow
def test_two_contexts_share_a_page_and_one_whose_cluster_is_down_does_not_disturb_the_other(
        ctx, cluster, group, connect, tmp_path, caplog):
    other = Cluster(tmp_path / "gpu", n=1)
    try:
        gpu = moi.Context("gpu", connection_file=other.file)
        client = connect(group)
        client.send(get=[])
        pids = {name: submit(name, group, name, None, os.getpid) for name in ("default", "gpu")}
        found = {name: client.ended(job_id) for name, job_id in pids.items()}
        assert {name: record["context"] for name, record in found.items()} == {"default": "default", "gpu": "gpu"}
        assert found["gpu"]["result"] in other.client[:].apply_sync(os.getpid)
    finally:
        other.stop()
    waits = submit(gpu, group, "waits", None, os.getpid)
    began = time.monotonic()
    for _ in range(20):
        client.ended(submit(ctx, group, "n", None, os.getpid))
    assert time.monotonic() - began < 5
    assert moi.job_info(waits)["status"] == "Queued"
    until(lambda: "context gpu: " in caplog.text, "it is complained of")
    assert caplog.text.count("context gpu: ") == 1
    other = Cluster(tmp_path / "gpu", n=1)  # another key; this process knows both
    try:
        assert client.ended(waits)["result"] in other.client[:].apply_sync(os.getpid)
    finally:
        moi.ctxs.pop("gpu").close()
        other.stop()


@pytest.mark.slow
def test_engines_that_come_are_at_work_within_2_s_and_those_that_go_lose_nothing(chaos, group):
    """From 1 to 8 and back to 1, by ipyparallel's Cluster, while 1,000 jobs flow."""
    web, r, cluster = chaos.web(), chaos.r, chaos.cluster.cluster
    ids = [job_id for _ in range(10) for job_id in web.submit(group, 100, 0.3)]
    pids = lambda: {int(json.loads(label).split("/")[1]) for name in r.smembers("moi:workers:chaos")  # noqa: E731
                    for label in [r.get(f"moi:worker:{name}")] if label}
    client, sets, delays = chaos.cluster.client, [], []
    with moved(chaos.cluster.folder / "elsewhere"):
        for _ in range(6):
            known, before = set(client.ids), pids()
            sets.append(cluster.start_engines_sync(n=1))
            until(lambda: set(client.ids) - known, "it registers")
            began = time.monotonic()
            until(lambda: pids() - before, "it has a worker")
            delays.append(time.monotonic() - began)
        for engine_set in sets:
            cluster.stop_engines_sync(engine_set)
    records = chaos.ended(ids, 300)
    failed = [record for record in records if record["status"] == "Failed"]
    print(f"\nnew engines at work after {[round(delay, 2) for delay in delays]} s")
    assert max(delays) < 2
    assert all("EngineError: the engine was shut down" in record["result"] for record in failed) and len(failed) <= 6
    assert max(chaos.runs(ids)) == 1 and chaos.runs(ids).count(1) >= 994
    began = time.monotonic()
    assert len(client[:].apply_sync(os.getpid)) == len(client.ids)  # others' turn, when the linger of 1 s is over
    assert time.monotonic() - began < 5


class Network:
    """Hosts with addresses of their own: network namespaces, and a switch between them that cuts, delays and loses."""

    def __init__(self, *names):
        self.hosts = {name: f"10.77.{os.getpid() % 250}.{number}" for number, name in enumerate((*names, "here"), 1)}
        self.cut, self.slow, self.macs, self.late = set(), {}, {}, []   # pairs; host -> (seconds, share that is lost)
        self.space = {name: f"moi-{os.getpid()}-{name}" for name in names}
        self.taps = {}
        for number, (name, address) in enumerate(self.hosts.items()):
            tap = f"moi{os.getpid() % 100000}-{number}"
            self.taps[name] = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.taps[name], 0x400454CA, struct.pack("16sH", tap.encode(), 0x1002))  # TUNSETIFF: TAP, NO_PI
            inside = []
            if name in names:
                self.ip("netns", "add", self.space[name])
                self.ip("link", "set", tap, "netns", self.space[name])
                inside = ["-n", self.space[name]]
                self.ip(*inside, "link", "set", "lo", "up")
            self.ip(*inside, "addr", "add", f"{address}/24", "dev", tap)
            self.ip(*inside, "link", "set", tap, "up")
        self.ended, self.end = os.pipe()
        self.thread = threading.Thread(target=self.switch, name="test-switch")
        self.thread.start()

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def at(self, name):
        """What starts a program on a host, which then has that host's name."""
        return ["ip", "netns", "exec", self.space[name], "unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"',
                name]

    def switch(self):
        names = {tap: name for name, tap in self.taps.items()}
        while True:
            wait = self.late[0][0] - time.monotonic() if self.late else None
            ready, _, _ = select.select([*names, self.ended], [], [], wait if wait is None else max(wait, 0))
            if self.ended in ready:
                return
            while self.late and self.late[0][0] <= time.monotonic():
                _, _, tap, frame = heapq.heappop(self.late)
                with contextlib.suppress(OSError):
                    os.write(tap, frame)
            for tap in ready:
                with contextlib.suppress(BlockingIOError):
                    self.forward(names[tap], os.read(tap, 65536))

    def forward(self, sender, frame):
        self.macs[frame[6:12]] = sender
        known = self.macs.get(frame[:6])
        for receiver in [known] if known else [name for name in self.taps if name != sender]:
            slow = [self.slow[name] for name in (sender, receiver) if name in self.slow]
            if {sender, receiver} not in self.cut and not any(random.random() < lost for _, lost in slow):
                due = time.monotonic() + sum(delay for delay, _ in slow)
                heapq.heappush(self.late, (due, next(self.numbers), self.taps[receiver], frame))

    numbers = itertools.count()

    def pids(self, name):
        found = subprocess.run(["ip", "netns", "pids", self.space[name]], capture_output=True, text=True, check=True)
        return list(map(int, found.stdout.split()))

    def stop(self):
        for name in self.space:
            for pid in self.pids(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            until(lambda: not self.pids(name), "its processes end")
        os.write(self.end, b"x")
        self.thread.join()
        for name in self.space:
            self.ip("netns", "del", self.space[name])
        for fd in (*self.taps.values(), self.ended, self.end):
            os.close(fd)


def reachable(address, port):
    with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
        return True


class Hosts(Chaos):
    """Redis, a controller, a web server and two lots of engines, each on a host of its own."""

    def __init__(self, folder, server):
        self.folder, self.server = folder, server
        self.webs, self.keys, self.started = [], {}, []
        self.net = Network("redis", "controller", "web", "one", "two")
        self.host, self.there = self.net.hosts["web"], self.net.at("web")
        self.url = self.count_url = f"redis://:{PASSWORD}@{self.net.hosts['redis']}:6379/0"
        self.start("redis", moi._redis_server(), "--bind", self.net.hosts["redis"], "--requirepass", PASSWORD, "--save",
                   "", "--tcp-keepalive", "15", "--dir", str(folder))
        self.r = self.counts = redis.Redis.from_url(self.url, decode_responses=True, retry=redis.retry.Retry(
            redis.backoff.ConstantBackoff(0.1), 100), retry_on_error=[redis.ConnectionError])
        self.file = self.controller("default")
        self.engines = {}
        self.client = ipyparallel.Client(self.file)
        self.ensure()

    def ensure(self):
        """Have an engine on each of two hosts. ipyparallel never takes back one that it has lost."""
        if len(self.client.ids) == 2:
            return
        for host in ("one", "two"):
            if host in self.engines:
                self.engines[host].kill()
            self.engines[host] = self.engine(host)
        until(lambda: len(self.client.ids) == 2, "the engines register", 60)

    def start(self, host, *words, **env):
        """Start a program on a host, in a folder of that host's own and with nothing of ours in its environment."""
        (self.folder / host).mkdir(exist_ok=True)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("MOI_", "PYTHONPATH"))}
        process = subprocess.Popen([*self.net.at(host), *words], cwd=self.folder / host, env={**clean, **env},
                                   stdout=open(self.folder / f"{host}.log", "a"), stderr=subprocess.STDOUT)
        self.started.append(process)
        return process

    def controller(self, profile):
        address = self.net.hosts["controller"]
        self.start("controller", sys.executable, "-m", "ipyparallel.controller", f"--ip={address}",
                   f"--location={address}", f"--profile-dir={self.folder / profile}", "--log-level=30")
        file = self.folder / profile / "security" / "ipcontroller-client.json"

        def answers():
            with contextlib.suppress(OSError, ValueError):
                return reachable(address, json.loads(file.read_text())["registration"])
        until(answers, "the controller answers")
        return str(file)

    def engine(self, host, profile="default", **env):
        file = self.folder / profile / "security" / "ipcontroller-engine.json"
        return self.start(host, sys.executable, "-m", "ipyparallel.engine", f"--file={file}", "--log-level=30", **env)

    def on(self, host, ids):
        return [i for i in ids if f'{host}/' in str(self.record(i).get("engine"))]

    def stop(self):
        self.client.close()
        self.net.stop()
        for process in self.started:
            process.wait(DEADLINE)
        self.r.close()


@pytest.fixture(scope="session")
def landscape(server):
    if os.geteuid() or not shutil.which("ip") or not os.path.exists("/dev/net/tun"):
        pytest.skip("needs root, iproute2's ip and /dev/net/tun")
    with tempfile.TemporaryDirectory(prefix="moi-hosts-") as path:
        hosts = Hosts(Path(path), server)
        yield hosts
        hosts.stop()


@pytest.fixture
def hosts(landscape):
    landscape.ensure()
    file = landscape.file
    yield landscape
    landscape.file = file
    landscape.clear()
    landscape.net.cut.clear()
    landscape.net.slow.clear()


@pytest.mark.hosts
def test_engines_on_other_hosts_need_the_address_of_redis_and_nothing_else(hosts, group):
    web = hosts.web()
    client = web.watch(group)
    ids = web.submit(group, 40, 0.1)
    hosts.all_succeeded(ids, client)
    assert len(hosts.on("one", ids)) >= 10 and len(hosts.on("two", ids)) >= 10
    seen = hosts.client[:].apply_sync(eval, "[hasattr(__import__('moi'), '__file__'), __import__('os').getcwd()]")
    assert sorted(seen) == [[False, str(hosts.folder / host)] for host in ("one", "two")]


@pytest.mark.hosts
def test_an_address_of_redis_that_means_another_one_elsewhere_fails_jobs_at_once_unless_engines_have_their_own(
        hosts, group):
    hosts.start("web", moi._redis_server(), "--bind", "127.0.0.1", hosts.host, "--port", "7000", "--save", "", "--dir",
                str(hosts.folder), "--protected-mode", "no")
    hosts.file = hosts.controller("local")
    engine = hosts.engine("one", "local")
    web = hosts.web(MOI_REDIS_URL="redis://localhost:7000")
    client = web.watch(group)
    ids = web.submit(group, 3)
    results = [client.ended(job_id)["result"] for job_id in ids]
    assert all(result.startswith("RedisElsewhere: Redis is at redis://localhost:7000 for the process that submits, "
                                 "and that is another one on the engine's host, one: set MOI_REDIS_URL")
               for result in results), results
    engine.kill()
    hosts.engine("one", "local", MOI_REDIS_URL=f"redis://{hosts.host}:7000")
    assert client.ended(web.submit(group, 1)[0])["status"] == "Success"


@pytest.mark.hosts
@pytest.mark.parametrize("places", [["redis"], ["controller"], ["redis", "controller"]])
def test_a_host_that_is_cut_off_disturbs_no_other_one_and_joins_in_again(hosts, group, places):
    web = hosts.web()
    client = web.watch(group)
    ids = web.submit(group, 2, 45)
    until(lambda: len(hosts.on("one", ids)) == len(hosts.on("two", ids)) == 1, "each host runs one")
    lost, = hosts.on("one", ids)
    time.sleep(1)  # for what Redis has sent to the new worker to be acknowledged, else TCP goes on sending for minutes
    began = time.monotonic()
    hosts.net.cut |= {frozenset(("one", place)) for place in places}
    if "redis" in places:
        until(lambda: hosts.record(lost)["status"] == "Failed", "the lost job has failed", 60)
        print(f"\ncut off from {places}: failed after {time.monotonic() - began:.1f} s")
        assert "cut off from the network" in hosts.record(lost)["result"]
    ids += web.submit(group, 20)
    records = hosts.ended(ids, 100)
    failed = {record["id"] for record in records if record["status"] == "Failed"}
    assert failed == ({lost} if "redis" in places else set())
    hosts.net.cut.clear()
    if "controller" in places:
        hosts.ensure()
    began = time.monotonic()

    def joined():
        more = web.submit(group, 20, 0.1)
        hosts.ended(more)
        ids.extend(more)
        return hosts.on("one", more)
    until(joined, "it has joined in")
    print(f"joined in again after {time.monotonic() - began:.1f} s")
    assert hosts.runs(ids) == [1] * len(ids)
    expected = {record["id"]: record for record in map(hosts.record, ids)}
    client.until(lambda self: self.jobs == expected, "the client has exactly the records that are in Redis")


@pytest.mark.hosts
def test_with_50_ms_to_redis_an_engine_runs_15_short_jobs_a_second_and_with_losses_none_twice(hosts, group):
    web = hosts.web()
    hosts.ended(web.submit(group, 4))
    hosts.net.slow.update({host: (0.025, 0) for host in ("one", "two")})
    records = hosts.ended([i for _ in range(4) for i in web.submit(group, 100, kind="short")], 60)
    for host in ("one", "two"):
        mine = [record for record in records if f"{host}/" in record["engine"]]
        first, last = (datetime.fromisoformat(pick(record["date_end"] for record in mine)) for pick in (min, max))
        rate = (len(mine) - 1) / (last - first).total_seconds()
        print(f"\n{host}: {len(mine)} jobs, {rate:.1f} a second [15]")
        assert rate >= 15
    hosts.net.slow.update({host: (0.025, 0.05) for host in ("one", "two")})
    ids = web.submit(group, 60)
    assert {record["status"] for record in hosts.ended(ids, 90)} == {"Success"} and hosts.runs(ids) == [1] * 60


SLURM = """
d={folder}; a={address}
head -c 1024 /dev/urandom > $d/key; chmod 400 $d/key; mkdir $d/munge $d/state $d/spool
cat > $d/slurm.conf <<END
ClusterName=moi
SlurmctldHost=one($a)
SlurmUser=root
AuthInfo=socket=$d/munge/socket
StateSaveLocation=$d/state
SlurmdSpoolDir=$d/spool
SlurmctldPidFile=$d/slurmctld.pid
SlurmdPidFile=$d/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
NodeName=one NodeAddr=$a CPUs=2
PartitionName=all Nodes=one Default=YES
END
echo CgroupPlugin=cgroup/v1 > $d/cgroup.conf
export SLURM_CONF=$d/slurm.conf
munged --force --key-file=$d/key --socket=$d/munge/socket --pid-file=$d/munge/pid --log-file=$d/munge/log \\
    --seed-file=$d/munge/seed
slurmd -D & exec slurmctld -D
"""
SSH = """Host *
    IdentityFile {folder}/key
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
"""


def sshd(hosts, folder):
    """Have two hosts let us in by a key; return what makes ssh use it."""
    os.makedirs("/run/sshd", exist_ok=True)
    for name in ("key", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "ssh_config").write_text(SSH.format(folder=folder))
    for host in ("one", "two"):
        hosts.start(host, shutil.which("sshd", path="/usr/sbin:/usr/local/sbin"), "-D", "-e", "-f", "/dev/null", "-h",
                    str(folder / "host"), "-o", f"AuthorizedKeysFile={folder / 'key.pub'}", "-o", "StrictModes=no",
                    "-o", "PidFile=none", "-o", "UsePAM=no", "-o", "Subsystem=sftp internal-sftp")
        until(lambda: reachable(hosts.net.hosts[host], 22), "sshd listens")
    return [f"c.SSHLauncher.{kind}_cmd = ['{kind}', '-F', '{folder / 'ssh_config'}']" for kind in ("ssh", "scp")] + [
        f"c.SSHLauncher.remote_profile_dir = '{folder / 'remote'}'"]


@pytest.mark.hosts
@pytest.mark.parametrize("launcher, needs, head", [
    ("ssh", "sshd", "controller"), ("slurm", "slurmctld", "one"), ("mpi", "mpiexec", "one")])
def test_the_readme_s_recipes_start_engines_by_ipyparallel_s_launchers_which_run_the_demo_s_work(
        hosts, group, launcher, needs, head):
    if not shutil.which(needs, path=os.environ["PATH"] + ":/usr/sbin"):
        pytest.skip(f"{needs} is not installed")
    folder, address = hosts.folder / launcher, hosts.net.hosts
    (folder / "profile").mkdir(parents=True)
    recipe, = [block for block in re.findall("```python\n(.*?)```", (HERE / "README.md").read_text(), re.S)
               if f'engine_launcher_class = "{launcher}"' in block]
    assert recipe.count("\n") <= 20
    for printed, here in {"10.0.0.2": address[head], "10.0.0.11": address["one"], "10.0.0.12": address["two"],
                          "/opt/venv/bin/python": sys.executable}.items():
        recipe = recipe.replace(printed, here)
    env = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}:/usr/sbin"}
    if launcher == "ssh":
        recipe += "\n".join(sshd(hosts, folder))
    if launcher == "mpi":
        recipe += "c.MPILauncher.mpi_args = ['--allow-run-as-root', '--oversubscribe']\n"
    if launcher == "slurm":
        env["SLURM_CONF"] = str(folder / "slurm.conf")
        hosts.start("one", "sh", "-c", SLURM.format(folder=folder, address=address["one"]), **env)
        until(lambda: reachable(address["one"], 6817) and reachable(address["one"], 6818), "Slurm listens")
    (folder / "profile" / "ipcluster_config.py").write_text(recipe)
    cluster = hosts.start(head, sys.executable, "-m", "ipyparallel.cluster", "start",
                          f"--profile-dir={folder / 'profile'}", "--log-level=20", **env)
    file = folder / "profile" / "security" / "ipcontroller-client.json"
    engines = 4 if launcher == "ssh" else 2
    try:
        until(file.exists, "the controller has written its file")
        with ipyparallel.Client(str(file), timeout=DEADLINE) as client:
            until(lambda: len(client.ids) == engines, "the engines register", 60)
        hosts.file = str(file)
        records = hosts.ended(hosts.web().submit(group, 8, kind="pi"), 60)
        assert all(record["status"] == "Success" and abs(record["result"] - math.pi) < 0.01 for record in records)
        used = {record["engine"].partition("/")[0] for record in records}
        assert used == ({"one", "two"} if launcher == "ssh" else {"one"})
    finally:
        cluster.kill()  # what it has started ends with its host: `ipcluster stop` takes minutes over SSH


# ---------------------------------------------------------------------------------------------------
# Benchmarks: `python -m pytest -m benchmark -s`; each prints its figures beside its bounds
# ---------------------------------------------------------------------------------------------------

BENCH_SERVER = """
import asyncio, json, os, sys, threading, time, redis, tornado.web, tornado.websocket, moi
ctx = moi.Context("default", connection_file=sys.argv[1])
lag = [0.0]

def noop(x, **kwargs):
    return x

class Submit(tornado.web.RequestHandler):
    def get(self):
        for i in range(int(self.get_argument("n"))):
            moi.submit(ctx, self.get_argument("group"), "n", None, noop, i)

class State(tornado.web.RequestHandler):
    def get(self):
        rss = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        usage = os.times()
        self.write({"lag": lag[0], "rss": rss, "cpu": usage.user + usage.system})
        lag[0] = 0.0

class Bare(tornado.websocket.WebSocketHandler):
    sockets = set()
    def open(self):
        self.sockets.add(self)
        self.write_message("{}")
    def on_close(self):
        self.sockets.discard(self)

def relay(loop):
    with moi._redis(retries=0).pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("bare:pubsub")
        while True:
            if message := pubsub.get_message(timeout=1):
                loop.add_callback(lambda data: [s.write_message(data) for s in Bare.sockets], message["data"])

class Watch(tornado.web.RequestHandler):
    relays = []
    def get(self):
        began = time.monotonic()
        for i in range(int(self.get_argument("n"))):
            self.relays.append(moi._Relay(moi.Group(f"idle {i}"), tornado.ioloop.IOLoop.current()))
        deadline = time.monotonic() + 60
        while not all(relay._begun for relay in self.relays) and time.monotonic() < deadline:
            time.sleep(0.001)
        self.write({"seconds": time.monotonic() - began})

async def heartbeat():
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.001)
        lag[0] = max(lag[0], time.monotonic() - before - 0.001)

async def main():
    threading.Thread(target=relay, args=(tornado.ioloop.IOLoop.current(),), daemon=True).start()
    server = tornado.web.Application([
        ("/submit", Submit), ("/state", State), ("/watch", Watch), ("/moi-ws", moi.MOIMessageHandler), ("/bare", Bare)],
        cookie_secret=sys.argv[2], log_function=lambda handler: None).listen(0, "127.0.0.1")
    print(next(iter(server._sockets.values())).getsockname()[1], flush=True)
    await heartbeat()
asyncio.run(main())
"""

BENCH_CLIENTS = """
import asyncio, json, sys, time, tornado.httpclient, tornado.websocket
url, cookie, clients, ending, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5])

async def main():
    late, messages, done, jobs = [], [], asyncio.Event(), set()

    def hear(text):
        if text is None or text == "{}":
            return
        now, message = time.monotonic(), json.loads(text)
        messages.append(now)
        for job in message.get("update", []) + message.get("add", []):
            jobs.add(job["id"])
            if job.get("remark"):
                late.append(now - job["remark"])
            if str(job.get("n")) == ending:
                ends.append(now - job["remark"])
        if len(ends) >= clients or len(jobs) >= float(ending):
            done.set()
    ends = []
    request = tornado.httpclient.HTTPRequest(url, headers={"Cookie": cookie})
    sockets = [await tornado.websocket.websocket_connect(request, on_message_callback=hear, max_message_size=1 << 30)
               for _ in range(clients)]
    began = time.monotonic()
    if "moi-ws" in url:
        for socket in sockets:
            await socket.write_message('{"get": []}')
    print("ready", flush=True)
    try:
        await asyncio.wait_for(done.wait(), seconds)
    except TimeoutError:
        pass
    late.sort()
    print(json.dumps({"median": late and late[len(late) // 2], "messages": len(messages), "jobs": len(jobs),
                      "last": max(ends, default=None), "took": (messages or [began])[-1] - began}))
asyncio.run(main())
"""


class Bench:
    def __init__(self, cluster, url, user):
        self.user = user
        self.process = subprocess.Popen([sys.executable, "-c", BENCH_SERVER, cluster.file, SECRET], cwd=HERE, text=True,
                                        stdout=subprocess.PIPE, env={**os.environ, "MOI_REDIS_URL": url})
        self.port = int(self.process.stdout.readline())

    def get(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=300) as answer:
            return json.loads(answer.read() or "null")

    def listen(self, path, clients, ending, seconds):
        """Start clients; return a function that waits for their figures."""
        process = subprocess.Popen(
            [sys.executable, "-c", BENCH_CLIENTS, f"ws://127.0.0.1:{self.port}/{path}", cookie(self.user), str(clients),
             str(ending), str(seconds)], stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        return lambda: json.loads(process.communicate(timeout=seconds + DEADLINE)[0])


@pytest.fixture
def bench(cluster, moi_url, group):
    cluster.ensure(2)
    bench = Bench(cluster, moi_url, group)
    yield bench
    bench.process.kill()
    bench.process.communicate()


def figures(**lines):
    print()
    for name, (value, bound) in lines.items():
        print(f"  {name.replace('_', ' '):45} {value:10.3f}   bound {bound}")


def median(values):
    return sorted(values)[len(values) // 2]


@pytest.mark.benchmark
def test_benchmark_dispatch_beside_raw_ipyparallel(ctx, cluster, group):
    def noop(x, **kwargs):
        return x
    noop.__module__ = "__main__"
    view, n = cluster.client.load_balanced_view(), 3000
    raw_latency, raw_rate, latency, rate, costs = [], [], [], [], []
    for _ in range(3):
        workers_leave()
        raw_latency += [timed(lambda: view.apply_sync(noop, 1)) for _ in range(100)]
        raw_rate.append(500 / timed(lambda: [task.get() for task in [view.apply_async(noop, i) for i in range(500)]]))
        cluster.client.purge_local_results("all")
        moi.wait(moi.submit(ctx, group, "n", None, noop, 1))
        latency += [timed(lambda: moi.wait(moi.submit(ctx, group, "n", None, noop, 1))) for _ in range(100)]
        began = time.monotonic()
        jobs = []
        for i in range(n):
            costs.append(timed(lambda: jobs.append(moi.submit(ctx, group, "n", None, noop, i))))
        while moi._redis().llen("moi:queue:default"):
            time.sleep(0.001)
        [moi.wait(job_id) for job_id in jobs[-4:]]
        rate.append(n / (time.monotonic() - began))
    costs.sort()
    figures(jobs_a_second=(median(rate), "-"), jobs_a_second_by_raw=(median(rate) / median(raw_rate), ">= 8"),
            submit_to_result_ms=(median(latency) * 1e3, "-"),
            submit_to_result_by_raw=(median(latency) / median(raw_latency), "<= 0.2"),
            submit_us=(median(costs) * 1e6, "-"),
            submit_p95_by_median=(costs[-len(costs) // 20] / median(costs), "<= 2"),
            slowest_submit_ms=(costs[-1] * 1e3, "<= 20"))


def timed(call):
    began = time.monotonic()
    call()
    return time.monotonic() - began


@pytest.mark.benchmark
@pytest.mark.parametrize("clients", [1, 50, 200])
def test_benchmark_relay_beside_a_bare_one(bench, group, r, run, clients):
    record, n, medians = run(abs, 1), 150, {"bare": [], "moi-ws": []}
    for _ in range(3):
        for path in medians:
            r.set(record["id"], json.dumps(record), ex=60)  # what the round before has left
            figure = bench.listen(path, clients, n - 1, 60)
            time.sleep(0.5)  # the lists of all clients have arrived
            for i in range(n):
                now = time.monotonic()
                raw = json.dumps({**record, "output": "x" * 50, "remark": now, "n": i})
                if path == "bare":
                    r.publish("bare:pubsub", json.dumps({"update": [json.loads(raw)]}))
                else:
                    with r.pipeline(transaction=False) as pipe:
                        pipe.set(record["id"], raw, ex=60)
                        pipe.publish(f"{record['id']}:pubsub", json.dumps({"update": [record["id"]]}))
                        pipe.execute()
                time.sleep(0.03)
            medians[path].append(figure()["median"])
    bare, ours = median(medians["bare"]), median(medians["moi-ws"])
    figures(bare_ms=(bare * 1e3, "-"), moi_ms=(ours * 1e3, "-"), ratio=(ours / bare, "<= 1.25 (1), 1.1 (50, 200)"))


@pytest.mark.benchmark
@pytest.mark.parametrize("jobs", [1, 1000])
def test_benchmark_a_flood_of_10_000_updates_a_second(bench, group, r, run, jobs):
    base, n = run(abs, 1), 50_000
    ids = [str(uuid.uuid4()) for _ in range(jobs)]
    for job_id in ids:
        r.set(job_id, json.dumps({**base, "id": job_id}), ex=120)
    moi.Group(group).add(ids)
    figure = bench.listen("moi-ws", 1, n - 1, 60)
    time.sleep(1)
    bench.get("state")
    began = time.monotonic()
    with r.pipeline(transaction=False) as pipe:
        for i in range(n):
            job_id = ids[i % jobs]
            pipe.set(job_id, json.dumps({**base, "id": job_id, "remark": time.monotonic(), "n": i}), ex=120)
            pipe.publish(f"{job_id}:pubsub", json.dumps({"update": [job_id]}))
            if i % 100 == 99:
                pipe.execute()
                time.sleep(max(0, began + i / 10_000 - time.monotonic()))
    took, result = time.monotonic() - began, figure()
    lag = bench.get("state")["lag"]
    figures(updates_a_second=(n / took, "10000"), messages_a_second=(result["messages"] / took, "<= 60"),
            last_state_ms=(result["last"] * 1e3, "<= 100"), longest_callback_ms=(lag * 1e3, "<= 10"))


@pytest.mark.benchmark
def test_benchmark_status_updates_in_a_tight_loop(run, connect, group):
    def job(status_update):
        import time
        began = time.monotonic()
        for i in range(20_000):
            status_update(progress=i / 20_000)
        return 20_000 / (time.monotonic() - began)
    client = connect(group)
    client.send(get=[])
    figures(calls_a_second=(run(job)["result"], ">= 5000"))


@pytest.mark.benchmark
def test_benchmark_memory_of_50_000_jobs_and_of_a_long_queue(bench, cluster, group, r):
    def held():
        engines = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 for pid in pids]
        return [bench.get("state")["rss"], *engines]

    def go(n):
        for _ in range(n // 5000):
            bench.get("submit", n=5000, group=group)
        until(lambda: not r.exists("moi:queue:default"), "all have run", 300)
    pids = cluster.client[:].apply_sync(os.getpid)
    go(5000)
    before = held()
    go(45_000)
    grown = [now - then for now, then in zip(held(), before)]
    blockers = [moi.submit("default", group, "n", None, time.sleep, 300) for _ in range(2)]
    for job_id in blockers:
        running(job_id)
    before = bench.get("state")["rss"]
    slow = timed(lambda: bench.get("submit", n=5000, group=group))
    for _ in range(18):
        bench.get("submit", n=5000, group=group)
    late = timed(lambda: bench.get("submit", n=5000, group=group))
    queue = bench.get("state")["rss"] - before
    r.delete("moi:queue:default", *r.smembers(f"{group}:jobs") - set(blockers))
    for job_id in blockers:
        moi.cancel(job_id)
    figures(web_process_grown_MiB=(grown[0] / 2 ** 20, "<= 4"), engines_grown_MiB=(max(grown[1:]) / 2 ** 20, "<= 4"),
            web_process_grown_by_100_000_queued_MiB=(queue / 2 ** 20, "~ 0"),
            submit_at_100_000_by_submit_at_0=(late / slow, "~ 1"))


@pytest.mark.benchmark
def test_benchmark_3_000_watched_idle_groups(bench):
    idle = bench.get("state")
    time.sleep(10)
    before = bench.get("state")
    took = bench.get("watch", n=3000)["seconds"]
    time.sleep(5)
    after = bench.get("state")
    time.sleep(40)
    later = bench.get("state")
    figures(started_a_second=(3000 / took, ">= 1000"), KiB_each=((after["rss"] - before["rss"]) / 3000 / 1024, "<= 90"),
            percent_of_a_core=((later["cpu"] - after["cpu"]) / 40 * 100 - (before["cpu"] - idle["cpu"]) / 10 * 100,
                               "<= 2"))


@pytest.mark.benchmark
def test_benchmark_a_group_of_10_000_ended_jobs(bench, group, r, run, chromium, server):
    base, ids = run(abs, 1), [str(uuid.uuid4()) for _ in range(10_000)]
    with r.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.set(job_id, json.dumps({**base, "id": job_id}), ex=300)
        pipe.sadd(f"{group}:jobs", *ids)
        pipe.execute()
    bench.get("state")
    result = bench.listen("moi-ws", 1, 10_001, 30)()
    lag = bench.get("state")["lag"]
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/?user={group}")
    took = page.evaluate("""() => new Promise(resolve => {
        const began = performance.now();
        const look = () => moi.lists[0].order.length == 10001 && document.querySelectorAll(".moi-job").length == 200
            ? resolve(performance.now() - began) : requestAnimationFrame(look);
        look();
    })""")
    page.close()
    figures(to_the_client_ms=(result["took"] * 1e3, "<= 300"), longest_callback_ms=(lag * 1e3, "<= 10"),
            shown_in_chromium_ms=(took, "<= 1500"))


@pytest.mark.benchmark
def test_benchmark_a_100_mb_array_as_an_argument(ctx, cluster, group, r):
    numpy = pytest.importorskip("numpy")
    array, view = numpy.ones(100_000_000 // 8), cluster.client.load_balanced_view()

    def total(array):
        return float(array.sum())
    total.__module__ = "__main__"

    def held():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096, r.info("memory")["used_memory"]

    def ours():
        assert moi.wait(moi.submit(ctx, group, "n", None, total, array), 120)["result"] == array.size
    workers_leave()
    raw = median([timed(lambda: view.apply_sync(total, array)) for _ in range(3)])
    cluster.client.purge_local_results("all")
    before = held()
    took = median([timed(ours) for _ in range(3)])
    until(lambda: held()[1] - before[1] < 1 << 20, "Redis has given up its buffer, as it does after 2 s")
    grown = [(now - then) / 2 ** 20 for now, then in zip(held(), before)]
    figures(raw_s=(raw, "-"), moi_s=(took, "-"), ratio=(took / raw, "<= 2"), web_process_grown_MiB=(grown[0], "~ 0"),
            redis_grown_MiB=(grown[1], "~ 0"))


@pytest.mark.benchmark
def test_benchmark_growth_with_the_number_of_engines(folder, group):
    crowd, lines = Cluster(folder / "crowd"), {}
    context = moi.Context("crowd", connection_file=crowd.file)

    def noop(x, **kwargs):
        return x
    noop.__module__ = "__main__"
    try:
        for engines in (1, 2, 4, 8):
            crowd.ensure(engines)
            until(lambda: not moi._redis().exists("moi:workers:crowd"), "workers have left their engines")
            for job_id in [moi.submit(context, group, "n", None, time.sleep, 0.5) for _ in range(engines)]:
                moi.wait(job_id, 60)
            rates = {"from the queue": [], "while submitting": []}
            for _ in range(3):
                for name in rates:
                    if name == "from the queue":  # all engines are held until it is long
                        held = [moi.submit(context, group, "n", None, time.sleep, 2) for _ in range(engines)]
                    began = time.monotonic()
                    jobs = [moi.submit(context, group, "n", None, noop, i) for i in range(3000)]
                    if name == "from the queue":
                        assert moi.wait(held[0], 60) and moi._redis().llen("moi:queue:crowd") > 2500
                        began = time.monotonic()
                    [moi.wait(job_id, 60) for job_id in jobs[-engines:]]
                    rates[name].append(3000 / (time.monotonic() - began))
            for name, values in rates.items():
                lines[f"jobs_a_second_with_{engines}_{name}"] = median(values), "does not fall"
    finally:
        crowd.stop()
    figures(**lines)
