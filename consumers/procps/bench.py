#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts the instructions that the programs of two builds of procps take.

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

from runner import Table, bench_parser
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
    parser = bench_parser(__doc__)
    parser.add_argument("--user", dest="uid", action="store_const", const=USER, default=0)
    parser.add_argument("commands", metavar="COMMAND", nargs="+")
    arguments = parser.parse_args()
    uid, tasks = arguments.uid, arguments.tasks
    roots = bind(arguments.stock, "/run/stock"), bind(arguments.patched, "/run/patched")
    table = Table("procps", tasks, f"{tasks} tasks{', as a user' * bool(uid)}", arguments.least)
    for command in arguments.commands:
        table.row(command, *(instructions(root, command.split(), uid) for root in roots))


if __name__ == "__main__":
    main()
