from overton import clean


def test_the_closing_fence_goes_and_inner_fences_stay():
    assert clean("Yes\n```") == "Yes"
    assert clean("```") == ""
    assert clean("  Run\n```\nls\n```\nthen. ") == "Run\n```\nls\n```\nthen."
    assert clean("Run\n```\nls\n```") == "Run\n```\nls"


def test_the_closing_fence_stays_where_it_is_wanted():
    assert clean("Yes\n```\n", closing_fence=False) == "Yes\n```"
