"""What the project is called where packages are installed from.

The import and the command are ``kwsearch``; the distribution of that name is another project's.
"""

from importlib.metadata import version

DISTRIBUTION = "kernelwarehouse-search"


def installed_version() -> str:
    """The version that is installed."""
    return version(DISTRIBUTION)


def install(extra: str) -> str:
    """The sentence that says how to install what an extra brings."""
    return f"Install it: pip install '{DISTRIBUTION}[{extra}]'."
