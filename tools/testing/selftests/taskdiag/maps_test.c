// SPDX-License-Identifier: GPL-2.0
/*
 * The groups of mappings, VMA, VMA_STAT, MEM_ROLLUP and EXE, equal maps, smaps,
 * smaps_rollup and exe under /proc/PID in every field of every mapping.
 */
#include "lib/harness.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA		0x53564d41
#define PR_SET_VMA_ANON_NAME	0
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

#define LISTS		(BIT(VMA) | BIT(VMA_STAT))
#define MAPS_GROUPS	(LISTS | BIT(MEM_ROLLUP) | BIT(EXE))

#define DEADLINE_S	60	/* an emulated debug kernel is slow */
#define PAGE		4096UL
#define ODD_NAME	"odd\n \\012\t\x01\xff(deleted)"

/* --- what task_diag says ----------------------------------------------- */

struct mapping {
	struct task_diag_vma	info;
	char			*name;
	size_t			len;	/* of it, so far */
	unsigned int		nr_parts;
};

/* All of a VMA_STAT */
struct vma_stat {
	struct task_diag_vma_stat	info;
	struct task_diag_pages		pages;
	char				vm_flags[160];
};

/* The answer, and the lists of the only task that was requested */
struct lists {
	struct td_props_answer		*answer;
	__u32				pid;
	struct mapping			*vmas;
	size_t				nr_vmas;
	size_t				max_vmas;
	size_t				first_vma;	/* of this message */
	unsigned int			nr_same_names;
	struct vma_stat			*stats;
	size_t				nr_stats;
	size_t				max_stats;
	unsigned int			nr_empty;	/* messages */
};

static void repeat_name(struct lists *lists, struct mapping *vma)
{
	if (vma == &lists->vmas[lists->first_vma] || vma->info.name_len) {
		td_broken(lists->answer->rest, "VMA 0x%llx has whose name?",
			  vma->info.start);
		return;
	}
	free(vma->name);
	vma->name = strdup(vma[-1].name);
	td_must(vma->name, "strdup");
	vma->len = vma[-1].len;
	vma->info.name_len = vma->len;
	vma->info.flags &= ~TASK_DIAG_VMA_SAME_NAME;
	lists->nr_same_names++;
}

static void add_vma_part(struct lists *lists, const void *data, size_t len)
{
	struct td_answer *rest = lists->answer->rest;
	struct mapping *vma = NULL;
	struct task_diag_vma info;
	size_t part;

	if (len < sizeof(info)) {
		td_broken(rest, "VMA of %zu bytes", len);
		return;
	}
	memcpy(&info, data, sizeof(info));
	if (info.name_at != sizeof(info) || info.pad)
		td_broken(rest, "VMA 0x%llx has its name at %u, a pad of %u",
			  info.start, info.name_at, info.pad);
	part = len - sizeof(info);
	if (lists->nr_vmas)
		vma = &lists->vmas[lists->nr_vmas - 1];
	if (vma && vma->len < vma->info.name_len) {
		if (info.start != vma->info.start ||
		    info.name_off != vma->len)
			td_broken(rest, "VMA 0x%llx breaks off at %zu of %u",
				  vma->info.start, vma->len,
				  vma->info.name_len);
	} else {
		if (info.name_off)
			td_broken(rest, "VMA 0x%llx begins at byte %u",
				  info.start, info.name_off);
		lists->vmas = td_grow(lists->vmas, lists->nr_vmas,
				      &lists->max_vmas, sizeof(*lists->vmas));
		vma = &lists->vmas[lists->nr_vmas++];
		memset(vma, 0, sizeof(*vma));
		vma->info = info;
	}
	if (vma->len + part > info.name_len || (!part && info.name_len))
		td_broken(rest, "VMA 0x%llx has %zu bytes at %u of %u",
			  info.start, part, info.name_off, info.name_len);
	vma->name = realloc(vma->name, vma->len + part + 1);
	td_must(vma->name, "realloc");
	memcpy(vma->name + vma->len, data + sizeof(info), part);
	vma->len += part;
	vma->name[vma->len] = 0;
	vma->nr_parts++;
	if (info.flags & TASK_DIAG_VMA_SAME_NAME)
		repeat_name(lists, vma);
}

static void add_stat(struct lists *lists, const void *data, size_t len)
{
	struct vma_stat *stat;

	lists->stats = td_grow(lists->stats, lists->nr_stats, &lists->max_stats,
			       sizeof(*lists->stats));
	stat = &lists->stats[lists->nr_stats];
	memset(stat, 0, sizeof(*stat));
	if (len >= sizeof(stat->info))
		memcpy(&stat->info, data, sizeof(stat->info));
	if (stat->info.pages_at != sizeof(stat->info) ||
	    stat->info.pages_len != sizeof(stat->pages) ||
	    stat->info.vm_flags_at != sizeof(stat->info) + sizeof(stat->pages) ||
	    stat->info.vm_flags_len >= sizeof(stat->vm_flags) ||
	    stat->info.vm_flags_at + stat->info.vm_flags_len != len) {
		td_broken(lists->answer->rest,
			  "VMA_STAT of %zu bytes: pages %u at %u, vm_flags %u at %u",
			  len, stat->info.pages_len, stat->info.pages_at,
			  stat->info.vm_flags_len, stat->info.vm_flags_at);
		return;
	}
	memcpy(&stat->pages, data + stat->info.pages_at, sizeof(stat->pages));
	memcpy(stat->vm_flags, data + stat->info.vm_flags_at,
	       stat->info.vm_flags_len);
	lists->nr_stats++;
}

static void add_message(struct lists *lists, const struct nlmsghdr *nlh)
{
	size_t pos = NLMSG_LENGTH(GENL_HDRLEN), first_stat;
	const struct nlattr *attr;

	attr = td_next_attr(lists->answer->rest, nlh, &pos);
	if (!attr || *(__u32 *)((void *)attr + NLA_HDRLEN) != lists->pid)
		return;
	lists->first_vma = lists->nr_vmas;
	first_stat = lists->nr_stats;
	while ((attr = td_next_attr(lists->answer->rest, nlh, &pos))) {
		if (attr->nla_type == TASK_DIAG_VMA)
			add_vma_part(lists, (void *)attr + NLA_HDRLEN,
				     td_attr_len(attr));
		else if (attr->nla_type == TASK_DIAG_VMA_STAT)
			add_stat(lists, (void *)attr + NLA_HDRLEN,
				 td_attr_len(attr));
	}
	lists->nr_empty += lists->nr_vmas == lists->first_vma &&
			   lists->nr_stats == first_stat;
}

/* One datagram. Returns whether there is more to receive. */
static bool recv_lists(const struct td_sock *sock, struct lists *lists)
{
	const struct nlmsghdr *nlh = (void *)sock->buf;
	const struct genlmsghdr *genl;
	size_t len = sock->size;
	bool more;

	/* The messages then end with one of no length. */
	memset(sock->buf, 0, sock->size);
	more = td_recv_props(sock, lists->answer);
	for (; !lists->answer->rest->broken[0] && NLMSG_OK(nlh, len);
	     nlh = NLMSG_NEXT(nlh, len)) {
		genl = NLMSG_DATA(nlh);
		if (nlh->nlmsg_type == sock->family &&
		    genl->cmd == TASK_DIAG_CMD_GET)
			add_message(lists, nlh);
	}
	return more && !lists->answer->rest->broken[0];
}

/* The requests' flags: which mappings */
static __u32 filters;

static struct lists *start_lists(struct td_sock *sock, __u16 flags,
				 __u64 strategy, __u64 show_flags, __u32 nr,
				 __u32 pid)
{
	struct task_diag_pid req = {
		.show_flags = show_flags,
		.dump_strategy = strategy,
		.pid = nr,
		.flags = show_flags & LISTS ? filters : 0,
	};
	struct lists *lists = calloc(1, sizeof(*lists));

	td_must(lists, "calloc");
	lists->answer = td_start_props(sock, flags, &req);
	lists->pid = pid;
	return lists;
}

static struct lists *get_lists(struct td_sock *sock, __u16 flags,
			       __u64 strategy, __u64 show_flags, __u32 nr,
			       __u32 pid)
{
	struct lists *lists = start_lists(sock, flags, strategy, show_flags, nr,
					  pid);

	while (!lists->answer->rest->broken[0] && recv_lists(sock, lists))
		;
	return lists;
}

static struct lists *get_process(struct td_sock *sock, __u64 show_flags,
				 __u32 pid)
{
	return get_lists(sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE, show_flags, pid,
			 pid);
}

static void free_lists(struct lists *lists)
{
	size_t i;

	for (i = 0; i < lists->nr_vmas; i++)
		free(lists->vmas[i].name);
	free(lists->vmas);
	free(lists->stats);
	td_free_props(lists->answer);
	free(lists);
}

