# SPDX-License-Identifier: GPL-2.0
# Shared by the harness's scripts, which source it.
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

# The version of the kernel tree $1, such as 7.3
version_of()
{
	sed -nE -e 's/^VERSION = //p' -e 's/^PATCHLEVEL = //p' "$1/Makefile" | paste -sd .
}

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# The kernels that the series is for. patches/ is for the last of them, mainline;
# patches/BASE has what another base needs instead.
bases=(6.12 7.3)
if [ -n "${KDIR:-}" ] && [ -z "${BASE:-}" ]; then
	[ -f "$KDIR/kernel/pid.c" ] || die "KDIR=$KDIR is not a kernel tree"
	BASE=$(version_of "$KDIR")
	[[ " ${bases[*]} " == *" $BASE "* ]] || BASE=${bases[-1]}
fi
export BASE=${BASE:-${default_base:-6.12}}
if [[ " ${bases[*]} " != *" $BASE "* ]]; then
	echo "$me: BASE=$BASE is not one of: ${bases[*]}" >&2
	exit 2
fi

# Checks that the series applies to the tree $1. 6.12 must be 6.12.110 or later: earlier
# stable trees lack what the series uses or has as context.
check_tree()
{
	local version file text

	[ -f "$1/kernel/pid.c" ] || die "KDIR=$1 is not a kernel tree"
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

# What is built for one base, and what all of them share
build=$top/build/$BASE
common=$top/build
src=$build/linux

# Kernels for architectures other than the machine's
arches=(arm64 s390x i386)
flavours=(main debug small lean coverage kcsan kmsan "${arches[@]}")

# Debian 12 and 13 both have this version, which is new enough for every base; $llvm is
# the suffix for kbuild's LLVM=.
clang="clang-19"
llvm=-19

# The objects that the series adds to the kernel
objects=(kernel/taskdiag.o kernel/taskdiag_event.o kernel/taskdiag_select.o)
for object in attrs cred sched stat signal ns mm path args vma files; do
	objects+=("fs/proc/task_diag_$object.o")
done

# On 6.12 sparse warns that these functions may return with a lock held, as it does for
# functions of procfs, taskstats and KSM: they take the lock only the second time, or
# only if a folio is found. On 7.3 sparse no longer checks locks.
lock_warning="context imbalance in '(proc_sum_ioac|begin_pass|sum_delays|sum_counters|"
lock_warning+="task_diag_sum_threads|task_diag_copy_page)' - "
lock_warning+="(different lock contexts|unexpected unlock)"

# Features that perf does not need to synthesize and record events
perf_options=()
for feature in AUXTRACE CAPSTONE DEMANGLE DWARF GTK2 JEVENTS JVMTI LIBBABELTRACE LIBBPF \
	LIBCAP LIBCRYPTO LIBDEBUGINFOD LIBLLVM LIBNUMA LIBPERL LIBPFM4 LIBPYTHON \
	LIBTRACEEVENT LIBUNWIND LIBZSTD LZMA RUST SDT SLANG; do
	perf_options+=("NO_$feature=1")
done
perf_options+=(BUILD_BPF_SKEL=0)

# Checks that $1 is a kernel that can be built.
check_flavour()
{
	[[ " ${flavours[*]} " == *" $1 "* ]] || bad_usage "no such kernel: '$1'"
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

# Runs the tests of consumers, and similar ones.
python=(env PYTHONPATH="$top/consumers" python3)

say()
{
	printf '== [%3dm%02ds] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*" >&2
}

# The file $1 of patches/ for the base
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

# The checkpatch types that the cover letter justifies
justified()
{
	sed -n '/^checkpatch/,$s/^ - \([A-Z_]*\):.*/\1/p' "$(patch_file cover-letter.txt)" | paste -sd ,
}

# The lines of patches/series for the base
series_lines()
{
	sed -nE "/^(#|$)/d; s/^$BASE //; /^[0-9.]+ /!p" "$top/patches/series"
}

# What the programs of harness/$1 are built of
program_files()
{
	find "$top/harness/$1" -name '*.[ch]' -o -name '*.corpus' -o -name Makefile | sort
}

# The names of the series' patches in order
commits()
{
	series_lines | cut -d : -f 1
}

# The patches in $1 that harness/series made, without the cover letter
series_patches()
{
	find "$1" -name '*.patch' ! -name '0000-*' | sort
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
