# SPDX-License-Identifier: GPL-2.0
# task_diag: builds the kernel with the series, boots and tests it.
# 'make' alone lists the targets.

N ?= 10000
KERNEL ?= main
SUITE ?= trixie
export BASE KDIR
# Without BASE the kernel is 6.12, but for series and bisect it is mainline.
series bisect: export BASE := $(or $(BASE),$(if $(KDIR),,7.3))

help:
	@echo 'make run [N=10000]  ps, /proc, BPF and task_diag side by side with N processes'
	@echo 'make test           all tests but those that are run only if named; ends with N passed, ...'
	@echo 'make test-debug     the selftests and the fuzzer on a kernel with KASAN, lockdep and the like'
	@echo 'make test-kcsan     the same on a kernel that looks for data races'
	@echo 'make test-kmsan     the same on a kernel that looks for uninitialised memory'
	@echo 'make test-fuzz      a million random requests on the kernel with KASAN'
	@echo 'make test-configs   builds with each relevant option off'
	@echo 'make coverage       the lines that the tests run, and those that they do not'
	@echo 'make test-mutants   disables each check in turn, and verifies that its test fails'
	@echo 'make test-m32       the selftests as 32-bit programs on the 64-bit kernel'
	@echo 'make test-arch ARCH=arm64|s390x|i386'
	@echo '                    the selftests on a kernel of that architecture'
	@echo 'make test-fresh SUITE=trixie|bookworm'
	@echo '                    make run and make test on a bare system of that release; needs root'
	@echo 'make shell          a shell in the VM (KERNEL=main or debug)'
	@echo 'make bench          instructions per task of every way to read tasks, at several sizes'
	@echo 'make procps         builds ps, top and pgrep, patched and stock: build/procps'
	@echo 'make htop           the same for htop: build/htop'
	@echo 'make iproute2       the same for ss: build/iproute2'
	@echo "make pcp            the same for PCP's agent pmdaproc: build/pcp"
	@echo 'make perf           the same for perf: build/BASE/perf{,-stock}'
	@echo 'make series         build/7.3/series/*.patch, for git am on mainline'
	@echo 'make bisect         checks that each commit of the series applies and builds cleanly'
	@echo 'make apply KDIR=…   applies the series to your own tree'
	@echo 'make check          static checks: checkpatch, sparse, gcc, clang, documents'
	@echo 'make clean          remove build/'
	@echo
	@echo 'BASE=7.3 or BASE=6.12 chooses the kernel. The default is 6.12, or 7.3, which is'
	@echo 'mainline, for series and bisect. KDIR=/path/to/linux uses a copy of your own tree'
	@echo "instead of Debian's source, and its base. harness/vm -- COMMAND runs a command in"
	@echo 'the VM.'

deps:
	@harness/deps

kernel: deps
	@harness/kernel build $(KERNEL)

tools: kernel
	@harness/kernel tools

run: tools
	@harness/run $(N)

bench: tools
	@harness/bench $(if $(filter command line environment,$(origin N)),$(N))

test: tools
	@harness/test $(if $(UNTIL),--until $(UNTIL)) $(PARTS)

test-debug test-kcsan test-kmsan: test-%: deps
	@harness/kernel build main
	@harness/kernel build $*
	@harness/kernel tools
	@harness/test --kernel $* selftests fuzz

test-mutants: tools
	@harness/kernel build lean
	@harness/mutants

test-fuzz: deps
	@harness/kernel build main
	@harness/kernel build debug
	@harness/kernel tools
	@harness/fuzz --kernel debug --requests 1000000

test-configs: deps
	@harness/kernel config main
	@harness/configs

coverage: kernel
	@harness/coverage

test-m32: tools
	@harness/test m32

test-arch:
	@harness/deps $(ARCH)
	@harness/kernel build $(ARCH)
	@harness/test $(ARCH)

test-fresh:
	@harness/fresh --processes $(N) $(SUITE)

shell: tools
	@harness/vm --kernel $(KERNEL) --timeout 86400 --interactive -- bash -i

procps: tools
	@consumers/procps/run build

htop: tools
	@consumers/htop/run build

iproute2: tools
	@consumers/iproute2/run build

pcp: tools
	@consumers/pcp/run build

perf: tools
	@consumers/perf/run build

check: deps
	@harness/kernel config main
	@harness/check

series: deps
	@harness/series

bisect: kernel
	@harness/deps bisect
	@harness/bisect

apply: deps
	@harness/apply

clean:
	rm -rf build

.PHONY: help deps kernel tools run bench perf test test-debug test-kcsan test-kmsan test-mutants test-m32 test-arch test-fresh test-fuzz test-configs \
	coverage shell procps htop iproute2 pcp check series bisect apply clean