/* Of the task that was requested; NULL if it is not in the answer */
static const struct td_props *props_of(const struct lists *lists)
{
	return td_find_props(lists->answer, lists->pid);
}

/* --- what procfs says -------------------------------------------------- */

/* Lines of smaps and smaps_rollup */
enum unit { KIB, AS_IS };

/* A struct's member comes last, as offsetof() has it. */
#define PLACE(type, ...)				\
	.offset = offsetof(type, __VA_ARGS__),		\
	.size = sizeof(((type *)0)->__VA_ARGS__)
#define TWIN(name, in, field)				\
	{						\
		.key = name ":",			\
		.unit = in,				\
		PLACE(struct vma_stat, field)		\
	}
#define PAGES(name, field)	TWIN(name, KIB, pages.field)
#define ONLY_ROLLUP	3	/* so many lines at the start of the table */

static const struct {
	const char	*key;
	enum unit	unit;
	size_t		offset;
	size_t		size;
} fields[] = {
	PAGES("Pss_Anon", pss_anon),
	PAGES("Pss_File", pss_file),
	PAGES("Pss_Shmem", pss_shmem),
	PAGES("Rss", rss),
	PAGES("Pss", pss),
	PAGES("Pss_Dirty", pss_dirty),
	PAGES("Locked", pss_locked),
	PAGES("Shared_Clean", shared_clean),
	PAGES("Shared_Dirty", shared_dirty),
	PAGES("Private_Clean", private_clean),
	PAGES("Private_Dirty", private_dirty),
	PAGES("Referenced", referenced),
	PAGES("Anonymous", anonymous),
	PAGES("KSM", ksm),
	PAGES("LazyFree", lazyfree),
	PAGES("AnonHugePages", anon_huge),
	PAGES("ShmemPmdMapped", shmem_huge),
	PAGES("FilePmdMapped", file_huge),
	PAGES("Shared_Hugetlb", shared_hugetlb),
	PAGES("Private_Hugetlb", private_hugetlb),
	PAGES("Swap", swap),
	PAGES("SwapPss", swap_pss),
	TWIN("KernelPageSize", KIB, info.kernel_page_size),
	TWIN("MMUPageSize", KIB, info.mmu_page_size),
	TWIN("THPeligible", AS_IS, info.thp_eligible),
	TWIN("ProtectionKey", AS_IS, info.protection_key),
};

/* A mapping as a line of maps, or as such a line with what follows in smaps */
struct region {
	__u64	start;
	__u64	end;
	__u64	pgoff;
	__u64	ino;
	__u32	dev_major;
	__u32	dev_minor;
	__u32	flags;
	char	*name;		/* "" for none */
	__u64	values[ARRAY_SIZE(fields)];
	__u64	has;		/* bits of values[] */
	char	vm_flags[160];	/* without blanks */
};

struct regions {
	struct region	*all;
	size_t		nr;
	size_t		max;
};

static char *read_whole(__u32 pid, const char *file, size_t *len)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	return td_read_whole(path, len);
}

static __u32 parse_perms(const char *perms)
{
	return (perms[0] == 'r' ? TASK_DIAG_VMA_READ : 0) |
	       (perms[1] == 'w' ? TASK_DIAG_VMA_WRITE : 0) |
	       (perms[2] == 'x' ? TASK_DIAG_VMA_EXEC : 0) |
	       (perms[3] == 's' ? TASK_DIAG_VMA_SHARED : 0);
}

static void parse_value(struct region *region, char *line)
{
	unsigned int i;
	size_t len = 0;

	if (!strncmp(line, "VmFlags:", 8)) {
		for (line += 8; *line; line++)
			if (*line != ' ' && len < sizeof(region->vm_flags) - 1)
				region->vm_flags[len++] = *line;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strncmp(line, fields[i].key, strlen(fields[i].key)))
			continue;
		region->has |= 1ULL << i;
		region->values[i] = strtoull(line + strlen(fields[i].key), NULL,
					     10);
	}
}

/* Of maps, smaps or smaps_rollup; names stay in @text. */
static struct regions parse_regions(char *text)
{
	struct regions regions = {};
	struct region region, *last = NULL;
	char perms[5], *line = text, *end;
	int used;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = 0;
		memset(&region, 0, sizeof(region));
		if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n",
			   &region.start, &region.end, perms, &region.pgoff,
			   &region.dev_major, &region.dev_minor, &region.ino,
			   &used) != 7) {
			if (last)
				parse_value(last, line);
			continue;
		}
		region.flags = parse_perms(perms);
		region.name = line + used;
		regions.all = td_grow(regions.all, regions.nr, &regions.max,
				      sizeof(region));
		last = &regions.all[regions.nr++];
		*last = region;
	}
	return regions;
}

/* --- the comparison ---------------------------------------------------- */

/* procfs writes a newline in a path as \012, and nothing else differently. */
static bool same_name(const struct mapping *vma, const char *name)
{
	bool path = *name == '/';
	size_t i;

	for (i = 0; i < vma->len; i++) {
		if (path && vma->name[i] == '\n') {
			if (strncmp(name, "\\012", 4))
				return false;
			name += 4;
		} else if (vma->name[i] != *name++) {
			return false;
		}
	}
	return !*name;
}

static void check_vma(const struct mapping *vma, const struct region *region)
{
	const struct task_diag_vma *info = &vma->info;

	if (info->start != region->start || info->end != region->end ||
	    info->pgoff != region->pgoff || info->ino != region->ino ||
	    info->dev_major != region->dev_major ||
	    info->dev_minor != region->dev_minor ||
	    info->flags != region->flags)
		differs("VMA %llx-%llx %x %llx %x:%x %llu, maps %llx-%llx %x %llx %x:%x %llu; ",
			info->start, info->end, info->flags, info->pgoff,
			info->dev_major, info->dev_minor, info->ino,
			region->start, region->end, region->flags,
			region->pgoff, region->dev_major, region->dev_minor,
			region->ino);
	if (vma->len != info->name_len || !same_name(vma, region->name))
		differs("VMA %llx is '%.200s' (%zu of %u bytes), maps '%.200s'; ",
			info->start, vma->name, vma->len, info->name_len,
			region->name);
}

static __u64 value_of(const void *stat, unsigned int field)
{
	const void *at = stat + fields[field].offset;
	__u64 value;

	value = fields[field].size == 4 ? *(__u32 *)at : *(__u64 *)at;
	return fields[field].unit == KIB ? value >> 10 : value;
}

static void check_values(const void *stat, const struct region *region,
			 unsigned int from, unsigned int to)
{
	unsigned int i;

	for (i = from; i < to; i++) {
		/* This line depends on the processor. */
		if (!(region->has & 1ULL << i) &&
		    strcmp(fields[i].key, "ProtectionKey:"))
			differs("%llx: procfs has no %s; ", region->start,
				fields[i].key);
		if (value_of(stat, i) != region->values[i])
			differs("%llx %s: procfs %llu, task_diag %llu; ",
				region->start, fields[i].key, region->values[i],
				value_of(stat, i));
	}
}

static void check_stat(const struct vma_stat *stat,
		       const struct region *region)
{
	const struct task_diag_pages *pages = &stat->pages;
	size_t i;

	if (stat->info.start != region->start || stat->info.end != region->end)
		differs("VMA_STAT %llx-%llx, smaps %llx-%llx; ",
			stat->info.start, stat->info.end, region->start,
			region->end);
	check_values(stat, region, ONLY_ROLLUP, ARRAY_SIZE(fields));
	if (strcmp(stat->vm_flags, region->vm_flags))
		differs("%llx VmFlags: smaps %s, task_diag %s; ",
			region->start, region->vm_flags, stat->vm_flags);
	/* The parts are rounded one by one. */
	i = pages->pss - pages->pss_anon - pages->pss_file - pages->pss_shmem;
	if (i > 2)
		differs("%llx: Pss %llu is not %llu + %llu + %llu; ",
			stat->info.start, pages->pss, pages->pss_anon,
			pages->pss_file, pages->pss_shmem);
}

static void check_rollup(const struct td_group *group, struct regions *regions)
{
	struct vma_stat stat = {};

	if (group->len != sizeof(struct task_diag_mem_rollup) ||
	    group->nr_parts != 1 || regions->nr != 1) {
		differs("MEM_ROLLUP has %zu bytes in %u parts, smaps_rollup %zu lines; ",
			group->len, group->nr_parts, regions->nr);
		return;
	}
	memcpy(&stat.pages, group->data, group->len);
	/* Those after the pages are of single mappings. */
	check_values(&stat, &regions->all[0], 0, ARRAY_SIZE(fields) - 4);
}

static void check_exe(const struct td_group *group, const char *link)
{
	if (group->len != strlen(link) ||
	    memcmp(group->data, link, group->len))
		differs("EXE is '%.200s' (%zu bytes), the link '%.200s' (%zu); ",
			group->data ?: "", group->len, link, strlen(link));
}

