import pytest
from synthesizrr.inputs.documents import fetch_texts, read_documents, write_shards
from synthesizrr.records import Document
from tenpapers.errors import UserError

from ..conftest import write_rows


def test_documents_are_streamed_from_shards(tmp_path):
    rows = [Document(id=f"d{i}", text=f"text {i}") for i in range(5)]
    assert write_shards(tmp_path.joinpath, rows, 2) == (5, 3)
    assert list(read_documents(tmp_path)) == rows
    assert fetch_texts(tmp_path, {"d4", "d1"}) == {"d1": "text 1", "d4": "text 4"}
    with pytest.raises(UserError, match="no document 'x'"):
        fetch_texts(tmp_path, {"x"})
    with pytest.raises(UserError, match="zero documents"):
        write_shards(tmp_path.joinpath, [], 2)


def test_repeated_document_ids_are_an_error(tmp_path):
    file = write_rows(tmp_path / "docs.jsonl", [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}])
    with pytest.raises(UserError, match=r"docs.jsonl:2: id 'a' repeats"):
        list(read_documents(file))
