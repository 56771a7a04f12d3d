"""``netopt reproduce``: a paper's experiments played again, drawn over its theory, and judged.

One study a file, found by itself (``dq_gd/contraction.py`` is ``dq-gd/contraction``): it lists the
runs to play, builds the panels of a figure and judges the paper's claims. The files beside the
folders do the rest: ``_playing`` the runs, ``_curves`` what came of them, ``_drawing`` the figure,
``_document`` what is written.
"""
