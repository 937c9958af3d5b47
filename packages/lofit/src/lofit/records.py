"""What comes in, what flows between the stages, what goes out."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import pydantic
from pydantic import ConfigDict, Field
from tenpapers.generation.types import Message
from tenpapers.records import Record

Text = Annotated[str, Field(min_length=1)]
# What a model is asked: a text, or the turns of a chat.
Asked = str | tuple[Message, ...]

# The rules by which heads are ranked: step 1's scales, chance, ITI's probes, probes on layers,
# offsets on all heads.
Selector = Literal["lofit", "random", "probe", "layer-probe", "bias"]
# ITI's directions: difference of the class means, the probe's weights, a random one.
Direction = Literal["mass-mean", "probe", "random"]
# Where a merge puts offsets: the bias of the output projection or of the value projection.
Via = Literal["o_proj", "v_proj"]
# Who answers with an adapter: hooks in transformers, or vLLM from a merged checkpoint.
Backend = Literal["hf", "vllm"]


class SFTExample(Record):
    """A prompt with the completion to learn; `answers` are what counts as right (default: it).

    Where `messages` are given, they are what is asked, in the model's chat template, and the prompt
    is their last one. `echo` is an answer that needs no model (MQuAKE: the edited object), a
    baseline. Other fields come back in the predictions.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    prompt: Text
    completion: Text
    answers: tuple[str, ...] = ()
    echo: str | None = None
    messages: tuple[Message, ...] = ()

    @property
    def asked(self) -> Asked:
        """What the model gets."""
        return self.messages or self.prompt

    @property
    def gold(self) -> tuple[str, ...]:
        """The answers, or the completion where none are given."""
        return self.answers or (self.completion.strip(),)


class PreferencePair(Record):
    """A prompt, or `messages`, with a preferred and a rejected response."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    prompt: Text
    chosen: Text
    rejected: Text
    messages: tuple[Message, ...] = ()

    @property
    def asked(self) -> Asked:
        """What the model gets."""
        return self.messages or self.prompt


class MultipleChoiceItem(Record):
    """A question with true and false reference answers; the best answer is one of the true ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    question: Text
    best_answer: Text
    correct_answers: tuple[str, ...]
    incorrect_answers: tuple[str, ...]


class ContrastItem(Record):
    """Labelled continuations of a prompt, for ITI and RepE."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    prompt: Text
    positive: tuple[str, ...]
    negative: tuple[str, ...]


class Prediction(Record):
    """A graded answer; `correct` by the normalised rule, `correct_strict` by the official one.

    With an `error` there is no answer, and the row counts in no metric. One that is `truncated` was
    cut at the limit of tokens before what is graded of it had ended.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    prompt: str
    completion: str
    prediction: str
    answers: tuple[str, ...]
    correct: int
    correct_strict: int
    truncated: bool = False
    error: str = ""


class PreferenceResult(Record):
    """Log-probabilities (nats) of the two responses of a pair, with the adapter and without.

    `margin` is beta times what the adapter added to the difference, `correct` whether that is
    positive; None without an adapter.
    """

    id: str
    chosen: float
    rejected: float
    base_chosen: float
    base_rejected: float
    margin: float | None = None
    correct: int | None = None


class MultipleChoiceResult(Record):
    """Scores (nats) of a question's true and false answers, and what they amount to."""

    id: str
    scores_true: tuple[float, ...]
    scores_false: tuple[float, ...]
    best_index: int
    mc1: float
    mc2: float
    mc3: float


class OpenAnswer(Record):
    """A generated answer with the judges' verdicts (1, 0; None where none was given).

    `unjudged` are the judges whose reply was neither yes nor no.
    """

    id: str
    question: str
    answer: str
    true: int | None = None
    informative: int | None = None
    unjudged: tuple[str, ...] = ()
    truncated: bool = False
    error: str = ""


@pydantic.dataclasses.dataclass(frozen=True)
class FitConfig:
    """How trainable numbers are fitted; the defaults are those of the released code.

    Parameters
    ----------
    lr : peak learning rate of AdamW (betas 0.9, 0.999, eps 1e-8), linear decay to 0, no warm-up.
    l1 : lambda, the factor of the sum of absolute values of everything trained.
    epochs : passes over the data.
    batch_size : examples a step.
    micro_batch : examples that are run at once; gradients add up to the batch. None is all.
    weight_decay : decoupled; the paper's table says 0.01, the released code uses 0.
    clip : largest norm of the gradient.
    init_std : standard deviation of the first values.
    beta : of the DPO loss.
    seed : of the first values and of the order of the data.
    l1_mode : "loss" adds the penalty to the loss, as the paper; "prox" soft-thresholds after each
        step, which gives exact zeros.
    group_by_length : batches of similar lengths, which saves padding.
    debug_anomaly : find the operation that first gave a NaN gradient; slow.
    """

    lr: float = 5e-3
    l1: float = 0.0
    epochs: int = Field(default=5, ge=1)
    batch_size: int = Field(default=8, ge=1)
    micro_batch: int | None = Field(default=None, ge=1)
    weight_decay: float = 0.0
    clip: float = 1.0
    init_std: float = 1e-3
    beta: float = 0.5
    seed: int = 42
    l1_mode: Literal["loss", "prox"] = "loss"
    group_by_length: bool = True
    debug_anomaly: bool = False


@pydantic.dataclasses.dataclass(frozen=True)
class SelectConfig(FitConfig):
    """Settings of step 1: the scales of all heads, with the L1 penalty (here TruthfulQA's)."""

    l1: float = 5e-4


@pydantic.dataclasses.dataclass(frozen=True)
class TuneConfig(FitConfig):
    """Settings of step 2: the offsets of the chosen heads, without a penalty."""

    lr: float = 1e-2


@dataclass(frozen=True)
class TokenSequence:
    """Token ids of a prompt with its completion; tokens from `start` on count in the loss."""

    id: str
    ids: tuple[int, ...]
    start: int
    truncated: bool = False

    @property
    def supervised(self) -> int:
        """Number of tokens that count."""
        return len(self.ids) - self.start


@dataclass(frozen=True)
class TokenPair:
    """The two responses to one prompt, as token ids."""

    id: str
    chosen: TokenSequence
    rejected: TokenSequence


@dataclass
class FitLog:
    """What a fit did: loss (nats) of every step without the penalty, tokens seen, seconds.

    `validation` is the loss of held-out examples before the first and after every epoch.
    """

    losses: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    trainable: int = 0
