"""All benchmarks, one after another; their tables go to one file as they come.

    python benchmarks/run.py [--out FILE] [NAME ...]

With names (peers, scale …) only those. Takes about an hour and a half, most of it for scale and suspects.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from common import ROOT

# The quickest first.
ALL = (
    ("rules", ()),
    ("claims", ()),
    ("reading", ()),
    ("formats", ()),
    ("service", ()),
    ("rollup", ()),
    ("peers", ()),
    ("stages", ()),
    ("scale", ("--counts", "1000", "10000", "100000", "--jobs", "2")),
    ("suspects", ("--tables", "2000")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(name for name, _ in ALL))
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "bench.md", metavar="FILE")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - {name for name, _ in ALL}:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    failed = []
    with options.out.open("w", encoding="utf-8") as stream:
        for name, more in ALL:
            if options.names and name not in options.names:
                continue
            print(f"== {name}", file=sys.stderr)
            command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *more]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8")
            failed += [name] if done.returncode else []
            print(done.stdout)
            stream.write(f"## {name}\n\n{done.stdout}\n")
            stream.flush()
    print(f"{options.out}{'; failed: ' + ', '.join(failed) if failed else ''}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
