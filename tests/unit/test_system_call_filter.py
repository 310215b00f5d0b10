import struct

import pytest

from brazil.sandbox.filter import filter_program

X86, I386, ARM64, ALLOW, REFUSE = 0xC000003E, 0x40000003, 0xC00000B7, 0x7FFF0000, 0x00050026


def judge(program: bytes, architecture: int, number: int, first: int = 0, second: int = 0) -> int:
    """Run a filter as the kernel does."""
    steps = list(struct.iter_unpack("=HBBI", program))
    seen = {0: number, 4: architecture, 16: first, 24: second}
    loaded = at = 0
    while True:
        code, if_so, if_not, value = steps[at]
        at += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            loaded = seen[value]
        else:
            at += if_so if (loaded == value if code == 0x15 else loaded >= value) else if_not


@pytest.mark.parametrize(
    ("machine", "architecture", "number", "first", "answer"),
    [
        ("x86_64", X86, 0, 0, ALLOW),
        ("x86_64", X86, 248, 0, REFUSE),
        ("x86_64", X86, 249, 0, REFUSE),
        ("x86_64", X86, 250, 0, REFUSE),
        ("x86_64", X86, 251, 0, ALLOW),
        ("x86_64", X86, 41, 2, ALLOW),
        ("x86_64", X86, 41, 40, REFUSE),
        ("x86_64", X86, 42, 40, ALLOW),
        ("x86_64", X86, 0x40000000 + 250, 0, REFUSE),
        ("x86_64", I386, 250, 0, ALLOW),
        ("x86_64", I386, 288, 0, REFUSE),
        ("x86_64", I386, 359, 40, REFUSE),
        ("x86_64", ARM64, 0, 0, REFUSE),
        ("aarch64", ARM64, 219, 0, REFUSE),
        ("aarch64", ARM64, 250, 0, ALLOW),
        ("aarch64", ARM64, 198, 40, REFUSE),
    ],
)
def test_a_call_is_allowed_or_refused(machine: str, architecture: int, number: int, first: int, answer: int) -> None:
    assert judge(filter_program(machine), architecture, number, first) == answer


@pytest.mark.parametrize(
    ("machine", "architecture", "ioctl"),
    [("x86_64", X86, 16), ("x86_64", I386, 54), ("aarch64", ARM64, 29)],
)
def test_who_has_a_terminal_cannot_type_into_it(machine: str, architecture: int, ioctl: int) -> None:
    program, plain = filter_program(machine, terminal=True), filter_program(machine)
    for request, answer in ((0x5412, REFUSE), (0x541C, REFUSE), (0x5401, ALLOW), (0x5413, ALLOW)):
        assert judge(program, architecture, ioctl, 0, request) == answer
        assert judge(plain, architecture, ioctl, 0, request) == ALLOW
        assert judge(program, architecture, ioctl + 1, 0, request) == ALLOW
    for number in range(1000):
        assert judge(program, architecture, number, 40) == judge(plain, architecture, number, 40)


def test_everything_is_allowed_where_the_calls_are_not_known() -> None:
    assert judge(filter_program("riscv64"), 0xC00000F3, 217, 0) == ALLOW
