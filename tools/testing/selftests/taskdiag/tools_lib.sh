# SPDX-License-Identifier: GPL-2.0
# Checks of tools from outside. To be sourced in the directory of task_diag_all, by a
# script whose explain() prints why a check fails, and fails. $dir is for files of both.

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# Runs the command that follows $1, which is the status that it must end with.
ends_with()
{
	want=$1
	shift
	"$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	[ $status -eq "$want" ] || explain "status $status, not $want: $*"
}

helps()
{
	ends_with 0 "$1" --help || return
	grep -q "^usage: ${1##*/} " "$dir/out" || explain "--help shows no usage"
}

refuses()
{
	ends_with 2 "$@" || return
	grep -q '^usage: ' "$dir/err" || explain "no usage on standard error: $*" ||
		return
	[ ! -s "$dir/out" ] || explain "something on standard output: $*"
}

# Prints the pids that a command prints, but for its own.
others()
{
	sh -c 'echo $$ >"$0"; exec "$@"' "$dir/self" "$@" >"$dir/seen" ||
		explain "$* failed" >&2 || return
	grep -vxF "$(cat "$dir/self")" "$dir/seen"
}

# Compares the pids that task_diag_all prints with the options $1 with those that the
# command which follows prints. Kernel workers come and go: the two lists are compared
# a few times.
same_pids()
{
	options=$1
	shift
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		# shellcheck disable=SC2086
		others ./task_diag_all --only-pids $options >"$dir/a" || return
		"$@" >"$dir/b" || return
		sort "$dir/a" >"$dir/a.sorted"
		sort "$dir/b" | cmp -s - "$dir/a.sorted" && return
	done
	explain "task_diag_all $options and $* differ:" \
		"$(cat "$dir/a" "$dir/b" | sort | uniq -u | tr '\n' ' ')"
}
