"""The `brazil` program."""

import atexit
import os
import sys

from brazil import __version__

_USAGE, _INTERRUPTED = 2, 130


def _fault() -> str:
    """Say why no command can be run from here; nothing of this depends on the command."""
    if sys.getfilesystemencoding() != "utf-8":
        encoding = sys.getfilesystemencoding()
        return f"error: names of files cannot be written in {encoding} [command.locale]\n  hint: set PYTHONUTF8=1"
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is not imported yet
    except FileNotFoundError:
        return "error: the current folder is gone [command.no-folder]\n  hint: change into another folder"
    return ""


def _open_streams() -> None:
    """Put /dev/null where a stream is closed, so that no file of ours takes its place and is written into."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def answer(arguments: list[str]) -> int:
    """Run a command line and return its exit code; the version is answered before anything else is imported."""
    _open_streams()
    if arguments == ["--version"]:
        sys.stdout.write(f"brazil {__version__}\n")
        return 0
    if fault := _fault():
        sys.stderr.write(f"{fault}\n")
        return _USAGE
    try:
        from brazil.cli.start import run

        return run(arguments)
    except KeyboardInterrupt:  # before anybody else listens
        sys.stderr.write("interrupted\n")
        return _INTERRUPTED
    finally:
        if "signal" in sys.modules:  # else nobody has begun to listen
            import signal

            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # it is done: nothing is left that could be stopped


def main() -> None:
    """Run the command line of this process, and end it.

    It is not taken apart first: 2 ms after the quickest command, a tenth of a second after a build of 10,000 packages.
    """
    code = answer(sys.argv[1:])
    atexit._run_exitfuncs()  # what was promised to happen: folders of runs are removed, helpers end
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it, which was told if it could be
        code = code or 1
    os._exit(code)


if __name__ == "__main__":
    main()
