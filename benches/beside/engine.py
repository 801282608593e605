"""Rows of `build` beside `docker buildx build`, on the engine that `docker` finds."""

import datetime
import json
import os
import re
import shutil
import subprocess
import time

from beside import trees
from beside.local import Local
from beside.measure import Command
from beside.rows import Row
from beside.tools import first_line

# Everything is sent, and nothing copied: what the engine does with files afterwards is the same for both, and would hide the rest.
DOCKERFILE = "FROM scratch\nCOPY --exclude=** . /\n"
IMAGE = "stowaway-peers"
CONTEXT = "[internal] load build context"


class Build(Local):
    """The same builds by both clients, in turns."""

    @staticmethod
    def rows():
        buildx = "`docker buildx build`"
        both = lambda most: {"wall": most, "transfer": most}  # noqa: E731
        client = {"cpu": 0.3, "memory": 0.25, "peak": 120}
        return [
            Row("build-unchanged", "`build`, nothing changed", buildx, "unchanged", "unchanged buildx", both(0.6) | client),
            Row("build-changed", "`build`, one file changed", buildx, "changed", "changed buildx", both(0.6) | client),
            Row("build-skip", "`build --skip-unchanged`, nothing changed", buildx, "skip", "unchanged buildx", {"wall": 0.15}),
            Row("build-cold", "`build`, cold", buildx, "cold", "cold buildx", both(0.95) | {"peak": 120}),
            Row("build-large-cold", "`build`, eight large files, cold", buildx, "large cold", "large cold buildx", both(0.8) | {"peak": 120}),
        ]

    def possible(self, rows):
        why = missing()
        return ([], [f"`{row.name}`: {why}" for row in rows]) if why else (rows, [])

    def commands(self, names):
        work = self.options.work
        # buildx tells contexts apart by the last part of their path, and ours by all of it: no other build may have had it.
        self.once = f"peers-{time.time_ns()}"
        self.links = work / "links"
        shutil.rmtree(self.links, ignore_errors=True)
        self.links.mkdir()
        self.recipe = work / "engine" / "Dockerfile"
        self.recipe.parent.mkdir(exist_ok=True)
        self.recipe.write_text(DOCKERFILE)
        commands = {}
        if any(not name.startswith("large") for name in names):
            commands |= self.small(trees.small(work, self.options.files))
        if any(name.startswith("large") for name in names):
            large = trees.large(work, 8, self.options.bytes)
            # Into the page cache, since no build warms up here.
            subprocess.run(["cat", *large.iterdir()], stdout=subprocess.DEVNULL, check=True)
            commands |= self.both("large cold", self.cold, large, "large")
        return commands

    def small(self, tree):
        """The builds of many small files."""
        changing = trees.small(self.options.work, self.options.files, copy="-changing")
        same = self.link(tree, "same")
        # What was made just now isn't remembered before its times have settled.
        time.sleep(3)
        commands = self.both("unchanged", self.unchanged, same, "small")
        commands |= self.both("changed", self.changed, changing, "changing")
        commands |= self.both("cold", self.cold, tree, "small")
        commands["skip"] = Command([*self.ours(same, "small"), "--skip-unchanged"], env=self.env, read=skipped)
        return commands

    def both(self, name, make, tree, tag):
        """A build by each client. A tree has one tag, whatever its name is: what was built last of it is known by both."""
        return {name: make(self.ours, tree, tag), f"{name} buildx": make(self.buildx, tree, tag)}

    def unchanged(self, words, tree, tag):
        return Command(words(tree, tag), env=self.env, read=transfer)

    def changed(self, words, tree, tag):
        """One file has another content in each run."""
        file = next(path for path in sorted(tree.rglob("*")) if path.is_file())
        context = self.link(tree, "changing")

        def change():
            file.write_text(f"{time.time_ns()}\n")

        return Command(words(context, tag), env=self.env, read=transfer, before=change)

    def cold(self, words, tree, tag):
        """The same tree under a name that no build has had, so that the engine has nothing of it."""
        renamed = lambda: [[str(word) for word in words(self.link(tree, "cold"), tag)]]  # noqa: E731
        return Command([], env=self.env, read=transfer, before=renamed).only_cold(self.options.cold)

    def link(self, tree, name):
        """A new name for a tree."""
        link = self.links / f"{self.once}-{name}-{len(os.listdir(self.links))}"
        link.symlink_to(tree)
        return link

    def ours(self, context, tag):
        return [self.options.stowaway, "build", *self.arguments(context, f"ours-{tag}")]

    def buildx(self, context, tag):
        return ["docker", "buildx", "build", *self.arguments(context, f"buildx-{tag}")]

    def arguments(self, context, tag):
        return ["--progress=rawjson", "-t", f"{IMAGE}:{tag}", "-f", self.recipe, context]

    def measure(self, rows):
        done = super().measure(rows)
        tags = [f"{IMAGE}:{client}-{tree}" for client in ("ours", "buildx") for tree in ("small", "changing", "large")]
        if done[0]:
            subprocess.run(["docker", "image", "rm", *tags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done


def missing():
    """Why nothing can be built; `None` when it can."""
    if not shutil.which("docker"):
        return "docker is not here"
    for command in (["docker", "version", "--format", "{{.Server.Version}}"], ["docker", "buildx", "version"]):
        if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
            return f"no engine answers: `{' '.join(command)}` fails"
    return None


def versions():
    """What builds."""
    server = first_line(["docker", "version", "--format", "Docker {{.Server.Version}}"])
    return [server, first_line(["docker", "buildx", "version"])]


def transfer(log):
    """The seconds from the first to the last that the engine was sent of the context, as the engine itself tells in a rawjson log."""
    vertexes, spans = set(), {}
    for line in log.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            # A warning among the messages.
            continue
        vertexes.update(v["digest"] for v in message.get("vertexes") or () if v["name"] == CONTEXT)
        for status in message.get("statuses") or ():
            if status["id"].startswith("transferring") and status.get("completed"):
                spans[status["vertex"]] = (seconds(status["started"]), seconds(status["completed"]))
    spans = [span for vertex, span in spans.items() if vertex in vertexes]
    return max(end for _, end in spans) - min(start for start, _ in spans) if spans else None


def skipped(said):
    """Makes sure that nothing was built; there is no transfer then."""
    if "nothing to build" not in said:
        raise SystemExit(f"--skip-unchanged did build:\n{said[-2000:]}")


def seconds(text):
    """`2026-01-02T03:04:05.678901234Z` as seconds."""
    whole, fraction, zone = re.fullmatch(r"([^.Z+]+)(\.\d+)?(Z|[+-].*)", text).groups()
    moment = datetime.datetime.fromisoformat(whole + zone.replace("Z", "+00:00"))
    return moment.timestamp() + float(fraction or 0)
