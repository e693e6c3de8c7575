// SPDX-License-Identifier: GPL-2.0
/* Where processes have their memory: arguments, pages that never come, swap */
#include "taskdiag.h"

#include <linux/loop.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>

bool td_has_vma_locks(void)
{
	struct utsname kernel;

	return !uname(&kernel) && strcmp(kernel.machine, "i686");
}

void td_move_strings(char *arg, size_t arg_len, char *env, size_t env_len)
{
	/* Downward first: none may end before it starts. */
	td_must(!prctl(PR_SET_MM, PR_SET_MM_ARG_START, arg, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ARG_END, arg + arg_len, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ENV_START, env, 0, 0) &&
		!prctl(PR_SET_MM, PR_SET_MM_ENV_END, env + env_len, 0, 0),
		"PR_SET_MM");
}

void *td_share(size_t size)
{
	void *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	return area;
}

char *td_map(size_t size, int flags, int fd)
{
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 1, size);
	return area;
}

void td_touch_memory(size_t size)
{
	char *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	td_must(area != MAP_FAILED, "mmap");
	memset(area, 1, size);
	munmap(area, size);
}

char *td_map_for_handler(size_t size, size_t present)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {};
	char *area;
	int fd;

	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	td_must(area != MAP_FAILED, "mmap");
	memset(area, 'x', present);
	range.range.start = (unsigned long)area;
	range.range.len = size;
	range.mode = UFFDIO_REGISTER_MODE_MISSING;
	fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	td_must(fd >= 0, "userfaultfd");
	td_must(!ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	td_must(!ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	return area;
}

const char *td_open_storage(struct td_storage *storage, size_t size)
{
	struct loop_config config = {};
	int control, nr, memory;

	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	nr = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(storage->path, sizeof(storage->path), "/dev/loop%d", nr);
	storage->swaps = false;
	storage->fd = open(storage->path, O_RDWR | O_CLOEXEC);
	if (storage->fd < 0)
		return "no loop device: CONFIG_BLK_DEV_LOOP";
	memory = memfd_create("storage", MFD_CLOEXEC);
	config.fd = memory;
	if (memory < 0 || ftruncate(memory, size) ||
	    ioctl(storage->fd, LOOP_CONFIGURE, &config))
		return "LOOP_CONFIGURE";
	close(memory);
	return "";
}

const char *td_start_swap(struct td_storage *storage, size_t size)
{
	struct {
		char	boot[1024];
		__u32	version;
		__u32	last_page;
		__u32	bad_pages;
		char	zero[4096 - 1036 - 10];
		char	magic[10];
	} header = {
		.version = 1,
		.last_page = size / 4096 - 1,
		.magic = { 'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2' },
	};

	if (pwrite(storage->fd, &header, sizeof(header), 0) != sizeof(header) ||
	    fsync(storage->fd))
		return "writing the header of swap space";
	if (swapon(storage->path, 0))
		return "swapon: CONFIG_SWAP";
	storage->swaps = true;
	return "";
}

void td_close_storage(struct td_storage *storage)
{
	if (storage->fd < 0)
		return;
	if (storage->swaps)
		swapoff(storage->path);
	ioctl(storage->fd, LOOP_CLR_FD);
	close(storage->fd);
}

void td_page_out(char *start, size_t len)
{
	double deadline = td_now() + TD_DEADLINE_S;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t pos = 0;
	__u64 entry;

	do {
		td_must(!madvise(start + pos, len - pos, MADV_PAGEOUT),
			"MADV_PAGEOUT");
		for (; pos < len; pos += 4096) {
			td_must(pread(pagemap, &entry, sizeof(entry),
				      (unsigned long)(start + pos) / 4096 *
				      sizeof(entry)) == sizeof(entry), "pagemap");
			if (!(entry & 1ULL << 62))
				break;
		}
	} while (pos < len && td_now() < deadline);
	td_must(pos == len, "a page stays in memory");
	close(pagemap);
}

void td_swap_out(const void *unused)
{
	const size_t size = 1 << 20;
	char *area;

	area = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	td_must(area != MAP_FAILED, "mmap");
	memset(area, 1, size);
	td_page_out(area, size / 2);
}
