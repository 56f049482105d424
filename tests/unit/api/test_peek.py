from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from millstream.api.watch.peek import peek
from millstream.schemas.codec import encode
from millstream.schemas.ids import new_id
from millstream.schemas.messages import Events, Stop

TEXT = st.text(max_size=200)


@given(user=TEXT, graph=TEXT, first=st.integers(0, 2**40))
def test_it_says_whose_record_it_is_as_decoding_does(user: str, graph: str, first: int) -> None:
    events = Events(
        execution_id=new_id().bytes,
        user_id=user,
        graph_id=graph,
        graph_version=1,
        first=first,
        deltas=[],
        at=1,
    )
    assert peek(encode(events)) == (user, graph)


@given(st.binary(max_size=60))
def test_garbage_is_left_to_the_decoder(data: bytes) -> None:
    for value in (data, b"\0\0\0\0\x0c" + data):
        found = peek(value)
        assert found is None or all(isinstance(each, str) for each in found)


def test_other_messages_are_not_read() -> None:
    assert peek(None) is None
    assert peek(encode(Stop(execution_id=new_id().bytes, by="u"))) is None
