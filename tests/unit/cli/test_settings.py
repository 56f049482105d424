from __future__ import annotations

from pathlib import Path

import pytest

from millstream.cli import documents, settings
from millstream.cli.contexts import own_origins
from millstream.cli.settings import load
from millstream.schemas.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.variables():
        monkeypatch.delenv(name, raising=False)


def test_nothing_has_to_be_set() -> None:
    found = load()
    assert found.home == Path("~/.millstream").expanduser()
    assert found.port == 8000
    assert found.objects == f"file://{found.home}/objects"


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_PORT", "8001")
    assert load().port == 8001
    assert load(port=8002).port == 8002
    assert load(port=None).port == 8001


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("MILLSTREAM_PROT", "MILLSTREAM_PORT"),
        ("MILLSTREAM_KAFKA_SECURITY__SASL_USER", "MILLSTREAM_KAFKA_SECURITY__SASL_USERNAME"),
        ("MILLSTREAM_POSTGRESQL", "MILLSTREAM_POSTGRES"),
    ],
)
def test_a_misspelt_variable_is_refused_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, name: str, near: str
) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(ConfigurationError, match=f"There is no setting {name}: did you mean {near}"):
        load()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MILLSTREAM_PORT", "http", "MILLSTREAM_PORT: .*integer"),
        ("MILLSTREAM_PORT", "70000", "MILLSTREAM_PORT: .*65535"),
        ("MILLSTREAM_KAFKA", "broker", "MILLSTREAM_KAFKA: 'broker' is not host:port"),
        ("MILLSTREAM_WORKERS", "0", "MILLSTREAM_WORKERS"),
        ("MILLSTREAM_KAFKA_SECURITY__PROTOCOL", "TLS", "MILLSTREAM_KAFKA_SECURITY__PROTOCOL: .*SASL_SSL"),
    ],
)
def test_a_wrong_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MILLSTREAM_KAFKA", "confluent://broker:9092"),
        ("BROKER_URL", "confluent://broker:9092"),
        ("PROCESSING_GUARANTEE", "exactly_once"),
        ("MILLSTREAM_PROCESSING_GUARANTEE", "exactly_once"),
    ],
)
def test_what_breaks_faust_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=r"never gets an assignment|stalls under Faust"):
        load()


def test_a_list_is_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_HTTP_ALLOW", "wiki.internal:443, 10.0.0.7:80")
    assert load().http_allow == ("wiki.internal:443", "10.0.0.7:80")


def test_another_programs_broker_url_is_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "amqp://celery")
    load()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_POSTGRES", "postgresql://u:hidden@host/db")
    monkeypatch.setenv("MILLSTREAM_KAFKA_SECURITY__SASL_PASSWORD", "hidden")
    assert "hidden" not in repr(load())


def test_login_reaches_both_client_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_KAFKA", "kafka://a:9093, b:9093")
    monkeypatch.setenv("MILLSTREAM_KAFKA_SECURITY__PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("MILLSTREAM_KAFKA_SECURITY__SASL_MECHANISM", "SCRAM-SHA-512")
    monkeypatch.setenv("MILLSTREAM_KAFKA_SECURITY__SASL_USERNAME", "me")
    monkeypatch.setenv("MILLSTREAM_KAFKA_SECURITY__SASL_PASSWORD", "hidden")
    found = load()
    aiokafka = found.aiokafka()
    assert aiokafka.pop("ssl_context") is not None
    assert aiokafka == {
        "bootstrap_servers": "a:9093,b:9093",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": "hidden",
    }
    assert found.confluent() == {
        "bootstrap.servers": "a:9093,b:9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": "hidden",
    }


def test_the_page_about_the_settings_is_up_to_date() -> None:
    assert (documents.FOLDER / "settings.md").read_text() == documents.settings_page(), (
        "run `millstream documents`"
    )


def test_every_setting_says_what_it_is() -> None:
    assert all(text.endswith((".", "`")) for text in settings.variables().values())


def test_services_stand_where_the_operator_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLSTREAM_SERVICE_URLS", '{"github": "https://github.example.com/api/v3"}')
    assert load().service_urls == {"github": "https://github.example.com/api/v3"}


@pytest.mark.parametrize(
    ("public_url", "own"),
    [
        ("", {"127.0.0.1:8700"}),
        ("https://agents.example.com", {"127.0.0.1:8700", "agents.example.com:443"}),
    ],
)
def test_the_platform_itself_is_no_address_of_blocks(
    monkeypatch: pytest.MonkeyPatch, public_url: str, own: set[str]
) -> None:
    """A18."""
    monkeypatch.setenv("MILLSTREAM_PUBLIC_URL", public_url)
    monkeypatch.setenv("MILLSTREAM_PORT", "8700")
    assert own_origins(load()) == own
