"""The commands, gathered. Each is a module of its own; heavy imports wait until a command runs."""

import typer

from selfsynth.cli import backup, chat, demo, jobs, report, run, up
from selfsynth.cli.datasets.app import app as datasets

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Labelled images in; out comes a vision-language model that names the class and says which features show it.",
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("chat")(chat.chat)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore_backup)
app.add_typer(jobs.app, name="jobs")
app.add_typer(datasets, name="datasets")