/* What filters leave */
static bool is_wanted(const struct region *region)
{
	if (filters & TASK_DIAG_ONLY_VMA_EXEC &&
	    !(region->flags & TASK_DIAG_VMA_EXEC))
		return false;
	/* Every file here has an inode number. */
	return !(filters & TASK_DIAG_ONLY_VMA_FILE) || region->ino;
}

static void check_lists(const struct lists *lists, __u64 show_flags,
			const struct regions *regions)
{
	size_t i, nr = 0;

	for (i = 0; i < regions->nr; i++) {
		if (!is_wanted(&regions->all[i]))
			continue;
		if (show_flags & BIT(VMA) && nr < lists->nr_vmas)
			check_vma(&lists->vmas[nr], &regions->all[i]);
		if (show_flags & BIT(VMA_STAT) && nr < lists->nr_stats)
			check_stat(&lists->stats[nr], &regions->all[i]);
		nr++;
	}
	if (lists->nr_vmas != (show_flags & BIT(VMA) ? nr : 0) ||
	    lists->nr_stats != (show_flags & BIT(VMA_STAT) ? nr : 0))
		differs("VMA %zu, VMA_STAT %zu, procfs %zu mappings; ",
			lists->nr_vmas, lists->nr_stats, nr);
}

/* All that procfs says of a process's memory */
struct snap {
	char	*smaps;
	size_t	smaps_len;
	char	*rollup;
	size_t	rollup_len;
	char	exe[PATH_MAX + 1];
};

static struct snap *take_snap(__u32 pid)
{
	struct snap *snap = calloc(1, sizeof(*snap));
	char path[40];

	td_must(snap, "calloc");
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	if (readlink(path, snap->exe, sizeof(snap->exe) - 1) < 0)
		snap->exe[0] = 0;
	snap->smaps = read_whole(pid, "smaps", &snap->smaps_len);
	snap->rollup = read_whole(pid, "smaps_rollup", &snap->rollup_len);
	return snap;
}

static bool same_snap(const struct snap *a, const struct snap *b)
{
	return a->smaps_len == b->smaps_len &&
	       a->rollup_len == b->rollup_len &&
	       !memcmp(a->smaps, b->smaps, a->smaps_len) &&
	       !memcmp(a->rollup, b->rollup, a->rollup_len) &&
	       !strcmp(a->exe, b->exe);
}

static void free_snap(struct snap *snap)
{
	free(snap->smaps);
	free(snap->rollup);
	free(snap);
}

struct query {
	__u16	flags;
	__u64	strategy;
	__u64	show_flags;
	__u32	nr;		/* in the request */
	size_t	recv_size;
};

static void compare(const struct lists *lists, const struct query *query,
		    struct snap *snap)
{
	const __u64 groups = query->show_flags & MAPS_GROUPS;
	const struct td_props *task = props_of(lists);
	struct regions regions, rollup;

	differs("%s", td_props_whole(lists->answer));
	if (!task) {
		differs("%u is not in the answer; ", lists->pid);
		return;
	}
	if (task->has != groups || task->failed)
		differs("%u has groups 0x%llx of 0x%llx, failed 0x%llx; ",
			lists->pid, task->has, groups, task->failed);
	regions = parse_regions(snap->smaps);
	rollup = parse_regions(snap->rollup);
	check_lists(lists, query->show_flags, &regions);
	if (groups & BIT(MEM_ROLLUP))
		check_rollup(&task->groups[TASK_DIAG_MEM_ROLLUP], &rollup);
	if (groups & BIT(EXE))
		check_exe(&task->groups[TASK_DIAG_EXE], snap->exe);
	free(regions.all);
	free(rollup.all);
}

/*
 * Compares with procfs. Though the process is stopped, others map the files
 * that it maps: what counts is an answer with procfs the same around it.
 */
static void check(const struct query *query, __u32 pid)
{
	double deadline = td_now() + DEADLINE_S;
	struct snap *before, *after;
	struct lists *lists;
	struct td_sock sock;
	bool still;

	do {
		td_must(!td_open(&sock), "td_open");
		td_set_recv_size(&sock, query->recv_size);
		before = take_snap(pid);
		lists = get_lists(&sock, query->flags, query->strategy,
				  query->show_flags, query->nr, pid);
		after = take_snap(pid);
		still = same_snap(before, after);
		if (still)
			compare(lists, query, before);
		free_snap(before);
		free_snap(after);
		free_lists(lists);
		td_close(&sock);
		if (still)
			return;
	} while (td_now() < deadline);
	differs("%u did not hold still; ", pid);
}

static const char *process_differs(__u32 pid)
{
	const struct query queries[] = {
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ONE, MAPS_GROUPS, pid, 4096 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ONE, MAPS_GROUPS, pid, 8192 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ONE, MAPS_GROUPS, pid, 65536 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ONE, BIT(VMA), pid, 65536 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ONE, BIT(VMA_STAT), pid, 65536 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ALL, MAPS_GROUPS, 0, 65536 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_THREAD, MAPS_GROUPS, pid, 4096 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_ALL_THREAD, MAPS_GROUPS, 0,
		  65536 },
		{ NLM_F_DUMP, TASK_DIAG_DUMP_CHILDREN, MAPS_GROUPS, getpid(),
		  65536 },
	};
	unsigned int i;

	begin_diff();
	for (i = 0; i < ARRAY_SIZE(queries) && !diff.len; i++) {
		check(&queries[i], pid);
		if (diff.len)
			differs("strategy %llu, groups 0x%llx, recv %zu",
				queries[i].strategy, queries[i].show_flags,
				queries[i].recv_size);
	}
	return diff.text;
}

/* --- processes with mappings ------------------------------------------- */

/* A child that is stopped, so that its memory does not change */
static pid_t spawn_stopped(void (*setup)(const void *arg), const void *arg)
{
	pid_t pid = td_spawn(setup, arg);

	if (pid > 0 && (kill(pid, SIGSTOP) ||
			waitpid(pid, NULL, WUNTRACED) != pid))
		return -1;
	return pid;
}

static char *map(size_t size, int prot, int flags, int fd, off_t offset)
{
	char *area = mmap(NULL, size, prot, flags, fd, offset);

	td_must(area != MAP_FAILED, "mmap");
	return area;
}

static char *map_anon(size_t size)
{
	return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
}

static void name_area(void *area, size_t size, const char *name)
{
	prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, area, size, name);
}

/* A file of 8 pages below @dir */
static int make_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL, 0700);

	td_must(fd >= 0 && !ftruncate(fd, 8 * PAGE), name);
	return fd;
}

static void map_files(const void *unused)
{
	int fd = make_file(AT_FDCWD, "/tmp/plain");
	char *area;

	area = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	memset(area, 1, 2 * PAGE);
	area = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, PAGE);
	area[0]++;
	madvise(area + PAGE, PAGE, MADV_POPULATE_WRITE);
	map(PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 7 * PAGE);
	map(PAGE, PROT_NONE, MAP_SHARED, fd, 0);
	close(fd);

	fd = make_file(AT_FDCWD, "/tmp/removed");
	map(PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
	td_must(!unlink("/tmp/removed"), "unlink");
	close(fd);

	fd = make_file(AT_FDCWD, "/tmp/" ODD_NAME);
	map(PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);

	fd = syscall(SYS_memfd_create, "memory\nfile", 0);
	td_must(fd >= 0 && !ftruncate(fd, PAGE), "memfd_create");
	area = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	area[0] = 1;
	close(fd);
}

