"""The labels of each data set: their order, what they mean, and what else they are called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tenpapers.errors import UserError

LabelsName = Literal["averitec", "fever", "claimdecomp"]


@dataclass(frozen=True)
class LabelSet:
    """The labels of a data set.

    Parameters
    ----------
    meanings : of each label, in the data set's order.
    neutral : what stands where a judge gave none.
    aliases : other names, in lower case with single spaces.
    ordinal : whether the order is a scale.
    """

    name: str
    meanings: Mapping[str, str]
    neutral: str
    aliases: Mapping[str, str]
    ordinal: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return tuple(self.meanings)

    @cached_property
    def known(self) -> dict[str, str]:
        """Label of each name and alias, the longest first, as `plain` gives them."""
        names = {plain(label): label for label in self.labels}
        every = names | {plain(alias): label for alias, label in self.aliases.items()}
        return dict(sorted(every.items(), key=lambda item: -len(item[0])))

    def resolve(self, text: str, where: str) -> str:
        """The label that a file writes, in whatever case or by an alias.

        Raises
        ------
        UserError : it is none of this data set's.
        """
        label = self.known.get(plain(text))
        if label is None:
            raise UserError(
                f"{where}: {text!r} is no label of {self.name}", f"one of {', '.join(self.labels)}"
            )
        return label


def plain(text: str) -> str:
    """A label in lower case, words one space apart, without punctuation."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower()).split())


AVERITEC = LabelSet(
    "averitec",
    {
        "Supported": "the evidence shows that the claim is true",
        "Refuted": "the evidence shows that the claim is false",
        "Not Enough Evidence": "the evidence neither shows that the claim is true nor that it is "
        "false",
        "Conflicting Evidence/Cherrypicking": "the evidence points both ways, or the claim is "
        "true as it is worded and misleads because it leaves something out",
    },
    "Not Enough Evidence",
    {
        "supports": "Supported",
        "support": "Supported",
        "true": "Supported",
        "refutes": "Refuted",
        "refute": "Refuted",
        "false": "Refuted",
        "nee": "Not Enough Evidence",
        "nei": "Not Enough Evidence",
        "not enough info": "Not Enough Evidence",
        "not enough information": "Not Enough Evidence",
        "insufficient evidence": "Not Enough Evidence",
        "unverifiable": "Not Enough Evidence",
        "conflicting evidence": "Conflicting Evidence/Cherrypicking",
        "conflicting": "Conflicting Evidence/Cherrypicking",
        "cherrypicking": "Conflicting Evidence/Cherrypicking",
        "cherry-picking": "Conflicting Evidence/Cherrypicking",
        "conflicting evidence/cherry-picking": "Conflicting Evidence/Cherrypicking",
    },
)
FEVER = LabelSet(
    "fever",
    {
        "SUPPORTS": "the evidence shows that the claim is true",
        "REFUTES": "the evidence shows that the claim is false",
        "NOT ENOUGH INFO": "the evidence neither shows that the claim is true nor that it is false",
    },
    "NOT ENOUGH INFO",
    {
        "supported": "SUPPORTS",
        "support": "SUPPORTS",
        "true": "SUPPORTS",
        "refuted": "REFUTES",
        "refute": "REFUTES",
        "false": "REFUTES",
        "nei": "NOT ENOUGH INFO",
        "nee": "NOT ENOUGH INFO",
        "not enough information": "NOT ENOUGH INFO",
        "not enough evidence": "NOT ENOUGH INFO",
        "insufficient evidence": "NOT ENOUGH INFO",
    },
)
CLAIMDECOMP = LabelSet(
    "claimdecomp",
    {
        "pants-fire": "the claim is not accurate and makes a ridiculous assertion",
        "false": "the claim is not accurate",
        "barely-true": "the claim has an element of truth but ignores facts that would give "
        "another impression",
        "half-true": "the claim is partly accurate but leaves out details or context",
        "mostly-true": "the claim is accurate but needs clarification",
        "true": "the claim is accurate and nothing important is missing",
    },
    "half-true",
    {
        "pants on fire": "pants-fire",
        "pants on fire!": "pants-fire",
        "mostly false": "barely-true",
    },
    ordinal=True,
)
LABEL_SETS: Mapping[str, LabelSet] = {one.name: one for one in (AVERITEC, FEVER, CLAIMDECOMP)}
