#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The baselines from outside: options, exit statuses, and that they see what
# task_diag_all does. For harness/vm; prints TAP.
#
# usage: baselines_test.sh DIRECTORY-OF-THE-BASELINES DIRECTORY-OF-THE-TOOLS

baselines=$1
task_diag_all=$2/task_diag_all
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

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

# Runs the command that follows $1, which is the status that it must end with.
ends_with()
{
	want=$1
	shift
	"$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[ $status -eq "$want" ] || { echo "status $status, not $want: $*"; return 1; }
}

helps()
{
	ends_with 0 "$baselines/$1" --help || return
	grep -q "^usage: $1 " "$dir/out" || { echo "--help shows no usage"; return 1; }
}

refuses()
{
	tool=$1
	shift
	ends_with 2 "$baselines/$tool" "$@" || return
	grep -q '^usage: ' "$dir/err" || { echo "no usage on standard error: $*"; return 1; }
	[ ! -s "$dir/out" ] || { echo "something on standard output: $*"; return 1; }
}

refuses_wrong_options()
{
	for tool in $tools; do
		refuses "$tool" --no-such-option || return
		refuses "$tool" argument || return
		refuses "$tool" --only-pids --quiet || return
	done
}

fails_to_write()
{
	"$baselines/$1" >/dev/full 2>"$dir/err"
	[ $? -eq 1 ] || { echo "$1 does not fail"; return 1; }
}

# Prints the pids that a command prints, but for its own.
others()
{
	# shellcheck disable=SC2016
	sh -c 'echo $$ >"$0"; exec "$@"' "$dir/self" "$@" >"$dir/seen" ||
		{ echo "$* failed" >&2; return 1; }
	grep -vxF "$(cat "$dir/self")" "$dir/seen"
}

# Kernel workers come and go: two lists are compared a few times.
same_pids()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		# shellcheck disable=SC2086
		others "$task_diag_all" --only-pids $1 >"$dir/a" || return
		# shellcheck disable=SC2086
		others "$baselines/"$2 --only-pids >"$dir/b" || return
		sort "$dir/a" >"$dir/a.sorted"
		sort "$dir/b" | cmp -s - "$dir/a.sorted" && return
	done
	sort "$dir/a" "$dir/b" | uniq -u
	return 1
}

tools=
for tool in task_proc_all task_bpf_all task_uring_all task_stats_all; do
	if [ -x "$baselines/$tool" ]; then
		tools="$tools $tool"
		check "$tool --help" helps $tool
		check "$tool: a write error is no success" fails_to_write $tool
	else
		echo "ok - baselines: $tool --help # SKIP it is not built"
	fi
done
check "wrong options end with 2 and the usage" refuses_wrong_options
check "processes: task_diag_all sees what task_proc_all does" same_pids "" task_proc_all
check "threads: task_diag_all sees what task_proc_all does" \
	same_pids "--strategy all-thread" "task_proc_all --threads"
