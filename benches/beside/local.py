"""Rows that need no engine: planning, hashing, packing."""

import os
import re
import subprocess
import time

from beside import trees
from beside.measure import Command, Figure
from beside.rows import Group, Row

CORES = os.cpu_count() or 1


class Local(Group):
    """Rows of the program on a folder, with an index and a Dockerfile of their own."""

    def __init__(self, options, tools):
        super().__init__(options, tools)
        self.dockerfile = options.work / "Dockerfile"
        self.dockerfile.write_text("FROM scratch\nCOPY . /\n")
        home = options.work / "home"
        self.env = {
            **os.environ,
            "STOWAWAY_CACHE_DIR": str(home / "cache"),
            "STOWAWAY_STATE_DIR": str(home / "state"),
            "LC_ALL": "C",
        }

    def stowaway(self, verb, tree, *more):
        """The words of a command of ours."""
        return [self.options.stowaway, verb, "--progress", "quiet", "-f", self.dockerfile, tree, *more]

    def ours(self, verb, tree, *more, **how):
        return Command(self.stowaway(verb, tree, *more), env=self.env, **how)

    def peer(self, tree, *pipeline):
        return Command(*(words.split() for words in pipeline), cwd=tree, env=self.env)


class Plan(Local):
    """Many small files."""

    @staticmethod
    def rows():
        find, sha = "`find -printf %s`", f"`find | xargs -n500 -P{CORES} sha256sum`"
        return [
            Row("plan-warm", "`plan`, nothing changed", find, "warm", "find", {"wall": 0.8}, ("find",)),
            Row("plan-cold", "`plan --no-index`", sha, "cold", "sha256sum", {"wall": 0.5}, ("find", "xargs", "sha256sum")),
            Row("plan-b3sum", "`plan --no-index`", sha.replace("sha256sum", "b3sum"), "cold", "b3sum", {}, ("find", "xargs", "b3sum")),
            Row("plan-git", "`plan`, nothing changed", "`git status`", "warm", "git", {}, ("git",)),
            Row("ls", "`ls`", find, "ls", "find", {}, ("find",)),
            Row("why", "`why`, nothing changed", "`git status`", "why", "git", {}, ("git",)),
            Row("check", "`check`", find, "check", "find", {}, ("find",)),
        ]

    def commands(self, names):
        tree = trees.small(self.options.work, self.options.files)
        snapshot = self.options.work / "small.snap"
        hashing = ("find . -type f -print0", f"xargs -0 -n500 -P{CORES}")
        commands = {
            "warm": self.ours("plan", tree, "--format", "json"),
            "cold": self.ours("plan", tree, "--format", "json", "--no-index"),
            "ls": self.ours("ls", tree),
            "why": self.ours("why", tree, "--against", snapshot),
            # Findings at the threshold are no failure here.
            "check": self.ours("check", tree, fine=(0, 1)),
            "find": self.peer(tree, r"find . -printf %s\n"),
            "sha256sum": self.peer(tree, hashing[0], f"{hashing[1]} sha256sum"),
            "b3sum": self.peer(tree, hashing[0], f"{hashing[1]} b3sum"),
        }
        # A file that was made just now isn't remembered before its times have settled.
        time.sleep(3)
        if "why" in names:
            taken = self.stowaway("snapshot", tree, "-o", snapshot)
            subprocess.run(taken, env=self.env, check=True, stdout=subprocess.DEVNULL)
        if "git" in names:
            commands["git"] = self.repository(tree)
        return commands

    def repository(self, tree):
        """`git status` of the tree, with the repository elsewhere."""
        folder = self.options.work / f"{tree.name}.git"
        git = ["git", "-c", "core.compression=0", "-c", "gc.auto=0", "-c", "user.name=peers", "-c", "user.email=peers@localhost"]
        git += [f"--git-dir={folder}", f"--work-tree={tree}"]
        env = {**self.env, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        if not (folder / "made").exists():
            for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "everything"]):
                subprocess.run([*git, *words], cwd=tree, env=env, check=True)
            (folder / "made").touch()
        return Command([*git, "status", "--porcelain"], cwd=tree, env=env)


