"""Rungs: the epochs after which a trial is measured and may be stopped."""

from dataclasses import dataclass

from search_spaces import InputError


@dataclass(frozen=True, slots=True)
class Ladder:
    """Strictly ascending rungs, in epochs; the last one is the length of a complete trial."""

    rungs: tuple[int, ...]

    def __post_init__(self) -> None:
        steps = zip((0, *self.rungs), self.rungs, strict=False)
        if not self.rungs or any(low >= high for low, high in steps):
            raise InputError(
                f"Rungs at epochs {list(self.rungs)} are not positive and strictly ascending.",
                "Write them like [1, 3, 9].",
            )

    @property
    def top(self) -> int:
        """Epochs of a complete trial."""
        return self.rungs[-1]

    def to(self, epochs: int) -> "Ladder":
        """The ladder of a training of another length: a rung each time a trial would be complete.

        Args:
            epochs: of the training; for the length of a trial it is this ladder.
        """
        if epochs == self.top:
            return self
        return Ladder((*range(self.top, epochs, self.top), epochs))
