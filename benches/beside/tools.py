"""The other programs: where they come from, and which versions they are."""

import os
import shutil
import subprocess

# The Debian package of a program, and how its version is asked for.
PACKAGES = {
    "b3sum": ("b3sum", "--version"),
    "bsdtar": ("libarchive-tools", "--version"),
    "find": ("findutils", "--version"),
    "git": ("git", "--version"),
    "openssl": ("openssl", "version"),
    "sha256sum": ("coreutils", "--version"),
    "tar": ("tar", "--version"),
    "time": ("time", "--version"),
    "xargs": ("findutils", "--version"),
    "zstd": ("zstd", "--version"),
}


class Tools:
    """The programs that are here, or were installed."""

    def __init__(self, install):
        self.install, self.updated, self.used = install, False, {}
        # Without it nothing can be measured.
        if not self.get("time"):
            raise SystemExit("GNU time is not here (Debian's package `time`)")

    def get(self, tool):
        """Whether a program is here, now."""
        if tool not in self.used:
            package = PACKAGES[tool][0]
            if not shutil.which(tool) and self.install:
                self.apt(package)
            self.used[tool] = bool(shutil.which(tool))
        return self.used[tool]

    def apt(self, package):
        """Installs a package, where that is possible."""
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return
        quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
        if not self.updated:
            subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)
            self.updated = True
        subprocess.run(["apt-get", "install", "-y", "-qq", package], check=False, **quiet)

    def versions(self):
        """The first line of what each used program says of itself."""
        there = sorted(tool for tool, is_here in self.used.items() if is_here and tool not in ("time", "xargs"))
        return [first_line([tool, PACKAGES[tool][1]]).strip("* ") for tool in there]


def first_line(command):
    """The first line that a command writes."""
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return (output.stdout.strip().splitlines() or [""])[0]
