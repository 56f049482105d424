from __future__ import annotations

from millstream.schemas.messages import MESSAGES
from millstream.topics.catalogue import ADMISSION_CHANGELOG, CHANGELOG, catalogue, tasks


def test_names_are_unique_and_each_message_has_one_home() -> None:
    topics = catalogue()
    assert len({topic.name for topic in topics}) == len(topics)
    homes = [name for topic in topics for name in topic.messages if not topic.name.startswith("nodes.tasks.")]
    assert sorted(homes) == sorted({cls.__name__ for cls in MESSAGES} - {"Run"})
    assert all(topic.messages == ("Run",) for topic in topics if topic.name.startswith("nodes.tasks."))


def test_every_topic_has_the_broker_s_time() -> None:
    assert {topic.config["message.timestamp.type"] for topic in catalogue()} == {"LogAppendTime"}


def test_state_is_compacted_and_nothing_else() -> None:
    compacted = [topic.name for topic in catalogue() if topic.config["cleanup.policy"] == "compact"]
    assert compacted == [CHANGELOG, ADMISSION_CHANGELOG]
    assert "retention.ms" not in next(topic for topic in catalogue() if topic.name == CHANGELOG).config


def test_times_are_said_for_people() -> None:
    assert {topic.name: topic.kept for topic in catalogue()}["store.events"] == "for ever"
    assert tasks("io").kept == "7 d"


def test_lanes_of_authors_get_topics() -> None:
    assert "nodes.tasks.gpu" in {topic.name for topic in catalogue(("io", "gpu"))}
