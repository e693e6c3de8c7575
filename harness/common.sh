# SPDX-License-Identifier: GPL-2.0
# What the harness's scripts share; to be sourced.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$top/build
src=$build/linux

# Kernels of other architectures than the machine's
arches=(arm64 s390x i386)
flavours=(main debug small coverage kcsan kmsan "${arches[@]}")

# What the series adds to the kernel
objects=(kernel/taskdiag.o fs/proc/task_diag_attrs.o fs/proc/task_diag_mm.o)

# What perf does without: what is not needed to synthesize and to record events
perf_options=()
for feature in AUXTRACE CAPSTONE DEMANGLE DWARF GTK2 JEVENTS JVMTI LIBBABELTRACE LIBBPF \
	LIBCAP LIBCRYPTO LIBDEBUGINFOD LIBLLVM LIBNUMA LIBPERL LIBPFM4 LIBPYTHON \
	LIBTRACEEVENT LIBUNWIND LIBZSTD LZMA SDT SLANG; do
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
