# SPDX-License-Identifier: GPL-2.0
# What the harness's scripts share; to be sourced.
# shellcheck disable=SC2034
set -euo pipefail

me=${0##*/}

die()
{
	echo "$me: $*" >&2
	exit 125
}

bad_usage()
{
	echo "$me: $*" >&2
	usage >&2
	exit 2
}

# The version of the kernel tree $1, as in 7.3
version_of()
{
	sed -nE -e 's/^VERSION = //p' -e 's/^PATCHLEVEL = //p' "$1/Makefile" | paste -sd .
}

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# The kernels that the series is for. patches/ is what mainline gets, that is
# the last of them; patches/BASE has what another one needs instead.
bases=(6.12 7.3)
if [ -n "${KDIR:-}" ] && [ -z "${BASE:-}" ]; then
	[ -f "$KDIR/kernel/pid.c" ] || die "KDIR=$KDIR is no kernel tree"
	BASE=$(version_of "$KDIR")
	[[ " ${bases[*]} " == *" $BASE "* ]] || BASE=${bases[-1]}
fi
export BASE=${BASE:-${default_base:-6.12}}
if [[ " ${bases[*]} " != *" $BASE "* ]]; then
	echo "$me: BASE=$BASE is none of: ${bases[*]}" >&2
	exit 2
fi

# Whether the series can be put on the tree $1. Of 6.12 that is 6.12.110 and later:
# stable trees got what it takes, or stands beside, only in the course of time.
check_tree()
{
	local version file text

	[ -f "$1/kernel/pid.c" ] || die "KDIR=$1 is no kernel tree"
	while IFS=: read -r version file text; do
		grep -qwF "$text" "$1/$file" 2>/dev/null ||
			die "KDIR=$1 is too old: $file has no '$text', which came with 6.12.$version"
	done <<-END
	39:include/linux/mm.h:get_mm_counter_sum
	97:include/linux/seqlock.h:scoped_seqlock_read
	97:include/linux/slab.h:kzalloc_obj
	110:tools/perf/util/synthetic-events.c:n <= 1
	END
}

# What is built of one base, and what serves all of them
build=$top/build/$BASE
common=$top/build
src=$build/linux

# Kernels of other architectures than the machine's
arches=(arm64 s390x i386)
flavours=(main debug small lean coverage kcsan kmsan "${arches[@]}")

# Debian 12 and 13 both have this one, which is new enough for every base; the
# suffix makes kbuild's LLVM= of it.
clang="clang-19"
llvm=-19

# What the series adds to the kernel
objects=(kernel/taskdiag.o kernel/taskdiag_event.o kernel/taskdiag_select.o)
for object in attrs cred sched stat signal ns mm path args vma files; do
	objects+=("fs/proc/task_diag_$object.o")
done

# Of these functions sparse says on 6.12 that they may leave with a lock held, as of
# those that procfs, taskstats and KSM have already: they take it the second time
# only, or where a folio is found. 7.3 no longer asks it about locks.
lock_warning="context imbalance in '(proc_sum_ioac|begin_pass|sum_delays|sum_counters|"
lock_warning+="task_diag_sum_threads|task_diag_copy_page)' - "
lock_warning+="(different lock contexts|unexpected unlock)"

# What perf does without: what is not needed to synthesize and to record events
perf_options=()
for feature in AUXTRACE CAPSTONE DEMANGLE DWARF GTK2 JEVENTS JVMTI LIBBABELTRACE LIBBPF \
	LIBCAP LIBCRYPTO LIBDEBUGINFOD LIBLLVM LIBNUMA LIBPERL LIBPFM4 LIBPYTHON \
	LIBTRACEEVENT LIBUNWIND LIBZSTD LZMA RUST SDT SLANG; do
	perf_options+=("NO_$feature=1")
done
perf_options+=(BUILD_BPF_SKEL=0)

# Whether $1 is a kernel that can be built.
check_flavour()
{
	local flavour

	for flavour in "${flavours[@]}"; do
		[ "$flavour" != "$1" ] || return 0
	done
	bad_usage "no such kernel: '$1'"
}

# Whether $1 is an architecture other than the machine's.
is_arch()
{
	[[ " ${arches[*]} " == *" $1 "* ]]
}

# Where the kernel $1 is built to
image_of()
{
	case $1 in
	arm64) echo "$build/arm64/arch/arm64/boot/Image" ;;
	s390x) echo "$build/s390x/arch/s390/boot/bzImage" ;;
	*) echo "$build/$1/arch/x86/boot/bzImage" ;;
	esac
}

# Variables of make for the architecture of the kernel $1
arch_variables()
{
	case $1 in
	arm64) printf '%s\n' ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- ;;
	s390x) printf '%s\n' ARCH=s390 CROSS_COMPILE=s390x-linux-gnu- ;;
	i386) echo ARCH=i386 ;;
	esac
}

# What the tests of consumers, and those like them, are run by
python=(env PYTHONPATH="$top/consumers" python3)

say()
{
	printf '== [%3dm%02ds] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*" >&2
}

# The file $1 of patches/ that is for the base
patch_file()
{
	local file

	for file in "$top/patches/$BASE/$1" "$top/patches/$1" "$top/$1"; do
		if [ -f "$file" ]; then
			echo "$file"
			return
		fi
	done
	die "patches/series names $1, which is missing"
}

# What checkpatch may say: the types that the cover letter justifies.
justified()
{
	sed -n '/^checkpatch/,$s/^ - \([A-Z_]*\):.*/\1/p' "$(patch_file cover-letter.txt)" | paste -sd ,
}

# The lines of patches/series that are for the base
series_lines()
{
	sed -nE "/^(#|$)/d; s/^$BASE //; /^[0-9.]+ /!p" "$top/patches/series"
}

# The names of the series' patches in order
commits()
{
	series_lines | cut -d : -f 1
}

# What the patch $2 edits in files of the kernel, or of the overlay, as $1 says
edits_of()
{
	awk -v which="$1" -v top="$top" '
		/^--- a\// {
			file = top "/" substr($2, 3)
			on = ((getline line <file) >= 0) == (which == "overlay")
			close(file)
		}
		on' "$2"
}

# Files of the kernel that the patches and Kconfig.fragment change
edited()
{
	local commit

	for commit in $(commits); do
		edits_of kernel "$(patch_file "$commit")" | sed -n 's,^+++ b/,,p'
	done
	echo init/Kconfig
}
