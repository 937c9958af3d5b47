import pytest
from tenpapers.sandbox.child import status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), "memory"),
        (RuntimeError("[enforce fail] can't allocate memory: 64"), "memory"),
        (RuntimeError("another"), "error:RuntimeError"),
        (ValueError("can't allocate memory"), "error:ValueError"),
        (AssertionError("x"), "assert"),
        (SystemExit(0), "error:SystemExit"),
        (type("Näme", (Exception,), {})(), "error:Näme"),
        (type("a b\nc" + "x" * 99, (Exception,), {})(), "error:a_b_c" + "x" * 59),
    ],
)
def test_what_ended_a_case_has_a_name_of_one_word(error, status):
    assert status_of(error) == status
