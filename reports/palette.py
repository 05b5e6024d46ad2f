"""Colours by the part they play, for light and dark; figures on paper take the light ones."""

LIGHT: dict[str, str] = {
    "page": "#f6f7f9",
    "card": "#ffffff",
    "ink": "#161b26",
    "muted": "#5a6474",
    "line": "#dfe3ea",
    "accent": "#1d5fd1",
    "front": "#1d5fd1",
    "complete": "#7f9cc8",
    "stopped": "#b3bbc8",
    "failed": "#b3261e",
    "reference": "#b45309",
    "band0": "#0f766e",
    "band1": "#1d5fd1",
    "band2": "#8b3fb8",
    "band3": "#b45309",
}
"""On white; text colours reach a contrast of 4.5."""

DARK: dict[str, str] = {
    "page": "#0e1116",
    "card": "#161b23",
    "ink": "#e7eaf0",
    "muted": "#9aa5b5",
    "line": "#2a313d",
    "accent": "#7db0ff",
    "front": "#7db0ff",
    "complete": "#5573a3",
    "stopped": "#475162",
    "failed": "#ff8a80",
    "reference": "#f0a95b",
    "band0": "#4fc4b7",
    "band1": "#7db0ff",
    "band2": "#cf95f0",
    "band3": "#f0a95b",
}
"""On nearly black; the same names."""


def band_role(band: int | None) -> str:
    """The colour of a size band, or of all sizes."""
    return "ink" if band is None else f"band{band % 4}"
