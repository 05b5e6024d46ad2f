"""Figures for the page: plain values as plotly.js reads them.

Colours are names of CSS variables, ``var(--front)``; the page puts the present colours in their
place, so that light and dark share one figure.
"""

from math import log10
from typing import Any

from reports.figures.agreement import AgreementInfo
from reports.figures.choices import ChoicesInfo, Importance
from reports.figures.curves import CurvesInfo
from reports.figures.front import LABELS, Dot, FrontInfo, PlainDot
from reports.figures.hypervolume import CLOCKS, Clock, HypervolumeInfo
from reports.palette import band_role
from reports.units import brief, plural

Figure = dict[str, Any]
"""``data`` and ``layout`` of plotly.js."""

SHARES = "~%"
"""Ticks of shares: as many digits as tell them apart, 65% and 65.5%."""

BARS = 200
"""Trials beyond which only the front keeps its error bars: a page draws them one by one."""


def colour(role: str) -> str:
    """A colour of the page by its part."""
    return f"var(--{role})"


def front_figure(info: FrontInfo) -> Figure:
    """Hover names trial and error; a click on a trial opens it (``customdata``)."""
    bars = len(info.complete) <= BARS
    traces = [
        _dots(info.stopped, "stopped", "Below the top rung", size=5, opacity=0.8, bars=False),
        _dots(info.complete, "complete", "Complete", size=7, bars=bars),
        {
            "type": "scatter",
            "mode": "lines",
            "x": [corner[0] for corner in info.step],
            "y": [corner[1] for corner in info.step],
            "line": {"color": colour("front"), "width": 2},
            "hoverinfo": "skip",
            "showlegend": False,
        },
        _dots(info.front, "front", "Front", size=10, bars=True),
    ]
    if info.plain:
        traces.append(_plain_dots(info.plain))
    if info.references:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "Published (full training)",
                "x": [r.size for r in info.references],
                "y": [r.accuracy for r in info.references],
                "text": [r.name + (" (plain)" if r.plain else "") for r in info.references],
                "marker": {"symbol": "diamond-open", "size": 10, "color": colour("reference")},
                "hovertemplate": f"<b>%{{text}}</b><br>{info.references[0].training}"
                "<br>%{y:.2%} · %{x:.4s}<extra></extra>",
            }
        )
    layout = _layout(LABELS[info.size], info.quality)
    # SI prefixes would make 500m of half a millisecond
    ticks = "~r" if info.size == "latency" else "~s"
    layout["xaxis"] |= {"type": "log", "tickformat": ticks, "dtick": "D2"}
    layout["yaxis"] |= {"tickformat": SHARES}
    layout["shapes"], layout["annotations"] = [], []
    if info.plain_size is not None:
        layout |= _plain_line(info.plain_size, info.plain_name)
    return {"data": traces, "layout": layout}


def _plain_line(size: float, name: str) -> dict[str, Any]:
    """Where the backbone without warehouses stands."""
    line = [
        {
            "type": "line",
            "x0": size,
            "x1": size,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": colour("reference"), "width": 1.5, "dash": "dot"},
        }
    ]
    note = [
        {
            "x": log10(size),  # plotly's way with logarithmic axes
            "y": 1,
            "yref": "paper",
            "text": f" plain {name}",
            "showarrow": False,
            "xanchor": "left",
            "yanchor": "bottom",
            "font": {"color": colour("reference"), "size": 12},
        }
    ]
    return {"shapes": line, "annotations": note}


