#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts the instructions that ss of two builds of iproute2 takes, and its part for -p.

STOCK and PATCHED are directories with bin/ss, TASKS is how many processes have sockets.
For harness/vm --icount, where a nanosecond of processor time is an instruction. The row
of the owners is the difference of those with and without -p. With --least the output is
TAP, for the owners of the few sockets that listen: stock must take at least RATIO times as many.
"""
from procps.bench import instructions
from runner import Table, bench_parser
from zoo import bind


def main():
    arguments = bench_parser(__doc__).parse_args()
    tasks, least = arguments.tasks, arguments.least
    roots = bind(arguments.stock, "/run/stock"), bind(arguments.patched, "/run/patched")
    table = Table("iproute2", tasks, f"{tasks} processes", least)
    for options in ["-tl"] if least else ["-tl", "-tux"]:
        with_owners, without = ([instructions(root, ["ss", words], 0) for root in roots]
                                for words in (options + "p", options))
        if not least:
            table.row(f"ss {options}p", *with_owners)
            table.row(f"ss {options}", *without)
        table.row(f"ss {options}p: the owners", *(a - b for a, b in zip(with_owners, without)))


if __name__ == "__main__":
    main()
