#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The baselines from outside: options, exit statuses, and that they see what
# task_diag_all does. For harness/vm; prints TAP.
#
# usage: baselines_test.sh DIRECTORY-OF-THE-BASELINES DIRECTORY-OF-THE-TOOLS

baselines=$(realpath "$1")
cd "$2" || exit 1
. ./tools_lib.sh

# Prints a TAP line for the check $1, whose command is the rest.
check()
{
	what=$1
	shift
	if "$@" >"$dir/why" 2>&1; then
		echo "ok - baselines: $what"
	else
		sed 's/^/# /' "$dir/why"
		echo "not ok - baselines: $what"
	fi
}

explain()
{
	echo "$*"
	return 1
}

refuses_wrong_options()
{
	for tool in $tools; do
		refuses "$baselines/$tool" --no-such-option || return
		refuses "$baselines/$tool" argument || return
		refuses "$baselines/$tool" --only-pids --quiet || return
	done
}

fails_to_write()
{
	"$baselines/$1" >/dev/full 2>"$dir/err"
	[ $? -eq 1 ] || explain "$1 does not fail"
}

tools=
for tool in task_proc_all task_bpf_all task_uring_all task_stats_all; do
	if [ -x "$baselines/$tool" ]; then
		tools="$tools $tool"
		check "$tool --help" helps "$baselines/$tool"
		check "$tool: a write error is no success" fails_to_write $tool
	else
		echo "ok - baselines: $tool --help # SKIP it is not built"
	fi
done
check "wrong options end with 2 and the usage" refuses_wrong_options
check "processes: task_diag_all sees what task_proc_all does" \
	same_pids "" others "$baselines/task_proc_all" --only-pids
check "threads: task_diag_all sees what task_proc_all does" \
	same_pids "--strategy all-thread" others "$baselines/task_proc_all" --threads --only-pids
