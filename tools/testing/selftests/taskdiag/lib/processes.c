// SPDX-License-Identifier: GPL-2.0
/* Processes to request */
#include "taskdiag.h"

#include <sys/sendfile.h>

pid_t td_fork(void)
{
	const pid_t parent = getpid();
	pid_t pid = fork();

	if (!pid) {
		td_must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
		if (getppid() && getppid() != parent)
			_exit(0);
	}
	return pid;
}

pid_t td_clone(__u64 flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return syscall(SYS_clone3, &args, sizeof(args));
}

int td_wait(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int td_get_fd(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);

	fd = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	return fd;
}

void td_send_fds(int sock, const int *fds, unsigned int nr)
{
	char control[CMSG_SPACE(2 * sizeof(int))] = {}, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(nr * sizeof(int)),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	td_must(sendmsg(sock, &msg, 0) == 1, "sendmsg");
}

__u64 td_pidfd_ino(__u32 pid)
{
	int fd = syscall(SYS_pidfd_open, pid, O_EXCL /* PIDFD_THREAD */);
	struct statx st = {};

	if (fd < 0)
		return 0;
	td_must(!statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st), "statx");
	close(fd);
	return st.stx_ino;
}

int td_ready_fd = -1;
struct td_set td_children;

void td_ready(void)
{
	td_must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	td_must(write(td_ready_fd, "", 1) == 1, "write to the parent");
	close(td_ready_fd);
	td_ready_fd = -1;
}

pid_t td_spawn(void (*setup)(const void *arg), const void *arg)
{
	int fds[2];
	pid_t pid;
	char byte;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (!pid) {
		close(fds[0]);
		td_ready_fd = fds[1];
		if (setup)
			setup(arg);
		if (td_ready_fd >= 0)
			td_ready();
		for (;;)
			pause();
	}
	close(fds[1]);
	if (pid > 0)
		td_set_add(&td_children, pid);
	if (read(fds[0], &byte, 1) != 1)
		pid = -1;
	close(fds[0]);
	return pid;
}

void td_kill_children(void)
{
	size_t i;

	for (i = 0; i < td_children.nr; i++)
		kill(td_children.pids[i], SIGKILL);
	for (i = 0; i < td_children.nr; i++)
		waitpid(td_children.pids[i], NULL, __WALL);
	td_set_free(&td_children);
}

bool td_wait_state(__u32 pid, __u32 tid, char state)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct task_diag_base base;
	char name[80];

	do {
		if (!proc_base("/proc", pid, tid, &base, name) &&
		    base.state == state)
			return true;
		usleep(1000);
	} while (td_now() < deadline);
	return false;
}

pid_t td_spawn_sleeper(void (*setup)(const void *arg), const void *arg)
{
	pid_t pid = td_spawn(setup, arg);

	if (pid > 0 && !td_wait_state(pid, 0, 'S'))
		return -1;
	return pid;
}

bool td_wait_threads_gone(__u32 pid)
{
	double deadline = td_now() + TD_DEADLINE_S;
	struct td_set tids;
	size_t nr;

	do {
		tids = proc_tids("/proc", pid);
		nr = tids.nr;
		td_set_free(&tids);
		if (nr == 1)
			return true;
		usleep(1000);
	} while (td_now() < deadline);
	return false;
}

pid_t td_spawn_zombie(void (*setup)(const void *arg), const void *arg)
{
	pid_t pid = td_spawn(setup, arg);

	if (pid > 0 && (kill(pid, SIGKILL) || !td_wait_state(pid, 0, 'Z') ||
			!td_wait_threads_gone(pid)))
		return -1;
	return pid;
}

void *td_sleep_in_thread(void *unused)
{
	for (;;)
		pause();
	return unused;
}

void td_start_threads(const void *arg)
{
	unsigned int nr = *(const unsigned int *)arg;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32768);
	while (nr--)
		td_must(!pthread_create(&thread, &attr, td_sleep_in_thread,
					NULL), "pthread_create");
}

pthread_t td_new_thread(void *(*run)(void *arg), const void *arg)
{
	pthread_t thread;

	td_must(!pthread_create(&thread, NULL, run, (void *)arg),
		"pthread_create");
	return thread;
}

void td_set_name(const void *name)
{
	td_must(!prctl(PR_SET_NAME, name), "PR_SET_NAME");
}

void td_copy_program(const char *path, mode_t mode)
{
	int in = open("/proc/self/exe", O_RDONLY);
	int out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	struct stat st;

	td_must(in >= 0 && out >= 0 && !fstat(in, &st), path);
	td_must(sendfile(out, in, NULL, st.st_size) == st.st_size, "sendfile");
	td_must(!fchmod(out, mode), "fchmod");
	close(in);
	close(out);
}

int td_judge_in_child(const char *(*judge)(void))
{
	const char *text;
	pid_t pid;

	pid = fork();
	if (!pid) {
		td_children = (struct td_set){};
		text = judge();
		td_kill_children();
		if (text[0])
			fprintf(stderr, "# %s\n", text);
		_exit(text[0] ? KSFT_FAIL : KSFT_PASS);
	}
	return td_wait(pid);
}

void td_stay_on_cpu(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	td_must(!sched_setaffinity(0, sizeof(cpus), &cpus), "affinity");
}

void td_read_and_write(void)
{
	int null, zero;
	char buf[100];
	unsigned int i;

	null = open("/dev/null", O_WRONLY);
	zero = open("/dev/zero", O_RDONLY);
	td_must(null >= 0 && zero >= 0, "open");
	for (i = 0; i < 20; i++)
		td_must(read(zero, buf, 50) == 50, "read");
	for (i = 0; i < 30; i++)
		td_must(write(null, buf, 100) == 100, "write");
	close(null);
	close(zero);
}
