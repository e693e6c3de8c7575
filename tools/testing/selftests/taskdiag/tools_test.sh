#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tools from outside: options, exit statuses, and that their outputs agree.

cd "$(dirname "$0")" || exit 1
. ../kselftest/ktap_helpers.sh
. ./tools_lib.sh

# No kernel has a task of this number: pids end below.
no_pid=4194304

tools="task_diag_all fork"

# What a task's name, arguments and variables may be: anything but zero bytes
nasty=$(printf 'NASTY=a "b" \\ \033[2J\303\244\377\nc')
export nasty

# Says why a check fails, and fails.
explain()
{
	ktap_print_msg "$(printf '%.300s' "$*" | tr -c '[:print:]' '?')"
	return 1
}

refuses_wrong_options()
{
	for tool in $tools; do
		refuses "./$tool" --no-such-option || return
		refuses "./$tool" argument || return
	done
	refuses ./fork --processes 0 || return
	refuses ./fork --threads 4x || return
	refuses ./fork --ready-fd 1 -- true || return
	refuses ./task_diag_all --json --only-pids || return
	refuses ./task_diag_all --json --delays || return
	refuses ./task_diag_all --header --delays || return
	refuses ./task_diag_all --show stat,io --delays || return
	refuses ./task_diag_all --header --quiet || return
	refuses ./task_diag_all --pids || return
	refuses ./task_diag_all --pids '' || return
	refuses ./task_diag_all --pids 1,x || return
	refuses ./task_diag_all --pids 1,,2 || return
	refuses ./task_diag_all --pids "$(seq -s , 1025)" || return
	refuses ./task_diag_all --user no-such-user || return
	refuses ./task_diag_all --real-user '' || return
	refuses ./task_diag_all --cgroup "$dir/none" || return
	refuses ./task_diag_all --cgroup "$dir" || return
	refuses ./task_diag_all --session x || return
	refuses ./task_diag_all --tty "$dir" || return
	refuses ./task_diag_all --states '' || return
	refuses ./task_diag_all --states Sx || return
	refuses ./task_diag_all --states SSSSSSSSSSSSSSSSS || return
	refuses ./task_diag_all --kernel-threads maybe || return
	refuses ./task_diag_all --strategy some || return
	refuses ./task_diag_all --strategy || return
	refuses ./task_diag_all --show base,nothing || return
	refuses ./task_diag_all --show '' || return
	refuses ./task_diag_all --pid -1 || return
	refuses ./task_diag_all --pid 4294967296 || return
	refuses ./task_diag_all --buffer 1k || return
	refuses ./task_diag_all --plain --strategy all || return
	refuses ./task_diag_all --follow --mirror || return
	refuses ./task_diag_all --follow --events exit,spawn || return
	refuses ./task_diag_all --follow --events '' || return
	refuses ./task_diag_all --follow --for soon || return
	refuses ./task_diag_all --follow --strategy one || return
	refuses ./task_diag_all --follow --quiet || return
	refuses ./task_diag_all --follow --plain || return
	refuses ./task_diag_all --header --follow || return
	refuses ./task_diag_all --mirror --delays || return
	refuses ./task_diag_all --mirror --show base || return
	refuses ./task_diag_all --mirror --with-process || return
	refuses ./task_diag_all --mirror --user 0 || return
	refuses ./task_diag_all --events exit || return
	refuses ./task_diag_all --for 1
}

# Runs Python's $1 on the JSON that the command after it prints, as j.
json()
{
	script=$1
	shift
	ends_with 0 "$@" || return
	python3 -c "import json; j = json.load(open('$dir/out', 'rb'))
$script" \
		>"$dir/err" 2>&1 || explain "$* gives:" "$(tail -n 1 "$dir/err")"
}

strategy_gives_json()
{
	# A task that ends during the dump has an error instead.
	json 'assert j
for t in j:
    failed = {e["group"]: e["error"] for e in t.get("errors", [])}
    t["base"]["comm"] + (failed.get("name") or t["name"])' \
		./task_diag_all --strategy "$1" --pid $$ --show all --json
}

header_gives_json()
{
	json 'assert {"base", "fd"} <= set(j["show"]) and "all" in j["strategy"]' \
		./task_diag_all --header --json
}

# Whether the text of the task, too, has a line for each group of the JSON.
table_has_all_groups()
{
	json 'print(*(set(j[0]) - {"pid", "base", "errors"}), sep="\n",
		file=open("'"$dir"'/groups", "w"))' \
		./task_diag_all --strategy one --pid $$ --show all --json || return
	ends_with 0 ./task_diag_all --strategy one --pid $$ --show all || return
	while read -r group; do
		grep -q "^    $group: " "$dir/out" ||
			explain "no line for $group" || return
	done <"$dir/groups"
}

bytes_survive_json()
{
	json 'import os
(v,) = j[0]["environ"]
assert v.encode(errors="surrogateescape") == os.environb[b"nasty"], v' \
		env -i "$nasty" ./task_diag_all --strategy one --show environ --json
}

