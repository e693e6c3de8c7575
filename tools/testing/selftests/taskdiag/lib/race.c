// SPDX-License-Identifier: GPL-2.0
/* Requesters that dump processes while these run a set-uid program in a loop */
#include "taskdiag.h"

#include <sys/ioctl.h>

struct td_race *td_new_race(int *exec_fd)
{
	struct td_race *race = td_share(sizeof(*race));
	int fds[2];

	td_must(!pipe2(fds, O_NONBLOCK | O_CLOEXEC), "pipe2");
	race->exec_fd = fds[0];
	*exec_fd = fds[1];
	return race;
}

static int count_execs(const struct td_race *race)
{
	int nr_execs;

	td_must(!ioctl(race->exec_fd, FIONREAD, &nr_execs), "FIONREAD");
	return nr_execs;
}

static bool shows_enough(const struct td_race *race)
{
	return count_execs(race) > race->enough_execs && race->nr_shown &&
	       race->nr_refused && race->found == race->wanted;
}

bool td_goes_on(const struct td_race *race)
{
	const double now = td_now();

	return now < race->end || (now < race->deadline && !shows_enough(race));
}

static void count(unsigned long *nr)
{
	__atomic_add_fetch(nr, 1, __ATOMIC_RELAXED);
}

static void check_answer(struct td_race *race,
			 const struct td_props_answer *answer,
			 unsigned int round)
{
	const struct td_props *task = td_find_props(answer, race->victims[0]);
	size_t i;

	if (answer->rest->error == ESRCH) {
		count(&race->nr_refused);
	} else if (td_props_whole(answer)[0]) {
		fprintf(stderr, "# round %u: %s\n", round,
			td_props_whole(answer));
		_exit(KSFT_FAIL);
	}
	for (i = 0; i < answer->nr_tasks; i++) {
		if (!race->secrets_of(&answer->tasks[i]))
			continue;
		fprintf(stderr, "# round %u: %u tells groups 0x%llx\n", round,
			answer->tasks[i].pid,
			race->secrets_of(&answer->tasks[i]));
		_exit(KSFT_FAIL);
	}
	if (task)
		count(task->failed ? &race->nr_busy : &race->nr_shown);
}

/* With many messages to a task, or one: each of both has races of its own. */
static void dump_as_alice(struct td_race *race, struct td_sock *sock,
			  unsigned int nr)
{
	struct td_props_answer *answer;
	unsigned int round;

	td_set_recv_size(sock, nr % 2 ? 4096 : 32768);
	for (round = nr; td_goes_on(race); round++) {
		answer = race->ask(sock, race, round);
		check_answer(race, answer, round);
		td_free_props(answer);
	}
}

/* A requester that may see the marks finds them all. */
static void dump_as_root(struct td_race *race, struct td_sock *sock)
{
	struct task_diag_pid req = {
		.show_flags = race->wanted,
		.flags = race->flags,
	};
	struct td_props_answer *answer;
	unsigned int round;
	size_t i;

	for (round = 0; td_goes_on(race) && race->found != race->wanted; round++) {
		req.dump_strategy = round % 2 ? TASK_DIAG_DUMP_ONE :
						TASK_DIAG_DUMP_CHILDREN;
		req.pid = round % 2 ? race->victims[0] : race->forks;
		answer = td_ask_props(sock, NLM_F_DUMP, &req);
		for (i = 0; i < answer->nr_tasks; i++)
			race->found |= race->secrets_of(&answer->tasks[i]);
		td_free_props(answer);
	}
}

const char *td_run_race(struct td_race *race, unsigned int seconds)
{
	enum { DUMPERS = 3, FLOOD = DUMPERS, ROOT, NR };
	unsigned int nr, failed = 0;
	struct td_sock sock;
	pid_t pids[NR];

	race->end = td_now() + seconds;
	race->deadline = race->end + 300;
	for (nr = 0; nr < NR; nr++) {
		pids[nr] = td_fork();
		if (pids[nr])
			continue;
		if (nr != ROOT)
			td_become(TD_ALICE);
		td_must(!td_open(&sock), "td_open");
		if (nr == ROOT)
			dump_as_root(race, &sock);
		else if (nr < DUMPERS)
			dump_as_alice(race, &sock, nr);
		else if (race->flood)
			race->flood(race, &sock);
		_exit(KSFT_PASS);
	}
	for (nr = 0; nr < NR; nr++)
		failed += td_wait(pids[nr]) != KSFT_PASS;

	ksft_print_msg("%d execs; shown %lu times, busy %lu, refused %lu\n",
		       count_execs(race), race->nr_shown, race->nr_busy,
		       race->nr_refused);
	if (failed)
		return "a requester found what it should not";
	if (race->found != race->wanted)
		return "root did not find every mark";
	return shows_enough(race) ? "" : "it showed too little";
}
