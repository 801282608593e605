"""Rows of the table, and groups of rows that are measured together."""

import sys
from dataclasses import dataclass, field

from beside import measure


@dataclass(frozen=True)
class Row:
    """A comparison of two commands."""

    name: str
    what: str
    peer: str
    ours: str
    theirs: str
    # What is wanted: `wall`, `cpu`, `memory` or `transfer` to the ratio that it may be at most, `peak` to the megabytes that ours may need.
    wanted: dict = field(default_factory=dict)
    # Programs that must be there.
    needs: tuple = ()
    # What ours and theirs are divided by, to compare the cost of one file.
    per: tuple = (1, 1)

    def is_called(self, name):
        return self.name == name or self.name.startswith(name + "-")

    def __hash__(self):
        return hash(self.name)


@dataclass(frozen=True)
class Result:
    """A row with what was measured."""

    row: Row
    ours: measure.Sample
    theirs: measure.Sample

    def ratio(self, what):
        """Ours for one of theirs; `None` where one of them is not known. For `peak`, megabytes."""
        if what == "peak":
            return self.ours.memory / 1e6
        ours, theirs = getattr(self.ours, what), getattr(self.theirs, what)
        if ours is None or not theirs:
            return None
        return (ours / self.row.per[0]) / (theirs / self.row.per[1])

    def holds(self):
        return all((self.ratio(what) or 0) <= most for what, most in self.row.wanted.items())


@dataclass(frozen=True)
class Value:
    """A row that is no ratio: a number of its own, that may be so large at most."""

    row: Row
    text: str
    value: float
    most: float

    def holds(self):
        return self.value <= self.most


class Group:
    """Rows that share their trees and are measured in turns."""

    def __init__(self, options, tools):
        self.options, self.tools = options, tools

    @staticmethod
    def rows():
        raise NotImplementedError

    def commands(self, names):
        """The commands of these names."""
        raise NotImplementedError

    def measure(self, rows):
        """The results, and why which rows are left out."""
        rows, left_out = self.possible(rows)
        if not rows:
            return [], left_out
        names = dict.fromkeys(name for row in rows for name in (row.ours, row.theirs))
        commands = self.commands(list(names))
        medians = measure.in_turns({name: commands[name] for name in names}, self.options.runs, tell)
        return [Result(row, medians[row.ours], medians[row.theirs]) for row in rows], left_out

    def possible(self, rows):
        """The rows whose programs are there or could be installed, and why the others are left out."""
        fit, left_out = [], []
        for row in rows:
            lacking = [tool for tool in row.needs if not self.tools.get(tool)]
            if lacking:
                left_out.append(f"`{row.name}`: {', '.join(lacking)} is not here and can't be installed")
            else:
                fit.append(row)
        return fit, left_out


def tell(text):
    """Says what is going on."""
    print(text, file=sys.stderr, flush=True)
