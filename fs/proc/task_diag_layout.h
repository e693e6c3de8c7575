/* SPDX-License-Identifier: GPL-2.0 */
/*
 * task_diag: where each field of the UAPI is, on every architecture and for
 * ever. A struct may grow, at its end and without implicit padding.
 */
#ifndef _PROC_TASK_DIAG_LAYOUT_H
#define _PROC_TASK_DIAG_LAYOUT_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <uapi/linux/task_diag.h>

#define SIZE_OF(type, size) \
	static_assert(sizeof(struct task_diag_##type) == (size))
#define AT(type, field, offset) \
	static_assert(offsetof(struct task_diag_##type, field) == (offset))

SIZE_OF(pid, 32);
AT(pid, show_flags, 0);
AT(pid, dump_strategy, 8);
AT(pid, pid, 16);
AT(pid, flags, 20);
AT(pid, id, 24);

SIZE_OF(header, 40);
AT(header, show_flags, 0);
AT(header, dump_strategies, 8);
AT(header, page_size, 16);
AT(header, clk_tck, 20);
AT(header, flags, 24);
AT(header, events, 28);
AT(header, event_show_flags, 32);

SIZE_OF(event, 64);
AT(event, type, 0);
AT(event, flags, 4);
AT(event, time, 8);
AT(event, id, 16);
AT(event, parent_id, 24);
AT(event, old_id, 32);
AT(event, lost, 40);
AT(event, tgid, 48);
AT(event, ppid, 52);
AT(event, exit_code, 56);
AT(event, exit_signal, 60);

SIZE_OF(error, 8);
AT(error, attr, 0);
AT(error, error, 4);

SIZE_OF(base, 56);
AT(base, tgid, 0);
AT(base, pid, 4);
AT(base, ppid, 8);
AT(base, tpid, 12);
AT(base, sid, 16);
AT(base, pgid, 20);
AT(base, state, 24);
AT(base, pad, 25);
AT(base, comm, 28);
AT(base, pad2, 44);
AT(base, id, 48);

SIZE_OF(cred, 88);
AT(cred, uid, 0);
AT(cred, euid, 4);
AT(cred, suid, 8);
AT(cred, fsuid, 12);
AT(cred, gid, 16);
AT(cred, egid, 20);
AT(cred, sgid, 24);
AT(cred, fsgid, 28);
AT(cred, loginuid, 32);
AT(cred, sessionid, 36);
AT(cred, cap_inheritable, 40);
AT(cred, cap_permitted, 48);
AT(cred, cap_effective, 56);
AT(cred, cap_bounding, 64);
AT(cred, cap_ambient, 72);
AT(cred, seccomp_filters, 80);
AT(cred, seccomp, 84);
AT(cred, no_new_privs, 85);
AT(cred, pad, 86);

SIZE_OF(vma, 64);
AT(vma, start, 0);
AT(vma, end, 8);
AT(vma, pgoff, 16);
AT(vma, ino, 24);
AT(vma, dev_major, 32);
AT(vma, dev_minor, 36);
AT(vma, generation, 40);
AT(vma, flags, 44);
AT(vma, name_len, 48);
AT(vma, name_off, 52);
AT(vma, name_at, 56);
AT(vma, pad, 60);

SIZE_OF(pages, 176);
AT(pages, rss, 0);
AT(pages, pss, 8);
AT(pages, pss_dirty, 16);
AT(pages, pss_anon, 24);
AT(pages, pss_file, 32);
AT(pages, pss_shmem, 40);
AT(pages, pss_locked, 48);
AT(pages, shared_clean, 56);
AT(pages, shared_dirty, 64);
AT(pages, private_clean, 72);
AT(pages, private_dirty, 80);
AT(pages, referenced, 88);
AT(pages, anonymous, 96);
AT(pages, ksm, 104);
AT(pages, lazyfree, 112);
AT(pages, anon_huge, 120);
AT(pages, shmem_huge, 128);
AT(pages, file_huge, 136);
AT(pages, shared_hugetlb, 144);
AT(pages, private_hugetlb, 152);
AT(pages, swap, 160);
AT(pages, swap_pss, 168);

SIZE_OF(vma_stat, 56);
AT(vma_stat, start, 0);
AT(vma_stat, end, 8);
AT(vma_stat, kernel_page_size, 16);
AT(vma_stat, mmu_page_size, 24);
AT(vma_stat, thp_eligible, 32);
AT(vma_stat, protection_key, 36);
AT(vma_stat, pages_at, 40);
AT(vma_stat, pages_len, 44);
AT(vma_stat, vm_flags_at, 48);
AT(vma_stat, vm_flags_len, 52);

SIZE_OF(mem_rollup, 176);
AT(mem_rollup, pages, 0);

SIZE_OF(times, 88);
AT(times, utime, 0);
AT(times, stime, 8);
AT(times, cutime, 16);
AT(times, cstime, 24);
AT(times, gtime, 32);
AT(times, cgtime, 40);
AT(times, start_time, 48);
AT(times, min_flt, 56);
AT(times, cmin_flt, 64);
AT(times, maj_flt, 72);
AT(times, cmaj_flt, 80);

SIZE_OF(sched, 80);
AT(sched, run_time, 0);
AT(sched, run_delay, 8);
AT(sched, pcount, 16);
AT(sched, nvcsw, 24);
AT(sched, nivcsw, 32);
AT(sched, prio, 40);
AT(sched, nice, 44);
AT(sched, policy, 48);
AT(sched, rt_priority, 52);
AT(sched, cpu, 56);
AT(sched, nr_threads, 60);
AT(sched, flags, 64);
AT(sched, exit_signal, 68);
AT(sched, numa_group, 72);
AT(sched, pad, 76);

SIZE_OF(mem, 120);
AT(mem, total_vm, 0);
AT(mem, hiwater_vm, 8);
AT(mem, hiwater_rss, 16);
AT(mem, rss_anon, 24);
AT(mem, rss_file, 32);
AT(mem, rss_shmem, 40);
AT(mem, data, 48);
AT(mem, stack, 56);
AT(mem, text, 64);
AT(mem, lib, 72);
AT(mem, locked, 80);
AT(mem, pinned, 88);
AT(mem, pgtables, 96);
AT(mem, swap, 104);
AT(mem, hugetlb, 112);

SIZE_OF(signal, 72);
AT(signal, pending, 0);
AT(signal, shared_pending, 8);
AT(signal, blocked, 16);
AT(signal, ignored, 24);
AT(signal, caught, 32);
AT(signal, queued, 40);
AT(signal, queue_limit, 48);
AT(signal, tty_nr, 56);
AT(signal, tty_pgrp, 60);
AT(signal, exit_code, 64);
AT(signal, core_dumping, 68);

SIZE_OF(io, 56);
AT(io, rchar, 0);
AT(io, wchar, 8);
AT(io, syscr, 16);
AT(io, syscw, 24);
AT(io, read_bytes, 32);
AT(io, write_bytes, 40);
AT(io, cancelled_write_bytes, 48);

SIZE_OF(cgroup, 24);
AT(cgroup, id, 0);
AT(cgroup, path_len, 8);
AT(cgroup, path_off, 12);
AT(cgroup, path_at, 16);
AT(cgroup, pad, 20);

SIZE_OF(ns, 24);
AT(ns, ino, 0);
AT(ns, dev, 8);
AT(ns, type, 12);
AT(ns, for_children, 16);
AT(ns, pad, 20);

SIZE_OF(nspid, 16);
AT(nspid, pid, 0);
AT(nspid, tgid, 4);
AT(nspid, pgid, 8);
AT(nspid, sid, 12);

SIZE_OF(oom, 8);
AT(oom, oom_score, 0);
AT(oom, oom_score_adj, 4);

SIZE_OF(limit, 24);
AT(limit, soft, 0);
AT(limit, hard, 8);
AT(limit, resource, 16);
AT(limit, pad, 20);

SIZE_OF(fd, 104);
AT(fd, open_fds, 0);
AT(fd, max_fds, 4);
AT(fd, umask, 8);
AT(fd, pad, 12);
AT(fd, kinds, 16);

SIZE_OF(file, 64);
AT(file, ino, 0);
AT(file, pos, 8);
AT(file, fd, 16);
AT(file, kind, 20);
AT(file, flags, 24);
AT(file, mnt_id, 28);
AT(file, dev_major, 32);
AT(file, dev_minor, 36);
AT(file, rdev_major, 40);
AT(file, rdev_minor, 44);
AT(file, path_len, 48);
AT(file, path_off, 52);
AT(file, path_at, 56);
AT(file, pad, 60);

SIZE_OF(autogroup, 16);
AT(autogroup, id, 0);
AT(autogroup, nice, 8);
AT(autogroup, pad, 12);

SIZE_OF(ioprio, 8);
AT(ioprio, ioprio, 0);
AT(ioprio, pad, 4);

SIZE_OF(affinity, 16);
AT(affinity, cpus, 0);
AT(affinity, cpus_at, 4);
AT(affinity, mems, 8);
AT(affinity, mems_at, 12);

SIZE_OF(mm_map, 96);
AT(mm_map, start_code, 0);
AT(mm_map, end_code, 8);
AT(mm_map, start_data, 16);
AT(mm_map, end_data, 24);
AT(mm_map, start_brk, 32);
AT(mm_map, start_stack, 40);
AT(mm_map, arg_start, 48);
AT(mm_map, arg_end, 56);
AT(mm_map, env_start, 64);
AT(mm_map, env_end, 72);
AT(mm_map, untag_mask, 80);
AT(mm_map, thp_enabled, 88);
AT(mm_map, pad, 92);

#undef SIZE_OF
#undef AT

#endif /* _PROC_TASK_DIAG_LAYOUT_H */
