"""What was assigned to a variable, noted without asking the backend.

Reading a variable is an operation of the backend and costs some 50 microseconds beside a training
step; a note of what somebody assigned costs one. Notes miss who goes around `Variable.assign`, so
`lrdash.tracking.monitor.rates` compares them with the variable again and again.
"""

from __future__ import annotations

from typing import Any

import keras


class Assigned:
    """The value last assigned to a variable of Keras.

    The variable's own `assign` is called first, with all that it was given, and its answer handed
    on; `release` takes the note-taking away again.
    """

    def __init__(self, variable: keras.Variable) -> None:
        self._variable, self._assign = variable, type(variable).assign
        self.value: Any = None  # None: nothing yet
        variable.assign = self._noting

    def release(self) -> None:
        """Leave the variable as it was."""
        self._variable.__dict__.pop("assign", None)

    def _noting(self, value: Any) -> Any:
        answer = self._assign(self._variable, value)
        self.value = value
        return answer
