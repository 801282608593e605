"""One run of a command: wall clock, CPU, memory."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """What one run needed: seconds, seconds, bytes, and the seconds that an engine was sent files for."""

    wall: float
    cpu: float | None = None
    memory: float | None = None
    transfer: float | None = None

    @staticmethod
    def median(samples):
        """The medians of each, told apart."""
        fields = ("wall", "cpu", "memory", "transfer")
        columns = {name: [getattr(s, name) for s in samples] for name in fields}
        known = {name: values for name, values in columns.items() if all(v is not None for v in values)}
        return Sample(**{name: statistics.median(values) for name, values in known.items()})


class Command:
    """Programs joined by pipes, to be run again and again."""

    # How often it runs at most, and whether a first run is left out.
    most, warms_up = None, True

    def __init__(self, *pipeline, cwd=None, env=None, before=None, fine=(0,), read=None):
        """`before` is called before each run, unmeasured; `fine` are exit statuses of the first program; `read` gets what was written to
        standard error and gives the transfer time."""
        self.pipeline = [[str(word) for word in words] for words in pipeline]
        self.cwd, self.env, self.before, self.fine, self.read = cwd, env, before, fine, read

    def sample(self):
        pipeline = self.before() if self.before else None
        with tempfile.TemporaryDirectory() as folder:
            return self.measured(pipeline or self.pipeline, pathlib.Path(folder))

    def measured(self, pipeline, folder):
        peaks = [folder / f"peak{i}" for i in range(len(pipeline))]
        with open(folder / "stderr", "w+b") as stderr:
            start = time.monotonic()
            processes = self.start(pipeline, peaks, stderr)
            ends = [os.wait4(p.pid, 0) for p in processes]
            wall = time.monotonic() - start
            stderr.seek(0)
            said = stderr.read().decode(errors="replace")
        for number, (process, (_, status, _)) in enumerate(zip(processes, ends)):
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in (self.fine if number == 0 else (0,)):
                sys.exit(f"{' '.join(pipeline[number])}: exit status {process.returncode}\n{said[-2000:]}")
        cpu = sum(usage.ru_utime + usage.ru_stime for _, _, usage in ends)
        memory = max(int(peak.read_text().split()[-1]) << 10 for peak in peaks)
        return Sample(wall, cpu, memory, self.read(said) if self.read else None)

    def start(self, pipeline, peaks, stderr):
        """Starts all of them. The peak comes from `time`, which is small: the peak that the kernel tells of a process begins with that
        of the process that it was forked from, and Python isn't small."""
        processes, stdin = [], subprocess.DEVNULL
        for words, peak in zip(pipeline, peaks):
            last = len(processes) + 1 == len(pipeline)
            words = ["time", "--quiet", "-f", "%M", "-o", str(peak), *words]
            stdout = subprocess.DEVNULL if last else subprocess.PIPE
            process = subprocess.Popen(words, cwd=self.cwd, env=self.env, stdin=stdin, stdout=stdout, stderr=stderr)
            if processes:
                stdin.close()
            stdin = process.stdout
            processes.append(process)
        return processes


    def only_cold(self, most):
        """Of which every run is a first one, and dear: so many at most."""
        self.most, self.warms_up = most, False
        return self


class Figure:
    """A time that isn't measured as one, but follows from a figure."""

    most, warms_up = None, True

    def __init__(self, seconds):
        self.seconds = seconds

    def sample(self):
        return Sample(self.seconds())


def in_turns(commands, runs, tell):
    """The medians of commands by name, each run once unmeasured and then in turns, in the other order each time."""
    samples = {name: [] for name in commands}
    for run in range(runs + 1):
        order = list(commands) if run % 2 == 0 else list(reversed(commands))
        for name in order:
            command = commands[name]
            if run == 0 and not command.warms_up or command.most is not None and run > command.most:
                continue
            tell(f"{name}: {'warming up' if run == 0 else f'run {run} of {runs}'}")
            sample = command.sample()
            if run:
                samples[name].append(sample)
    return {name: Sample.median(taken) for name, taken in samples.items()}