table_is_escaped()
{
	ends_with 0 env -i "$nasty" ./task_diag_all --strategy one --show environ ||
		return
	grep -qF 'NASTY=a "b" \\ \x1b[2J\xc3\xa4\xff\x0ac' "$dir/out" ||
		explain "$(tail -n 1 "$dir/out")"
}

# More than a message holds
parts_are_joined()
{
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	json 'assert j[0]["environ"] == ["A=" + 100000 * "x", "B=" + 100000 * "x"]' \
		env -i "A=$long" "B=$long" \
		./task_diag_all --strategy one --show all --json
}

# The names of the directories that match a pattern. This starts no process, which
# the list would have.
names()
{
	for directory in $1; do
		echo "${directory##*/}"
	done
}

# Counts the tasks of fork: the table's first fields are PID, TGID and PPID, its
# last one is COMM.
fork_makes_tasks()
{
	ends_with 0 ./fork --processes 50 --threads 4 -- sh -c '
		./task_diag_all --strategy all-thread |
			awk -v fork=$PPID '\''$3 == fork && $NF == "fork"'\'' | wc -l' ||
		return
	[ "$(cat "$dir/out")" -eq 200 ] ||
		explain "not 200 tasks but $(cat "$dir/out")"
}

fork_ends_tasks()
{
	ends_with 0 ./fork --processes 50 -- sh -c 'echo $PPID' || return
	parent=$(cat "$dir/out")
	ends_with 0 ./task_diag_all || return
	! awk -v fork="$parent" '$3 == fork || $1 == fork' "$dir/out" | grep . ||
		explain "tasks are left over"
}

fork_passes_status()
{
	ends_with 42 ./fork -- sh -c 'exit 42' || return
	ends_with 143 ./fork -- sh -c 'kill $$' || return
	ends_with 127 ./fork -- ./no-such-command
}

fork_tells_when_ready()
{
	ends_with 0 timeout -s TERM --preserve-status 5 ./fork --processes 3 ||
		return
	[ "$(cat "$dir/out")" = ready ] || explain "it printed: $(cat "$dir/out")"
}

says()
{
	text=$1
	shift
	ends_with 1 "$@" || return
	grep -qF "$text" "$dir/err" || explain "$* says: $(cat "$dir/err")"
}

delayacct=/proc/sys/kernel/task_delayacct

# Runs a check while the kernel accounts for delays: those of new tasks.
with_delayacct()
{
	saved=$(cat $delayacct) || return
	echo 1 >$delayacct || return
	"$@"
	status=$?
	echo "$saved" >$delayacct
	return $status
}

# Waits until process $1 wrote to file $2, which is to be new, or ended.
wait_for()
{
	until [ -s "$2" ] || ! kill -0 "$1"; do
		sleep 0.1
	done
}

# Runs a check while there are processes that do nothing any more: one of three
# threads, its parent $fork, and $reader, which had to wait for a file that was
# in no cache.
with_sleepers()
{
	rm -f "$dir/fork" "$dir/reader"
	./fork --threads 3 >"$dir/fork" &
	fork=$!
	dd if=tools_test.sh iflag=nocache count=0 status=none
	sh -c 'read -r _ <tools_test.sh; echo ready; kill -STOP $$' >"$dir/reader" &
	reader=$!
	wait_for "$fork" "$dir/fork"
	wait_for "$reader" "$dir/reader"
	"$@"
	status=$?
	kill "$fork"
	kill -KILL "$reader"
	wait "$fork" "$reader" 2>/dev/null
	return $status
}

# Of the output of --delays, the blocks that start with $1 and one of the pids $2
blocks()
{
	awk -F '\t' -v title="$1" -v pids=" $2 " '
		$1 == "PID" || $1 == "TGID" {
			on = $1 == title && index(pids, " " $2 " ")
		}
		on'
}

# The delays of a block; of what follows, getdelays -t does not have all.
delays_only()
{
	sed '/^IRQ/{n;q;}'
}

# What each strategy gives of the child $2 of $1, whose threads are $3
delays_here()
{
	./task_diag_all --strategy thread --pid "$2" --delays
	./task_diag_all --strategy all-thread --delays | blocks PID "$3"
	./task_diag_all --strategy one --pid "$2" --delays | delays_only
	./task_diag_all --strategy all --delays | blocks TGID "$2" | delays_only
	./task_diag_all --strategy children --pid "$1" --delays |
		blocks TGID "$2" | delays_only
	./task_diag_all --plain --pid "$2" --delays | delays_only
}

# The same from getdelays, without the lines that repeat its options
delays_there()
{
	{
		for tid in $3 $3; do
			./getdelays -d -i -q -p "$tid"
		done
		for _ in one all children plain; do
			./getdelays -d -t "$2"
		done
	} | grep -v '^print'
}

