#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The two halves of harness/bench.

usage: bench.py measure DIRECTORY-OF-THE-TOOLS   in the VM, for $OUT/bench.json
       bench.py report DIRECTORY                 of the run-*.json in there
"""
import glob
import json
import os
import platform
import subprocess
import sys

RIVALS = {
    "procfs": ["task_proc_all"],
    "bpf": ["task_bpf_all"],
    "task_diag": ["task_diag_all", "--show", "base"],
    "task_diag pids": ["task_diag_all", "--show", "none"],
}


def measure(tools):
    """Each rival twice: the first run fills the caches that the second finds."""
    with open("/sys/kernel/security/lsm", encoding="ascii") as modules:
        run = {"kernel": platform.release(), "lsm": modules.read(), "rivals": {}}
    for name, argv in RIVALS.items():
        command = [os.path.join(tools, argv[0]), *argv[1:], "--bench"]
        for _ in range(2):
            out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        run["rivals"][name] = json.loads(out)
    with open(os.path.join(os.environ["OUT"], "bench.json"), "w", encoding="ascii") as file:
        json.dump(run, file)


def report(directory):
    """Prints the table; writes results.json and what gnuplot reads."""
    runs = []
    for path in glob.glob(os.path.join(directory, "run-*.json")):
        with open(path, encoding="ascii") as file:
            runs.append(json.load(file))
    runs.sort(key=lambda run: (run["lsm"], run["rivals"]["procfs"]["tasks"]))

    print(f"{'':16}{'tasks':>8}{'system calls':>14}{'instructions per task':>23}{'ratio':>8}")
    points = []
    for run in runs:
        print(f"Linux {run['kernel']}, security modules: {run['lsm']}")
        best = run["rivals"]["task_diag"]
        for name, row in run["rivals"].items():
            row["per_task"] = round(row["ns"] / row["tasks"], 1)
            row["ratio"] = round(row["per_task"] / (best["ns"] / best["tasks"]), 2)
            print(f"  {name:14}{row['tasks']:8}{row['syscalls']:14}"
                  f"{row['per_task']:23.0f}{row['ratio']:8.2f}")
        if run["lsm"] == runs[0]["lsm"]:
            points.append([best["tasks"]] + [row["ns"] / 1e6 for row in run["rivals"].values()])

    with open(os.path.join(directory, "results.json"), "w", encoding="ascii") as file:
        json.dump(runs, file, indent=1)
        file.write("\n")
    with open(os.path.join(directory, "tasks.dat"), "w", encoding="ascii") as file:
        for point in points:
            file.write(" ".join(str(value) for value in point) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("measure", "report"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    globals()[sys.argv[1]](sys.argv[2])
