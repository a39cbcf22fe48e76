"""The commands about data sets, gathered. Each is a module of its own."""

import typer

from selfsynth.cli.datasets import add, concepts, inspect, report, show

app = typer.Typer(no_args_is_help=True, help="Look at folders of labelled images, register them, read their reports.")
app.command("inspect")(inspect.inspect)
app.command("list")(show.list_datasets)
app.command("add")(add.add)
app.command("show")(show.show)
app.command("report")(report.report)
app.command("sheet")(report.sheet)
app.add_typer(concepts.app, name="concepts")
