"""`millstream up`, `down` and `token`: start a platform in the foreground or behind, and stop it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from millstream.cli.console import complain, say, tell
from millstream.cli.settings import Settings, load
from millstream.local.home import Home
from millstream.schemas.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from millstream.local.stack import Wanted
    from millstream.local.supervisor import Event

STOP_S = 90.0

Port = Annotated[int | None, typer.Option(help="TCP port of the edge; default MILLSTREAM_PORT or 8000.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes, which run blocks.")]
Coordinators = Annotated[
    int | None, typer.Option(min=1, help="Coordinator processes; default: as many as workers.")
]


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(down)
    app.command()(token)


def up(
    port: Port = None,
    workers: Workers = None,
    coordinators: Coordinators = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go on in the background.")] = False,
    quiet: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Start the platform: Kafka, PostgreSQL, Redis, the engine and the edge. Ctrl-C stops it."""
    from millstream.local import orphans, ports

    settings = load(port=port, workers=workers, coordinators=coordinators)
    _check(settings)
    wanted = wanted_by(settings)
    home = wanted.home
    home.prepare()
    os.environ["MILLSTREAM_HOME"] = str(home.path)  # marks everything that we start
    if settings.web:
        _build_pages()
    if detach:
        _detached(wanted)
        return
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # until the supervisor takes over: clear up, then go
    with home.lock():
        for name in orphans.end(home):
            say(f"ended {name}, left over from a start that was killed")
        ports.require_free(wanted.port, wanted.host, variable="MILLSTREAM_PORT")
        _supervise(wanted, quiet=quiet)


def _build_pages() -> None:
    """Have the web application's files there. Without them everything else works, so a failure is told and no more."""
    from millstream.local import web

    try:
        web.ensure(progress=lambda text: tell(f"  ... {text}"))
    except UnavailableError as error:
        complain(str(error))


