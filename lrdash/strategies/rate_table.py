"""The rate of every update as Python text, for rates that no single formula gives."""

from __future__ import annotations

import itertools
import textwrap

import numpy as np
from numpy.typing import ArrayLike

from lrdash.strategies.snippet import OPS, SCHEDULES, KerasCode

WIDTH = 88  # characters of a line

_TEXT = '''\
# The rate of each update, in order; 0.1*290 is 0.1 in 290 updates.
TABLE = """
{words}
"""
rates = []
for word in TABLE.split():
    rate, _, times = word.partition("*")
    rates += [float(rate)] * int(times or 1)'''

_LOOK_UP = f'''


@keras.saving.register_keras_serializable()
class RateTable({SCHEDULES}.LearningRateSchedule):
    """Looks up the rate of each update."""

    def __init__(self, rates):
        self.rates = ops.convert_to_tensor(rates, "float32")

    def __call__(self, step):
        return ops.take(self.rates, ops.minimum(ops.cast(step, "int32"), len(self.rates) - 1))

    def get_config(self):
        return {{"rates": ops.convert_to_numpy(self.rates).tolist()}}
'''


def table_lines(rates: ArrayLike) -> list[str]:
    """Lines that leave these rates in `rates`, exact in float32.

    Args:
        rates: of every update [updates].
    """
    used = np.asarray(rates, np.float32)
    words = (_word(rate, len(list(same))) for rate, same in itertools.groupby(used))
    wrapped = textwrap.fill(
        " ".join(words), WIDTH, break_long_words=False, break_on_hyphens=False
    )
    return _TEXT.format(words=wrapped).splitlines()


def tabled(rates: ArrayLike) -> KerasCode:
    """Code of a Keras schedule that looks these rates up; arguments as `table_lines`."""
    return KerasCode(
        learning_rate="RateTable(rates)", definitions="\n".join(table_lines(rates)) + _LOOK_UP,
        imports=OPS,
    )


def _word(rate: np.float32, times: int) -> str:
    """A rate in as few digits as float32 needs, and in how many updates it is used."""
    return f"{rate!s}*{times}" if times > 1 else str(rate)
