"""Preference pairs: does the adapter raise the preferred response above the rejected one?"""

from collections.abc import Sequence

import numpy as np
from tenpapers.journal import RowLog
from tenpapers.models import CausalLM

from ..baselines.intervention import Intervention
from ..heads.edits import OffsetHeads
from ..inputs.encoding import Encoding, encode_pairs, remarks
from ..records import PreferencePair, PreferenceResult, TokenPair, TuneConfig
from ..training.supervised_forward import SupervisedForward
from .evaluation import Evaluation, intervened, mean_percent, missing

BATCH = 8  # pairs


def evaluate_preferences(
    lm: CausalLM,
    pairs: Sequence[PreferencePair],
    intervention: Intervention | None = None,
    *,
    strength: float = 1.0,
    beta: float = TuneConfig.beta,
    encoding: Encoding | None = None,
    log: RowLog | None = None,
    progress: bool = False,
) -> Evaluation:
    """Reward accuracy and margin of preference pairs, as DPO counts them.

    The reward of a response is beta times what the intervention added to its log-probability. The
    accuracy (percent) is the share of pairs whose preferred response has the higher reward; the
    margin (nats times beta) the mean difference. `preferred` (percent) is the share whose preferred
    response is the more likely one.

    Parameters
    ----------
    log : results of an earlier run; this one adds to them.

    Raises
    ------
    UserError : two pairs of one id, with a log; a response that is too long.
    """
    from tqdm import tqdm

    how = encoding or Encoding(template_options=lm.template_options)
    left = missing(pairs, log)
    encoded = encode_pairs(lm.tokenizer, left, how)
    made: dict[str, PreferenceResult] = {}
    starts = range(0, len(encoded), BATCH)
    for start in tqdm(starts, desc="pairs", disable=not progress):
        batch = encoded[start : start + BATCH]
        rows = _scored(lm, batch, intervention, strength, beta)
        made.update((row.id, row) for row in rows)
        if log is not None:
            log.write(*rows)
    if log is not None:
        made = {name: PreferenceResult.model_validate(row) for name, row in log.rows.items()}
    results = [made[pair.id] for pair in pairs]
    likely = [float(row.chosen > row.rejected) for row in results]
    metrics = {"preferred": mean_percent(likely)}
    if intervention is not None:
        metrics["reward_accuracy"] = mean_percent([row.correct or 0 for row in results])
        metrics["reward_margin"] = float(np.mean([row.margin for row in results]))
    notes = remarks(lm.tokenizer, left, encoded, how)
    return Evaluation(len(results), metrics, results, remarks=notes, asked=len(left))


def _scored(
    lm: CausalLM,
    batch: Sequence[TokenPair],
    intervention: Intervention | None,
    strength: float,
    beta: float,
) -> list[PreferenceResult]:
    base = _logprobs(lm, batch)
    if intervention is None:
        adapted = base
    else:
        with intervened(lm, intervention, strength) as (_, answer_only):
            adapted = _logprobs(lm, batch, answer_only)
    rows = []
    for pair, (chosen, rejected), (base_chosen, base_rejected) in zip(
        batch, adapted, base, strict=True
    ):
        margin = None
        if intervention is not None:
            margin = beta * ((chosen - base_chosen) - (rejected - base_rejected))
        rows.append(
            PreferenceResult(
                id=pair.id,
                chosen=chosen,
                rejected=rejected,
                base_chosen=base_chosen,
                base_rejected=base_rejected,
                margin=margin,
                correct=None if margin is None else int(margin > 0),
            )
        )
    return rows


def _logprobs(
    lm: CausalLM, batch: Sequence[TokenPair], answer_only: OffsetHeads | None = None
) -> list[tuple[float, float]]:
    """Summed log-probabilities (nats) of both responses of each pair.

    Parameters
    ----------
    answer_only : an edit that acts from the response's first token on (ITI); one at a time then.
    """
    import torch

    forward = SupervisedForward(lm.model)
    both = [pair.chosen for pair in batch] + [pair.rejected for pair in batch]
    with torch.inference_mode():
        if answer_only is None:
            found = forward.sequence_logprobs(both).tolist()
        else:
            found = []
            for response in both:
                answer_only.scope = slice(response.start, None)
                found += forward.sequence_logprobs([response]).tolist()
    return list(zip(found[: len(batch)], found[len(batch) :], strict=True))
