"""What the demo leaves for people: a table on the terminal, report.json, and a page with plots and examples."""

from selfsynth.demo.report.contents import ExplainedImage, Report
from selfsynth.demo.report.page import write_page
from selfsynth.demo.report.table import rounds_table

__all__ = ["ExplainedImage", "Report", "rounds_table", "write_page"]
