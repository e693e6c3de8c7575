#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Counts what the agent pmdaproc of two builds of PCP takes for a fetch.

usage: bench.py STOCK PATCHED CONFIGS PROCESSES REGEX

STOCK and PATCHED are their directories usr, CONFIGS is that of pmlogconf, which has
what pmlogger is set up to log, and PROCESSES is how many there are. Of the fetches those
whose name REGEX matches. For harness/vm --icount, where a nanosecond of processor time
is an instruction.
"""
import os
import re
import sys

from client import Client, Pmcd, environment, metrics_of

SETS = {
    "pmlogger, as installed": ("zeroconf/atop-proc", "zeroconf/pidstat"),
    "pcp-atop": ("zeroconf/atop-proc",),
    "pcp-pidstat": ("zeroconf/pidstat",),
    "htop": ("tools/htop-proc",),
}
FEW = {
    "proc.psinfo.utime, stime": ("proc.psinfo.utime", "proc.psinfo.stime"),
    "proc.runq": ("proc.runq.runnable", "proc.runq.blocked"),
    "proc.nprocs": ("proc.nprocs",),
}


def cpu_time(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as schedstat:
        return int(schedstat.read().split()[0])


def instructions(root, name, metrics):
    """What the agent takes when it has seen all processes and opened all files."""
    pmcd = Pmcd(root, name)
    client = Client(pmcd, metrics)
    for _ in range(3):
        before = cpu_time(pmcd.agent)
        client.fetch()
        cost = cpu_time(pmcd.agent) - before
    pmcd.stop()
    return cost


def main():
    if len(sys.argv) != 6:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    roots, configs, processes = sys.argv[1:3], sys.argv[3], int(sys.argv[4])
    os.environ.update(environment(roots[0]))
    print(f"{processes} processes{'':16}{'metrics':>9}{'stock':>12}{'patched':>12}{'ratio':>8}"
          "   instructions per process")
    sets = {name: metrics_of(configs, *files) for name, files in SETS.items()} | FEW
    for name, metrics in sets.items():
        if not re.search(sys.argv[5], name):
            continue
        stock, patched = (instructions(root, tree, metrics)
                          for root, tree in zip(roots, ("stock", "patched")))
        print(f"{name:32}{len(metrics):5}{stock / processes:12.0f}{patched / processes:12.0f}"
              f"{stock / patched:8.1f}", flush=True)


if __name__ == "__main__":
    main()
