#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts the instructions that the programs of two builds of procps take.

usage: bench.py [--user | --least RATIO,...] STOCK PATCHED TASKS COMMAND...

STOCK and PATCHED are directories with the programs' bin, TASKS is how many tasks a
command sees, and COMMAND is one argument. For harness/vm --icount, where a nanosecond
of processor time is an instruction. With --user an ordinary user runs them; task_diag
hides the tasks from that user, because they are root's. With --least, which has
a RATIO for each command, the output is TAP: a command fails if stock takes less than
RATIO times as many.
"""
import os
import subprocess
import sys

from runner import Table
from zoo import USER, bind


def instructions(root, argv, uid):
    """The cost of argv, user space and kernel, when all files are cached."""
    for _ in range(2):
        with subprocess.Popen([f"{root}/bin/{argv[0]}", *argv[1:]], stdout=subprocess.DEVNULL,
                              user=uid, group=uid, extra_groups=[],
                              env=os.environ | {"LD_LIBRARY_PATH": f"{root}/lib"}) as process:
            status, usage = os.wait4(process.pid, 0)[1:]
            process.returncode = status
        if status:
            sys.exit(f"{' '.join(argv)} ended with status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e9


def main():
    arguments = sys.argv[1:]
    uid, least = 0, []
    if arguments[:1] == ["--user"]:
        uid = USER
        arguments.pop(0)
    elif arguments[:1] == ["--least"]:
        least = [float(ratio) for ratio in arguments[1].split(",")]
        del arguments[:2]
    if len(arguments) < 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    roots = bind(arguments[0], "/run/stock"), bind(arguments[1], "/run/patched")
    tasks = int(arguments[2])
    table = Table("procps", tasks, f"{tasks} tasks{', as a user' * bool(uid)}", least)
    for command in arguments[3:]:
        table.row(command, *(instructions(root, command.split(), uid) for root in roots))


if __name__ == "__main__":
    main()
