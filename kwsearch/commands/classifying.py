"""Commands that use a network that was exported or trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from kwsearch.commands.options import AsCsv, AsJson, TrustCode, form_of
from kwsearch.output import Form, say, show_record, show_rows
from search_spaces.errors import InputError

SHOWN_CLASSES = 20
"""Most classes of a confusion matrix that is printed as a table."""

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that export or train wrote.")]
Device = Annotated[
    str | None, typer.Option(metavar="D", help="cpu or cuda; a GPU where there is one.")
]


def predict(
    folder: Folder,
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGES...", help="Image files, or folders of them.")
    ],
    top: Annotated[
        int, typer.Option("--top", min=1, metavar="K", help="Classes for each image.")
    ] = 1,
    device: Device = None,
    trust_code: TrustCode = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Name the class of images, with its probability, by a network with its weights.

    Images are made ready as they were for its training. What is no image is told, and ends the
    command with 2 when the others are done.
    """
    form = form_of(as_json, as_csv)
    from kwsearch import api

    rows = api.predict(folder, *images, top=top, device=device, trust_code=trust_code)
    faulty = [row for row in rows if row["fault"]]
    hidden = ("fault",) if top > 1 else ("rank", "fault")
    shown = [row for row in rows if not row["fault"]] if form is Form.TABLE else rows
    if shown:
        show_rows(shown, form, hide=hidden)
    if faulty:
        raise InputError(
            "\n".join(str(row["fault"]) for row in faulty),
            "The other images were predicted." if len(faulty) < len(rows) else "Check the files.",
        )


def evaluate(
    folder: Folder,
    data: Annotated[
        str,
        typer.Option(
            metavar="FOLDER", help="Images with known classes, by folder or name of a data set."
        ),
    ],
    files: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where a named data set's files lie.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch a named data set's files.")
    ] = False,
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged",
            help="Leave files out that cannot be decoded, as is done where the training did so.",
        ),
    ] = False,
    device: Device = None,
    trust_code: TrustCode = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Measure a network with its weights: accuracy, recall and precision by class, confusions.

    Of data with a test set the test images are taken, of another folder all images; of the folder
    that the network was made on, the images that were held out. CSV has the rows of classes.
    """
    form = form_of(as_json, as_csv)
    from kwsearch import api

    found = api.evaluate(
        folder,
        data,
        files=files,
        download=download,
        skip_damaged=skip_damaged,
        device=device,
        trust_code=trust_code,
    )
    if found["left_out"]:
        names = ", ".join(found["left_out"])
        say(f"Left out, as they cannot be decoded: {names}.")
    if form is Form.CSV:
        show_rows(found["classes"], form)
    elif form is Form.JSON:
        show_record(found, form)
    else:
        show_record(_table(found))
        if len(found["classes"]) > SHOWN_CLASSES:
            say("Confusions of so many classes are not all shown: --json has them.")


def _table(found: Mapping[str, Any]) -> dict[str, Any]:
    """The answer for people: the matrix with its names, or the commonest confusions of many."""
    names = [row["class"] for row in found["classes"]]
    shown = {
        key: value
        for key, value in found.items()
        if key not in ("confused", "confusion", "left_out")
    }
    if len(names) > SHOWN_CLASSES:
        return {**shown, "confused": found["confused"]}
    matrix = [
        {"class \\ predicted": name, **dict(zip(names, row, strict=True))}
        for name, row in zip(names, found["confusion"], strict=True)
    ]
    return {**shown, "confusion": matrix}


COMMANDS = (predict, evaluate)
"""In the order of ``--help``."""
