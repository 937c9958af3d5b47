# The public names, imported on first use so that `--help` stays fast.
from .filtering.cartography import cartography as cartography
from .inversion.prompts import render_prompt as render_prompt
from .scoring.entities import entity_entropy as entity_entropy
from .scoring.entities import entity_stats as entity_stats
from .scoring.label_mix import match_distribution as match_distribution
from .scoring.mauve import mauve as mauve
from .scoring.self_bleu import SelfBleu as SelfBleu
from .scoring.self_bleu import self_bleu as self_bleu
from .sourcing.okapi import Bm25Index as Bm25Index
from .sourcing.pools import build_inputs as build_inputs
from .sourcing.retrieve import embed as embed
from .sourcing.retrieve import search as search
from .sourcing.shorten import shorten as shorten
from .students.train import label_preservation as label_preservation
from .students.train import train_student as train_student
