# SPDX-License-Identifier: GPL-2.0
"""Runs the programs of a build, and reports in TAP what is the same."""
import argparse
import os
import re
import subprocess


class Runner:
    """Runs the programs of one build, with env and after before() in the child."""

    def __init__(self, root, before=None, env=None):
        self.root = root
        self.before = before
        self.env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": f"{root}/lib",
                    "LC_ALL": "C.UTF-8"} | (env or {})

    def run(self, argv, prefix=(), timeout=None):
        argv = [f"{self.root}/bin/{argv[0]}", *argv[1:]]
        with subprocess.Popen([*prefix, *argv], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=self.before, env=self.env) as process:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        err = err.replace(self.root.encode(), b"")
        return Result([process.pid, *self.others()], process.returncode, out, err)

    def others(self):
        """The pids of further processes of the run."""
        return []


class Prefixed(Runner):
    """Runs them under another program, which may enter another pid namespace."""

    def __init__(self, root, *prefix):
        super().__init__(root)
        self.prefix = prefix

    def run(self, argv, prefix=(), timeout=None):
        return super().run(argv, (
            *self.prefix, "sh", "-c",
            'read -r pid rest </proc/self/stat; echo $pid >/tmp/self; exec "$@"', "sh"), timeout)

    def others(self):
        with open("/tmp/self", encoding="ascii") as inner:
            return [int(inner.read())]


# The name of a worker includes what it does at the moment.
WORK = re.compile(rb"(kworker/u?\d+:\d+H?)[-+][^\s\]]+")


class Result:
    """What a program printed, without the lines of the processes that ran it."""

    def __init__(self, pids, status, out, err):
        self.status = status
        self.err = err
        self.out = out
        own = re.compile(rb"^ *(\S+ +){0,3}(%s)( |$)" % b"|".join(b"%d" % pid for pid in pids))
        lines = out.split(b"\n")
        self.lines = [WORK.sub(rb"\1", line) for line in lines if not own.match(line)]
        self.left_out = len(lines) - len(self.lines)

    def sort_top(self):
        """
        Sorts the rows of top's table, which is sorted by %CPU, by pid, and drops %CPU. Of its
        head only the numbers of tasks stay, which then are of these rows.
        """
        rows = [line.split() for line in self.lines if re.match(rb" *\d+ \S", line)]
        self.lines = [b" ".join(row[:8] + row[9:]) for row in sorted(rows, key=lambda row: int(row[0]))]
        counts = re.search(rb"^(\w+): +(\d+) total,.* (\d+) stopped, +(\d+) zombie", self.out, re.M)
        if counts:
            what, total, stopped, zombie = counts.groups()
            self.lines.insert(0, b"%s: %d total, %s stopped, %s zombie" %
                              (what, int(total) - self.left_out, stopped, zombie))
        return self


def number(token):
    """The value of a number or of a time, or None."""
    match = re.fullmatch(rb"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+(?:\.\d+)?)", token)
    if match:
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    match = re.fullmatch(rb"(\d+(?:\.\d+)?)[kmgtp]?", token)
    return float(match.group(1)) if match else None


# An idle thread of the kernel may run at any moment.
IDLE_OR_RUNNING = re.compile(rb"[IR]([<N]?)")


def between(before, token, after, slack):
    if token in (before, after):
        return True
    states = [IDLE_OR_RUNNING.fullmatch(text) for text in (before, token, after)]
    if all(states):
        return len({state.group(1) for state in states}) == 1
    numbers = [number(text) for text in (before, token, after)]
    if None in numbers:
        return False
    low, high = sorted((numbers[0], numbers[2]))
    return low - slack <= numbers[1] <= high + slack


def explain(text):
    for line in text[:12]:
        if isinstance(line, bytes):
            line = line.decode(errors="backslashreplace")
        print("#   " + line[:300])


class Tap:
    """Counts and prints the checks."""

    failed = 0

    def __init__(self, name):
        self.name = name

    def result(self, ok, what, why=()):
        if not ok:
            explain(why)
            self.failed += 1
        print(f"{'' if ok else 'not '}ok - {self.name}: {what}", flush=True)


def bench_parser(doc):
    """A parser for the command line of a benchmark that fills a Table and is described by doc."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--least", metavar="RATIO,...", default=[],
                        type=lambda ratios: [float(ratio) for ratio in ratios.split(",")])
    parser.add_argument("stock", metavar="STOCK")
    parser.add_argument("patched", metavar="PATCHED")
    parser.add_argument("tasks", metavar="TASKS", type=int)
    return parser


class Table:
    """Prints what stock and patched programs take; or TAP, with the least ratio of each row."""

    def __init__(self, name, tasks, head, least):
        self.name, self.tasks, self.least = name, tasks, list(least)
        if not least:
            print(f"{head:48}{'stock':>12}{'patched':>12}{'ratio':>8}   instructions per task")

    def row(self, what, stock, patched):
        ratio = stock / patched
        if self.least:
            least = self.least.pop(0)
            print(f"{'not ' * (ratio < least)}ok - {self.name}: {what}: stock takes "
                  f"{ratio:.1f} times as many instructions, at least {least:g}", flush=True)
        else:
            print(f"{what:48}{stock / self.tasks:12.0f}{patched / self.tasks:12.0f}{ratio:8.1f}",
                  flush=True)
