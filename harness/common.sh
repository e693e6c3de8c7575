# SPDX-License-Identifier: GPL-2.0
# What the harness's scripts share; to be sourced.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$top/build
src=$build/linux

flavours=(main debug small coverage kcsan kmsan)

# What the series adds to the kernel
objects=(kernel/taskdiag.o fs/proc/task_diag_attrs.o fs/proc/task_diag_mm.o)

# Whether $1 is a kernel that can be built.
check_flavour()
{
	local flavour

	for flavour in "${flavours[@]}"; do
		[ "$flavour" != "$1" ] || return 0
	done
	bad_usage "no such kernel: '$1'"
}

say()
{
	printf '== [%3dm%02ds] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*" >&2
}

die()
{
	echo "${0##*/}: $*" >&2
	exit 125
}

bad_usage()
{
	echo "${0##*/}: $*" >&2
	usage >&2
	exit 2
}