# A task may be on its way to sleep: it is compared a few times.
same_delays()
{
	threads=$(./task_diag_all --strategy thread --pid "$2" --only-pids |
		paste -s -d ' ')
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		delays_here "$1" "$2" "$threads" >"$dir/here"
		delays_there "$1" "$2" "$threads" >"$dir/there"
		cmp -s "$dir/here" "$dir/there" && return
	done
	explain "$2 here and there:" "$(diff "$dir/here" "$dir/there" | tr -s ' ')"
}

# Whether a block in the file $1 reports the delay $2
was_delayed()
{
	awk -v name="$2" 'on { found = $1 > 0; exit }
		{ on = $1 == name }
		END { exit !found }' "$1" || explain "no $2: $(tr -s ' ' <"$1")"
}

sleepers_have_same_delays()
{
	child=$(./task_diag_all --strategy children --pid "$fork" --only-pids) || return
	same_delays $$ "$reader" || return
	same_delays $$ "$fork" || return
	same_delays "$fork" "$child" || return
	was_delayed "$dir/here" CPU || return
	./task_diag_all --strategy one --pid "$child" --delays >"$dir/out" ||
		return
	was_delayed "$dir/out" WPCOPY
}

delays_are_escaped()
{
	ends_with 0 sh -c 'printf "a\033b" >/proc/$$/comm
		./task_diag_all --strategy thread --pid $$ --delays; exit' || return
	grep -q '^a\\x1bb: read=' "$dir/out" ||
		explain "$(grep ': read=' "$dir/out")"
}

# An ordinary user, who may not get to where the tests are
user_gets_delays()
{
	mkdir "$dir/bin" && cp task_diag_all getdelays "$dir/bin" &&
		chmod 755 "$dir" "$dir/bin" || return
	ends_with 0 chroot --userspec=65534:65534 --groups= / sh -c '
		"$0/task_diag_all" --delays && "$0/getdelays" -d -p $$ && echo $$' \
		"$dir/bin" || return
	grep -q 'errno -1$' "$dir/err" || explain "getdelays is not refused" ||
		return
	shell=$(tail -n 1 "$dir/out")
	blocks TGID "$shell" <"$dir/out" >"$dir/block"
	was_delayed "$dir/block" CPU
}

# Whether the example $2 has, of the process $1, the line $3.
example_tells()
{
	ends_with 0 "./$2" || return
	awk -v pid="$1" '$1 == pid' "$dir/out" | tr -s ' ' | cut -c 2- >"$dir/line"
	printf '%s\n' "$3" | cmp -s - "$dir/line" ||
		explain "$2 tells '$(cut -c -60 "$dir/line")', not '$3'"
}

# Of a process that stopped, with more arguments than fit in one message
examples_tell()
{
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	sh -c 'kill -STOP $$' "$long" "$long" &
	stopped=$!
	until grep -q '^State:.T' /proc/$stopped/status; do
		sleep 0.1
	done
	rss=$(awk '$1 == "VmRSS:" { print $2 }' /proc/$stopped/status)
	args=$(tr '\0' ' ' </proc/$stopped/cmdline)
	example_tells $stopped taskdiag "$stopped $$ T $rss" &&
		example_tells $stopped library_ps "$stopped $$ T $rss $args"
	status=$?
	kill -KILL $stopped
	wait $stopped 2>/dev/null
	return $status
}

unknown_pid_is_told()
{
	for strategy in one children thread; do
		says 'no such process' \
			./task_diag_all --strategy $strategy --pid $no_pid || return
	done
	says 'no such process' ./task_diag_all --plain --pid $no_pid
}

plain_request_is_for_one()
{
	ends_with 0 ./task_diag_all --plain --pid $$ --only-pids || return
	[ "$(cat "$dir/out")" = $$ ] || explain "it printed: $(cat "$dir/out")"
}

write_error_is_told()
{
	[ -c /dev/full ] || return 0
	./task_diag_all >/dev/full 2>"$dir/err"
	[ $? -eq 1 ] || explain "task_diag_all does not fail"
}

# Ends a process with status 3, and checks whether the follower has reported two:
# the first may have begun before the follower subscribed.
sees_end()
{
	sh -c 'exit 3' marked
	[ "$(grep -c "$1" "$dir/follow")" -ge 2 ]
}

# Whether what follows $2, the status that it ends with after SIGTERM, prints a line
# like $1 when a process ends.
follows()
{
	line=$1
	want=$2
	shift 2
	: >"$dir/follow"
	"$@" >"$dir/follow" 2>"$dir/err" &
	follower=$!
	wait_until sees_end "$line"
	seen=$?
	kill $follower
	wait $follower
	status=$?
	[ $status -eq "$want" ] ||
		explain "status $status, not $want: $* $(cat "$dir/err")" || return
	[ $seen -eq 0 ] || explain "$* prints: $(tail -n 3 "$dir/follow")"
}

exit_line=' exit .* sh  *3 sh -c exit 3 marked$'