/* Flags that VmFlags shows, and pages of every kind */
static void map_areas(void)
{
	static const int advices[] = {
		MADV_DONTDUMP, MADV_DONTFORK, MADV_WIPEONFORK, MADV_SEQUENTIAL,
		MADV_RANDOM, MADV_NOHUGEPAGE, MADV_MERGEABLE,
	};
	unsigned int i;
	char *area;
	int key;

	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		area = map_anon(2 * PAGE);
		area[0] = 1;
		td_must(!madvise(area, 2 * PAGE, advices[i]) ||
			errno == EINVAL, "madvise");
	}
	area = map_anon(3 * PAGE);
	memset(area, 1, 3 * PAGE);
	td_must(!mlock(area, 3 * PAGE), "mlock");
	area = map_anon(2 * PAGE);
	td_must(!syscall(SYS_mlock2, area, 2 * PAGE, 1), "mlock2");
	area = map_anon(4 * PAGE);
	memset(area, 1, 4 * PAGE);
	td_must(!madvise(area, 2 * PAGE, MADV_FREE), "MADV_FREE");
	map(PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map(PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map(16 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_GROWSDOWN, -1, 0);

	/* The first 2 MiB boundary in it is before its middle. */
	area = map_anon(8UL << 20);
	td_must(!madvise(area, 8UL << 20, MADV_HUGEPAGE) || errno == EINVAL,
		"MADV_HUGEPAGE");
	memset(area, 1, 6UL << 20);

	key = pkey_alloc(0, 0);
	area = map_anon(PAGE);
	if (key > 0)
		td_must(!pkey_mprotect(area, PAGE, PROT_READ, key),
			"pkey_mprotect");
}

static void map_everything(const void *unused)
{
	char *area;

	map_files(NULL);
	map_areas();
	td_must(sbrk(3 * PAGE) != (void *)-1, "sbrk");

	area = map_anon(2 * PAGE);
	name_area(area, 2 * PAGE, "a name (of 1) area");
	area = map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		   0);
	area[0] = 1;
	area = map(PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	name_area(area, PAGE, "shared area");
}

/* How many mappings have a name that ends with @end */
static unsigned int count_names(const struct lists *lists, const char *end)
{
	unsigned int count = 0;
	size_t i, len = strlen(end);

	for (i = 0; i < lists->nr_vmas; i++)
		count += lists->vmas[i].len >= len &&
			 !strcmp(lists->vmas[i].name + lists->vmas[i].len - len,
				 end);
	return count;
}

/* How many have the two letters in VmFlags */
static unsigned int count_flags(const struct lists *lists, const char *letters)
{
	unsigned int count = 0, at;
	size_t i;

	for (i = 0; i < lists->nr_stats; i++)
		for (at = 0; at < sizeof(lists->stats->vm_flags); at += 2)
			count += !memcmp(&lists->stats[i].vm_flags[at], letters,
					 2);
	return count;
}

FIXTURE(maps)
{
	struct td_sock sock;
	char max_map_count[16];
};

FIXTURE_SETUP(maps)
{
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
}

FIXTURE_TEARDOWN(maps)
{
	td_kill_children();
	td_close(&self->sock);
	if (self->max_map_count[0])
		td_write_file("/proc/sys/vm/max_map_count",
			      self->max_map_count);
}

/* --- the table itself -------------------------------------------------- */

/* A field that nobody compares would be found here. */
TEST(every_byte_of_the_counters_is_compared)
{
	char seen[sizeof(struct vma_stat)] = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		memset(seen + fields[i].offset, 1, fields[i].size);
	/* These two in check_stat(), what is where in add_stat() */
	memset(seen + offsetof(struct vma_stat, info.start), 1, 8);
	memset(seen + offsetof(struct vma_stat, info.end), 1, 8);
	memset(seen + offsetof(struct vma_stat, info.pages_at), 1,
	       sizeof(struct task_diag_vma_stat) -
	       offsetof(struct task_diag_vma_stat, pages_at));
	for (i = 0; i < offsetof(struct vma_stat, vm_flags); i++)
		EXPECT_EQ(1, seen[i])
			TH_LOG("byte %u", i);
}

/* --- every field of every mapping -------------------------------------- */

TEST_F(maps, mappings_of_every_kind_equal_procfs)
{
	static const char * const names[] = {
		"/plain", "/removed (deleted)", ("/" ODD_NAME),
		"/memfd:memory\nfile (deleted)", "/dev/zero (deleted)",
		"[heap]", "[stack]", "[vdso]", "[vvar]",
	};
	static const char * const flags[] = {
		"lo", "lf", "dd", "dc", "wf", "sr", "rr", "nr", "gd", "sh",
	};
	struct lists *lists;
	unsigned int i;
	pid_t pid;

	pid = spawn_stopped(map_everything, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));

	/* The child is what it was meant to be. */
	lists = get_process(&self->sock, LISTS, pid);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_LE(1, count_names(lists, names[i]))
			TH_LOG("name %u", i);
	EXPECT_EQ(4, count_names(lists, "/tmp/plain"));
	EXPECT_LE(3, lists->nr_same_names);
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		EXPECT_LE(1, count_flags(lists, flags[i]))
			TH_LOG("flag %u", i);
	free_lists(lists);
}

/* The name of an area is optional in the kernel. */
TEST_F(maps, anonymous_memory_has_the_name_it_was_given)
{
	struct lists *lists;
	char *area;
	pid_t pid;

	area = map_anon(PAGE);
	if (prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, area, PAGE, "x"))
		SKIP(return, "the kernel was built without ANON_VMA_NAME");
	pid = spawn_stopped(map_everything, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	lists = get_process(&self->sock, BIT(VMA), pid);
	EXPECT_EQ(1, count_names(lists, "[anon:a name (of 1) area]"));
	EXPECT_EQ(1, count_names(lists, "[anon_shmem:shared area]"));
	free_lists(lists);
}

/* What may be between two mappings of a file: f and g are files, n has a name */
#define IN_TURN	"ff-f-ffnfnn-fgf-g-f"

