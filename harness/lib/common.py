# SPDX-License-Identifier: GPL-2.0
"""The settings of common.sh, for the Python scripts."""
import os
import subprocess
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(_HERE))

_done = subprocess.run(["bash", "-c", '. "$0" && printf "%s\\n" "$BASE" "$build" "${objects[@]}"', f"{_HERE}/common.sh"],
                       stdout=subprocess.PIPE, text=True, check=False)
if _done.returncode:
    sys.exit(_done.returncode)
BASE, BUILD, *OBJECTS = _done.stdout.splitlines()
SOURCE = os.path.join(BUILD, "linux")
