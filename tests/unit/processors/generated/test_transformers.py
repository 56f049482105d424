"""Pipelines of Transformers as blocks, with a model of a few kilobytes that is made here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from millstream.contract import rules
from millstream.processors import isolation
from millstream.processors.generated.transformers import from_pipeline
from millstream.schemas.errors import BlockExecutionError, BlockInputError
from millstream.testing import emits

pytestmark = pytest.mark.timeout(600)  # Torch takes minutes to be imported on a machine that is busy
REASON = "needs the extra `transformers` (Transformers and Torch, some gigabytes)"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model for texts that knows ten words, with weights by chance but always the same."""
    torch: Any = pytest.importorskip("torch", reason=REASON, exc_type=ImportError)
    transformers: Any = pytest.importorskip("transformers", reason=REASON, exc_type=ImportError)
    folder: Path = tmp_path_factory.mktemp("model")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "tea", "is", "good", "bad", "hot"]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        id2label={0: "GOOD", 1: "BAD"},
        label2id={"GOOD": 0, "BAD": 1},
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


async def test_a_pipeline_runs_in_its_own_process_and_stays_loaded(model: str) -> None:
    block = from_pipeline("text-classification", model, module=__name__, name="mood")
    assert (block.spec.name, block.spec.lane) == ("MoodBlock", "cpu")
    [(pin, first)] = await emits(block, {"text": "tea is good"})
    assert pin == "result"
    assert first[0]["label"] in ("GOOD", "BAD")
    assert 0 < first[0]["score"] <= 1
    assert isolation.pool(isolation.MODELS).idle == 1, "the process waits with its model"
    [(_, all_)] = await emits(block, {"text": "tea is good", "parameters": {"top_k": 2}})
    assert {each["label"] for each in all_} == {"GOOD", "BAD"}


async def test_a_model_that_is_not_there_is_named(model: str, tmp_path: Path) -> None:
    assert model
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    block = from_pipeline("text-classification", str(tmp_path), module=__name__)
    with pytest.raises(BlockExecutionError, match="cannot be loaded"):
        await emits(block, {"text": "tea"})


async def test_weights_that_are_code_are_not_read(model: str, tmp_path: Path) -> None:
    """A model may come as a pickle, which runs what it likes."""
    torch: Any = pytest.importorskip("torch")
    shutil.copytree(model, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
    torch.save({}, tmp_path / "pytorch_model.bin")
    block = from_pipeline("text-classification", str(tmp_path), module=__name__)
    with pytest.raises(BlockExecutionError, match="cannot be loaded"):
        await emits(block, {"text": "tea"})


async def test_nobody_puts_another_model_or_its_code_into_the_parameters() -> None:
    block = from_pipeline("text-generation", "m", module=__name__)
    for name in ("model", "trust_remote_code", "model_kwargs", "tokenizer", "device"):
        with pytest.raises(BlockInputError, match="no parameters"):
            await emits(block, {"text": "tea", "parameters": {name: "x"}})


def test_pins_are_those_of_the_task() -> None:
    ask = from_pipeline("question-answering", "m", module=__name__, lane="gpu", device="cuda")
    assert ask.spec.input_schema["required"] == ["question", "context"]
    assert ask.spec.lane == "gpu"
    see = from_pipeline("image-classification", "m", module=__name__)
    assert see.spec.input_schema["properties"]["image"]["format"] == "file"
    for block in (ask, see):
        assert rules(block) == []
    with pytest.raises(ValueError, match="no task here"):
        from_pipeline("mind-reading", "m", module=__name__)
