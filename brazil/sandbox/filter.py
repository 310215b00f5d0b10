"""The system calls that a run may not make: those that reach what no namespace hides.

The keys of the caller's session are inherited by every process, and virtual sockets reach the host of a virtual
machine whatever the network namespace is. Everything else is left to the namespaces and to missing capabilities, so
that builds and tests can use all that the kernel has. A refused call says that the kernel does not have it.

Source:
    Linux's Documentation/userspace-api/seccomp_filter, and its tables of system calls.
"""

import errno
import os
import struct
from collections.abc import Sequence
from typing import NamedTuple

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets inside what a filter sees; the lower half of the argument
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS
_VIRTUAL_SOCKET = 40  # AF_VSOCK


class _Abi(NamedTuple):
    """One way to make system calls."""

    architecture: int  # AUDIT_ARCH_...
    keys: tuple[int, ...]  # add_key, request_key, keyctl
    socket: int
    numbers: int = 0  # those from here on are another ABI's; 0: there is none


_X86_64 = _Abi(0xC000003E, (248, 249, 250), 41, 0x40000000)  # above: x32
_I386 = _Abi(0x40000003, (286, 287, 288), 359)
_AARCH64 = _Abi(0xC00000B7, (217, 218, 219), 198)
_ARM = _Abi(0x40000028, (309, 310, 311), 281)
_ABIS = {"x86_64": (_X86_64, _I386), "aarch64": (_AARCH64, _ARM)}


def filter_program(machine: str = os.uname().machine) -> bytes:
    """Return the filter as bubblewrap's `--seccomp` takes it; it allows all where the system calls are not known."""
    blocks = [_block(abi) for abi in _ABIS.get(machine, ())]
    if not blocks:
        return _step(_RETURN, _ALLOW)
    program = [_step(_LOAD, _ARCHITECTURE)]
    for abi, block in zip(_ABIS[machine], blocks, strict=True):
        program += [_step(_EQUAL, abi.architecture, 0, len(block)), *block]
    return b"".join([*program, _step(_RETURN, _REFUSE)])


def _block(abi: _Abi) -> Sequence[bytes]:
    """Judge the calls of one ABI; whoever comes here does not leave."""
    tests = [(_EQUAL, number) for number in abi.keys] + ([(_AT_LEAST, abi.numbers)] if abi.numbers else [])
    # Behind the tests: is it a socket, load its family, compare, allow, refuse.
    steps = [_step(_LOAD, _NUMBER)]
    steps += [_step(kind, value, len(tests) - at + 3, 0) for at, (kind, value) in enumerate(tests)]
    steps += [_step(_EQUAL, abi.socket, 0, 2), _step(_LOAD, _FIRST_ARGUMENT), _step(_EQUAL, _VIRTUAL_SOCKET, 1, 0)]
    return [*steps, _step(_RETURN, _ALLOW), _step(_RETURN, _REFUSE)]


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)
