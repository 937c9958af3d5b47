import pytest
from codeupdatearena.synth.function_sheet import find_function, find_signature
from tenpapers.errors import UserError


def test_signatures_are_found_without_the_model_where_they_can():
    assert find_signature("math.floor", find_function("math.floor")) == "math.floor(x,/):"
    assert find_signature("re.sub", find_function("re.sub")).startswith("re.sub(pattern,repl,")
    with pytest.raises(UserError, match="numpy .* has no 'gone'"):
        find_function("numpy.gone")
    with pytest.raises(UserError, match="'nopackage' is not installed"):
        find_function("nopackage.f")