follow_shows_an_end()
{
	follows "$exit_line" 0 ./task_diag_all --follow --show cmdline || return
	grep -q ' fork ' "$dir/follow" && grep -q ' exec ' "$dir/follow" ||
		explain "neither fork nor exec" || return
	follows "$exit_line" 0 ./task_diag_all --follow --events exit \
		--show cmdline --strategy all-thread || return
	! grep -q ' fork \| exec ' "$dir/follow" || explain "not exit alone" || return
	ends_with 0 ./task_diag_all --follow --for 1
}

follow_gives_json()
{
	follows '"type":"exit".*"cmdline":\["sh","-c","exit 3","marked"\]' 0 \
		./task_diag_all --follow --show all --json || return
	python3 -c 'import json, sys
events = [json.loads(line) for line in open(sys.argv[1], "rb")]
ends = [e for e in events if e["event"]["type"] == "exit" and
        e.get("cmdline") == ["sh", "-c", "exit 3", "marked"]]
def of(end): return [e["event"] for e in events if e["event"]["id"] == end["event"]["id"]]
# The first may have begun before there was a subscriber.
end = max(ends, key=lambda end: len(of(end)))
its = of(end)
assert [e["type"] for e in its] == ["fork", "exec", "exit"], its
assert all(e["ppid"] == int(sys.argv[2]) for e in its), its
assert its[0]["time"] < its[1]["time"] < its[2]["time"], its
assert its[2]["exit_code"] == 3 << 8 and its[2]["last"] and not its[0]["last"], its
assert end["base"]["id"] == its[0]["id"] and end["base"]["pid"] == end["pid"], end' \
		"$dir/follow" $$ 2>"$dir/err" || explain "$(tail -n 1 "$dir/err")"
}

# While processes and threads come and go
mirror_is_the_dump()
{
	while :; do
		./fork --processes 5 --threads 3 -- true
	done &
	churn=$!
	ends_with 0 ./task_diag_all --mirror --for 3 &&
		grep -q '^[0-9]* tasks, 0 differ, ' "$dir/out" &&
		ends_with 0 ./task_diag_all --mirror --strategy all-thread --for 3 &&
		grep -q '^[0-9]* tasks, 0 differ, ' "$dir/out"
	status=$?
	kill $churn
	wait $churn 2>/dev/null
	[ $status -eq 0 ] || explain "$(cat "$dir/out" "$dir/err")" || return
	json 'assert j["tasks"] > 0 and j["differences"] == [], j' \
		./task_diag_all --mirror --for 0 --json
}

example_follows()
{
	follows ' 3 sh -c exit 3 marked *$' 143 ./library_short
}

longer_event_is_same()
{
	follows "$exit_line" 0 env LD_PRELOAD="$PWD/longer.so" \
		./task_diag_all --follow --show cmdline
}

# Tells the result of a check: $1 is what it is about, the rest the command.
check()
{
	what=$1
	shift
	if "$@"; then
		ktap_test_pass "$what"
	else
		ktap_test_fail "$what"
	fi
}

# Like check, if there is a program $1.
check_with()
{
	if command -v "$1" >/dev/null; then
		shift
		check "$@"
	else
		ktap_test_skip "$2: no $1"
	fi
}

# Like check, if there are all of the programs $1.
check_with_all()
{
	for program in $1; do
		if ! command -v "$program" >/dev/null; then
			ktap_test_skip "$2: no $program"
			return
		fi
	done
	shift
	check "$@"
}

# Others do not see all tasks, and fork raises limits.
check_as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		check "$@"
	else
		ktap_test_skip "$1: not root"
	fi
}

# Like check_with_all, for root
check_as_root_with()
{
	if [ "$(id -u)" -eq 0 ]; then
		check_with_all "$@"
	else
		ktap_test_skip "$2: not root"
	fi
}

# Like check_as_root, of delays
check_delays()
{
	what=$1
	shift
	if [ -e $delayacct ]; then
		check_as_root "$what" with_delayacct "$@"
	else
		ktap_test_skip "$what: no $delayacct"
	fi
}

# A process that does not change: its shell is stopped, and there it stays.
with_resting()
{
	sh -c 'kill -STOP $$' resting "$nasty" &
	resting=$!
	until grep -q 'State:.T' /proc/$resting/status; do
		sleep 0.01
	done
	"$@"
	status=$?
	kill -KILL $resting
	wait $resting 2>/dev/null
	return $status
}

# Whether a selection has the pids $1, in any order.
selects()
{
	for pid in $1; do
		echo "$pid"
	done | sort -n >"$dir/wanted"
	shift
	ends_with 0 ./task_diag_all --only-pids "$@" || return
	sort -n "$dir/out" | cmp -s - "$dir/wanted" ||
		explain "$*: $(paste -s -d ' ' "$dir/out"), not" \
			"$(paste -s -d ' ' "$dir/wanted")"
}

# Waits until a command succeeds, which it should soon.
wait_until()
{
	for _ in $(seq 300); do
		"$@" && return
		sleep 0.1
	done
	explain "still not: $*"
}

