"""The lanes engine: runs that share a shape are trained by one compiled program.

A run is a *lane*: its own weights, optimizer slots, seed, order of batches and a rate for every
update. A *program* holds a block of lanes, whose number (`layout.py`) depends on the shape of the
work and never on how many runs there are: hence a run gives the same bits alone, as one of forty
and beside any neighbours, and one compilation serves experiments of every size. A whole epoch of a
block, validation included, is one call; long epochs are cut into several, so that a stop is quick.
Blocks are trained side by side, one a core (`engine.py`), and between its epochs each lane's course
decides about the rate, as everywhere (`lane.py`).

Against the engine keras: the same first weights, batches, update rules and metrics; equal up to
the rounding of float32. Dropout masks are drawn by another generator.
"""
