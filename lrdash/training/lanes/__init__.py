"""The lanes engine: runs that share a shape are trained by one compiled program.

A run is a *lane*: its own weights, optimizer slots, seed, order of batches and a rate for every
update. A *program* trains a block of lanes. Its width (`layout.py`) depends little on the number of
runs: one compilation serves experiments of every size, and a run gives the same bits alone, as one
of forty and beside any neighbours. An epoch of a block is one call; long epochs are cut into
several, so that a stop is quick. Blocks are trained side by side, one a processor (`engine.py`);
between its epochs each lane's rate program decides about the rate (`lane.py`).

Compared with the engine keras: the same first weights, batches, update rules and metrics, equal up
to the rounding of float32. Dropout masks are drawn by another generator.
"""