# Whether /proc/$1/status has a line that begins as $2 says.
has_status()
{
	grep -q "^$2" "/proc/$1/status"
}

# Runs a check while there are a process that is $stopped, and a $sleeper that did
# not wait for its child, a $zombie.
with_states()
{
	rm -f "$dir/zombie"
	sh -c 'kill -STOP $$' &
	stopped=$!
	sh -c 'sleep 1000 & echo $!; exec sleep 1000' >"$dir/zombie" &
	sleeper=$!
	wait_for "$sleeper" "$dir/zombie"
	zombie=$(cat "$dir/zombie")
	wait_until has_status "$stopped" State.*T &&
		wait_until has_status "$sleeper" Name.*sleep &&
		kill "$zombie" && wait_until has_status "$zombie" State.*Z && "$@"
	status=$?
	kill -KILL $stopped $sleeper
	wait $stopped $sleeper 2>/dev/null
	return $status
}

pids_are_selected()
{
	ends_with 0 ./task_diag_all --only-pids \
		--pids "$sleeper,$no_pid,$stopped,$sleeper,$$" || return
	printf '%s\n' $sleeper $stopped $$ | cmp -s - "$dir/out" ||
		explain "$(paste -s -d ' ' "$dir/out"), not $sleeper $stopped $$" ||
		return
	selects "$stopped" --strategy all-thread --pids "$stopped" || return
	selects "" --pids $no_pid || return
	ends_with 0 ./task_diag_all --quiet --pids "$(seq -s , 1024)" || return
	json 'assert j == []' ./task_diag_all --pids $no_pid --json || return
	says 'TASK_DIAG_SELECT_PIDS needs' ./task_diag_all --strategy children --pids 1
}

states_are_selected()
{
	among="--pids $stopped,$zombie,$sleeper"
	selects "$stopped" --states T $among || return
	selects "$zombie" --states Z $among || return
	selects "$zombie $sleeper" --states SDZ $among || return
	selects "" --states X $among
}

# Whether nothing in session $1 forks any more
sleeps_twice()
{
	[ "$(ps -s "$1" -o comm= | grep -c sleep)" -eq 2 ]
}

# Runs a check while there is a session of its own, $leader, on the terminal $tty,
# and $owner, which has none.
with_terminal()
{
	rm -f "$dir/terminal"
	setsid python3 -c 'import fcntl, os, termios
zeroth = os.openpty()    # Numbers that are 0 would hide mistakes.
_, tty = os.openpty()
pid = os.fork()
if not pid:
    os.setsid()
    fcntl.ioctl(tty, termios.TIOCSCTTY, 0)
    os.execvp("sh", ["sh", "-c", "sleep 1000 & sleep 1000"])
print(pid, os.ttyname(tty), flush=True)
os.wait()' >"$dir/terminal" &
	owner=$!
	wait_for "$owner" "$dir/terminal"
	read -r leader tty <"$dir/terminal"
	wait_until sleeps_twice "$leader" && "$@"
	status=$?
	kill -KILL $owner
	wait $owner 2>/dev/null
	return $status
}

sessions_and_terminals_are_selected()
{
	selects "$(ps -s "$leader" -o pid=)" --session "$leader" || return
	selects "$(ps -t "$tty" -o pid=)" --tty "$tty" || return
	selects "$owner" --tty none --pids "$owner,$leader" || return
	selects "" --session $no_pid
}

# Prints the pids that ps prints, alone in their lines.
ps_pids()
{
	ps "$@" -o pid= | tr -d ' '
}

# Another process may have the user as well: only these two count.
users_are_selected()
{
	setpriv --ruid 65534 --euid 65533 --clear-groups sleep 1000 &
	one=$!
	setpriv --reuid 65533 --clear-groups sleep 1000 &
	two=$!
	wait_until has_status "$one" Name.*sleep &&
		wait_until has_status "$two" Name.*sleep &&
		selects "$(ps_pids -u 65533)" --user 65533 &&
		selects "$(ps_pids -U 65533)" --real-user 65533 &&
		selects "$one" --real-user "$(id -un 65534)" --pids "$one,$two,$$" &&
		selects "$one" --user 65533 --real-user 65534 &&
		selects "$one $two" --user 65533 --pids "$one,$two,$$" &&
		selects $$ --user root --pids "$one,$two,$$"
	status=$?
	kill -KILL $one $two
	wait $one $two 2>/dev/null
	return $status
}

# Those of ps are kthreadd and its children.
kernel_threads_are_selected()
{
	same_pids "--kernel-threads yes" others ps -p 2 --ppid 2 -o pid:1= || return
	same_pids "--kernel-threads no" others ps -N -p 2 --ppid 2 -o pid:1=
}

# Where a cgroup can be made
cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)

