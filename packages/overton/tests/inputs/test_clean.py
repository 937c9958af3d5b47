import pytest
from overton import clean
from overton.inputs.clean import ends_with_fence


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Yes\n```", "Yes"),
        ("Yes```\n", "Yes"),
        ("```", ""),
        ("  Run\n```\nls\n```\nthen. ", "Run\n```\nls\n```\nthen."),
        ("Run\n```sh\nls\n```\nthen.\r\n```\r\n", "Run\n```sh\nls\n```\nthen."),
        ("Run\n```sh\nls\n```\n```", "Run\n```sh\nls\n```"),
        ("Run ```ls``` then\n```", "Run ```ls``` then"),
        ("Yes\n```\n```", "Yes\n```"),  # an empty block is none: one fence goes
    ],
)
def test_the_closing_fence_goes_once_and_inner_fences_stay(text, read):
    assert clean(text) == read
    assert ends_with_fence(text) == (clean(text) != text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "Run\n```sh\nls\n```",
        "```\nls\n```",
        "One\n```\nls\n```\ntwo\n  ```sh\n  pwd\n  ```",
        "Run ```ls```",
    ],
)
def test_an_answer_that_ends_with_a_code_block_of_its_own_keeps_it_whole(text):
    assert clean(f"{text}\n") == text
    assert not ends_with_fence(text)
    assert clean(f"{text}\n```") == text  # and here the prompt's fence stands behind it


def test_the_closing_fence_stays_where_it_is_wanted():
    assert clean("Yes\n```\n", closing_fence=False) == "Yes\n```"
