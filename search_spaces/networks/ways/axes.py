"""One spatial axis of a served layer: which outputs read which inputs.

A kernel position that meets nothing but padding is not *live*: it changes no output and gets no
gradient, so it is left out. At one output position, a 3x3 kernel with padding 1 has one live
position of nine.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from search_spaces.networks.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis.

    Attributes:
        size: input positions.
        out: output positions.
        first: first live kernel position.
        live: number of live kernel positions.
        start: input position that output 0 reads through the first live one; may be negative.
        stride: input positions between outputs.
        dilation: input positions between kernel positions.
    """

    size: int
    out: int
    first: int
    live: int
    start: int
    stride: int
    dilation: int

    @property
    def extent(self) -> int:
        """Input positions from the first to the last that is read, padding included."""
        return (self.out - 1) * self.stride + (self.live - 1) * self.dilation + 1

    @property
    def inside(self) -> slice:
        """The part of the input that is read."""
        low = min(max(self.start, 0), self.size)
        return slice(low, max(low, min(self.start + self.extent, self.size)))

    @property
    def padded(self) -> bool:
        """Whether anything but input is read."""
        return self.start < 0 or self.start + self.extent > self.size

    def reach(self, k: int) -> tuple[slice, slice]:
        """Outputs that read input through live position ``k``, and the inputs they read."""
        origin = self.start + k * self.dilation
        low = max(0, -(origin // self.stride))
        high = max(low, min(self.out, (self.size - 1 - origin) // self.stride + 1))
        at = origin + low * self.stride
        last = at + (high - low - 1) * self.stride + 1
        return slice(low, high), slice(max(at, 0), max(last, 0), self.stride)


def axes_of(geometry: Geometry, size: tuple[int, ...]) -> Iterator[Axis]:
    """The spatial axes of a layer at an input of ``size``."""
    outs = geometry.out_size(size)
    for i, (edge, out) in enumerate(zip(size, outs, strict=True)):
        stride, dilation = geometry.stride[i], geometry.dilation[i]
        before = geometry.padding[i][0]
        live = [
            k
            for k in range(geometry.kernel[i])
            if any(0 <= o * stride + k * dilation - before < edge for o in range(out))
        ] or [0]
        yield Axis(
            size=edge,
            out=out,
            first=live[0],
            live=live[-1] - live[0] + 1,
            start=live[0] * dilation - before,
            stride=stride,
            dilation=dilation,
        )
