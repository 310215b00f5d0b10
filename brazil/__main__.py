"""The `brazil` program."""

import sys

from brazil import __version__


def main() -> None:
    """Run the command line; the version is answered before anything else is imported."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"brazil {__version__}\n")
        return
    from brazil.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
