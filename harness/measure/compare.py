#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lists the tasks of this system in every way there is, and says what it took.

usage: compare.py TOOLS [PATCHED-PS]

TOOLS has the directories of the baselines and of task_diag_all, like $PATH.
PATCHED-PS is a ps that asks task_diag. For harness/vm --icount, where a nanosecond of
the clock is an instruction.
"""
import json
import os
import platform
import re
import shutil
import subprocess
import sys

PS = ["ps", "ax", "-o", "pid,ppid"]


def spawn(argv, stdout=os.devnull):
    """Runs argv; returns its pid and the nanoseconds of processor time it took.

    Not what the clock says: QEMU lets that jump while all wait for a file.
    """
    actions = [(os.POSIX_SPAWN_OPEN, 1, stdout,
                os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)]
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    status, usage = os.wait4(pid, 0)[1:]
    if status:
        sys.exit(f"{' '.join(argv)} ended with status {status}")
    return pid, round((usage.ru_utime + usage.ru_stime) * 1e9)


def pids_seen(argv):
    """The set of pids that argv prints, but for its own."""
    pid, _ = spawn(argv, "/tmp/pids")
    with open("/tmp/pids", encoding="ascii") as lines:
        seen = {int(line.split()[0]) for line in lines if line.split()[0].isdigit()}
    if pid not in seen:
        sys.exit(f"{' '.join(argv)} did not see itself")
    return seen - {pid}


def same_pids(programs):
    """Compares the sets of all programs; kernel workers come and go."""
    for _ in range(5):
        sets = {name: pids_seen(argv) for name, argv in programs.items()}
        first = next(iter(sets.values()))
        if all(s == first for s in sets.values()):
            return len(first) + 1
    for name, seen in sets.items():
        print(f"{name}: lacks {sorted(first - seen)[:20]}, "
              f"has besides {sorted(seen - first)[:20]}", file=sys.stderr)
    sys.exit("the programs did not see the same pids")


def system_calls(argv):
    """How many system calls argv makes, from exec to exit."""
    subprocess.run(["strace", "-f", "-c", "-U", "calls,name", "-o", "/tmp/strace",
                    *argv], stdout=subprocess.DEVNULL, check=True)
    with open("/tmp/strace", encoding="ascii") as table:
        return int(re.search(r"^\s*(\d+) total$", table.read(), re.M).group(1))


def in_loop(argv):
    """What the tool itself says of its reading, start-up left out."""
    out = subprocess.run(argv + ["--bench"], stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    tools = {name: shutil.which(name, path=sys.argv[1])
             for name in ("task_proc_all", "task_bpf_all", "task_diag_all")}
    diag = [tools["task_diag_all"], "--show", "base"]
    ps = {"ps ax -o pid,ppid": PS}
    if len(sys.argv) == 3:
        ps["the same, patched"] = [sys.argv[2], *PS[1:]]
    quiet = {
        **ps,
        "task_proc_all": [tools["task_proc_all"], "--quiet"],
        "task_bpf_all": [tools["task_bpf_all"], "--quiet"],
        "task_diag_all": diag + ["--quiet"],
    }
    lists = {
        **ps,
        "task_proc_all": [tools["task_proc_all"], "--only-pids"],
        "task_bpf_all": [tools["task_bpf_all"], "--only-pids"],
        "task_diag_all": diag + ["--only-pids"],
    }
    tasks = same_pids(lists)

    rows = []
    for name, argv in quiet.items():
        spawn(argv)             # warms the page cache
        row = {"name": name, "tasks": tasks,
               "command_instructions": spawn(argv)[1],
               "command_system_calls": system_calls(argv)}
        if name not in ps:
            loop = in_loop([word for word in argv if word != "--quiet"])
            row |= {"tasks": loop["tasks"], "instructions": loop["ns"],
                    "system_calls": loop["syscalls"]}
        else:
            row |= {"instructions": row["command_instructions"],
                    "system_calls": row["command_system_calls"]}
        rows.append(row)

    best = rows[-1]["instructions"] / rows[-1]["tasks"]
    print(f"Linux {platform.release()}, {tasks} processes, all seen by each program")
    print()
    print(f"{'':20}{'tasks':>8}{'system calls':>14}{'time':>12}"
          f"{'instructions':>14}{'ratio':>8}{'whole command':>16}")
    print(f"{'':20}{'':8}{'':14}{'ms':>12}{'per task':>14}{'':8}{'instructions':>16}")
    for row in rows:
        per_task = row["instructions"] / row["tasks"]
        row["per_task"] = round(per_task, 1)
        row["ratio"] = round(per_task / best, 2)
        print(f"{row['name']:20}{row['tasks']:8}{row['system_calls']:14}"
              f"{row['instructions'] / 1e6:12.2f}{per_task:14.0f}"
              f"{per_task / best:8.1f}{row['command_instructions']:16}")
    print("""
One instruction counts as 1 ns. For ps the figures are of the whole command; for
the others of the reading alone, from the first system call of it to the last.""")

    with open(os.path.join(os.environ["OUT"], "run.json"), "w", encoding="ascii") as out:
        json.dump({"kernel": platform.release(), "rows": rows}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
