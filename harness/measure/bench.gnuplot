# SPDX-License-Identifier: GPL-2.0
# Tasks against time, all ways, from the columns that bench.py writes.
set logscale xy
set key right bottom
set grid
set datafile missing "?"
set xlabel "tasks (the largest sizes: threads)"
set ylabel "million instructions (ms at one per ns)"
set title "Reading pid, parents, state and name of every task"
data = dir."/tasks.dat"
do for [kind in "svg png"] {
	eval "set terminal ".kind." noenhanced size 800,500"
	set output dir."/tasks.".kind
	plot data using 1:2 with linespoints title "/proc/PID/stat", \
	     data using 1:3 with linespoints title "/proc/PID/stat through io_uring", \
	     data using 1:4 with linespoints title "BPF task iterator", \
	     data using 1:5 with linespoints title "task_diag: BASE", \
	     data using 1:6 with linespoints title "readdir: pids", \
	     data using 1:7 with linespoints title "task_diag: pids"
}
