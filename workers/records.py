"""Records of the standard logging module (RQ writes those) as our JSON lines."""

import logging

from api.core import logs


class ToStructlog(logging.Handler):
    """Hands each record on to the structured logger of the same name."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logs.logger(record.name).log(
                record.levelno, record.getMessage(), exc_info=record.exc_info or None
            )
        except Exception:
            self.handleError(record)


def to_structlog() -> None:
    """Send what RQ has to say, from warnings upwards, the way of all other logs."""
    logger = logging.getLogger("rq")
    logger.handlers[:] = [ToStructlog(logging.WARNING)]
    logger.propagate = False
