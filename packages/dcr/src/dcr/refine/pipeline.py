"""The three steps for one document and response: a class with everything open."""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from tenpapers.closing import Closing
from tenpapers.errors import UserError

from ..critique.critic import Critic
from ..critique.open_critic import open_critic
from ..critique.stage import Counted
from ..records import Instance, Refined
from .open_refiner import open_refiner
from .recipes import Components, run_recipe
from .refiner import Refiner

if TYPE_CHECKING:
    from ..detect.detector import Detector

# What comes of one response: all that was detected, criticised and refined.
DCRResult = Refined


class DCR(Closing):
    """Detect, critique, refine.

    Parameters
    ----------
    detector, critic, refiner : specs, or components that are open already and stay so.
    threshold : a sentence is supported if its probability is above; given to a detector that is
        opened here.
    min_words : a sentence with fewer word tokens counts as supported; as above.
    samples : refinements that are drawn; the one with the fewest edits is taken.

    Raises
    ------
    UserError : no such component.
    """

    def __init__(
        self,
        detector: "Detector | str",
        critic: Critic | str,
        refiner: Refiner | str,
        threshold: float = 0.5,
        min_words: int = 3,
        *,
        samples: int = 1,
    ) -> None:
        from ..detect.open_detector import open_detector

        with ExitStack() as held:
            if isinstance(detector, str):
                detector = open_detector(detector, threshold=threshold, min_words=min_words)
                held.callback(detector.close)
            if isinstance(critic, str):
                critic = open_critic(critic, detector=detector)
                held.callback(critic.close)
            if isinstance(refiner, str):
                refiner = open_refiner(refiner)
                held.callback(refiner.close)
            self._held = held.pop_all()
        self.components = Components(refiner, detector, critic, samples)

    def refine(
        self,
        document: str,
        response: str,
        topic: str | None = None,
        instruction: str | None = None,
    ) -> DCRResult:
        """Correct a response; one whose sentences are all supported comes back as it is.

        Raises
        ------
        UserError : the document or the response is empty; a request got no answer.
        """
        instance = Instance(
            id="response",
            document=document,
            response=response,
            topic=topic,
            instruction=instruction,
        )
        counted = Counted()
        for refined in run_recipe("dcr", [instance], self.components, counted):
            return refined
        raise UserError("; ".join(counted.failed.values()))

    def close(self) -> None:
        """Free what was opened here."""
        self._held.close()
