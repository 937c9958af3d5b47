"""What transformers' Trainer shows while it works."""

from typing import Any


def progress_bar(label: str) -> Any:
    """A callback that shows steps and loss on one line of standard error."""
    from tqdm import tqdm
    from transformers import TrainerCallback

    class Bar(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            self.bar = tqdm(
                total=state.max_steps, initial=state.global_step, desc=label, unit="step"
            )

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any
        ) -> None:
            if logs and "loss" in logs:
                self.bar.set_postfix(loss=f"{float(logs['loss']):.3f}", refresh=False)

        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            self.bar.update(state.global_step - self.bar.n)

        def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            self.bar.close()

    return Bar()