class Large(Local):
    """Few large files."""

    @staticmethod
    def rows():
        limit = {"wall": 1.1}
        two, one = f"`openssl speed`'s SHA-256 on {CORES} cores", "`openssl speed`'s SHA-256 on one core"
        return [
            Row("large-sha256", "`plan --no-index`, eight files", two, "plan", "openssl", limit, ("openssl",)),
            Row("large-b3sum", "`ls --hash blake3 --no-index`, eight files", "`b3sum`", "eight-blake3", "b3sum", {}, ("b3sum",)),
            Row("one-sha256", "`ls --hash sha256 --no-index`, one file", one, "sha256", "openssl-one", limit, ("openssl",)),
            Row("one-blake3", "`ls --hash blake3 --no-index`, one file", "`b3sum --num-threads 1`", "blake3", "b3sum-one",
                {"wall": 1.2 / CORES} if CORES > 1 else {}, ("b3sum",)),
            Row("one-b3sum", "`ls --hash blake3 --no-index`, one file", "`b3sum`", "blake3", "b3sum-all", {}, ("b3sum",)),
        ]

    def commands(self, names):
        work, total = self.options.work, self.options.bytes
        eight, one = trees.large(work, 8, total), trees.large(work, 1, total)
        return {
            "plan": self.ours("plan", eight, "--format", "json", "--no-index"),
            "eight-blake3": self.ours("ls", eight, "--hash", "blake3", "--no-index"),
            "sha256": self.ours("ls", one, "--hash", "sha256", "--no-index"),
            "blake3": self.ours("ls", one, "--hash", "blake3", "--no-index"),
            "openssl": Figure(lambda: total / openssl_speed(CORES)),
            "openssl-one": Figure(lambda: total / openssl_speed(1)),
            "b3sum": self.peer(eight, "b3sum " + " ".join(f"f{n}" for n in range(8))),
            "b3sum-one": self.peer(one, "b3sum --num-threads 1 f0"),
            "b3sum-all": self.peer(one, "b3sum f0"),
        }


def openssl_speed(cores):
    """Bytes that this machine's SHA-256 instructions take in a second, on so many cores together."""
    several = ["-multi", str(cores)] if cores > 1 else []
    command = ["openssl", "speed", "-mr", "-elapsed", "-seconds", "1", "-bytes", "1048576", *several, "-evp", "sha256"]
    told = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    # `+F:…` is a process's result, and with several the sum of all comes last.
    return float(re.findall(r"^\+F:.*:([0-9.]+)$", told, re.MULTILINE)[-1])


class Pack(Local):
    """Archives into a pipe that another program empties."""

    @staticmethod
    def rows():
        rows = []
        for which, most in (("small", 0.7), ("large", 0.5)):
            rows += [
                Row(f"pack-{which}", f"`pack | cat`, {which}", "`tar -c | cat`", f"{which} pack", f"{which} tar", {"wall": most, "peak": 120}, ("tar",)),
                Row(f"pack-{which}-bsdtar", f"`pack | cat`, {which}", "`bsdtar -c | cat`", f"{which} pack", f"{which} bsdtar", {},
                    ("bsdtar",)),
                Row(f"pack-{which}-zstd", f"`pack --compress zstd | cat`, {which}", "`tar -c | zstd -3 -T0 | cat`", f"{which} zstd",
                    f"{which} tar zstd", {"wall": 0.8}, ("tar", "zstd")),
            ]
        return rows

    def commands(self, names):
        commands = {}
        for which in ("small", "large"):
            if not any(name.startswith(which) for name in names):
                continue
            work = self.options.work
            tree = trees.small(work, self.options.files) if which == "small" else trees.large(work, 8, self.options.bytes)
            pack = self.stowaway("pack", tree, "--context-only", "-q")
            commands |= {
                f"{which} pack": Command(pack, ["cat"], env=self.env),
                f"{which} zstd": Command([*pack, "--compress", "zstd"], ["cat"], env=self.env),
                # GNU tar reads nothing when it sees that its output is the null device; behind `cat` it can't.
                f"{which} tar": self.peer(tree, "tar -cf - .", "cat"),
                f"{which} bsdtar": self.peer(tree, "bsdtar -cf - .", "cat"),
                f"{which} tar zstd": self.peer(tree, "tar -cf - .", "zstd -q -3 -T0", "cat"),
            }
        return commands
