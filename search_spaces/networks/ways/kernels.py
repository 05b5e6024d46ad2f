"""Triton kernels: convolutions with a kernel for every sample, and mixing, without patches.

Patches are never in memory: each kernel works out which input position an output position reads
(`_source`), or the other way round (`_reader`), while it loads. Every kernel is a product of
matrices in tiles, summed in single precision, or in double where that is asked for.

Axes as in `search_spaces.networks.ways.lowering`: Q samples x groups, H output positions, S input
positions, p output blocks of a group, J blocks of a patch, N cells, a channels out and c channels
in of a cell, D values of a patch that meet one cell. Tensors::

    x [B, S, G, blocks, c]    y [Q, H, p, a]    w [Q, p, J, a, D]
    attention [Q, p, J, N]    mixed [Q, H, p, N, D]    patches [Q, H, J, D]

Of a row j of J and a value d of D, ``j = tap * blocks + block`` and ``d = channel`` where cells are
cut along space (CUT), else ``j = block`` and ``d = tap * c + channel``. Sizes of the three
spatial axes are OZ, OY, OX of the output and IZ, IY, IX of the input. S, F, D, L with an axis after
them are stride, first input position that is read, dilation, number of live kernel positions.

This module imports Triton, so it is loaded when a kernel is first launched; `launching` does both.
"""

import triton
import triton.language as tl

PLAIN = (
    *("OY", "OX", "IY", "IX", "SY", "SX", "FY", "FX", "DY", "DX", "LY", "LX"),
    *("groups", "blocks", "parts", "cells"),
)
"""Sizes that one compiled kernel serves all values of. Only a and c decide what is aligned."""

SINGLE, DOUBLE = tl.float32, tl.float64
"""Types that products are summed in."""


@triton.jit
def _source(tap, oz, oy, ox, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX):
    """The input position that an output position reads through ``tap``; whether it is inside."""
    z = oz * SZ + FZ + tap // (LY * LX) * DZ
    y = oy * SY + FY + tap // LX % LY * DY
    x = ox * SX + FX + tap % LX * DX
    inside = (z >= 0) & (z < IZ) & (y >= 0) & (y < IY) & (x >= 0) & (x < IX)
    return (z * IY + y) * IX + x, inside


@triton.jit
def _reader(tap, iz, iy, ix, OZ, OY, OX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX):
    """The output position that reads an input position through ``tap``; whether there is one."""
    z = iz - FZ - tap // (LY * LX) * DZ
    y = iy - FY - tap // LX % LY * DY
    x = ix - FX - tap % LX * DX
    there = (z >= 0) & (y >= 0) & (x >= 0)
    there = there & (z % SZ == 0) & (y % SY == 0) & (x % SX == 0)
    z, y, x = z // SZ, y // SY, x // SX
    there = there & (z < OZ) & (y < OY) & (x < OX)
    return (z * OY + y) * OX + x, there


@triton.jit
def _points(taps, CUT: tl.constexpr):
    """Kernel positions inside a cell, and those that have attention of their own."""
    if CUT:
        return 1, taps
    else:  # noqa: RET505 - Triton compiles one of two branches, and no code after a return
        return taps, 1


@triton.jit
def _steps(taps, blocks, a, c, CUT: tl.constexpr):
    """How far apart in w output blocks lie, taps, input blocks, and output channels."""
    points, mixes = _points(taps, CUT)
    depth = points * c
    tap = blocks * a * c if CUT else c
    return mixes * blocks * a * depth, tap, a * depth, depth


