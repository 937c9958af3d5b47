import pytest
from lofit.baselines.load import load_intervention
from tenpapers.errors import UserError


def test_unknown_adapters_are_refused(tmp_path):
    with pytest.raises(UserError, match="no adapter in it"):
        load_intervention(tmp_path)
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "VERA"}')
    with pytest.raises(UserError, match="VERA adapter"):
        load_intervention(tmp_path)
