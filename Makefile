# SPDX-License-Identifier: GPL-2.0
# task_diag: builds the kernel with the series, boots it and tries it.
# 'make' alone says what can be made.

N ?= 10000
KERNEL ?= main
SUITE ?= trixie
export BASE KDIR
# Without BASE the kernel is 6.12, but mainline where it is about the series.
series bisect: export BASE := $(or $(BASE),$(if $(KDIR),,7.3))

help:
	@echo 'make run [N=10000]  ps, /proc, BPF and task_diag side by side over N processes'
	@echo 'make test           everything that must pass; ends with N passed, N failed, N skipped'
	@echo 'make test-debug     the selftests on a kernel with KASAN, lockdep and the like'
	@echo 'make test-kcsan     the same on one that looks for data races'
	@echo 'make test-kmsan     the same on one that looks for uninitialised memory'
	@echo 'make test-fuzz      a million random requests on the kernel with KASAN'
	@echo 'make test-configs   builds with each option off that it has to do with'
	@echo 'make coverage       the lines that the tests run, and do not'
	@echo 'make test-mutants   turns each defence off in turn, and sees that its test fails'
	@echo 'make test-m32       the selftests as 32-bit programs on the 64-bit kernel'
	@echo 'make test-arch ARCH=arm64|s390x|i386'
	@echo '                    the selftests on a kernel of that architecture'
	@echo 'make test-fresh SUITE=trixie|bookworm'
	@echo '                    make run and make test in a bare system of that Debian; needs root'
	@echo 'make shell          a shell in the VM (KERNEL=main or debug); exit ends it'
	@echo 'make bench          instructions per task of every way to read tasks, at several sizes'
	@echo 'make procps         builds ps, top and pgrep on task_diag, and stock ones: build/procps'
	@echo 'make htop           the same of htop: build/htop'
	@echo 'make iproute2       the same of ss: build/iproute2'
	@echo "make pcp            the same of PCP's agent pmdaproc: build/pcp"
	@echo 'make perf           builds perf on task_diag, and a stock one: build/BASE/perf{,-stock}'
	@echo 'make series         build/7.3/series/*.patch, for git am on mainline'
	@echo 'make bisect         each commit of the series applies, builds and brings no warning'
	@echo 'make apply KDIR=…   the series on your own tree, which it changes'
	@echo 'make check          static checks: checkpatch, sparse, gcc, clang, documents'
	@echo 'make clean          remove build/'
	@echo
	@echo 'BASE=7.3 or BASE=6.12 says on which kernel: 6.12 if it is not set, but 7.3, which is'
	@echo 'mainline, for series and bisect. KDIR=/path/to/linux takes your own tree (copied,'
	@echo "left as it is) in place of Debian's source, and its base. harness/vm -- COMMAND runs"
	@echo 'anything in the VM.'

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
	@harness/test --kernel $* selftests

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
