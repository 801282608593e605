"""The results as Markdown."""

import datetime
import os
import platform

from beside import engine
from beside.rows import Value

WORDS = {"wall": "time", "transfer": "transfer", "cpu": "CPU", "memory": "memory", "peak": "our MB"}


def render(options, tools, results, left_out):
    """The whole answer: what it was measured on, the table, what is left out."""
    lines = [*place(options, tools, results), ""]
    lines += ["| | stowaway | beside | time | transfer | CPU | memory | wanted |", "|---|---|---|---|---|---|---|---|"]
    lines += [value(result) if isinstance(result, Value) else ratio(result) for result in results]
    lines += ["", *(f"Left out: {text}." for text in left_out)]
    return "\n".join(lines).rstrip() + "\n"


def place(options, tools, results):
    """Date, machine, versions."""
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    system = platform.uname()
    versions = tools.versions()
    if any(result.row.name.startswith("build") for result in results):
        versions += engine.versions()
    runs = f"medians of {options.runs} runs in turns" if options.runs > 1 else "one run"
    return [
        f"{today}, {processor()}, {os.cpu_count()} cores, {system.system} {system.release}; {runs}, page cache warm; "
        f"{options.files:,} small files, {options.bytes / 1e9:.2f} GB in large ones.",
        f"Beside: {'; '.join(versions)}.",
    ]


def processor():
    """The processor's name."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def ratio(result):
    """A line of two commands: ratios of medians, and the medians."""
    row = result.row
    cells = [pair(result, what, show) for what, show in (("wall", time), ("transfer", time), ("cpu", time), ("memory", megabytes))]
    return line(f"`{row.name}`", row.what, row.peer, *cells, verdict(result))


def pair(result, what, show):
    reached = result.ratio(what)
    if reached is None:
        return ""
    both = getattr(result.ours, what), getattr(result.theirs, what)
    ours, theirs = (show(value / per) for value, per in zip(both, result.row.per))
    return f"**{reached:.2f}** ({ours} : {theirs})"


def value(result):
    """A line of one number."""
    sign = "✓" if result.holds() else "✗"
    return line(f"`{result.row.name}`", result.row.what, "", "", "", "", f"**{result.text}**", f"≤ {result.most} {sign}")


def line(*cells):
    """A line of the table; a bar in it is no border."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def time(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def megabytes(size):
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size:.0f} bytes"


def wanted(row, before=""):
    """What is wanted, in words."""
    words = ", ".join(f"{WORDS[what]} ≤ {most:g}" for what, most in row.wanted.items())
    return before + words if words else ""


def verdict(result):
    """What is wanted, each with whether it is so."""
    said = []
    for what, most in result.row.wanted.items():
        reached = result.ratio(what)
        sign = "?" if reached is None else "✓" if reached <= most else "✗"
        said.append(f"{WORDS[what]} ≤ {most:g} {sign}")
    return ", ".join(said)