# Of a cgroup with a process of several threads, and one below it
cgroups_are_selected()
{
	cgroup=$(mktemp -d "$cgroup2/taskdiag_tools.XXXXXX") &&
		mkdir "$cgroup/below" || return
	rm -f "$dir/fork"
	sh -c 'echo $$ >"$0/cgroup.procs"; exec ./fork --threads 3' "$cgroup" \
		>"$dir/fork" &
	fork=$!
	sh -c 'echo $$ >"$0/cgroup.procs"; exec sleep 1000' "$cgroup/below" &
	below=$!
	wait_for "$fork" "$dir/fork"
	wait_until grep -qx "$below" "$cgroup/below/cgroup.procs" &&
		procs=$(cat "$cgroup/cgroup.procs") &&
		selects "$procs" --cgroup "$cgroup" &&
		selects "$procs $below" --cgroup "$cgroup" --descendants &&
		selects "$(cat "$cgroup/cgroup.threads")" --cgroup "$cgroup" \
			--strategy all-thread &&
		selects "" --cgroup "$cgroup" --pids $$ &&
		says 'needs a cgroup' ./task_diag_all --descendants
	status=$?
	kill $fork $below
	wait $fork $below 2>/dev/null
	# They may be in it for a moment yet.
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmdir "$cgroup/below" "$cgroup" 2>/dev/null && break
		sleep 0.1
	done
	return $status
}

# Runs a check while there is a process, $opener, with open files of several kinds
# and threads, one of which has ended.
with_opener()
{
	rm -f "$dir/opener"
	python3 -c 'import os, select, socket, sys, threading, time
def read():
    os.read(zero, 4096)
zero = os.open("/dev/zero", os.O_RDONLY | os.O_CLOEXEC)
odd = os.open(sys.argv[1].encode() + b"/\n\x1b\xff", os.O_RDWR | os.O_CREAT)
os.lseek(odd, 42, os.SEEK_SET)
kept = (os.open("/", os.O_RDONLY), os.pipe(), socket.socketpair(),
        socket.socket(socket.AF_UNIX), select.epoll(), os.memfd_create("kept"))
ended = threading.Thread(target=read)
ended.start()
ended.join()
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
print("ready", flush=True)
time.sleep(1000)' "$dir" >"$dir/opener" &
	opener=$!
	wait_for "$opener" "$dir/opener"
	"$@"
	status=$?
	kill $opener
	wait $opener 2>/dev/null
	return $status
}

# Of the opener's files, by descriptor: the link, and what kind that and stat() say
opened='import collections, os, stat
here = "/proc/%d/" % j[0]["pid"]
links = {int(fd): os.readlink(here + "fd/" + fd) for fd in os.listdir(here + "fd")}
def kind(fd):
    for start, name in (("socket:", "socket"), ("pipe:", "pipe"), ("/memfd:", "memfd"),
                        ("anon_inode:[eventpoll]", "epoll")):
        if links[fd].startswith(start):
            return name
    mode = os.stat(here + "fd/%d" % fd).st_mode
    return {stat.S_IFREG: "reg", stat.S_IFDIR: "dir", stat.S_IFCHR: "chr",
            stat.S_IFIFO: "fifo"}[stat.S_IFMT(mode)]
kinds = {fd: kind(fd) for fd in links}
'

paths_are_the_links()
{
	json "$opened"'
paths = {file["fd"]: file["path"] for file in j[0]["files"]}
assert paths == links, (paths, links)
assert {file["fd"]: file["kind"] for file in j[0]["files"]} == kinds
for file in j[0]["files"]:
    with open(here + "fdinfo/%d" % file["fd"]) as lines:
        info = dict(line.split(":", 1) for line in lines)
    there = {name: int(info[name]) for name in ("pos", "mnt_id", "ino")}
    there["flags"] = int(info["flags"], 8)
    assert all(file[name] == there[name] for name in there), (file, there)
    its = os.stat(here + "fd/%d" % file["fd"])
    assert stat.S_IFMT(its.st_mode) != stat.S_IFCHR or its.st_rdev == \
        os.makedev(file["rdev_major"], file["rdev_minor"]), (file, its)' \
		./task_diag_all --pid "$opener" --strategy one --show files --paths --json ||
		return
	ends_with 0 ./task_diag_all --pid "$opener" --strategy one --show files --paths ||
		return
	grep -q '^	[0-9]* chr .* /dev/zero$' "$dir/out" ||
		explain "no /dev/zero: $(head -c 300 "$dir/out")" || return
	grep -qF "$dir/\\x0a\\x1b\\xff" "$dir/out" ||
		explain "a path is not escaped: $(head -c 300 "$dir/out")"
}

sockets_are_alone()
{
	json "$opened"'
inos = {file["fd"]: "socket:[%d]" % file["ino"] for file in j[0]["files"]}
assert inos == {fd: links[fd] for fd in links if kinds[fd] == "socket"}, (inos, links)
assert not any(file["path"] for file in j[0]["files"])' \
		./task_diag_all --pid "$opener" --strategy one --show files --sockets --json
}

