"""JSON that two parsers could understand in two ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km3broker.document import parse_object
from km3broker.refusal import Refusal

AMBIGUOUS = {
    "key twice": b'{"Image": "a", "Image": "b"}',
    "key twice, inside": b'{"HostConfig": {"Binds": [], "Binds": ["/:/host"]}}',
    "key twice in another case": b'{"Privileged": false, "privileged": true}',
    "key twice by an escape": b'{"Image": "a", "Im\\u0061ge": "b"}',
    "key twice by a letter that folds": '{"tasks": 1, "ta\u017fks": 2}'.encode(),
    "text after the object": b'{"a": 1} {"b": 2}',
    "array": b'[{"Image": "a"}]',
    "text": b'"a"',
    "nothing": b"",
    "not a number": b'{"Memory": NaN}',
    "infinite": b'{"Memory": Infinity}',
    "half a character": b'{"Image": "\\ud800"}',
    "half a character in a key": b'{"\\udc00": 1}',
    "NUL": b'{"Image": "a\\u0000b"}',
    "Latin-1": b'{"Image": "\xe9"}',
    "UTF-16": '{"Image": "a"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"Image": "a"}',
    "comment": b'{"Image": "a" /* or b */}',
    "deep": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "fairly deep": b'{"a":' * 13 + b"1" + b"}" * 13,
    "huge number": b'{"Memory": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_ambiguous_document_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        parse_object(data)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("abc/ü", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abcö", max_size=4), _VALUES, max_size=4))
def test_plain_document_is_understood_as_by_the_standard_library(found: dict[str, object]) -> None:
    assert parse_object(json.dumps(found).encode()) == found