def down() -> None:
    """Stop the platform of this home. Does nothing if none runs."""
    from millstream.local import orphans

    home = Home(load().home)
    supervisor = home.holder()
    if supervisor is None:
        if home.path.exists() and (ended := orphans.end(home)):
            say(f"ended what a killed start had left in {home.path}: {', '.join(ended)}")
        else:
            say(f"nothing runs in {home.path}")
        return
    say(f"stopping the platform in {home.path} (pid {supervisor})")
    os.kill(supervisor, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while home.holder() == supervisor or _exists(supervisor):
        if time.monotonic() > deadline:
            raise UnavailableError(
                f"The platform did not stop within {STOP_S:g} s. `kill -9 {supervisor}` and `down` again end it."
            )
        time.sleep(0.1)
    say("stopped")


def _exists(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE  # which a container may never reap
    except psutil.Error:
        return False


def token() -> None:
    """Print the token of the local user, for scripts: `-H "Authorization: Bearer $(./millstream token)"`."""
    say(_token(load()))


def _check(settings: Settings) -> None:
    if settings.tls_certificate is not None:
        raise ConfigurationError(
            "`up` is for one machine and speaks no TLS: leave out MILLSTREAM_TLS_CERTIFICATE and put a proxy before it, or "
            "run `millstream edge` by itself.",
            variable="MILLSTREAM_TLS_CERTIFICATE",
        )


def wanted_by(settings: Settings) -> Wanted:
    """Translate the settings into what `local/` is asked for."""
    from millstream.local.stack import Wanted

    return Wanted(
        home=Home(settings.home),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        coordinators=settings.coordinators,
        kafka=settings.kafka,
        kafka_jars=settings.kafka_jars,
        postgres=settings.postgres.get_secret_value(),
        redis=settings.redis.get_secret_value(),
        token=settings.token.get_secret_value(),
        signing_key=settings.signing_key.get_secret_value(),
        account_key=settings.account_key.get_secret_value(),
        setup_code=settings.setup_code.get_secret_value(),
        worker_key=settings.worker_key.get_secret_value(),
        echo_model=settings.echo_model,
    )


def _supervise(wanted: Wanted, *, quiet: bool) -> None:
    from millstream.api.credentials import keyring
    from millstream.local import keys, stack
    from millstream.local.supervisor import Supervisor

    started = time.monotonic()
    secrets = keys.ensure(wanted.home)
    keyring.ensure(wanted.home.master_keys)
    servers = stack.prepare_servers(wanted, secrets, progress=lambda text: tell(f"  ... {text}"))
    environ = stack.environment(wanted, secrets, servers)

    def ready() -> None:
        tell(f"ready after {time.monotonic() - started:.1f} s")
        if not quiet:
            _summary(wanted, environ["MILLSTREAM_TOKEN"], stop="Ctrl-C, or `./millstream down`")

    Supervisor(
        stack.processes(wanted, servers, environ),
        wanted.home,
        report=show,
        on_ready=ready,
        edge=wanted.edge,
        kafka=servers.kafka,
    ).run()
    tell("stopped")


def show(event: Event) -> None:
    """Print what happened to a process."""
    where = f" on port {event.port}" if event.port else ""
    match event.what:
        case "ready" | "done":
            tell(f"  {event.name:<16} {event.what}{where} ({event.seconds:.1f} s)")
        case "died":
            code = event.code or 0
            how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            tell(f"  {event.name:<16} {how}; starting it again (log: `./millstream logs {event.name}`)")


def _detached(wanted: Wanted) -> None:
    home = wanted.home
    with home.lock():  # only to say who holds it, before anything is started
        pass
    log = home.logs / "supervisor.log"
    argv = [sys.executable, "-P", "-m", "millstream.cli.main", "up", "--quiet"]
    argv += ["--port", str(wanted.port), "--workers", str(wanted.workers)]
    argv += ["--coordinators", str(wanted.coordinators)] if wanted.coordinators else []
    with open(log, "w") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _follow(process, home, log)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    _summary(wanted, _token(load()), stop="`./millstream down`")


def _follow(process: subprocess.Popen[bytes], home: Home, log: Path) -> None:
    """Show what a supervisor in the background says until the platform is ready. Errors: UnavailableError."""
    from millstream.local import state

    with open(log) as said:
        while True:
            sys.stdout.write(said.read())
            sys.stdout.flush()
            running = state.find(home)
            if running and running.supervisor.pid == process.pid and running.ready:
                break
            if process.poll() is not None:
                complain(said.read().strip())
                raise UnavailableError(
                    f"The platform did not start, see above; all of it is in {str(log)!r}."
                )
            time.sleep(0.1)
        sys.stdout.write(said.read())


def _token(settings: Settings) -> str:
    from millstream.local import keys

    if given := settings.token.get_secret_value():
        return given
    secrets = keys.find(Home(settings.home))
    if secrets is None:
        raise ConfigurationError(
            f"There is no token in {str(settings.home)!r} yet: `./millstream up` makes it at its first start."
        )
    return secrets.token


def _summary(wanted: Wanted, secret: str, *, stop: str) -> None:
    home = wanted.home.path
    here = "" if home == Path("~/.millstream").expanduser() else f"MILLSTREAM_HOME={shlex.quote(str(home))} "
    start = os.environ.get("_MILLSTREAM_COMMAND", "millstream")  # set by the start script
    tell(
        f"""
Millstream runs at {wanted.edge}

  stop        {stop}
  watch       {here}{start} status
  token       {here}{start} token
  first call  curl -s -X POST {wanted.edge}/api/v1/blocks/{FIRST_BLOCK}/execute \\
                -H 'Authorization: Bearer {secret}' -H 'Content-Type: application/json' \\
                -d '{FIRST_INPUTS}'
  first run   {here}{start} run examples/calculator.json --input a=6 --input b=7
"""
    )
    if _wants_first_account(wanted):
        code = _setup_code(wanted)
        page = f"\n  in a browser {wanted.edge}/setup#code={code}" if _has_pages() else ""
        tell(
            f"""\
Nobody has an account yet. The first one, made with this code, becomes admin (docs/access.md):
{page}
  code        {code}
  set up      curl -s {wanted.edge}/api/v1/auth/register -H 'Content-Type: application/json' \\
                -d '{{"email": "you@example.com", "password": "...", "setup_code": "{code}"}}'
"""
        )


def _has_pages() -> bool:
    from millstream.local import web

    return load().web and web.find() is not None


def _wants_first_account(wanted: Wanted) -> bool:
    """Ask the edge whether there is an admin. False if it does not say: the code is of use to nobody then."""
    import httpx

    try:
        answer = httpx.get(f"{wanted.edge}/api/v1/auth/config", timeout=5, trust_env=False)
        return bool(answer.raise_for_status().json()["first_account"])
    except (httpx.HTTPError, ValueError, KeyError):
        return False


def _setup_code(wanted: Wanted) -> str:
    from millstream.local import keys

    secrets = keys.find(wanted.home)
    return wanted.setup_code or (secrets.setup_code if secrets else "")


FIRST_BLOCK = "b1ab9b19-67a6-406d-abf5-2dba76d00c79"
"""The calculator."""
FIRST_INPUTS = '{"inputs": {"operation": "Multiply", "a": 6, "b": 7}}'
