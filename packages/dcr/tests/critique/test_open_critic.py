import pytest
from dcr.critique.open_critic import critic_identity, open_critic
from tenpapers.errors import UserError
from tenpapers.testing import write_rows

from ..by_hand import SharedWords


def test_an_unknown_critic_is_told_with_the_known_ones():
    with pytest.raises(UserError, match="unknown critic 'nobody'; one of occlusion, shepherd"):
        open_critic("nobody")


def test_occlusion_needs_a_detector():
    with pytest.raises(UserError, match="critic occlusion: looks at a detector"):
        open_critic("occlusion")
    assert open_critic("occlusion", detector=SharedWords()).identity == critic_identity(
        "occlusion", SharedWords.identity
    )


def test_a_published_critic_may_say_where_its_model_is(tmp_path):
    file = write_rows(tmp_path / "said.jsonl", [{"id": "a|critique|-1", "text": "x"}])
    with open_critic(f"ultracm:replay:{file}") as critic:
        assert critic.whole_response and critic.name == f"ultracm:replay:{file}"
        assert critic.identity == critic_identity(f"ultracm:replay:{file}", None)
