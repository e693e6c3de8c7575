// SPDX-License-Identifier: GPL-2.0
/* Users, namespaces, mounts and Landlock */
#include "taskdiag.h"

#include <linux/capability.h>
#include <linux/landlock.h>

void td_become(uid_t uid)
{
	td_must(!setgroups(0, NULL), "setgroups");
	td_must(!setresgid(uid, uid, uid), "setresgid");
	td_must(!setresuid(uid, uid, uid), "setresuid");
	td_must(!prctl(PR_SET_DUMPABLE, 1), "PR_SET_DUMPABLE");
}

void td_become_user(const void *uid)
{
	td_become(*(const uid_t *)uid);
}

void td_unshare_user(int more)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[32];

	td_must(!unshare(CLONE_NEWUSER | more), "unshare");
	td_must(td_write_file("/proc/self/setgroups", "deny"), "setgroups");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	td_must(td_write_file("/proc/self/uid_map", map), "uid_map");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	td_must(td_write_file("/proc/self/gid_map", map), "gid_map");
}

bool td_private_tmp(void)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("taskdiag", "/tmp", "tmpfs", 0, "mode=1777");
}

bool td_mount_hidepid(void)
{
	/* gid= exempts a group: one that none is in */
	return !mkdir(HIDEPID, 0755) &&
	       !mount("proc", HIDEPID, "proc", 0, "hidepid=2,gid=54321");
}

void td_set_caps(__u64 effective, __u64 permitted, __u64 inheritable)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		data[i].effective = effective >> 32 * i;
		data[i].permitted = permitted >> 32 * i;
		data[i].inheritable = inheritable >> 32 * i;
	}
	td_must(!syscall(SYS_capset, &header, data), "capset");
}

void td_gain_nothing(void)
{
	td_must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "NO_NEW_PRIVS");
}

bool td_has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION) >= 0;
}

void td_enter_landlock(void)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_MAKE_CHAR,
	};
	int fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	td_must(fd >= 0, "landlock_create_ruleset");
	td_gain_nothing();
	td_must(!syscall(SYS_landlock_restrict_self, fd, 0), "landlock");
	close(fd);
}