@triton.jit(do_not_specialize=PLAIN)
def convolve(
    x, w, y,
    OZ, OY, OX, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LZ, LY, LX,
    groups, blocks, parts, c, a,
    CUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    SUM: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Y of x and w: rows are output positions, columns p and a."""
    positions, taps = OZ * OY * OX, LZ * LY * LX
    columns = parts * a
    w_block, w_tap, w_input, w_row = _steps(taps, blocks, a, c, CUT)
    across = (columns + BN - 1) // BN
    tiles = (positions + BM - 1) // BM * across
    q, tile = (tl.program_id(0) // tiles).to(tl.int64), tl.program_id(0) % tiles
    h = tile // across * BM + tl.arange(0, BM)
    column = tile % across * BN + tl.arange(0, BN)
    oz, oy, ox = h // (OY * OX), h // OX % OY, h % OX
    width = groups * blocks * c
    x += q // groups * (IZ * IY * IX * width) + q % groups * (blocks * c)
    w += q * (parts * w_block)
    at = column // a * w_block + column % a * w_row
    steps = (c + BK - 1) // BK
    total = tl.full((BM, BN), 0.0, SUM)
    for step in range(taps * blocks * steps):
        channel = step % steps * BK + tl.arange(0, BK)
        block, tap = step // steps % blocks, step // (steps * blocks)
        place, inside = _source(
            tap, oz, oy, ox, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX
        )
        real = (inside & (h < positions))[:, None] & (channel < c)[None, :]
        values = tl.load(
            x + place[:, None] * width + (block * c + channel)[None, :], mask=real, other=0.0
        )
        real = (channel < c)[:, None] & (column < columns)[None, :]
        weights = tl.load(
            w + tap * w_tap + block * w_input + at[None, :] + channel[:, None], mask=real, other=0.0
        )
        total = tl.dot(values, weights, total, input_precision=PRECISION)
    y += q * positions * columns + h[:, None] * columns + column[None, :]
    real = (h < positions)[:, None] & (column < columns)[None, :]
    tl.store(y, total.to(y.dtype.element_ty), mask=real)


@triton.jit(do_not_specialize=PLAIN)
def convolve_input_gradient(
    dy, w, dx,
    OZ, OY, OX, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LZ, LY, LX,
    groups, blocks, parts, c, a,
    CUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    SUM: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of x: rows are input positions, columns the input channels of a group."""
    outputs, inputs, taps = OZ * OY * OX, IZ * IY * IX, LZ * LY * LX
    columns, channels = parts * a, blocks * c
    w_block, w_tap, w_input, w_row = _steps(taps, blocks, a, c, CUT)
    across = (channels + BN - 1) // BN
    tiles = (inputs + BM - 1) // BM * across
    q, tile = (tl.program_id(0) // tiles).to(tl.int64), tl.program_id(0) % tiles
    s = tile // across * BM + tl.arange(0, BM)
    channel = tile % across * BN + tl.arange(0, BN)
    iz, iy, ix = s // (IY * IX), s // IX % IY, s % IX
    dy += q * outputs * columns
    w += q * (parts * w_block)
    at = channel // c * w_input + channel % c
    steps = (a + BK - 1) // BK
    total = tl.full((BM, BN), 0.0, SUM)
    for step in range(taps * parts * steps):
        k = step % steps * BK + tl.arange(0, BK)
        part, tap = step // steps % parts, step // (steps * parts)
        place, there = _reader(
            tap, iz, iy, ix, OZ, OY, OX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX
        )
        real = (there & (s < inputs))[:, None] & (k < a)[None, :]
        values = tl.load(
            dy + place[:, None] * columns + (part * a + k)[None, :], mask=real, other=0.0
        )
        real = (k < a)[:, None] & (channel < channels)[None, :]
        weights = tl.load(
            w + part * w_block + tap * w_tap + k[:, None] * w_row + at[None, :],
            mask=real,
            other=0.0,
        )
        total = tl.dot(values, weights, total, input_precision=PRECISION)
    width = groups * channels
    dx += q // groups * (inputs * width) + q % groups * channels
    real = (s < inputs)[:, None] & (channel < channels)[None, :]
    into = dx + s[:, None] * width + channel[None, :]
    tl.store(into, total.to(dx.dtype.element_ty), mask=real)


@triton.jit(do_not_specialize=PLAIN)
def convolve_kernel_gradient(
    x, dy, dw,
    OZ, OY, OX, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LZ, LY, LX,
    groups, blocks, parts, c, a,
    CUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    SUM: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of w, for one tap: rows are p and a, columns the input channels of a group."""
    positions, taps = OZ * OY * OX, LZ * LY * LX
    columns, channels = parts * a, blocks * c
    w_block, w_tap, w_input, w_row = _steps(taps, blocks, a, c, CUT)
    across = (channels + BN - 1) // BN
    tiles = (columns + BM - 1) // BM * across
    q = (tl.program_id(0) // (taps * tiles)).to(tl.int64)
    tap, tile = tl.program_id(0) // tiles % taps, tl.program_id(0) % tiles
    row = tile // across * BM + tl.arange(0, BM)
    channel = tile % across * BN + tl.arange(0, BN)
    width = groups * channels
    x += q // groups * (IZ * IY * IX * width) + q % groups * channels
    dy += q * positions * columns
    total = tl.full((BM, BN), 0.0, SUM)
    for step in range((positions + BK - 1) // BK):
        h = step * BK + tl.arange(0, BK)
        oz, oy, ox = h // (OY * OX), h // OX % OY, h % OX
        place, inside = _source(
            tap, oz, oy, ox, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX
        )
        real = (row < columns)[:, None] & (h < positions)[None, :]
        grads = tl.load(dy + row[:, None] + h[None, :] * columns, mask=real, other=0.0)
        real = (inside & (h < positions))[:, None] & (channel < channels)[None, :]
        values = tl.load(x + place[:, None] * width + channel[None, :], mask=real, other=0.0)
        total = tl.dot(grads, values, total, input_precision=PRECISION)
    rows = row // a * w_block + row % a * w_row
    dw += q * (parts * w_block) + tap * w_tap
    real = (row < columns)[:, None] & (channel < channels)[None, :]
    into = dw + rows[:, None] + (channel // c * w_input + channel % c)[None, :]
    tl.store(into, total.to(dw.dtype.element_ty), mask=real)


@triton.jit(do_not_specialize=PLAIN)
def mix(
    x, attention, mixed,
    OZ, OY, OX, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LZ, LY, LX,
    groups, blocks, parts, c, cells,
    CUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    SUM: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Mixed input of one output position and tap: rows are p and N, columns c; J is summed over."""
    positions, rows = OZ * OY * OX, parts * cells
    points, mixes = _points(LZ * LY * LX, CUT)
    mixes, depth = mixes * blocks, points * c
    across = (c + BN - 1) // BN
    tiles = (rows + BM - 1) // BM * across
    pair, tile = tl.program_id(0) // tiles, tl.program_id(0) % tiles
    q = (pair // (positions * points)).to(tl.int64)
    h, point = pair // points % positions, pair % points
    row = tile // across * BM + tl.arange(0, BM)
    channel = tile % across * BN + tl.arange(0, BN)
    width = groups * blocks * c
    x += q // groups * (IZ * IY * IX * width) + q % groups * (blocks * c)
    attention += q * (rows * mixes)
    at = row // cells * (mixes * cells) + row % cells
    total = tl.full((BM, BN), 0.0, SUM)
    for step in range((mixes + BK - 1) // BK):
        j = step * BK + tl.arange(0, BK)
        real = (row < rows)[:, None] & (j < mixes)[None, :]
        shares = tl.load(attention + at[:, None] + (j * cells)[None, :], mask=real, other=0.0)
        place, inside = _source(
            j // blocks + point, h // (OY * OX), h // OX % OY, h % OX,
            IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX,
        )  # fmt: skip
        real = (inside & (j < mixes))[:, None] & (channel < c)[None, :]
        values = tl.load(
            x + (place * width + j % blocks * c)[:, None] + channel[None, :], mask=real, other=0.0
        )
        total = tl.dot(shares, values, total, input_precision=PRECISION)
    mixed += (q * positions + h) * (rows * depth) + point * c
    real = (row < rows)[:, None] & (channel < c)[None, :]
    into = mixed + row[:, None] * depth + channel[None, :]
    tl.store(into, total.to(mixed.dtype.element_ty), mask=real)


@triton.jit(do_not_specialize=PLAIN)
def mix_attention_gradient(
    x, dmixed, dattention,
    OZ, OY, OX, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LZ, LY, LX,
    groups, blocks, parts, c, cells,
    CUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    SUM: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of attention: rows are p and N, columns J, and the sum runs over H and D."""
    positions, rows = OZ * OY * OX, parts * cells
    points, mixes = _points(LZ * LY * LX, CUT)
    mixes, depth = mixes * blocks, points * c
    across = (mixes + BN - 1) // BN
    tiles = (rows + BM - 1) // BM * across
    q, tile = (tl.program_id(0) // tiles).to(tl.int64), tl.program_id(0) % tiles
    row = tile // across * BM + tl.arange(0, BM)
    j = tile % across * BN + tl.arange(0, BN)
    width = groups * blocks * c
    x += q // groups * (IZ * IY * IX * width) + q % groups * (blocks * c)
    dmixed += q * positions * (rows * depth)
    steps = (c + BK - 1) // BK
    total = tl.full((BM, BN), 0.0, SUM)
    for step in range(positions * points * steps):
        channel = step % steps * BK + tl.arange(0, BK)
        point, h = step // steps % points, step // (steps * points)
        real = (row < rows)[:, None] & (channel < c)[None, :]
        grads = tl.load(
            dmixed + h * (rows * depth) + point * c + row[:, None] * depth + channel[None, :],
            mask=real,
            other=0.0,
        )
        place, inside = _source(
            j // blocks + point, h // (OY * OX), h // OX % OY, h % OX,
            IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX,
        )  # fmt: skip
        real = (channel < c)[:, None] & (inside & (j < mixes))[None, :]
        values = tl.load(
            x + channel[:, None] + (place * width + j % blocks * c)[None, :], mask=real, other=0.0
        )
        total = tl.dot(grads, values, total, input_precision=PRECISION)
    dattention += q * (rows * mixes)
    real = (row < rows)[:, None] & (j < mixes)[None, :]
    at = row // cells * (mixes * cells) + row % cells
    into = dattention + at[:, None] + (j * cells)[None, :]
    tl.store(into, total.to(dattention.dtype.element_ty), mask=real)


@triton.jit(do_not_specialize=PLAIN)
def mix_patches_gradient(
    attention, dmixed, dpatches,
    OZ, OY, OX, LZ, LY, LX,
    blocks, parts, c, cells,
    CUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
    SUM: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """The gradient of patches, for one output position and tap: rows are J, columns c."""
    positions, rows = OZ * OY * OX, parts * cells
    points, mixes = _points(LZ * LY * LX, CUT)
    mixes, depth = mixes * blocks, points * c
    across = (c + BN - 1) // BN
    tiles = (mixes + BM - 1) // BM * across
    pair, tile = tl.program_id(0) // tiles, tl.program_id(0) % tiles
    q = (pair // (positions * points)).to(tl.int64)
    h, point = pair // points % positions, pair % points
    j = tile // across * BM + tl.arange(0, BM)
    channel = tile % across * BN + tl.arange(0, BN)
    attention += q * (rows * mixes)
    dmixed += (q * positions + h) * (rows * depth) + point * c
    total = tl.full((BM, BN), 0.0, SUM)
    for step in range((rows + BK - 1) // BK):
        row = step * BK + tl.arange(0, BK)
        at = row // cells * (mixes * cells) + row % cells
        real = (j < mixes)[:, None] & (row < rows)[None, :]
        shares = tl.load(attention + (j * cells)[:, None] + at[None, :], mask=real, other=0.0)
        real = (row < rows)[:, None] & (channel < c)[None, :]
        grads = tl.load(dmixed + row[:, None] * depth + channel[None, :], mask=real, other=0.0)
        total = tl.dot(shares, grads, total, input_precision=PRECISION)
    dpatches += (q * positions + h) * (mixes * depth) + point * c
    real = (j < mixes)[:, None] & (channel < c)[None, :]
    into = dpatches + j[:, None] * depth + channel[None, :]
    tl.store(into, total.to(dpatches.dtype.element_ty), mask=real)


@triton.jit(do_not_specialize=PLAIN)
def fold(
    dpatches, dx,
    OZ, OY, OX, IZ, IY, IX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LZ, LY, LX,
    groups, blocks, c,
    CUT: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, SUM: tl.constexpr,
):  # fmt: skip
    """The gradient of x from that of patches: every input position gathers what read it."""
    positions, inputs, taps = OZ * OY * OX, IZ * IY * IX, LZ * LY * LX
    depth, channels = _points(taps, CUT)[0] * c, blocks * c
    patch = taps * channels
    across = (channels + BN - 1) // BN
    tiles = (inputs + BM - 1) // BM * across
    q, tile = (tl.program_id(0) // tiles).to(tl.int64), tl.program_id(0) % tiles
    s = tile // across * BM + tl.arange(0, BM)
    channel = tile % across * BN + tl.arange(0, BN)
    iz, iy, ix = s // (IY * IX), s // IX % IY, s % IX
    dpatches += q * positions * patch
    total = tl.full((BM, BN), 0.0, SUM)
    for tap in range(taps):
        place, there = _reader(
            tap, iz, iy, ix, OZ, OY, OX, SZ, SY, SX, FZ, FY, FX, DZ, DY, DX, LY, LX
        )
        at = channel // c * depth + channel % c + tap * (channels if CUT else c)
        real = (there & (s < inputs))[:, None] & (channel < channels)[None, :]
        total += tl.load(dpatches + place[:, None] * patch + at[None, :], mask=real, other=0.0).to(
            SUM
        )
    width = groups * channels
    dx += q // groups * (inputs * width) + q % groups * channels
    real = (s < inputs)[:, None] & (channel < channels)[None, :]
    into = dx + s[:, None] * width + channel[None, :]
    tl.store(into, total.to(dx.dtype.element_ty), mask=real)
