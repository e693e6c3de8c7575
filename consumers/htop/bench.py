#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts the instructions that a refresh of two builds of htop takes.

STOCK and PATCHED are directories with bin/htop, TASKS is how many tasks htop sees.
For harness/vm --icount, where a nanosecond of processor time is an instruction. The
cost of a run with few refreshes is subtracted from that of a run with more. htop
refreshes when a page of help has been read. With --least the output is TAP, for the
columns as installed: stock must take at least RATIO times as many.
"""
import fcntl
import os
import pty
import struct
import sys
import termios
import time

from runner import Table, bench_parser

SETTINGS = {
    "columns as installed": [],
    "the same, deleted libraries not highlighted": ["highlight_deleted_exe=0"],
    "the screen I/O": ["screen:I/O=PID USER IO_PRIORITY IO_RATE IO_READ_RATE IO_WRITE_RATE "
                       "PERCENT_SWAP_DELAY PERCENT_IO_DELAY Command", "highlight_deleted_exe=0"],
    "PID, USER, STATE and Command": ["screen:Main=PID USER STATE Command",
                                     "highlight_deleted_exe=0"],
}


def instructions(program, refreshes, settings):
    """The cost, user space and kernel, of that many refreshes after the first two."""
    path = "/tmp/htoprc"
    with open(path, "w", encoding="ascii") as rc:
        rc.write("\n".join(["config_reader_min_version=3", *settings]) + "\n")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LC_ALL="C.UTF-8", HTOPRC=path)
        os.execv(program, [program, "-d", "100"])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    os.write(terminal, b"h " * refreshes + b"q")
    try:
        while os.read(terminal, 1 << 16):
            pass
    except OSError:                     # the other end is closed
        pass
    os.close(terminal)
    status, usage = os.wait4(pid, 0)[1:]
    if status:
        sys.exit(f"{program} ended with status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e9


def per_refresh(root, settings, few=2, more=8):
    spent = [instructions(f"{root}/bin/htop", refreshes, settings) for refreshes in (few, more)]
    return (spent[1] - spent[0]) / (more - few)


def main():
    arguments = bench_parser(__doc__).parse_args()
    roots, tasks = (arguments.stock, arguments.patched), arguments.tasks
    time.sleep(12)                      # htop does not read the mappings of younger processes
    for root in roots:
        instructions(f"{root}/bin/htop", 1, [])     # caches all files
    table = Table("htop", tasks, f"{tasks} tasks, a refresh", arguments.least)
    for name, settings in SETTINGS.items():
        table.row(name, *(per_refresh(root, settings) for root in roots))
        if arguments.least:
            break


if __name__ == "__main__":
    main()
