"""Figures for paper, by matplotlib: one function draws an info onto axes, `save` writes a file."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.figures.agreement import AgreementInfo
from reports.figures.choices import ChoicesInfo, Importance
from reports.figures.curves import CurvesInfo
from reports.figures.front import LABELS, Dot, FrontInfo
from reports.figures.hypervolume import CLOCKS, Clock, HypervolumeInfo
from reports.palette import LIGHT, band_role
from reports.units import brief, plural, quantity, seeds
from search_spaces import InputError
from trials.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KINDS = ("png", "pdf", "svg")
"""Endings of files that `save` writes."""

_STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": LIGHT["muted"],
    "axes.grid": True,
    "grid.color": LIGHT["line"],
    "legend.frameon": False,
    "svg.hashsalt": "kwsearch",
}


def save(draw: Callable[["Axes"], None], path: Path) -> Path:
    """Draw one figure into a PNG, PDF or SVG file, written whole or not at all.

    Args:
        draw: draws onto axes, such as ``lambda axes: draw_front(axes, info)``.
        path: its ending says the kind.

    Raises:
        InputError: another ending.
        StorageError: the file cannot be written.
    """
    import matplotlib as mpl  # noqa: PLC0415 - drawing alone needs it
    from matplotlib.figure import Figure  # noqa: PLC0415 - likewise; no window, no global state

    kind = path.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise InputError(f"{path.name} is no figure: its ending is not {', '.join(KINDS)}.")
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.0, 4.4), layout="constrained")
        draw(figure.add_subplot())
        return write_whole(path, lambda file: figure.savefig(file, format=kind, dpi=200))


def draw_front(axes: "Axes", info: FrontInfo) -> None:
    """Proxies as dots with standard errors, the front as a line, published results as diamonds.

    A mean over several seeds has its 95 % interval in place of the standard error.
    """
    from matplotlib.ticker import LogFormatter  # noqa: PLC0415 - drawing alone needs it

    _dots(axes, info.stopped, "stopped", "below the top rung", marker=".", alpha=0.6)
    _dots(axes, info.complete, "complete", "complete", marker="o", markersize=4)
    if info.step:
        axes.plot(*zip(*info.step, strict=True), color=LIGHT["front"], linewidth=1.5)
    _dots(axes, info.front, "front", _front_label(info), marker="o", markersize=6)
    if info.plain:
        accuracies = [d.accuracy for d in info.plain]
        axes.errorbar(
            [d.size for d in info.plain],
            accuracies,
            yerr=[
                [d.accuracy - d.low for d in info.plain],
                [d.high - d.accuracy for d in info.plain],
            ],
            fmt="s",
            markersize=5,
            elinewidth=1,
            color=LIGHT["reference"],
            label="plain networks",
        )
    if info.references:
        axes.plot(
            [r.size for r in info.references],
            [r.accuracy for r in info.references],
            linestyle="none",
            marker="D",
            fillstyle="none",
            color=LIGHT["reference"],
            label=f"published: {info.references[0].training}",
        )
    if info.plain_size is not None:
        shown = f"{info.plain_size:.3g} ms" if info.size == "latency" else quantity(info.plain_size)
        axes.axvline(
            info.plain_size,
            color=LIGHT["reference"],
            linestyle=":",
            label=f"{info.plain_name} without warehouses ({shown})",
        )
    axes.set_xscale("log")
    if info.size == "latency":  # milliseconds as they are, not as powers of ten
        axes.xaxis.set_major_formatter(LogFormatter())
        axes.xaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    axes.set_xlabel(LABELS[info.size])
    axes.set_ylabel(f"{info.quality}, proxies of {plural(info.epochs, 'epoch')}")
    axes.legend()


def _front_label(info: FrontInfo) -> str:
    if not info.means:
        return "front"
    return f"front, means over {seeds(dot.seeds for dot in info.front)}"


def _dots(axes: "Axes", dots: tuple[Dot, ...], role: str, label: str, **look: Any) -> None:  # noqa: ANN401 - matplotlib's own
    if dots:
        axes.errorbar(
            [d.size for d in dots],
            [d.accuracy for d in dots],
            yerr=[[d.accuracy - d.low for d in dots], [d.high - d.accuracy for d in dots]],
            linestyle="none",
            elinewidth=0.8,
            color=LIGHT[role],
            label=label,
            **look,
        )


def draw_hypervolume(axes: "Axes", info: HypervolumeInfo, clock: Clock = "trials") -> None:
    """A step line against one of the three clocks."""
    axes.step((0, *getattr(info, clock)), (0, *info.share), where="post", color=LIGHT["front"])
    axes.set_xlabel(CLOCKS[clock])
    axes.set_ylabel(info.axis)


def draw_curves(axes: "Axes", info: CurvesInfo) -> None:
    """A line a trial, the front's on top."""
    for kind in ("stopped", "complete", "front"):
        chosen = [curve for curve in info.curves if curve.kind == kind]
        for place, curve in enumerate(chosen):
            label = kind if place == 0 else "_"
            axes.plot(
                curve.epochs, curve.accuracy, ".-", color=LIGHT[kind], linewidth=0.9, label=label
            )
    axes.set_xscale("log")
    axes.set_xticks(info.rungs, [str(rung) for rung in info.rungs])
    axes.minorticks_off()
    axes.set_xlabel("Epochs")
    axes.set_ylabel(info.quality)
    if info.curves:
        axes.legend()


def draw_importances(axes: "Axes", info: ChoicesInfo) -> None:
    """A group of bars a setting, one bar an objective."""
    names = [place.name for place in reversed(info.places)]
    height = 0.8 / max(len(info.importances), 1)
    for i, importance in enumerate(info.importances):
        axes.barh(
            [place - i * height for place in range(len(names))],
            [importance.shares.get(name, 0.0) for name in names],
            height,
            color=LIGHT[band_role(i)],
            label=_label(importance),
        )
    axes.set_yticks(
        [p - height * (len(info.importances) - 1) / 2 for p in range(len(names))], names
    )
    axes.set_xlabel("Share of variance explained alone")
    axes.legend(fontsize="small")


def _label(importance: Importance) -> str:
    if importance.alike is None:
        return f"{importance.objective} ({plural(importance.trials, 'trial')})"
    return ":\n".join(
        (f"{importance.objective} {importance.alike.parts[0]}", importance.alike.parts[1])
    )


def draw_agreement(axes: "Axes", info: AgreementInfo) -> None:
    """Tau of each lower rung with the top one, a line for all sizes and one a size band."""
    for band in (None, *range(len(info.bands))):
        rows = [row for row in info.rows if row.band == band and row.tau is not None]
        if not rows:
            continue
        low, high = (0, 0) if band is None else info.bands[band]
        label = (
            "all sizes" if band is None else f"{brief(low, info.kind)} to {brief(high, info.kind)}"
        )
        axes.plot(
            [row.rung for row in rows],
            [row.tau or 0.0 for row in rows],
            "o-" if band is None else "o:",
            color=LIGHT[band_role(band)],
            label=label,
        )
    axes.set_ylim(-1.05, 1.05)
    axes.set_xlabel(f"Epochs, compared with {info.top}")
    axes.set_ylabel("Kendall's tau")
    if info.alike:
        axes.set_title(f"Networks {info.alike.sentence}", fontsize="small")
    if axes.lines:
        axes.legend()
