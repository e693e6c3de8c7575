#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts what the programs of two builds of procps take.

usage: bench.py [--user] STOCK PATCHED TASKS COMMAND...

STOCK and PATCHED are directories in which the programs' bin is, TASKS is how
many tasks a command sees, and COMMAND is one argument. For harness/vm --icount,
where a nanosecond of processor time is an instruction. With --user an ordinary
user runs them, from whom task_diag hides the tasks, as they are root's.
"""
import os
import subprocess
import sys

from zoo import USER, bind


def instructions(root, argv, uid):
    """What argv takes, user space and kernel, when all files are cached."""
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
    uid = USER if arguments[:1] == ["--user"] else 0
    if uid:
        arguments.pop(0)
    if len(arguments) < 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    roots = bind(arguments[0], "/run/stock"), bind(arguments[1], "/run/patched")
    tasks = int(arguments[2])
    print(f"{tasks} tasks{', as a user' if uid else '':20}{'stock':>12}{'patched':>12}{'ratio':>8}"
          "   instructions per task")
    for command in arguments[3:]:
        stock, patched = (instructions(root, command.split(), uid) for root in roots)
        print(f"{command:32}{stock / tasks:12.0f}{patched / tasks:12.0f}{stock / patched:8.1f}",
              flush=True)


if __name__ == "__main__":
    main()
