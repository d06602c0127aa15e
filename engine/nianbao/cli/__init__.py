"""The command line: with the web page the only place that prints."""

from __future__ import annotations

import gc
import sys

from nianbao.cli.interrupts import keep_interrupts


def main() -> None:
    """Run the command line and leave with its exit status: 0 clean, 1 findings, 2 nothing could be done."""
    keep_interrupts()
    # What a command makes lives about as long as the command: garbage in circles is seldom looked for.
    gc.set_threshold(20_000)
    try:
        _run()
    except KeyboardInterrupt:
        print("已中断", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of the output has gone (`| head`): nothing is wrong here.
        sys.stderr.close()
        sys.exit(1)


def _run() -> None:
    from nianbao.cli.app import app
    from nianbao.cli.usage import UsageError, usage_words
    from nianbao.errors import NianbaoError

    try:
        status = app(standalone_mode=False)
    except NianbaoError as error:
        print(f"错误：{error.message}", file=sys.stderr)
        status = 2
    except UsageError as error:
        print(usage_words(error), file=sys.stderr)
        status = 2
    sys.exit(status)
