#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Runs PCP's own QA tests of pmdaproc, on the stock agent and on the patched one.

usage: qa.py STOCK PATCHED [REGEX]

Both are directories usr of consumers/pcp/run, beside which the tests are. With REGEX only the
tests whose number it matches. For harness/vm: needs root, and a kernel with task_diag.
Prints TAP lines. A test passes if its output is the recorded one, or the same with
either agent but for paths, numbers and proc.ended: some depend on the distribution. One that
cannot run with either, for the same reason, is skipped.
"""
import contextlib
import difflib
import os
import re
import shutil
import subprocess
import sys

from client import Pmcd, environment
from runner import Tap
from zoo import call

LIMIT = 120                             # seconds for a test

tap = Tap("pcp qa")


def numbers(folder):
    """Those of the agent's tests that change nothing on the machine."""
    with open(f"{folder}/group", encoding="utf-8") as group:
        return re.findall(r"^(\d+) (?!.*\bpmda\.install\b).*\bpmda\.(?:hot)?proc\b", group.read(),
                          re.MULTILINE)


class Tests:
    """Of one tree, with its pmcd where they look for one."""

    def __init__(self, root):
        tree = os.path.dirname(root)
        self.root = root
        self.folder = f"/tmp/qa-{os.path.basename(tree)}"
        shutil.copytree(f"{tree}/qa", self.folder, symlinks=True)
        subprocess.run(["./mk.localconfig"], cwd=self.folder, env=environment(root), check=True,
                       stdout=subprocess.DEVNULL)
        for program in ("sizeof", "proc_test"):
            subprocess.run(["cc", "-w", "-o", program, f"{program}.c", f"-I{tree}/src/include",
                            f"-I{tree}/src/include/pcp", f"-L{root}/lib", "-lpcp"],
                           cwd=f"{self.folder}/src", check=True)

    def run(self, number):
        """
        Its output, or None if it does not end; whether that is the recorded one; and the reason if
        it did not run.
        """
        pmcd = Pmcd(self.root, "qa", socket="/run/pmcd.socket", port="44321")
        try:
            output = subprocess.run([f"./{number}"], cwd=self.folder, env=environment(self.root),
                                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                                    stderr=subprocess.STDOUT, timeout=LIMIT).stdout
        except subprocess.TimeoutExpired:
            output = None
        pmcd.stop()
        if output is None:
            return None, False, None
        skipped = re.search(rb"\[not run\] (.*)", output)
        same = False
        with contextlib.suppress(FileNotFoundError):        # some tests choose among several
            with open(f"{self.folder}/{number}.out", "rb") as recorded:
                same = output == recorded.read()
        return output, same, skipped and skipped[1].decode()


def alike(output, root):
    """The lines without what differs from run to run, and without what only patched has.
    022 does not expect PM_VAL_SPTR, which patched has for utime and stime.
    """
    lines = output.replace(os.path.dirname(root).encode(), b"TREE").splitlines()
    return [re.sub(rb"\d+", b"N", line.replace(b"valfmt: 0-or-1", b"valfmt: 2"))
            for line in lines if not line.startswith(b"proc.ended.")]


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    call("mount", b"tmpfs", b"/var/tmp", b"tmpfs", 0, None)
    stock, patched = map(Tests, sys.argv[1:3])
    wanted = sys.argv[3] if len(sys.argv) > 3 else ""
    chosen = list(filter(re.compile(wanted).search, numbers(patched.folder)))
    if not chosen:
        tap.result(False, f"there are tests '{wanted}'")
    for number in chosen:
        output, same, skipped = patched.run(number)
        if same:
            tap.result(True, number)
            continue
        other, _, other_skipped = stock.run(number)
        if output is None or other is None:
            late = [tree for tree, text in (("stock", other), ("patched", output)) if text is None]
            tap.result(False, f"{number} ends in {LIMIT} seconds", late)
        elif skipped and skipped == other_skipped:
            print(f"ok - pcp qa: {number} # SKIP {skipped}", flush=True)
        else:
            other, output = alike(other, stock.root), alike(output, patched.root)
            difference = difflib.diff_bytes(difflib.unified_diff, other, output,
                                            b"stock", b"patched", lineterm=b"")
            tap.result(output == other, f"{number} as with stock", list(difference))
    sys.stdout.flush()
    os._exit(1 if tap.failed else 0)


if __name__ == "__main__":
    main()
