"""Start the classification service, with the one hash seed that makes its categories the same everywhere."""

import os
import sys

HASH_SEED = "0"


def main() -> int:
    """Fix the hash seed (by starting again if need be), then serve."""
    if sys.flags.hash_randomization or os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        if os.environ.get("SLUICE_PREDICT_RESTARTED"):
            print(
                "predict_service: this Python ignores PYTHONHASHSEED (-E or -I?); start it without",
                file=sys.stderr,
            )
            return 1
        os.environ["PYTHONHASHSEED"] = HASH_SEED
        os.environ["SLUICE_PREDICT_RESTARTED"] = "1"
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "sluice.predict_service", *sys.argv[1:]])
    os.environ.pop("SLUICE_PREDICT_RESTARTED", None)
    from sluice.predict_service.cli import serve

    return serve(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
