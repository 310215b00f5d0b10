"""Columns and small pieces of text."""

from collections.abc import Iterable, Sequence


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> list[str]:
    """Align rows; the last cell of a row is not padded."""
    table = [list(row) for row in rows]
    width = [
        max((len(row[n]) for row in table if n < len(row) - 1), default=0)
        for n in range(max(map(len, table), default=0))
    ]
    lines = []
    for row in table:
        cells = [cell.ljust(width[n]) for n, cell in enumerate(row[:-1])] + row[-1:]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def counted(number: int, one: str, many: str = "") -> str:
    """Write "1 package", "2 packages"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def first_line(text: str) -> str:
    """Return what stands before the first line end."""
    return text.partition("\n")[0]


def size_text(size: int) -> str:
    """Write a number of bytes for a reader: "812 bytes", "1.5 MiB"."""
    if size < 1 << 10:
        return counted(size, "byte")
    scale = min((size.bit_length() - 1) // 10, 4)
    return f"{size / (1 << 10 * scale):.1f} {'KMGT'[scale - 1]}iB"