def _plain_dots(dots: tuple[PlainDot, ...]) -> dict[str, Any]:
    """Plain networks with their intervals."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Plain networks",
        "x": [d.size for d in dots],
        "y": [round(d.accuracy, 5) for d in dots],
        "text": [f"plain {d.name}, {plural(d.seeds, 'seed')}" for d in dots],
        "marker": {"symbol": "square", "size": 9, "color": colour("reference")},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [round(d.high - d.accuracy, 5) for d in dots],
            "arrayminus": [round(d.accuracy - d.low, 5) for d in dots],
            "thickness": 1,
            "width": 0,
            "color": colour("reference"),
        },
        "hovertemplate": "<b>%{text}</b><br>%{y:.2%} · %{x:,}<extra></extra>",
    }


def _dots(
    dots: tuple[Dot, ...], role: str, name: str, *, size: int, bars: bool, opacity: float = 1.0
) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [d.size for d in dots],
        "y": [round(d.accuracy, 5) for d in dots],
        "customdata": [[d.number, round(d.error, 5), d.epochs, _seeds(d)] for d in dots],
        "marker": {"color": colour(role), "size": size},
        "opacity": opacity,
        "hovertemplate": "<b>Trial %{customdata[0]}</b><br>%{y:.2%} ± %{customdata[1]:.2%}"
        "<br>%{x:,} · epoch %{customdata[2]}%{customdata[3]}<extra></extra>",
    }
    if bars:
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": [round(d.high - d.accuracy, 5) for d in dots],
            "arrayminus": [round(d.accuracy - d.low, 5) for d in dots],
            "thickness": 1,
            "width": 0,
            "color": colour(role),
        }
    return trace


def _seeds(dot: Dot) -> str:
    """What a hover adds of a mean."""
    return f" · mean over {plural(dot.seeds, 'seed')}" if dot.seeds > 1 else ""


def hypervolume_figure(info: HypervolumeInfo, clock: Clock) -> Figure:
    """A step line against one clock; trials that left the front as it was are left out."""
    grown = [i for i, share in enumerate(info.share) if not i or share != info.share[i - 1]]
    kept = sorted({*grown, len(info.share) - 1}) if info.share else []
    spent = getattr(info, clock)
    trace = {
        "type": "scatter",
        "mode": "lines",
        "x": [0, *(round(spent[i], 2) for i in kept)],
        "y": [0, *(round(info.share[i], 6) for i in kept)],
        "text": ["start", *(f"after trial {info.number[i]}" for i in kept)],
        "line": {"color": colour("front"), "width": 2, "shape": "hv"},
        "fill": "tozeroy",
        "fillcolor": colour("wash"),
        "hovertemplate": "%{y:.1%} of the area<br>%{text}<extra></extra>",
    }
    layout = _layout(CLOCKS[clock], info.axis)
    layout["yaxis"] |= {"tickformat": SHARES, "rangemode": "tozero"}
    layout["xaxis"] |= {"tickformat": "~s", "rangemode": "tozero"}
    return {"data": [trace], "layout": layout}


def curves_figure(info: CurvesInfo) -> Figure:
    """One trace a kind; a gap parts one trial's line from the next."""
    traces = []
    for kind, width in (("stopped", 1), ("complete", 1.2), ("front", 2.2)):
        x: list[int | None] = []
        y: list[float | None] = []
        text: list[int | None] = []
        for curve in info.curves:
            if curve.kind == kind:
                x += [*curve.epochs, None]
                y += [*(round(a, 5) for a in curve.accuracy), None]
                text += [curve.number] * (len(curve.epochs) + 1)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": kind.capitalize(),
                "x": x,
                "y": y,
                "customdata": text,
                "line": {"color": colour(kind), "width": width},
                "marker": {"size": 6 if kind == "front" else 4, "color": colour(kind)},
                "opacity": 0.5 if kind == "stopped" else 1.0,
                "hovertemplate": "<b>Trial %{customdata}</b><br>%{y:.2%} at epoch %{x}"
                "<extra></extra>",
            }
        )
    layout = _layout("Epochs", info.quality)
    ticks = [f"{r}<br>{n:,}" for r, n in zip(info.rungs, info.measured, strict=True)]
    layout["xaxis"] |= {"type": "log", "tickvals": list(info.rungs), "ticktext": ticks}
    layout["xaxis"]["title"]["text"] = "Epochs, and trials measured there"
    layout["yaxis"] |= {"tickformat": SHARES}
    return {"data": traces, "layout": layout}


def importances_figure(info: ChoicesInfo) -> Figure:
    """A group of bars a setting, one bar an objective."""
    names = [place.name for place in reversed(info.places)]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": _objective(found),
            "y": names,
            "x": [round(found.shares.get(name, 0.0), 4) for name in names],
            "marker": {"color": colour(band_role(i))},
            "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
        }
        for i, found in enumerate(info.importances)
        if found.shares or found.alike
    ]
    layout = _layout("Share of variance explained alone", "")
    layout["xaxis"] |= {"tickformat": SHARES}
    layout["yaxis"] |= {"automargin": True}
    layout["legend"]["traceorder"] = "reversed"  # as the bars of a group stand
    layout |= {"barmode": "group", "bargap": 0.3, "height": 150 + 46 * len(names)}
    return {"data": traces, "layout": layout}


def _objective(found: Importance) -> str:
    if found.alike:
        return f"{found.objective} {found.alike.sentence}"
    return f"{found.objective} ({plural(found.trials, 'trial')})"


def agreement_figure(info: AgreementInfo) -> Figure:
    """The quality at the first against the top rung, coloured by size band."""
    traces = []
    for band, (low, high) in enumerate(info.bands):
        pairs = [pair for pair in info.pairs if pair[1] == band]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"{brief(low, info.kind)} to {brief(high, info.kind)}",
                "x": [round(pair[2], 5) for pair in pairs],
                "y": [round(pair[3], 5) for pair in pairs],
                "customdata": [pair[0] for pair in pairs],
                "marker": {"color": colour(band_role(band)), "size": 8},
                "hovertemplate": "<b>Trial %{customdata}</b><br>%{x:.2%} → %{y:.2%}<extra></extra>",
            }
        )
    first = info.rows[0].rung if info.rows else 0
    layout = _layout(
        f"{info.quality} after {plural(first, 'epoch')}", f"after {plural(info.top, 'epoch')}"
    )
    layout["xaxis"] |= {"tickformat": SHARES}
    layout["yaxis"] |= {"tickformat": SHARES}
    if info.alike:
        text = f"Networks {':<br>'.join(info.alike.parts)}"
        place = {"xref": "paper", "yref": "paper", "x": 0.02, "y": 0.98, "xanchor": "left"}
        said = {"text": text, "align": "left", "showarrow": False, "yanchor": "top", **place}
        layout["annotations"] = [said]
    return {"data": traces, "layout": layout}


def _layout(x: str, y: str) -> dict[str, Any]:
    def axis(title: str) -> dict[str, Any]:
        return {
            "title": {"text": title, "standoff": 12, "font": {"size": 13}},
            "gridcolor": colour("line"),
            "linecolor": colour("line"),
            "zeroline": False,
            "automargin": True,
        }

    return {
        "xaxis": axis(x),
        "yaxis": axis(y),
        "margin": {"l": 56, "r": 12, "t": 8, "b": 48},
        "height": 420,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": colour("ink"), "family": "system-ui, sans-serif", "size": 13},
        "hoverlabel": {"bgcolor": colour("card"), "font": {"color": colour("ink")}},
        "legend": {"orientation": "h", "y": 1.06, "yanchor": "bottom", "x": 0},
        "hovermode": "closest",
        "dragmode": "zoom",
        "uirevision": x,  # what the reader zoomed and hid stays when the same axes are redrawn
    }
