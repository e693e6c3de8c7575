# SPDX-License-Identifier: GPL-2.0
"""What common.sh says, for the scripts in Python."""
import os
import subprocess
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(_HERE))

_done = subprocess.run(["bash", "-c", '. "$0" && echo "$BASE" "$build"', f"{_HERE}/common.sh"],
                       stdout=subprocess.PIPE, text=True, check=False)
if _done.returncode:
    sys.exit(_done.returncode)
BASE, BUILD = _done.stdout.strip().split(" ", 1)
SOURCE = os.path.join(BUILD, "linux")
