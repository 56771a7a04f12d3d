"""``netopt sweep``: one run file over a grid of options and seeds, with means and confidence.

``_axes`` reads what the user wants varied, ``_grid`` checks every combination before anything runs,
``_playing`` plays them over the cores (``_player`` is what a core runs), ``_results`` reads what
came of it, ``_statistics`` averages, ``_tables`` and ``_figure`` write that down, and ``_program``
goes from one to the next.
"""
