"""Whether networks that were compared differ by more than their errors.

Shares of right answers of several networks are tested for homogeneity by chi-squared (Pearson
1900): with one true share for all, a spread as wide as theirs comes about with probability ``p``.
Networks are measured on the same images, so their counts are not independent: the test finds
differences less often than Cochran's Q would, which needs every network's answer to every image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import chi2

from reports.units import plural
from trials.records import Measurement

LEVEL = 0.05
"""Probability from which on networks are said to lie within their errors."""


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """What the test found.

    Attributes:
        networks: that were compared.
        p_value: probability of such a spread among networks of one accuracy.
    """

    networks: int
    p_value: float

    @property
    def alike(self) -> bool:
        """Whether the networks cannot be told apart."""
        return self.p_value >= LEVEL

    @property
    def sentence(self) -> str:
        """What is said of networks that are alike."""
        return ": ".join(self.parts)

    @property
    def parts(self) -> tuple[str, str]:
        """The sentence in two lines, for figures."""
        networks = plural(self.networks, "network")
        return (
            "cannot be told apart",
            f"the {networks} lie within their errors (p = {self.p_value:.2g})",
        )


def homogeneity(measured: Sequence[Measurement]) -> Homogeneity | None:
    """Test networks, each by one measurement; None where there is nothing to compare."""
    if len(measured) <= 1 or not all(one.images for one in measured):  # 0 stands for no error
        return None
    right = sum(m.accuracy * m.images for m in measured)
    share = right / sum(m.images for m in measured)
    if not 0 < share < 1:  # all answers right, or none
        return Homogeneity(len(measured), 1.0)
    spread = sum(m.images * (m.accuracy - share) ** 2 for m in measured)
    p_value = float(chi2.sf(spread / (share * (1 - share)), len(measured) - 1))
    return Homogeneity(len(measured), p_value)
