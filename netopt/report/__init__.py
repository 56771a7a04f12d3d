"""Reports know how to show what a run did and what it would do; they never play a round.

One front door a file: ``plan`` before a run, ``plot``, ``table`` and ``inspect`` after it,
``components`` and ``doctor`` at any time. All return plain data, a path or a rich renderable; rich
and matplotlib are imported only when something is drawn.
"""
