"""Seeded trees: every machine has the same ones. They are of the shape that `benches/data` makes for the benches in Rust."""

import os
import random
import shutil

FOLDERS = 97
PER_FOLDER = 12


def made(work, name, make):
    """The folder of that name, which `make` fills when it isn't there yet."""
    folder = work / name
    marker = work / f"{name}.complete"
    if not marker.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        marker.touch()
    return folder


def small(work, files, largest=7_800, copy=""):
    """Many small files, 12 in a folder; the mean size is half of the largest."""

    def make(folder):
        rng = random.Random(42)
        for number in range(files):
            inner = number // PER_FOLDER
            parent = folder / f"p{inner % FOLDERS}" / f"d{inner}"
            if number % PER_FOLDER == 0:
                parent.mkdir(parents=True)
            extension = ("py", "pyc", "js", "txt")[number % 4]
            content = rng.randbytes(int(rng.random() * (largest + 1)))
            (parent / f"f{number}.{extension}").write_bytes(content)

    return made(work, f"small-{files}-{largest}{copy}", make)


def large(work, count, total):
    """A few large files; half of each MiB is random, the rest zeros."""

    def make(folder):
        rng = random.Random(43)
        size = total // count
        for number in range(count):
            with open(folder / f"f{number}", "wb") as file:
                for start in range(0, size, 1 << 20):
                    block = min(1 << 20, size - start)
                    file.write(rng.randbytes(block // 2))
                    file.write(bytes(block - block // 2))

    return made(work, f"large-{count}-{total}", make)


def names(folder):
    """How many files a tree has, and the bytes of their names together."""
    files = [name for _, _, names in os.walk(folder) for name in names]
    return len(files), sum(len(name) for name in files)
