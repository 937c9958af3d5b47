import gzip

import pytest
from lofit.inputs import mquake
from tenpapers.errors import UserError


def test_a_truncated_gzip_file(mini, tmp_path):
    packed = gzip.compress((mini / "mquake_val.jsonl").read_bytes())
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UserError, match=rf"cut.jsonl.gz:.*broken gzip.*{len(packed) // 2} bytes"):
        mquake.read(file)
