"""Working memory that all ONNX Runtime sessions of this process share.

By default every session keeps an arena of its own, which grows by powers of two: several networks that take turns then
hold the memory of all of them at once.
"""

from __future__ import annotations

from functools import cache

import onnxruntime

_SERIOUS = 3
_EXTEND_AS_REQUESTED = 1


def session_options(*, threads: int = 0) -> onnxruntime.SessionOptions:
    """Options of a session on the shared memory. ``threads`` 0 takes every core. Only serious errors are logged."""
    _register_arena()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _SERIOUS
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


@cache
def _register_arena() -> None:
    arena = onnxruntime.OrtArenaCfg({"arena_extend_strategy": _EXTEND_AS_REQUESTED})
    where = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(where, arena)
