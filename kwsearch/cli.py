"""The command line: a skin of commands over `kwsearch.api`."""

import typer

from kwsearch.commands import (
    asking,
    auditing,
    classifying,
    databases,
    handing_over,
    searching,
    training,
    watching,
)
from kwsearch.guard import Guarded

app = typer.Typer(
    name="kwsearch",
    cls=Guarded,
    help="How far a ConvNet can go inside a parameter budget.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for _module in (searching, asking, auditing, watching, handing_over, training, classifying):
    for _command in _module.COMMANDS:
        app.command()(_command)

_database = typer.Typer(
    help="Look after databases: upgrade, check, merge, delete or rename studies.",
    no_args_is_help=True,
)
for _command in databases.COMMANDS:
    _database.command()(_command)
app.add_typer(_database, name="database")
