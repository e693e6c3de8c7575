/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of what procfs mounted with hidepid=2 shows, and in a sandbox */
#ifndef __TASKDIAG_HIDEPID_H
#define __TASKDIAG_HIDEPID_H

#include "taskdiag.h"

#include <linux/landlock.h>

#define HIDEPID		"/tmp/hidepid"
#define NOBODY_S_GROUP	"54321"	/* gid= exempts a group: one that none is in */

/* On a private /tmp */
static bool td_mount_hidepid(void)
{
	return !mkdir(HIDEPID, 0755) &&
	       !mount("proc", HIDEPID, "proc", 0,
		      "hidepid=2,gid=" NOBODY_S_GROUP);
}

static void td_gain_nothing(void)
{
	td_must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "NO_NEW_PRIVS");
}

/* Is Landlock among the booted security modules? errno says why not. */
static bool td_has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION) >= 0;
}

/* A domain of its own that denies nothing but what all domains do */
static void td_enter_landlock(void)
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

#endif /* __TASKDIAG_HIDEPID_H */
