"""How the learning rate goes: by what validation says, or by the step alone."""

from dataclasses import dataclass

from inkdigits.training.recipe import OneCycle, Plateau


def one_cycle(schedule: OneCycle, peak: float, progress: float) -> float:
    """Return the learning rate at ``progress``, the share 0–1 of all steps that are done."""
    if progress < schedule.warm_up:
        return peak * progress / schedule.warm_up
    left = (1 - progress) / (1 - schedule.warm_up)
    return peak * (schedule.end + (1 - schedule.end) * left)


@dataclass
class Annealer:
    """Keras's ReduceLROnPlateau on validation accuracy, as its state."""

    learning_rate: float
    best: float = -1.0
    wait: int = 0

    def step(self, settings: Plateau, accuracy: float) -> None:
        """Take in an epoch's validation accuracy; lower ``learning_rate`` if it stood still."""
        if accuracy > self.best + settings.min_delta:
            self.best, self.wait = accuracy, 0
            return
        self.wait += 1
        if self.wait >= settings.patience and self.learning_rate > settings.min_learning_rate:
            lowered = self.learning_rate * settings.factor
            self.learning_rate, self.wait = max(lowered, settings.min_learning_rate), 0
