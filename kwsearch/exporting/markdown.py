"""Text in a Markdown page: what people wrote is shown as it is, and never taken for markup."""

import re
from collections.abc import Iterable, Sequence

from kwsearch.output import escape


def code(text: object) -> str:
    """Text as code, whatever it holds; fit for a cell of a table too."""
    shown = escape(str(text)).replace("|", "\\|") or " "
    fence = "`" * (1 + max(map(len, re.findall(r"`+", shown)), default=0))
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """A table; the first ``left`` columns are aligned left, the others right."""
    sides = [":--" if column < left else "--:" for column, _ in enumerate(head)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, sides, *rows))
