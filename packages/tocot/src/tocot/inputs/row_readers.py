"""Which reader turns the rows of a task into items."""

from collections.abc import Callable

from tenpapers.errors import UserError

from ..records import TaskItem
from .commonsense_rows import read_csqa, read_piqa, read_siqa, read_strategyqa, read_winogrande
from .knowledge_rows import read_arc, read_mmlu, read_mmlu_dev, read_mmlu_pro
from .mathematical_rows import read_gpqa, read_gsm8k, read_gsm_hard, read_math
from .row_items import Row
from .soft_reasoning_rows import read_biggen, read_lsat, read_musique, read_musr
from .symbolic_rows import read_bbh, read_contexthub, read_folio
from .task_registry import TaskSpec

# Task, fields of a row and its number: the items in it (MuSR's rows hold several).
Reader = Callable[[TaskSpec, Row, int], list[TaskItem]]
READERS: dict[str, Reader] = {
    "csqa": read_csqa,
    "stratqa": read_strategyqa,
    "siqa": read_siqa,
    "piqa": read_piqa,
    "winogrande": read_winogrande,
    "arc_easy": read_arc,
    "arc_challenge": read_arc,
    "mmlu": read_mmlu,
    "mmlu_dev": read_mmlu_dev,
    "mmlu_pro": read_mmlu_pro,
    "lsat": read_lsat,
    "musr": read_musr,
    "musique_all": read_musique,
    "biggen_bench": read_biggen,
    "bbh": read_bbh,
    "folio": read_folio,
    "contexthub": read_contexthub,
    "gsm8k": read_gsm8k,
    "gsm8k_hard": read_gsm_hard,
    "math": read_math,
    "gpqa": read_gpqa,
}


def reader_of(spec: TaskSpec) -> Reader:
    """The reader of a task's own rows: by its name, or by the data set that it is a part of.

    Raises
    ------
    UserError : a task whose rows nobody reads.
    """
    for name in (spec.name, spec.merge):
        if name in READERS:
            return READERS[name]
    raise UserError(f"task {spec.name}: pass TaskItem records with --data")
