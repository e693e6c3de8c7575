#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts what the programs of two builds of procps take.

usage: procps_bench.py STOCK PATCHED TASKS COMMAND...

STOCK and PATCHED are directories in which the programs' bin is, TASKS is how
many tasks a command sees, and COMMAND is one argument. For harness/vm --icount,
where a nanosecond of processor time is an instruction.
"""
import os
import sys


def instructions(argv):
    """What argv takes, user space and kernel, when all files are cached."""
    for _ in range(2):
        actions = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=actions)
        status, usage = os.wait4(pid, 0)[1:]
        if status:
            sys.exit(f"{' '.join(argv)} ended with status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e9


def main():
    if len(sys.argv) < 5:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    roots, tasks = sys.argv[1:3], int(sys.argv[3])
    print(f"{tasks} tasks{'':20}{'stock':>12}{'patched':>12}{'ratio':>8}   instructions per task")
    for command in sys.argv[4:]:
        name, *arguments = command.split()
        stock, patched = (instructions([f"{root}/bin/{name}", *arguments]) for root in roots)
        print(f"{command:32}{stock / tasks:12.0f}{patched / tasks:12.0f}{stock / patched:8.1f}",
              flush=True)


if __name__ == "__main__":
    main()
