# SPDX-License-Identifier: GPL-2.0
# Shared by the parts of harness/test, which source it after common.sh. KERNEL is the
# kernel that they boot.
# shellcheck disable=SC2154

kernel=${KERNEL:-main}
check_flavour "$kernel"
vm=("$top/harness/vm" --kernel "$kernel")
mkdir -p "$build/vm"

# Prints a TAP line for the check $1; the other arguments are its command.
check()
{
	local what=$1 output

	shift
	if output=$("$@" 2>&1); then
		echo "ok - $what"
	else
		sed 's/^/# /' <<<"$output"
		echo "not ok - $what"
	fi
}

# Checks that a command ends with the status $1.
ends_with()
{
	local want=$1 status=0

	shift
	"$@" || status=$?
	[ "$status" -eq "$want" ] || { echo "status $status, not $want: $*"; return 1; }
}

# Has kunit.py, the kernel's TAP parser, read $1. Fails if a test in it failed.
kunit_parse()
{
	PYTHONDONTWRITEBYTECODE=1 python3 "$src/tools/testing/kunit/kunit.py" parse "$1"
}

# Checks that this parser accepts $1: the output of run_kselftest.sh, and the output of
# each program in it.
kunit_takes()
{
	local all=$1 file output bad=0

	rm -rf "$all.d"
	mkdir "$all.d"
	awk -v dir="$all.d" '
		/^(ok|not ok) / { close(file); file = "" }
		/^# selftests: / { file = dir "/" $NF; next }
		file { sub(/^# ?/, ""); print >file }' "$all"
	for file in "$all" "$all.d"/*; do
		# A program that is entirely skipped has no tests to parse.
		! grep -q '^1[.][.]0' "$file" || continue
		output=$(kunit_parse "$file") || true
		if grep -F '[ERROR]' <<<"$output" || ! grep -q 'Testing complete' <<<"$output"; then
			echo "of $file"
			bad=1
		fi
	done
	return $bad
}

# Runs the fuzzer $2 as the test that it is without options, and calls it $1.
run_fuzzer()
{
	local limit=600

	case $kernel in
	debug | kcsan | kmsan) limit=1800 ;;
	esac
	check "$1: every answer to random requests is right ($kernel)" "${vm[@]}" --timeout $limit \
		--log "$build/vm/$1.log" -- "$2"
}

# Runs the selftests in the directory $2 and calls them $1.
run_selftests()
{
	local status=0 printed=$build/vm/$1.tap limit=2400
	local environment=(TD_PATIENCE=5) run=("$2/run_kselftest.sh" -c taskdiag)

	case $kernel in
	debug | kcsan | kmsan)
		# These are at least ten times slower.
		limit=9000
		environment=(TD_SECONDS=60 TD_PATIENCE=20)
		run+=(--override-timeout 3600)
		;;
	esac
	# Account for delays from the start, and keep a subscription: turning either on or off
	# patches the code of fork, and QEMU loses a race there (see harness/vm --help).
	# shellcheck disable=SC2016
	"${vm[@]}" --timeout $limit --log "$build/vm/$1.log" --append delayacct -- \
		bash -c '"$0" --follow --pids 1 --events exit &>/dev/null & exec "$@"' \
		"$2/taskdiag/task_diag_all" env "${environment[@]}" "${run[@]}" | tee "$printed" || status=$?
	# run_kselftest.sh itself always exits with 0.
	if [ $status -eq 0 ]; then
		echo "ok - $1: nothing amiss in the kernel log ($kernel)"
	else
		echo "not ok - $1: the VM ended with $status ($kernel)"
	fi
	check "$1: the kernel's own parser takes the output as TAP" kunit_takes "$printed"
}
