"""How uncertain a share is that was counted over so many images (Wilson, J. ASA 22, 1927).

The ends of the interval are the shares from which the one counted lies ``z`` of their binomial
standard errors away. The binomial error of the share itself is 0 where all images are classified
rightly, however few there were; this interval has a width there too.
"""

from math import sqrt

_MOST = 2**31 - 1
"""What a column of a database holds."""


def wilson(share: float, images: int, z: float) -> tuple[float, float]:
    """Wilson's interval for a share.

    Args:
        share: counted, from 0 to 1.
        images: that it was counted over; 0 where nothing is known of its error.
        z: half width in standard errors; 1.96 for 95 % of the intervals.

    Returns:
        Both ends; the share lies between them, and is both where nothing is known.
    """
    if not images:
        return share, share
    wide = z**2 / images
    middle = (share + wide / 2) / (1 + wide)
    half = sqrt(share * (1 - share) * wide + wide**2 / 4) / (1 + wide)
    return max(min(middle - half, share), 0.0), min(max(middle + half, share), 1.0)


def images_of_error(share: float, error: float) -> int:
    """Over how many images a share with that standard error would be counted; 0 for no error."""
    if not error:
        return 0
    low, high = 1, _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if standard_error(share, middle) > error else (low, middle)
    return low


def standard_error(share: float, images: int) -> float:
    """Half the width of Wilson's interval of one standard error."""
    low, high = wilson(share, images, 1.0)
    return (high - low) / 2