static void map_in_turn(const void *unused)
{
	const int files[] = {
		make_file(AT_FDCWD, "/tmp/f"), make_file(AT_FDCWD, "/tmp/g"),
	};
	/* Neighbours of one kind would become one. */
	static const int rights[] = { PROT_READ, PROT_READ | PROT_WRITE };
	const size_t nr = strlen(IN_TURN);
	char *area = map(nr * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
	size_t i;

	for (i = 0; i < nr; i++) {
		const bool file = strchr("fg", IN_TURN[i]);

		td_must(mmap(area + i * PAGE, PAGE, rights[i % 2],
			     MAP_PRIVATE | MAP_FIXED |
			     (file ? 0 : MAP_ANONYMOUS),
			     file ? files[IN_TURN[i] - 'f'] : -1, 0) !=
			MAP_FAILED, "mmap");
		if (IN_TURN[i] == 'n')
			name_area(area + i * PAGE, PAGE, "n");
	}
}

TEST_F(maps, mappings_of_a_file_have_its_name_whatever_is_between)
{
	struct lists *lists;
	pid_t pid;

	pid = spawn_stopped(map_in_turn, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	lists = get_process(&self->sock, BIT(VMA), pid);
	EXPECT_EQ(9, count_names(lists, "/tmp/f"));
	EXPECT_EQ(2, count_names(lists, "/tmp/g"));
	free_lists(lists);
}

TEST_F(maps, mappings_have_the_generation_of_the_file)
{
	union {
		struct file_handle	handle;
		char			room[sizeof(struct file_handle) + 128];
	} file = { .handle.handle_bytes = 128 };
	struct lists *lists;
	unsigned int i, found = 0;
	__u32 generation;
	int mount;
	pid_t pid;

	pid = spawn_stopped(map_files, NULL);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, name_to_handle_at(AT_FDCWD, "/tmp/plain", &file.handle,
				       &mount, 0));
	/* A handle on tmpfs starts with it. */
	memcpy(&generation, file.handle.f_handle, sizeof(generation));
	lists = get_process(&self->sock, BIT(VMA), pid);
	for (i = 0; i < lists->nr_vmas; i++) {
		if (strcmp(lists->vmas[i].name, "/tmp/plain"))
			continue;
		EXPECT_EQ(generation, lists->vmas[i].info.generation);
		found++;
	}
	EXPECT_EQ(4, found);
	free_lists(lists);
}

static void map_huge_page(const void *unused)
{
	char *area = map(2UL << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	area[0] = 1;
	area = map(2UL << 20, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	area[0] = 1;
}

TEST_F(maps, mappings_of_hugetlb_pages_equal_procfs)
{
	struct lists *lists;
	void *area;
	pid_t pid;

	td_write_file("/proc/sys/vm/nr_hugepages", "2");
	area = mmap(NULL, 4UL << 20, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (area == MAP_FAILED)
		SKIP(return, "no two hugetlb pages of 2 MiB");
	munmap(area, 4UL << 20);
	pid = spawn_stopped(map_huge_page, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	lists = get_process(&self->sock, LISTS, pid);
	EXPECT_EQ(2, count_flags(lists, "ht"));
	free_lists(lists);
	td_kill_children();
	td_write_file("/proc/sys/vm/nr_hugepages", "0");
}

TEST_F(maps, mappings_of_swapped_out_memory_equal_procfs)
{
	const struct task_diag_mem_rollup *rollup;
	const size_t size = 16 << 20;
	struct td_storage storage;
	struct lists *lists;
	pid_t pid;

	ASSERT_STREQ("", td_open_storage(&storage, size));
	EXPECT_STREQ("", td_start_swap(&storage, size));
	pid = spawn_stopped(td_swap_out, NULL);
	EXPECT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	lists = get_process(&self->sock, BIT(MEM_ROLLUP), pid);
	rollup = (void *)props_of(lists)->groups[TASK_DIAG_MEM_ROLLUP].data;
	EXPECT_EQ(1 << 19, rollup->pages.swap);
	free_lists(lists);
	td_kill_children();
	td_close_storage(&storage);
}

/* What smaps_rollup has of this process */
static size_t swapped_size(void)
{
	char text[4096], *line;

	td_read_file("/proc/self/smaps_rollup", text, sizeof(text));
	line = strstr(text, "\nSwap:");
	td_must(line, "Swap:");
	return strtoul(line + strlen("\nSwap:"), NULL, 10) << 10;
}

/*
 * Swaps out what nobody else maps of a file in memory, until so much is swapped
 * out in all. A page that stays in memory loses its mapping, too.
 */
static void page_out_shared(char *area, size_t size, size_t all)
{
	double deadline = td_now() + TD_DEADLINE_S;
	size_t i;

	for (;;) {
		td_must(!madvise(area, size, MADV_PAGEOUT), "MADV_PAGEOUT");
		if (swapped_size() == all)
			return;
		td_must(td_now() < deadline, "a page stays in memory");
		for (i = 0; i < size; i += PAGE)
			area[i]++;
	}
}

#define SHARED	(2UL << 20)
/* Swapped out as a whole, each page of it has the entry of the whole. */
#define FOLIOS	"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/shmem_enabled"

/* Folios need the same alignment in memory as in the file. */
static char *map_shared_memory(void)
{
	char *area = map(2 * SHARED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);

	area += SHARED - (unsigned long)area % SHARED;
	td_must(mmap(area, SHARED, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area,
		"mmap");
	memset(area, 1, SHARED);
	return area;
}

/* Of the second one, the first folio is mapped in part. */
static void swap_out_shared_memory(const void *unused)
{
	char *area;

	page_out_shared(map_shared_memory(), SHARED, SHARED);
	area = map_shared_memory();
	page_out_shared(area, SHARED, 2 * SHARED);
	td_must(!munmap(area, 8 * PAGE), "munmap");
}

/* The first page is its own, and does not hide the one that is swapped out. */
static void swap_out_behind_a_copy(const void *unused)
{
	int fd = memfd_create("copied", 0);
	char *area, *copy;

	td_must(fd >= 0 && !ftruncate(fd, 2 * PAGE), "memfd_create");
	copy = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	copy[0] = 1;
	td_must(!mprotect(copy, 2 * PAGE, PROT_READ), "mprotect");
	area = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memset(area, 1, 2 * PAGE);
	page_out_shared(area, 2 * PAGE, 4 * PAGE);
	td_must(!munmap(area, 2 * PAGE), "munmap");
}

FIXTURE(swap)
{
	struct td_sock sock;
	struct td_storage storage;
	char folios[16];	/* to be restored */
};

FIXTURE_SETUP(swap)
{
	self->storage.fd = -1;
	ASSERT_EQ(0, td_open(&self->sock));
	td_read_choice(FOLIOS, self->folios, sizeof(self->folios));
}

FIXTURE_TEARDOWN(swap)
{
	td_kill_children();
	td_close_storage(&self->storage);
	if (self->folios[0])
		td_write_file(FOLIOS, self->folios);
	td_close(&self->sock);
}

static __u64 swap_of(struct td_sock *sock, pid_t pid)
{
	struct lists *lists = get_process(sock, BIT(MEM_ROLLUP), pid);
	const struct td_props *task = props_of(lists);
	struct task_diag_mem_rollup rollup = {};

	if (task && task->has & BIT(MEM_ROLLUP))
		memcpy(&rollup, task->groups[TASK_DIAG_MEM_ROLLUP].data,
		       sizeof(rollup));
	free_lists(lists);
	return rollup.pages.swap;
}

static const char *start_swap(struct td_storage *storage)
{
	const size_t size = 16 << 20;
	const char *text = td_open_storage(storage, size);

	return text[0] ? text : td_start_swap(storage, size);
}

TEST_F(swap, swapped_out_shared_memory_equals_procfs)
{
	const char *text = start_swap(&self->storage);
	pid_t pid;

	if (text[0])
		SKIP(return, "%s", text);
	if (self->folios[0])
		EXPECT_TRUE(td_write_file(FOLIOS, "always"));
	pid = spawn_stopped(swap_out_shared_memory, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	EXPECT_LE(2 * SHARED - 8 * PAGE, swap_of(&self->sock, pid));
}

TEST_F(swap, swapped_out_memory_under_a_copy_equals_procfs)
{
	const char *text = start_swap(&self->storage);
	pid_t pid;

	if (text[0])
		SKIP(return, "%s", text);
	pid = spawn_stopped(swap_out_behind_a_copy, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	EXPECT_EQ(2 * PAGE, swap_of(&self->sock, pid));
}

#define LARGE	(256UL << 20)

static void map_large_file(const void *unused)
{
	int fd = memfd_create("large", 0);

	td_must(fd >= 0 && !ftruncate(fd, LARGE), "memfd_create");
	map(LARGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
}

static const struct vma_stat *find_large(const struct lists *lists)
{
	size_t i;

	for (i = 0; i < lists->nr_stats; i++)
		if (lists->stats[i].info.end - lists->stats[i].info.start ==
		    LARGE)
			return &lists->stats[i];
	return NULL;
}

static void *spin_in_thread(void *unused)
{
	td_stay_on_cpu(0);
	for (;;)
		;
	return unused;
}

/* A message may end, and another too, before the pages of one mapping are walked. */
TEST_F_TIMEOUT(maps, mappings_that_take_long_to_read_equal_procfs, 300)
{
	const struct vma_stat *seen, *equal;
	struct task_diag_mem_rollup rollup;
	struct lists *slow, *fast;
	unsigned int i, nr_empty = 0;
	pid_t pid;

	pid = spawn_stopped(map_large_file, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	fast = get_process(&self->sock, BIT(VMA_STAT), pid);
	equal = find_large(fast);
	ASSERT_NE(NULL, equal);
	EXPECT_EQ(LARGE, equal->pages.rss);

	/* Time passes during the walk, however fast the machine is. */
	td_stay_on_cpu(0);
	td_new_thread(spin_in_thread, NULL);
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, 19));
	for (i = 0; !nr_empty && i < 20; i++) {
		slow = get_process(&self->sock, BIT(MEM_ROLLUP), pid);
		ASSERT_EQ(BIT(MEM_ROLLUP), props_of(slow)->has);
		memcpy(&rollup, props_of(slow)->groups[TASK_DIAG_MEM_ROLLUP].data,
		       sizeof(rollup));
		ASSERT_LE(LARGE, rollup.pages.rss);
		free_lists(slow);

		slow = get_process(&self->sock, BIT(VMA_STAT), pid);
		EXPECT_STREQ("", td_props_whole(slow->answer));
		seen = find_large(slow);
		ASSERT_NE(NULL, seen);
		EXPECT_EQ(0, memcmp(equal, seen, sizeof(*seen)));
		nr_empty = slow->nr_empty;
		free_lists(slow);
	}
	EXPECT_LT(0, nr_empty);
	free_lists(fast);
}

/* Below /tmp, directories one in the other, for a path of @len bytes */
static int make_deep_file(size_t len)
{
	size_t left = len - strlen("/tmp");
	char name[256];
	int dir, fd;

	memset(name, 'd', sizeof(name));
	dir = open("/tmp", O_PATH);
	for (; left > 400; left -= 201) {
		name[200] = 0;
		mkdirat(dir, name, 0700);
		fd = openat(dir, name, O_PATH);
		td_must(fd >= 0, "mkdirat");
		close(dir);
		dir = fd;
	}
	/* One more, for what is left to be a name. */
	name[150] = 0;
	mkdirat(dir, name, 0700);
	fd = openat(dir, name, O_PATH);
	td_must(fd >= 0, "mkdirat");
	close(dir);
	left -= 151;
	memset(name, 'f', sizeof(name));
	name[left - 1] = 0;
	dir = make_file(fd, name);
	close(fd);
	return dir;
}

static void map_deep_files(const void *lens)
{
	const size_t *len;
	int fd;

	for (len = lens; *len; len++) {
		fd = make_deep_file(*len);
		map(PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, PAGE);
		close(fd);
	}
}

TEST_F(maps, mappings_with_long_names_come_in_parts)
{
	static const size_t lens[] = {
		3000, 3500, 3700, 3772, 3776, 3780, 3900, 4000, 4095, 0
	};
	struct lists *lists;
	unsigned int found = 0, parts = 0;
	size_t i;
	pid_t pid;

	pid = spawn_stopped(map_deep_files, lens);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));

	td_set_recv_size(&self->sock, 4096);
	lists = get_process(&self->sock, BIT(VMA), pid);
	for (i = 0; i < lists->nr_vmas; i++) {
		if (lists->vmas[i].len < 3000)
			continue;
		found++;
		parts += lists->vmas[i].nr_parts;
	}
	EXPECT_EQ(ARRAY_SIZE(lens) - 1, found);
	EXPECT_LT(found, parts);
	free_lists(lists);
}

/*
 * A list only moves forward, so that a task that keeps changing it does not keep
 * it from ending.
 */
TEST_F(maps, mappings_that_grow_down_have_an_end)
{
	const struct task_diag_pid req = {
		.show_flags = BIT(VMA),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
		.flags = TASK_DIAG_ONLY_VMA_FILE,
	};
	const unsigned int nr = 500;
	struct td_props_answer *answer;
	unsigned int i;
	char *area;
	int fd;

	fd = make_deep_file(9000);
	area = mmap(NULL, nr * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, area);
	td_set_recv_size(&self->sock, 4096);
	answer = td_new_props();
	ASSERT_EQ(0, td_send_get(&self->sock, NLM_F_DUMP, &req));
	for (i = nr - 1; i; i--) {
		ASSERT_NE(MAP_FAILED,
			  mmap(area + i * PAGE, (nr - i) * PAGE, PROT_READ,
			       MAP_PRIVATE | MAP_FIXED, fd, i * PAGE));
		if (!td_recv_props(&self->sock, answer))
			break;
	}
	EXPECT_STREQ("", td_props_whole(answer));
	EXPECT_LT(nr / 2, i);
	td_free_props(answer);
	munmap(area, nr * PAGE);
	close(fd);
}

/* A list has what was there when it was read, and never moves back. */
TEST_F(maps, mappings_that_merge_do_not_overlap)
{
	const unsigned int nr = 600;
	unsigned long end = 0, first, last;
	unsigned int i, merged = 0;
	struct lists *lists;
	char *area;

	area = mmap(NULL, nr * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, area);
	first = (unsigned long)area;
	last = first + nr * PAGE;
	for (i = 0; i < nr; i += 2)
		ASSERT_EQ(0, mprotect(area + i * PAGE, PAGE, PROT_NONE));
	td_set_recv_size(&self->sock, 4096);
	lists = start_lists(&self->sock, NLM_F_DUMP, TASK_DIAG_DUMP_ONE,
			    BIT(VMA), getpid(), getpid());
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(recv_lists(&self->sock, lists));
	ASSERT_EQ(0, mprotect(area, nr * PAGE, PROT_READ));
	while (recv_lists(&self->sock, lists))
		;
	EXPECT_STREQ("", td_props_whole(lists->answer));
	for (i = 0; i < lists->nr_vmas; i++) {
		EXPECT_LE(end, lists->vmas[i].info.start);
		end = lists->vmas[i].info.end;
		if (lists->vmas[i].info.start > first && end == last)
			merged = end - lists->vmas[i].info.start > PAGE;
	}
	/* The rest of what was merged, from where the list stood */
	EXPECT_EQ(1, merged);
	free_lists(lists);
	munmap(area, nr * PAGE);
}

/* maps shows paths that no system call would take. */
TEST_F(maps, mapping_after_an_overlong_name_is_listed)
{
	static const size_t lens[] = { 4096, 4300, 9000, 3000, 0 };
	pid_t pid;

	pid = spawn_stopped(map_deep_files, lens);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
}

TEST_F(maps, name_longer_than_a_megabyte_is_left_out)
{
	static const size_t lens[] = { 3000, (1 << 20) + 3000, 0 };
	unsigned int found = 0;
	struct lists *lists;
	struct mapping *vma;
	pid_t pid;

	pid = spawn_stopped(map_deep_files, lens);
	ASSERT_LT(0, pid);
	lists = get_process(&self->sock, BIT(VMA), pid);
	EXPECT_STREQ("", td_props_whole(lists->answer));
	for (vma = lists->vmas; vma < lists->vmas + lists->nr_vmas; vma++) {
		found += vma->len == 3000;
		if (!(vma->info.flags & TASK_DIAG_VMA_LONG_NAME))
			continue;
		found++;
		EXPECT_EQ(0, vma->len);
		EXPECT_NE(0, vma->info.ino);
	}
	EXPECT_EQ(2, found);
	EXPECT_EQ(1, count_names(lists, "[stack]"));
	free_lists(lists);
}

static void map_names_in_turn(const void *unused)
{
	const int fds[] = { make_deep_file(1000000), make_deep_file(990000) };
	unsigned int i;

	for (i = 0; i < 40; i++)
		map(PAGE, PROT_READ, MAP_PRIVATE, fds[i % 2], 0);
}

/* No task can make a list whose end no dump reaches. */
TEST_F_TIMEOUT(maps, list_with_endless_names_ends, 300)
{
	const struct td_props *task;
	struct lists *lists;
	pid_t pid;

	pid = spawn_stopped(map_names_in_turn, NULL);
	ASSERT_LT(0, pid);
	lists = get_process(&self->sock, BIT(VMA) | BIT(CMDLINE), pid);
	task = props_of(lists);
	ASSERT_NE(NULL, task);
	EXPECT_EQ(BIT(VMA), task->failed);
	EXPECT_EQ(-E2BIG, task->groups[TASK_DIAG_VMA].error);
	EXPECT_EQ(BIT(CMDLINE), task->has & BIT(CMDLINE));
	free_lists(lists);
}

#define NR_AHEAD	1000	/* mappings that it has at a time */
#define MAX_AHEAD	250000	/* that it makes */

/* How many it has made, ever higher ones, and unmapped but for the last; and is to make */
static unsigned long *nr_made, *nr_wanted;

static void map_ahead(const void *unused)
{
	const size_t size = MAX_AHEAD * PAGE;
	char *at = map(size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned long i;

	td_must(!munmap(at, size), "munmap");
	for (i = 0; i < MAX_AHEAD; i++) {
		/* Neighbours must differ, or they merge. */
		td_must(mmap(at + i * PAGE, PAGE, i & 1 ? PROT_READ : PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
			MAP_FAILED, "mmap");
		if (i >= NR_AHEAD)
			munmap(at + (i - NR_AHEAD) * PAGE, PAGE);
		if (i == NR_AHEAD)
			td_ready();
		__atomic_store_n(nr_made, i, __ATOMIC_RELEASE);
		/* The reader must not find the lock taken. */
		while (i >= __atomic_load_n(nr_wanted, __ATOMIC_ACQUIRE))
			usleep(100);
	}
}

/* Nor one that is mapped ahead of the reader */
TEST_F_TIMEOUT(maps, list_that_is_mapped_ahead_of_its_reader_ends, 300)
{
	struct task_diag_pid req = {
		.show_flags = BIT(VMA),
		.dump_strategy = TASK_DIAG_DUMP_ONE,
	};
	struct td_props_answer *answer;
	unsigned int i = 0;

	nr_made = td_share(PAGE);
	nr_wanted = nr_made + 1;
	*nr_wanted = NR_AHEAD;
	req.pid = td_spawn(map_ahead, NULL);
	ASSERT_LT(0, (int)req.pid);
	td_set_recv_size(&self->sock, 16384);
	answer = td_start_props(&self->sock, NLM_F_DUMP, &req);
	while (td_recv_props(&self->sock, answer)) {
		ASSERT_GT(MAX_AHEAD / NR_AHEAD, ++i);
		__atomic_add_fetch(nr_wanted, NR_AHEAD, __ATOMIC_RELEASE);
		while (__atomic_load_n(nr_made, __ATOMIC_ACQUIRE) < *nr_wanted)
			usleep(100);
	}
	EXPECT_STREQ("", td_props_whole(answer));
	ASSERT_EQ(1, answer->nr_tasks);
	EXPECT_EQ(-E2BIG, answer->tasks[0].groups[TASK_DIAG_VMA].error);
	td_free_props(answer);
	munmap(nr_made, PAGE);
}

/* --- filters ----------------------------------------------------------- */

TEST_F(maps, filters_choose_mappings)
{
	static const __u32 which[] = {
		TASK_DIAG_ONLY_VMA_EXEC, TASK_DIAG_ONLY_VMA_FILE,
		TASK_DIAG_ONLY_VMA_EXEC | TASK_DIAG_ONLY_VMA_FILE,
	};
	static const __u64 groups[] = { BIT(VMA), LISTS, MAPS_GROUPS };
	struct query query = {
		.flags = NLM_F_DUMP,
		.strategy = TASK_DIAG_DUMP_ONE,
		.recv_size = 4096,
	};
	size_t nr[ARRAY_SIZE(which)];
	struct lists *lists;
	unsigned int i, j;

	query.nr = spawn_stopped(map_everything, NULL);
	ASSERT_LT(0, (int)query.nr);
	begin_diff();
	for (i = 0; i < ARRAY_SIZE(which); i++) {
		filters = which[i];
		for (j = 0; j < ARRAY_SIZE(groups); j++) {
			query.show_flags = groups[j];
			check(&query, query.nr);
			EXPECT_STREQ("", diff.text);
		}
		lists = get_process(&self->sock, BIT(VMA), query.nr);
		nr[i] = lists->nr_vmas;
		free_lists(lists);
	}
	/* Each leaves something that the others do not. */
	EXPECT_LT(0, nr[2]);
	EXPECT_LT(nr[2], nr[0]);
	EXPECT_LT(nr[2], nr[1]);
}

/* --- many mappings ----------------------------------------------------- */

#define NR_MANY	60000

static void map_many(const void *nr)
{
	size_t count = *(const size_t *)nr, i;
	char *area;

	area = map(count * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 1; i < count; i += 2)
		td_must(!mprotect(area + i * PAGE, PAGE, PROT_READ),
			"mprotect");
}

static bool allow_many(char saved[16])
{
	char now[16] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY);

	if (fd < 0 || read(fd, now, sizeof(now) - 1) <= 0)
		return false;
	close(fd);
	memcpy(saved, now, sizeof(now));
	return td_write_file("/proc/sys/vm/max_map_count", "100000");
}

static const char *many_differ(__u32 pid, __u64 show_flags, size_t recv_size)
{
	struct regions regions;
	struct td_sock sock;
	struct lists *lists;
	size_t len, i;
	char *text;

	begin_diff();
	td_must(!td_open(&sock), "td_open");
	td_set_recv_size(&sock, recv_size);
	text = read_whole(pid, "maps", &len);
	regions = parse_regions(text);
	lists = get_process(&sock, show_flags, pid);
	differs("%s", td_props_whole(lists->answer));
	if (regions.nr < NR_MANY)
		differs("%zu mappings only; ", regions.nr);
	for (i = 0; i < regions.nr; i++) {
		if (i < lists->nr_vmas)
			check_vma(&lists->vmas[i], &regions.all[i]);
		if (i < lists->nr_stats &&
		    (lists->stats[i].info.start != regions.all[i].start ||
		     lists->stats[i].info.end != regions.all[i].end))
			differs("VMA_STAT %zu is %llx; ", i,
				lists->stats[i].info.start);
		/* Hence in ascending order, and each once. */
		if (i && regions.all[i].start < regions.all[i - 1].end)
			differs("maps goes back; ");
	}
	if (lists->nr_vmas != (show_flags & BIT(VMA) ? regions.nr : 0) ||
	    lists->nr_stats != (show_flags & BIT(VMA_STAT) ? regions.nr : 0))
		differs("VMA %zu, VMA_STAT %zu, maps %zu; ", lists->nr_vmas,
			lists->nr_stats, regions.nr);
	free_lists(lists);
	free(regions.all);
	free(text);
	td_close(&sock);
	return diff.text;
}

TEST_F_TIMEOUT(maps, any_number_of_mappings_comes_whole, 300)
{
	static const size_t nr = NR_MANY;
	pid_t pid;

	ASSERT_TRUE(allow_many(self->max_map_count));
	pid = spawn_stopped(map_many, &nr);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", many_differ(pid, BIT(VMA), 4096));
	EXPECT_STREQ("", many_differ(pid, BIT(VMA), 65536));
	EXPECT_STREQ("", many_differ(pid, LISTS, 65536));
}

/* --- tasks that have none ---------------------------------------------- */

static const char *lacks_all(struct td_sock *sock, __u32 pid)
{
	struct lists *lists = get_process(sock, MAPS_GROUPS, pid);
	const struct td_props *task = props_of(lists);

	begin_diff();
	differs("%s", td_props_whole(lists->answer));
	if (!task || task->has || task->failed)
		differs("%u has groups 0x%llx, failed 0x%llx", pid,
			task ? task->has : 0, task ? task->failed : 0);
	free_lists(lists);
	return diff.text;
}

TEST_F(maps, kernel_threads_have_no_mappings)
{
	/* kthreadd and a child of it */
	EXPECT_STREQ("", lacks_all(&self->sock, 2));
	EXPECT_STREQ("", lacks_all(&self->sock, 3));
}

TEST_F(maps, zombies_have_no_mappings)
{
	pid_t pid;

	pid = td_spawn_zombie(NULL, NULL);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", lacks_all(&self->sock, pid));
}

/* --- programs ---------------------------------------------------------- */

static void run_program(const char *path)
{
	execl(path, "sleeper", NULL);
	td_must(false, path);
}

/* Returns when the new program runs; it is stopped then. */
static pid_t spawn_program(const char *path)
{
	int fds[2];
	char byte;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	pid = td_fork();
	if (!pid)
		run_program(path);
	close(fds[1]);
	td_set_add(&td_children, pid);
	if (read(fds[0], &byte, 1) || kill(pid, SIGSTOP) ||
	    waitpid(pid, NULL, WUNTRACED) != pid)
		pid = -1;
	close(fds[0]);
	return pid;
}

TEST_F(maps, exe_is_the_path_of_the_program)
{
	static const char odd[] = "/tmp/" ODD_NAME;
	struct query plain = { 0, TASK_DIAG_DUMP_ONE, BIT(EXE), 0, 65536 };
	struct lists *lists;
	pid_t pid;

	td_copy_program(odd, 0700);
	pid = spawn_program(odd);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));
	plain.nr = pid;
	check(&plain, pid);
	EXPECT_STREQ("", diff.text);
	lists = get_process(&self->sock, BIT(EXE), pid);
	EXPECT_STREQ(odd, props_of(lists)->groups[TASK_DIAG_EXE].data);
	free_lists(lists);

	ASSERT_EQ(0, unlink(odd));
	EXPECT_STREQ("", process_differs(pid));
	lists = get_process(&self->sock, BIT(EXE), pid);
	EXPECT_STREQ("/tmp/" ODD_NAME " (deleted)",
		     props_of(lists)->groups[TASK_DIAG_EXE].data);
	free_lists(lists);
}

TEST_F(maps, long_exe_comes_in_parts)
{
	char path[PATH_MAX] = "/tmp", name[256];
	struct lists *lists;
	pid_t pid;

	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[201] = 0;
	while (strlen(path) + 201 < 4000) {
		strcat(path, name);
		ASSERT_EQ(0, mkdir(path, 0700));
	}
	/* What fits a page is not cut. */
	memset(name + 1, 'x', sizeof(name) - 2);
	name[255] = 0;
	strcat(path, name);
	ASSERT_LT(4070, strlen(path));
	td_copy_program(path, 0700);
	pid = spawn_program(path);
	ASSERT_LT(0, pid);
	EXPECT_STREQ("", process_differs(pid));

	td_set_recv_size(&self->sock, 4096);
	lists = get_process(&self->sock, BIT(EXE) | BIT(LIMITS), pid);
	EXPECT_LT(1, props_of(lists)->groups[TASK_DIAG_EXE].nr_parts);
	EXPECT_STREQ(path, props_of(lists)->groups[TASK_DIAG_EXE].data);
	free_lists(lists);
}

/* A plain request is served under locks that stop all of generic netlink. */
TEST_F(maps, mappings_need_a_dump)
{
	static const __u64 groups[] = {
		BIT(VMA), BIT(VMA_STAT), BIT(MEM_ROLLUP), MAPS_GROUPS,
	};
	struct lists *lists;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		lists = get_lists(&self->sock, 0, TASK_DIAG_DUMP_ONE, groups[i],
				  0, getpid());
		EXPECT_EQ(EINVAL, lists->answer->rest->error);
		EXPECT_STREQ("mappings and open files may take long to read: ask with NLM_F_DUMP",
			     lists->answer->rest->text);
		EXPECT_EQ(0, lists->answer->nr_tasks);
		free_lists(lists);
	}
}

/* --- tasks that change concurrently ------------------------------------ */

static int sign[2], done[2];

/* Maps much, and waits for a sign. */
static void wait_with_much(void)
{
	static const size_t nr = 1000;
	char byte;

	map_many(&nr);
	td_ready();
	close(sign[1]);
	close(done[0]);
	td_must(read(sign[0], &byte, 1) == 1, "read");
}

static void exec_on_sign(const void *unused)
{
	wait_with_much();
	run_program("/tmp/other");
}

static void hide_on_sign(const void *unused)
{
	td_become(TD_ALICE);
	wait_with_much();
	td_must(!prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
	close(done[1]);
}

/* Asks, and gives the task the sign when a part of the list has come. */
static struct lists *list_over_sign(struct td_sock *sock, __u64 show_flags,
				    __u64 strategy, pid_t pid)
{
	struct lists *lists;
	char byte;

	lists = start_lists(sock, NLM_F_DUMP, strategy, show_flags, pid, pid);
	while (recv_lists(sock, lists) && !lists->nr_vmas && !lists->nr_stats)
		;
	td_must(write(sign[1], "", 1) == 1, "write");
	td_must(!read(done[0], &byte, 1), "read");
	while (recv_lists(sock, lists))
		;
	return lists;
}

FIXTURE(concurrent)
{
	struct td_sock sock;
	char *text;		/* the task's /proc/PID/maps before the sign */
	struct regions regions;
};

FIXTURE_VARIANT(concurrent)
{
	__u64 show_flags;
	__u64 strategy;
};

FIXTURE_VARIANT_ADD(concurrent, one_vma) {
	.show_flags = BIT(VMA) | BIT(BASE),
	.strategy = TASK_DIAG_DUMP_ONE,
};

FIXTURE_VARIANT_ADD(concurrent, one_vma_stat) {
	.show_flags = BIT(VMA_STAT),
	.strategy = TASK_DIAG_DUMP_ONE,
};

FIXTURE_VARIANT_ADD(concurrent, thread) {
	.show_flags = BIT(VMA),
	.strategy = TASK_DIAG_DUMP_THREAD,
};

FIXTURE_VARIANT_ADD(concurrent, both) {
	.show_flags = LISTS,
	.strategy = TASK_DIAG_DUMP_ONE,
};

FIXTURE_SETUP(concurrent)
{
	ASSERT_TRUE(td_private_tmp());
	ASSERT_EQ(0, td_open(&self->sock));
	td_set_recv_size(&self->sock, 4096);
	td_copy_program("/tmp/other", 0700);
	ASSERT_EQ(0, pipe2(sign, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(done, O_CLOEXEC));
}

FIXTURE_TEARDOWN(concurrent)
{
	td_kill_children();
	td_close(&self->sock);
	free(self->regions.all);
	free(self->text);
}

/* A child that waits for the sign, and its mappings until then */
static pid_t spawn_waiting(struct __test_metadata *_metadata,
			   FIXTURE_DATA(concurrent) *self,
			   void (*setup)(const void *unused))
{
	pid_t pid = td_spawn(setup, NULL);
	size_t len;

	ASSERT_LT(0, pid);
	close(done[1]);
	self->text = read_whole(pid, "maps", &len);
	self->regions = parse_regions(self->text);
	return pid;
}

static bool is_in(const struct regions *regions, __u64 start, __u64 end)
{
	size_t i;

	for (i = 0; i < regions->nr; i++)
		if (regions->all[i].start == start &&
		    regions->all[i].end == end)
			return true;
	return false;
}

/* A part of those that there were before, and then an error */
static void expect_ended(struct __test_metadata *_metadata,
			 const struct lists *lists, __u64 show_flags,
			 const struct regions *regions)
{
	const struct td_props *task = props_of(lists);
	const __u64 failed = show_flags & LISTS;
	size_t i;

	EXPECT_STREQ("", td_props_whole(lists->answer));
	ASSERT_NE(NULL, task);
	EXPECT_EQ(failed, task->failed);
	if (failed & BIT(VMA))
		EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_VMA].error);
	if (failed & BIT(VMA_STAT))
		EXPECT_EQ(-ESRCH, task->groups[TASK_DIAG_VMA_STAT].error);

	EXPECT_LT(0, lists->nr_vmas + lists->nr_stats);
	EXPECT_GT(1000, lists->nr_vmas);
	EXPECT_GT(1000, lists->nr_stats);
	for (i = 0; i < lists->nr_vmas; i++)
		EXPECT_TRUE(is_in(regions, lists->vmas[i].info.start,
				  lists->vmas[i].info.end));
	for (i = 0; i < lists->nr_stats; i++)
		EXPECT_TRUE(is_in(regions, lists->stats[i].info.start,
				  lists->stats[i].info.end));
}

TEST_F(concurrent, list_ends_when_the_task_calls_exec)
{
	struct lists *lists;
	pid_t pid;

	pid = spawn_waiting(_metadata, self, exec_on_sign);
	lists = list_over_sign(&self->sock, variant->show_flags,
			       variant->strategy, pid);
	expect_ended(_metadata, lists, variant->show_flags, &self->regions);
	EXPECT_EQ(0, count_names(lists, "/tmp/other"));
	free_lists(lists);
}

/* The memory stays, but no longer is the requester's to see. */
TEST_F(concurrent, list_ends_when_the_task_becomes_undumpable)
{
	struct lists *lists;
	struct td_sock sock;
	pid_t pid, child;

	pid = spawn_waiting(_metadata, self, hide_on_sign);
	child = td_fork();
	if (!child) {
		td_become(TD_ALICE);
		td_must(!td_open(&sock), "td_open");
		td_set_recv_size(&sock, 4096);
		lists = list_over_sign(&sock, variant->show_flags,
				       variant->strategy, pid);
		expect_ended(_metadata, lists, variant->show_flags,
			     &self->regions);
		_exit(0);
	}
	EXPECT_EQ(0, td_wait(child));
}

/* fork() holds the lock of the memory that it copies. */
static void *fork_on_and_on(void *unused)
{
	pid_t pid;

	for (;;) {
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	return unused;
}

static void keep_forking(const void *unused)
{
	static const size_t nr = 20000;
	unsigned int i;

	map_many(&nr);
	for (i = 0; i < 2; i++)
		td_new_thread(fork_on_and_on, NULL);
}

/* A group that failed is not there, or is there up to where it failed. */
static const char *busy_is_told(const struct lists *lists, __u64 *busy)
{
	static const unsigned int groups[] = {
		TASK_DIAG_MEM_ROLLUP, TASK_DIAG_VMA, TASK_DIAG_VMA_STAT,
	};
	const struct td_props *task = props_of(lists);
	unsigned int i;
	__u64 bit;

	begin_diff();
	differs("%s", td_props_whole(lists->answer));
	if (!task) {
		differs("no task; ");
		return diff.text;
	}
	for (i = 0; i < ARRAY_SIZE(groups); i++) {
		bit = 1ULL << groups[i];
		if (!(task->failed & bit)) {
			if (!(task->has & bit))
				differs("no group %u; ", groups[i]);
			continue;
		}
		if (task->groups[groups[i]].error != -EAGAIN)
			differs("group %u has error %d; ", groups[i],
				task->groups[groups[i]].error);
		*busy |= bit;
	}
	if (task->failed & task->has & BIT(MEM_ROLLUP))
		differs("MEM_ROLLUP failed and is there; ");
	if (!(task->has & BIT(EXE)))
		differs("EXE needs no such lock; ");
	return diff.text;
}

TEST_F_TIMEOUT(maps, mappings_that_are_being_changed_are_contended, 600)
{
	const __u64 all = LISTS | BIT(MEM_ROLLUP);
	double deadline = td_now() + 5 * DEADLINE_S;
	struct lists *lists;
	__u64 busy = 0;
	pid_t pid;

	pid = td_spawn(keep_forking, NULL);
	ASSERT_LT(0, pid);
	while (busy != all && td_now() < deadline) {
		lists = get_process(&self->sock, MAPS_GROUPS, pid);
		ASSERT_STREQ("", busy_is_told(lists, &busy));
		free_lists(lists);
	}
	EXPECT_EQ(all, busy);
}

static unsigned int *nr_changes;

static void *change_now_and_then(void *unused)
{
	void *page = map(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int prot = PROT_READ;

	for (;;) {
		prot ^= PROT_WRITE;
		td_must(!mprotect(page, PAGE, prot), "mprotect");
		__atomic_add_fetch(nr_changes, 1, __ATOMIC_RELEASE);
		usleep(100);
	}
	return unused;
}

static void keep_changing(const void *nr)
{
	map_many(nr);
	td_new_thread(change_now_and_then, NULL);
}

/* Changes in a second, while its mappings are listed if there is a @lister */
static double change_rate(struct td_sock *lister, pid_t pid)
{
	const unsigned int before = __atomic_load_n(nr_changes,
						    __ATOMIC_ACQUIRE);
	const double start = td_now();
	double took;

	do {
		if (lister)
			free_lists(get_process(lister, BIT(VMA), pid));
		else
			usleep(1000);
		took = td_now() - start;
	} while (took < 1);
	return (__atomic_load_n(nr_changes, __ATOMIC_ACQUIRE) - before) / took;
}

/* A list of few of many mappings could take milliseconds between two of them. */
TEST_F_TIMEOUT(maps, mappings_can_be_changed_while_others_are_read, 600)
{
	static const size_t nr = NR_MANY;
	double alone;
	pid_t pid;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "needs two processors");
	ASSERT_TRUE(allow_many(self->max_map_count));
	nr_changes = td_share(PAGE);
	pid = td_spawn(keep_changing, &nr);
	ASSERT_LT(0, pid);
	alone = change_rate(NULL, pid);
	/* Which none of those many is: all are passed over within one message. */
	filters = TASK_DIAG_ONLY_VMA_FILE;
	/* If it had to wait for whole lists, a tenth */
	EXPECT_LT(alone / 5, change_rate(&self->sock, pid));
	munmap(nr_changes, PAGE);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], "sleeper"))
		for (;;)
			pause();
	return td_main(argc, argv);
}