kinds_are_counted()
{
	json "$opened"'
counts = {name: n for name, n in j[0]["fd"].items()
          if n and name not in ("open_fds", "max_fds", "umask")}
assert counts == collections.Counter(kinds.values()), (counts, kinds)' \
		./task_diag_all --pid "$opener" --strategy one --show fd --kinds --json ||
		return
	ends_with 0 ./task_diag_all --pid "$opener" --strategy one --show fd --kinds ||
		return
	grep -q ' socket=3 ' "$dir/out" || explain "$(tail -n 1 "$dir/out")" || return
	ends_with 0 ./task_diag_all --pid "$opener" --strategy one --show fd || return
	! grep 'socket=' "$dir/out" || explain "kinds that were not asked for"
}

process_is_shown_with_its_leader()
{
	show=base,times,io,signal
	json 'json.dump(j[0], open("'"$dir"'/process", "w"))' \
		./task_diag_all --pid "$opener" --strategy one --show $show --json ||
		return
	json 'process = json.load(open("'"$dir"'/process"))
del process["base"]
assert [t["pid"] for t in j if "process" in t] == [process["pid"]] and len(j) == 2, j
assert j[0]["process"] == process, (j[0], process)
assert j[0]["io"]["syscr"] < process["io"]["syscr"], (j[0], process)' \
		./task_diag_all --pid "$opener" --strategy thread --show $show \
		--with-process --json || return
	ends_with 0 ./task_diag_all --pid "$opener" --strategy thread --show io \
		--with-process || return
	grep -q '^    process io: rchar=' "$dir/out" || explain "$(cat "$dir/out")" ||
		return
	says 'not over threads' ./task_diag_all --with-process
}

# What there is of the smaller groups in procfs
small_groups_are_procfs_s()
{
	json 'import os
here = "/proc/%d/" % j[0]["pid"]
def read(name):
    try:
        return open(here + name, errors="surrogateescape").read()
    except OSError:
        return ""
status = dict(line.split(":\t", 1) for line in read("status").splitlines())
there = {
    "label": read("attr/current"),
    "cwd": os.readlink(here + "cwd"),
    "root": os.readlink(here + "root"),
    "wchan": read("wchan"),
    "autogroup": read("autogroup"),
    "affinity": {name: status[what + "_allowed_list"]
                 for name, what in (("cpus", "Cpus"), ("mems", "Mems"))
                 if what + "_allowed_list" in status},
}
if "autogroup" in j[0]:
    j[0]["autogroup"] = "/autogroup-{id} nice {nice}\n".format(**j[0]["autogroup"])
for name, value in there.items():
    assert j[0].get(name, "") == value, (name, j[0].get(name), value)
assert j[0].get("ioprio", {"ioprio": '"$1"'}) == {"ioprio": '"$1"'}, j[0]["ioprio"]' \
		./task_diag_all --pid $resting --strategy one --show all --json || return
	ends_with 0 ./task_diag_all --pid $resting --strategy one --show affinity ||
		return
	cpus=$(awk '$1 == "Cpus_allowed_list:" { print $2 }' /proc/$resting/status)
	grep -q " cpus=$cpus\\( mems=\\|\$\\)" "$dir/out" ||
		explain "$(tail -n 1 "$dir/out")"
}

# As they are, and as other values are set
small_groups_are_shown()
{
	small_groups_are_procfs_s 0 || return
	echo 7 >/proc/$resting/autogroup 2>/dev/null
	python3 -c 'import os, sys
pid = int(sys.argv[1])
os.sched_setaffinity(pid, sorted(os.sched_getaffinity(pid))[::2])' $resting || return
	ionice -c 2 -n 6 -p $resting && small_groups_are_procfs_s $((2 << 13 | 6))
}

# Without what time and other programs change
rested()
{
	moves='ac_[eb]time(64)?|ac_tgetime|queued|oom_score'
	moves="$moves|(swap_)?pss[a-z_]*|(shared|private)_[a-z]+"
	"$@" >"$dir/all" || return
	sed -E "s/\"($moves)\":[0-9]+,?//g" "$dir/all" |
		grep -aE "^ *$resting |\"pid\":$resting,|\"show\":\["
}

# The same output from the kernel of today and from one whose structs are longer
longer_is_same()
{
	for _ in 1 2 3 4 5; do
		rested "$@" >"$dir/today" || explain "fails: $*" || return
		rested env LD_PRELOAD="$PWD/longer.so" "$@" >"$dir/longer" ||
			explain "fails with longer structs: $*" || return
		cmp -s "$dir/today" "$dir/longer" && return
	done
	diff "$dir/today" "$dir/longer" >"$dir/diff"
	explain "$(head -c 400 "$dir/diff")"
}

all_groups_of_resting()
{
	with_resting all_groups_are_same "$@"
}

