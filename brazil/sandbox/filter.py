"""The system calls that a run may not make: those that reach what no namespace hides.

The keys of the caller's session are inherited by every process, and virtual sockets reach the host of a virtual
machine whatever the network namespace is. Everything else is left to the namespaces and to missing capabilities, so
that builds and tests can use all that the kernel has. A refused call says that the kernel does not have it.

Who has a user's terminal, as only a shell in a sandbox does, could also type into it, and that would be read when the
shell is left. So for a terminal two requests of ioctl are refused as well.

Source:
    Linux's Documentation/userspace-api/seccomp_filter, and its tables of system calls.
"""

import errno
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
# Offsets inside what a filter sees; of arguments the lower half, which is all that the kernel reads of these.
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS
_VIRTUAL_SOCKET = 40  # AF_VSOCK
_TYPING = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX


class _Abi(NamedTuple):
    """One way to make system calls."""

    architecture: int  # AUDIT_ARCH_...
    keys: tuple[int, ...]  # add_key, request_key, keyctl
    socket: int
    ioctl: int
    numbers: int = 0  # those from here on are another ABI's; 0: there is none


_X86_64 = _Abi(0xC000003E, (248, 249, 250), 41, 16, 0x40000000)  # above: x32
_I386 = _Abi(0x40000003, (286, 287, 288), 359, 54)
_AARCH64 = _Abi(0xC00000B7, (217, 218, 219), 198, 29)
_ARM = _Abi(0x40000028, (309, 310, 311), 281, 54)
_ABIS = {"x86_64": (_X86_64, _I386), "aarch64": (_AARCH64, _ARM)}


def filter_program(machine: str = os.uname().machine, *, terminal: bool = False) -> bytes:
    """Return the filter as bubblewrap's `--seccomp` takes it; it allows all where the system calls are not known."""
    blocks = [_block(abi, terminal) for abi in _ABIS.get(machine, ())]
    if not blocks:
        return _step(_RETURN, _ALLOW)
    program = [_step(_LOAD, _ARCHITECTURE)]
    for abi, block in zip(_ABIS[machine], blocks, strict=True):
        program += [_step(_EQUAL, abi.architecture, 0, len(block)), *block]
    return b"".join([*program, _step(_RETURN, _REFUSE)])


def _block(abi: _Abi, terminal: bool) -> Sequence[bytes]:
    """Judge the calls of one ABI; whoever comes here does not leave."""
    if terminal:
        typing = [_step(_LOAD, _NUMBER), _step(_EQUAL, abi.ioctl, 0, 4), _step(_LOAD, _SECOND_ARGUMENT)]
        typing += [_step(_EQUAL, _TYPING[0], 1, 0), _step(_EQUAL, _TYPING[1], 0, 1)]
        return [*typing, _step(_RETURN, _REFUSE), *_block(abi, False)]
    tests = [(_EQUAL, number) for number in abi.keys] + ([(_AT_LEAST, abi.numbers)] if abi.numbers else [])
    # Behind the tests: is it a socket, load its family, compare, allow, refuse.
    steps = [_step(_LOAD, _NUMBER)]
    steps += [_step(kind, value, len(tests) - at + 3, 0) for at, (kind, value) in enumerate(tests)]
    steps += [_step(_EQUAL, abi.socket, 0, 2), _step(_LOAD, _FIRST_ARGUMENT), _step(_EQUAL, _VIRTUAL_SOCKET, 1, 0)]
    return [*steps, _step(_RETURN, _ALLOW), _step(_RETURN, _REFUSE)]


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
