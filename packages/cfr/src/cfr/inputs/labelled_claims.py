"""Claims with labels, of whichever data set."""

from pathlib import Path
from typing import Literal

from ..records import Claim
from .claimdecomp import read_claimdecomp
from .claims import read_claims
from .fever import read_fever


def read_labelled(path: Path, dataset: Literal["averitec", "fever", "claimdecomp"]) -> list[Claim]:
    """Claims of a data set's own file.

    Raises
    ------
    UserError : see the readers of the data sets.
    """
    if dataset == "fever":
        return [
            Claim(claim_id=one.claim_id, claim=one.claim, label=one.label)
            for one in read_fever(path)
        ]
    return read_claimdecomp(path) if dataset == "claimdecomp" else read_claims(path)
