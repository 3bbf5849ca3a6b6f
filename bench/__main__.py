"""`python -m bench NAME [--json]`: run a measure and print what it found."""

import argparse
import importlib
import json
import sys

MEASURES = {
    "demo": "seconds from the command to the first window shown, and the stack's peak memory",
    "each": "wall time of a class of 30 notes with --each, without the runs, beside a bare script that imports them",
    "apply": "wall time of an apply and of a no-op apply, beside a bare script that makes the same calls",
}


def main() -> int:
    """Run the measure that is named and print its object, or its lines."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=sorted(MEASURES), help="; ".join(f"{k}: {v}" for k, v in MEASURES.items()))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    result = importlib.import_module(f"bench.{options.name}").measure()
    result["command"] = f"python -m bench {options.name}"
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:20} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
