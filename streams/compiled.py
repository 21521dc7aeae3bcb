"""Functions of numbers as machine code, by numba, for what costs a posting most.

The code is kept in `__pycache__` beside the function's file or, where that cannot be written, in the user's cache
folder. There is no fast-math: the same input gives the same bits. The interpreter's lock is held: to wait for it again
behind another thread would cost more than the call.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Call = TypeVar("Call", bound=Callable[..., Any])


def compiled(function: Call) -> Call:
    """Compile at the first call, and keep the machine code where there is a folder to write."""
    try:
        return cast(Call, numba.njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # no such folder
        return cast(Call, numba.njit(error_model="numpy")(function))
