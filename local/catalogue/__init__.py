"""The sample catalogue: 3,200 films, real data from the `vega-datasets` package (see LICENCE.md)."""
