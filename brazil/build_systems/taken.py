"""Words that a new package cannot use as its own name: of the language, of its tools, or of what every program uses.

Only what a starter does with its word counts: a C function `int_add` is fine, a C++ namespace `int` is not. A build
needs nothing of this.
"""

import keyword
import sys
from collections.abc import Callable, Mapping


def free(system: str, word: str) -> str:
    """Return a word for what a package of this build system holds: itself, with `_` behind it where it is taken.

    That is how the specifications of Java and the style guide of Python write such names.

    Args:
        system: one of SYSTEMS.
        word: of small letters, digits and underscores.
    """
    if system == "autotools" and word.startswith("m4_"):  # what begins so is a macro, whatever follows
        return f"m4{word.removeprefix('m4_')}"
    return f"{word}_" if _TAKEN.get(system, _none)(word) else word


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _none(_: str) -> bool:
    return False


# Libraries that the linker is told to take with every program, or with many: ours would be found before them.
_LIBRARIES = _words("atomic c crypt dl gcc gcc_s gomp m nsl pthread quadmath resolv rt util")
# Headers of C and POSIX: those of a package are found before them, also by everybody who depends on it.
_HEADERS = _words(
    "aio alloca assert complex cpio crypt ctype dirent dlfcn elf endian err errno error fcntl features fenv float"
    " fnmatch ftw getopt glob grp iconv inttypes iso646 langinfo libgen limits link locale malloc math memory mntent"
    " monetary mqueue ndbm netdb nl_types obstack paths poll printf pthread pwd regex resolv sched search semaphore"
    " setjmp sgtty shadow signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn"
    " string strings syslog tar termio termios tgmath threads time uchar ucontext ulimit unistd utime utmp utmpx"
    " values wait wchar wctype wordexp"
)
_OF_C = _LIBRARIES | _HEADERS
# Words of C++, with the macros that GNU C++ defines under plain names.
_OF_CXX = _words(
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class"
    " co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype"
    " default delete do double dynamic_cast else enum explicit export extern false float for friend goto i386 if"
    " inline int linux long main mutable namespace new noexcept not not_eq nullptr operator or or_eq private"
    " protected public register reinterpret_cast requires return short signed sizeof static static_assert"
    " static_cast std struct switch template this thread_local throw true try typedef typeid typename typeof union"
    " unix unsigned using virtual void volatile wchar_t while xor xor_eq"
)
_TARGETS_OF_CMAKE = _words("all clean depend edit_cache help install package package_source rebuild_cache test")
_TARGETS_OF_MESON = _words("all benchmark clean coverage dist distcheck install phony reconfigure test uninstall")
_OF_GO = _words(
    "break case chan const continue default defer else fallthrough for func go goto if import interface map package"
    " range return select struct switch type var"
    # What no package can be called or found as, and what its program and its test import.
    " fmt init internal main testdata testing vendor"
)
_OF_JAVA = _words(
    "abstract assert boolean break byte case catch char class const continue default do double else enum extends"
    " false final finally float for goto if implements import instanceof int interface long native new null package"
    " private protected public return short static strictfp super switch synchronized this throw throws transient"
    " true try void volatile while"
    " java"  # no class outside the JDK may be in it
)
_OF_RUST = _words(
    "abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen"
    " if impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true"
    " try type typeof unsafe unsized use virtual where while yield"
    " alloc core proc_macro std test"  # crates that are there already
    " build deps examples incremental"  # folders of Cargo, beside which it puts programs
)
# Node finds its own modules before any package.
_OF_NODE = _words(
    "assert async_hooks buffer child_process cluster console constants crypto dgram diagnostics_channel dns domain"
    " events fs http http2 https inspector module net os path perf_hooks process punycode querystring readline repl"
    " stream string_decoder sys timers tls trace_events tty url util v8 vm wasi worker_threads zlib node_modules"
)
_OF_PYTHON = frozenset({*keyword.kwlist, *sys.stdlib_module_names, "test", "pytest"})  # others import these

_TAKEN: Mapping[str, Callable[[str], bool]] = {
    "autotools": (_OF_C | {"dnl"}).__contains__,
    "cargo": _OF_RUST.__contains__,
    "cmake": (_LIBRARIES | _OF_CXX | _TARGETS_OF_CMAKE).__contains__,
    "go": lambda word: word in _OF_GO or word.endswith("_test"),  # of a test, Go takes that as being beside the package
    "java": _OF_JAVA.__contains__,
    "make": _OF_C.__contains__,
    "maven": _OF_JAVA.__contains__,
    "meson": (_OF_C | _TARGETS_OF_MESON).__contains__,
    "node": _OF_NODE.__contains__,
    "python": _OF_PYTHON.__contains__,
}
