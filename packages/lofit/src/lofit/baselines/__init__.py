"""What LoFiT is compared with (section 6.1 of the spec): one module a method, the same rooms."""

from .common import load_intervention
from .iti import fit_iti
from .lora import fit_lora
from .red import fit_red
from .reft import fit_reft
from .repe import fit_repe

__all__ = ["fit_iti", "fit_lora", "fit_red", "fit_reft", "fit_repe", "load_intervention"]
