# SPDX-License-Identifier: BSD-3-Clause
"""report.html and runs.html: a run, and many, each as one file to look at, which asks nothing of
the network.

May know `export`, `report`, `verdict` and `store`, and what these know. It shows what the findings
say, and finds nothing itself. Its charts are its own (`draw`): a chart is a table with a picture in
each row. Everything that comes from outside is escaped. Jinja2 is loaded when a page is made.
"""

from fibench.page.charts.charts import Chart, charts_of
from fibench.page.charts.raster import png
from fibench.page.document import page_of
from fibench.page.index.document import index_of

__all__ = ["Chart", "charts_of", "index_of", "page_of", "png"]
