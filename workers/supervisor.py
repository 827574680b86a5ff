"""`python -m workers.supervisor`: the whole system in one terminal, without any other service."""

import sys

OLDEST_PYTHON = (3, 11)


def main() -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        version = ".".join(map(str, sys.version_info[:3]))
        print(f"Leitai needs Python 3.11 or newer, and this is {version}.", file=sys.stderr)
        return 1
    # Not at the top: an old Python would fail in there before it could be told why.
    from workers.house import run  # noqa: PLC0415

    return run()


if __name__ == "__main__":
    sys.exit(main())
