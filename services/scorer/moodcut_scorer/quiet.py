"""Keeps ONNX Runtime's quantiser from printing advice that is of no use to whoever builds a model."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_quantiser() -> Iterator[None]:
    """Drop the root logger's warnings inside the block: the quantiser logs to it directly."""

    def below_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    root = logging.getLogger()
    root.addFilter(below_error)
    try:
        yield
    finally:
        root.removeFilter(below_error)
