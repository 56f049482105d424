"""What each process of the platform is made of, and runs until it is asked to stop. The commands are in `roles.py`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from millstream.api.auth.settings import AccessSettings
    from millstream.api.credentials.settings import SecretSettings
    from millstream.cli.settings import Settings
    from millstream.connectors.sealed import SealedSecrets
    from millstream.connectors.vectors import PostgresVectors
    from millstream.schemas.errors import MillstreamError
    from millstream.streams.admitting import Admission
    from millstream.streams.apps import EngineSettings


def coordinator(settings: Settings, *, admission: bool = True) -> None:
    """Decide what happens to executions, and when each may begin, until SIGTERM."""
    _run(_coordinator(settings, settings.instance, admission=admission))


def admission(settings: Settings) -> None:
    """Decide when executions may begin, until SIGTERM."""
    _run(_admission(settings, settings.instance))


def worker(settings: Settings, lanes: list[str]) -> None:
    """Run the blocks of these lanes, until SIGTERM."""
    _run(_worker(settings, settings.instance, lanes))


def sink(settings: Settings) -> None:
    """Write events to PostgreSQL, until SIGTERM."""
    from millstream.connectors.sink import Options
    from millstream.connectors.sink_process import main

    ready = settings.ready_file
    sys.exit(
        main(
            settings.confluent(),
            settings.postgres.get_secret_value(),
            options=Options(instance=settings.instance),
            on_ready=None if ready is None else ready.touch,
        )
    )


def edge(settings: Settings) -> None:
    """Serve people and programs over HTTP and WebSocket, until SIGTERM."""
    from millstream.api.graphql.settings import GraphqlSettings
    from millstream.api.http.limits import RateLimits
    from millstream.api.serve import serve
    from millstream.api.settings import EdgeLimits, EdgeSettings
    from millstream.cli import installed
    from millstream.local import web

    serve(
        EdgeSettings(
            kafka=settings.aiokafka(),
            dsn=settings.postgres,
            redis=settings.redis,
            objects=settings.objects,
            token=settings.token,
            signer=settings.signer(),
            access=_access(settings),
            graphql=GraphqlSettings(introspection=not settings.production),
            secrets=_secrets(settings),
            rates=RateLimits(**dict(settings.rates)),
            trusted_proxies=settings.trusted_proxies,
            docs=settings.docs,
            web=web.find() if settings.web else None,
            tls_certificate=settings.tls_certificate,
            tls_key=settings.tls_key,
            host=settings.host,
            port=settings.port,
            limits=EdgeLimits(
                sockets=settings.sockets,
                user_sockets=settings.user_sockets,
                user_queue=settings.user_queue,
                inbox_lag=settings.inbox_lag,
                lane_lag=settings.lane_lag,
                events_lag=settings.sink_lag,
                silent_s=settings.silent_s,
                history_months=settings.history_months,
            ),
        ),
        installed.registry(settings),
    )


def _access(settings: Settings) -> AccessSettings:
    from millstream.api.auth.settings import AccessSettings, OutsideIssuer
    from millstream.cli.sign_in import providers
    from millstream.connectors.mail import Smtp

    smtp, issuer = settings.smtp, settings.issuer
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return AccessSettings(
        key=settings.account_key,
        setup_code=settings.setup_code,
        sign_up=settings.sign_up,
        public_url=settings.public_url
        or f"{'https' if settings.tls_key else 'http'}://{host}:{settings.port}",
        smtp=Smtp(**dict(smtp)) if smtp.host else None,
        mail_folder=settings.home / "mail",
        outside=OutsideIssuer(
            issuer=issuer.url, audience=issuer.audience, secret=issuer.secret, jwks_url=issuer.jwks_url
        )
        if issuer.url
        else None,
        sso=providers(settings.sso),
    )


def _secrets(settings: Settings) -> SecretSettings:
    import json

    from pydantic import ValidationError

    from millstream.api.credentials.keyring import FILE_NAME
    from millstream.api.credentials.settings import OAuthProvider, SecretSettings
    from millstream.schemas.errors import ConfigurationError

    try:
        given = json.loads(settings.oauth_providers.get_secret_value() or "{}")
        providers = {str(name): OAuthProvider.model_validate(each) for name, each in given.items()}
    except (ValueError, AttributeError) as error:
        fields = (
            {".".join(map(str, e["loc"])) for e in error.errors()}
            if isinstance(error, ValidationError)
            else ""
        )
        raise ConfigurationError(
            f"MILLSTREAM_OAUTH_PROVIDERS is no JSON object of providers {fields}; docs/secrets.md has an example."
        ) from None  # its text may have the client's secret
    return SecretSettings(
        master_keys=settings.master_keys,
        master_keys_file=settings.home / FILE_NAME,
        worker_key=settings.worker_key,
        providers=providers,
        redirect_url=settings.oauth_redirect_url,
    )


def _run(main: Coroutine[Any, Any, int]) -> None:
    import uvloop

    uvloop.install()  # also for the loops that Faust's consumer threads make
    with asyncio.Runner() as runner:
        code = runner.run(main)
    sys.exit(code)


async def _coordinator(settings: Settings, name: str, *, admission: bool) -> int:
    from millstream.connectors.objects import Objects
    from millstream.streams.coordinator import build_coordinator
    from millstream.streams.service import Service

    producer = await _producer(settings, compression="lz4")
    engine = _engine(settings, name)
    group = "millstream-coordinator"
    built = build_coordinator(
        engine, producer, Objects(settings.objects), _dead_letter_of(group), signer=settings.signer()
    )
    apps, work = [built.app], [built.pump, built.ring, built.sweeper.run]
    if admission:
        gate = _gate(settings, name, producer)
        apps.append(gate.app)
        work.append(gate.pump)
    service = Service(settings.ready_file)
    try:
        return await service.run(apps, work)
    finally:
        await producer.stop()


async def _admission(settings: Settings, name: str) -> int:
    from millstream.streams.service import Service

    producer = await _producer(settings)
    gate = _gate(settings, name, producer)
    try:
        return await Service(settings.ready_file).run([gate.app], [gate.pump])
    finally:
        await producer.stop()


def _gate(settings: Settings, name: str, producer: Any) -> Admission:
    from millstream.streams.admission import Limits
    from millstream.streams.admitting import APP, build_admission

    limits = Limits(executions=settings.user_executions, nodes=settings.user_nodes)
    return build_admission(
        _engine(settings, name),
        producer,
        _dead_letter_of(APP),
        limits=lambda user_id: limits,  # the same for all, until plans of users say otherwise
        signer=settings.signer(),
    )


async def _worker(settings: Settings, name: str, lanes: list[str]) -> int:
    from millstream.cli import installed
    from millstream.cli.contexts import contexts
    from millstream.connectors import redis as connector
    from millstream.connectors.cancels import follow_cancels
    from millstream.connectors.claims import RedisClaims
    from millstream.connectors.objects import Objects
    from millstream.connectors.outputs_cache import RedisOutputs
    from millstream.connectors.payloads import Values
    from millstream.processors import isolation
    from millstream.streams.running import Environment
    from millstream.streams.service import Service
    from millstream.streams.worker import Worker, build_lane
    from millstream.topics.catalogue import DATA

    producer = await _producer(settings)
    redis = connector.client(settings.redis.get_secret_value(), name=name)
    service = Service(settings.ready_file)
    vault = _worker_vault(settings, redis)
    claims = RedisClaims(redis)
    vectors = _vectors(settings, name) if lanes == [DATA] else None
    blocks = installed.registry(settings, folder=lanes != [DATA])  # which has the database
    env = Environment(
        registry=blocks,
        values=Values(Objects(settings.objects)),
        claims=claims,
        cache=RedisOutputs(redis),
        context=contexts(settings, redis, producer, vault, vectors),
        worker=name,
    )
    letter_of = _dead_letter_of("millstream-worker")
    built = Worker(env, producer, letter_of, service.crash, signer=settings.signer())
    apps = [build_lane(_engine(settings, name), lane, built) for lane in lanes]
    try:
        if vectors is not None:
            await vectors.open()
        await claims.prepare()
        return await service.run(
            apps,
            [
                built.tick,
                lambda: follow_cancels(settings.aiokafka(), built.cancel),
                lambda: installed.keep_up(blocks),
            ],
            before_stop=lambda: built.drain(10.0),
        )
    finally:
        await isolation.close()
        if vault is not None:
            await vault.close()
        if vectors is not None:
            await vectors.close()
        await producer.stop()
        await redis.aclose()


def _vectors(settings: Settings, name: str) -> PostgresVectors:
    from millstream.connectors.vectors import PostgresVectors

    return PostgresVectors(settings.postgres.get_secret_value(), name=name)


def _worker_vault(settings: Settings, redis: Any) -> SealedSecrets | None:
    from millstream.connectors.sealed import SealedSecrets
    from millstream.connectors.sealing import WorkerKey

    secret = settings.worker_key.get_secret_value()
    return SealedSecrets(redis, WorkerKey(secret), settings.edge_url) if secret else None


def _engine(settings: Settings, name: str) -> EngineSettings:
    from millstream.streams.apps import EngineSettings

    return EngineSettings(
        bootstrap=settings.kafka,
        folder=settings.home / "tables" / name,
        instance=name,
        replication=settings.replication,
        credentials=_credentials(settings),
        slots=settings.slots,
        standbys=settings.standbys,
    )


def _credentials(settings: Settings) -> Any:
    """Return the Kafka log-in in Faust's form."""
    import faust

    security = settings.kafka_security
    if security.sasl:
        return faust.SASLCredentials(
            username=security.sasl_username,
            password=security.sasl_password.get_secret_value(),
            ssl_context=security.ssl_context(),
            mechanism=security.sasl_mechanism,
        )
    return faust.SSLCredentials(security.ssl_context()) if security.tls else None


async def _producer(settings: Settings, *, compression: str | None = None) -> Any:
    """Return a started producer: idempotent, all replicas, batches that form while a request is in flight.

    Of the coordinator's records lz4 leaves a third: rows and events of one execution are alike.
    """
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(
        **settings.aiokafka(),
        acks="all",
        compression_type=compression,
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=262_144,
        max_request_size=2_000_000,
        request_timeout_ms=30_000,
    )
    await producer.start()
    return producer


def _dead_letter_of(group: str) -> Any:
    from millstream.connectors.dead_letters import dead_letter

    def of(record: Any, error: MillstreamError) -> tuple[bytes, list[tuple[str, bytes]]]:
        return dead_letter(
            record.topic,
            record.partition,
            offset=record.offset,
            timestamp=round(record.timestamp * 1000),
            key=record.key,
            value=record.value,
            error=error,
            consumer=group,
            at=int(time.time() * 1000),
            headers=record.headers,
        )

    return of