all_groups_are_same()
{
	longer_is_same ./task_diag_all --pid $resting --strategy one --show all --json &&
		longer_is_same ./task_diag_all --pid $resting --strategy thread \
			--buffer 20000 --show all --json &&
		longer_is_same ./task_diag_all --pid $resting --plain \
			--show base,limits,ns,nspid,cgroup,cred --json &&
		longer_is_same ./task_diag_all --pid $resting --strategy thread \
			--show times,files,fd --paths --kinds --with-process --json &&
		longer_is_same ./task_diag_all --header --json
}

# A client that takes no notice of what it does not know would pass as well.
longer_is_longer()
{
	ends_with 0 env LD_PRELOAD="$PWD/longer.so" ./task_diag_all --show base --quiet || return
	ends_with 1 env LD_PRELOAD="$PWD/longer.so" ./base_test -t caller_is_running
}

examples_are_same()
{
	for example in ./taskdiag ./library_ps; do
		with_resting longer_is_same $example || return
	done
}

ynl_is_same()
{
	ends_with 0 env LD_PRELOAD="$PWD/longer.so" ./ynl_test.py
}

copies_structs()
{
	for strategy in all all-thread; do
		ends_with 0 ./task_diag_align --strategy $strategy --show all --json || return
		ends_with 0 ./task_diag_align --strategy $strategy --show all || return
	done
	ends_with 0 ./task_diag_align --delays
}

ktap_print_header
if ! ./task_diag_all --header >/dev/null 2>"$dir/err"; then
	ktap_skip_all "$(cat "$dir/err")"
	exit "$KSFT_SKIP"
fi
ktap_set_plan 47

for tool in $tools; do
	check "$tool --help" helps ./$tool
done
check "wrong options end with 2 and the usage" refuses_wrong_options

for strategy in all one all-thread children thread; do
	check_with python3 "--strategy $strategy --show all --json is JSON" \
		strategy_gives_json $strategy
done
check_with python3 "--header --json is JSON" header_gives_json
check_with python3 "the table has each group" table_has_all_groups
check_with python3 "any bytes survive JSON" bytes_survive_json
check "the table has no control characters" table_is_escaped
check_with python3 "a value of many messages is joined" parts_are_joined

check_as_root "processes: task_diag_all sees what procfs does" \
	same_pids "" names '/proc/[0-9]*'
check_as_root "threads: task_diag_all sees what procfs does" \
	same_pids "--strategy all-thread" names '/proc/[0-9]*/task/[0-9]*'

check_as_root "fork makes as many tasks as asked for" fork_makes_tasks
check_as_root "fork ends them all" fork_ends_tasks
check_as_root "fork passes the status of its command" fork_passes_status
check_as_root "fork tells when all is ready" fork_tells_when_ready

check_delays "--delays is what getdelays prints" \
	with_sleepers sleepers_have_same_delays
check "--delays has no control characters" delays_are_escaped
check_delays "--delays is for all, getdelays is not" user_gets_delays

check "longer structs: task_diag_all shows the same" all_groups_of_resting
check "longer structs: the examples show the same" examples_are_same
check_as_root "longer structs: the tests notice them" longer_is_longer
if python3 -c 'import yaml' 2>/dev/null; then
	check_as_root "longer structs: YNL reads the same" ynl_is_same
else
	ktap_test_skip "longer structs: YNL reads the same: no python3-yaml"
fi
check_with ./task_diag_align "task_diag_all copies structs, never casts" copies_structs

check "longer structs: --follow shows the same" longer_event_is_same

check "the examples tell what procfs does" examples_tell

check "--follow shows how a process ends" follow_shows_an_end
check_with python3 "--follow --json is JSON in each line" follow_gives_json
check_as_root_with python3 "--mirror is what a dump is" mirror_is_the_dump
check "an example shows how a process ends" example_follows

check_with python3 "--pids selects" with_states pids_are_selected
check "--states selects" with_states states_are_selected
check_with_all "ps python3 setsid" "--session and --tty select what ps does" \
	with_terminal sessions_and_terminals_are_selected
check_as_root_with "ps setpriv" "--user and --real-user select what ps does" \
	users_are_selected
check_as_root_with ps "--kernel-threads selects what ps does" \
	kernel_threads_are_selected
if [ -w "$cgroup2/cgroup.procs" ]; then
	check_as_root "--cgroup selects what cgroup.procs has" cgroups_are_selected
else
	ktap_test_skip "--cgroup selects what cgroup.procs has: no cgroup2 to write to"
fi
check_with python3 "--paths shows what the links in /proc/PID/fd do" \
	with_opener paths_are_the_links
check_with python3 "--sockets shows those of the links" with_opener sockets_are_alone
check_with python3 "--kinds counts the links" with_opener kinds_are_counted
check_with python3 "--with-process shows both" \
	with_opener process_is_shown_with_its_leader
check_with_all "python3 ionice" "label, wchan and others show what procfs does" \
	with_resting small_groups_are_shown

check "an unknown pid ends with 1 and the kernel's text" unknown_pid_is_told
check "a plain request gives one task" plain_request_is_for_one
check "a write error is no success" write_error_is_told

ktap_finished
