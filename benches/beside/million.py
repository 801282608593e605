"""Rows of a million files: what one more file costs, in time and in memory, and what is hidden costs nothing."""

import time

from beside import trees
from beside.local import Local
from beside.measure import Command
from beside.rows import Result, Row, Value

FEW = 10_000
LARGEST = 64
# The folder that an ignore file leaves in view, a hundredth of all.
LEFT = "p7"
MOST_BYTES = 300


class Million(Local):
    """A tree of a million tiny files beside one of 10,000 of the same kind."""

    @staticmethod
    def rows():
        cost, few = {"wall": 1.2}, "a file of 10,000"
        return [
            Row("million-ls", "`ls`, a file of a million", few, "many ls", "few ls", cost),
            Row("million-plan-warm", "`plan`, nothing changed, a file of a million", few, "many warm", "few warm", cost),
            Row("million-plan-cold", "`plan --no-index`, a file of a million", few, "many cold", "few cold", cost),
            Row("million-memory-ls", "memory of `ls` for each of a million files, beyond its name", "", "many ls", "no ls"),
            Row("million-memory-warm", "memory of `plan` for each of a million files, beyond its name", "", "many warm", "no warm"),
            Row("million-memory-cold", "memory of `plan --no-index` for each of a million files, beyond its name", "", "many cold", "no cold"),
            Row("million-hidden", "`ls` with an ignore file that hides 99 of 100", "`ls` of the rest alone", "hidden", "rest", {"wall": 1.1}),
        ]

    def commands(self, names):
        work = self.options.work
        sizes = {"many": self.options.many, "few": min(FEW, self.options.many), "no": 0}
        self.folders = {which: trees.small(work, files, LARGEST) for which, files in sizes.items()}
        time.sleep(3)
        commands = {}
        for which, tree in self.folders.items():
            commands[f"{which} ls"] = self.ours("ls", tree)
            commands[f"{which} warm"] = self.ours("plan", tree, "--format", "json")
            commands[f"{which} cold"] = self.ours("plan", tree, "--format", "json", "--no-index")
        commands["hidden"] = self.hiding(self.folders["many"])
        commands["rest"] = self.ours("ls", self.folders["many"] / LEFT)
        return commands

    def hiding(self, tree):
        """`ls` with an ignore file that leaves one folder in view; it lies beside a Dockerfile of its own, so that the tree stays as
        it is."""
        beside = self.options.work / "hiding"
        beside.mkdir(exist_ok=True)
        dockerfile = beside / "Dockerfile"
        dockerfile.write_text("FROM scratch\nCOPY . /\n")
        (beside / "Dockerfile.dockerignore").write_text(f"p*\n!{LEFT}\n")
        return Command([self.options.stowaway, "ls", "--progress", "quiet", "-f", dockerfile, tree], env=self.env)

    def measure(self, rows):
        results, left_out = super().measure(rows)
        return [self.finished(result) for result in results], left_out

    def finished(self, result):
        """A result as it is shown: by file."""
        row = result.row
        if row.name.startswith("million-memory"):
            files, name_bytes = trees.names(self.folders["many"])
            each = (result.ours.memory - result.theirs.memory - name_bytes) / files
            return Value(row, f"{each:.0f} bytes", each, MOST_BYTES)
        if row.name == "million-hidden":
            return result
        per = (self.options.many, min(FEW, self.options.many))
        return Result(Row(row.name, row.what, row.peer, row.ours, row.theirs, row.wanted, row.needs, per), result.ours, result.theirs)
