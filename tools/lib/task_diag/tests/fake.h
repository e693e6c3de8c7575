/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/*
 * A fake kernel: the library receives what a test queued before.
 *
 *	fake_start();			the answers to td_open()
 *	fake_answer();			what follows answers the next request: a datagram of
 *	fake_task(1);			a message about task 1
 *	fake_put(attr, data, len);	with this attribute
 *	fake_done(0, NULL);		and the end
 *	fake_event_datagram();		a datagram for the subscription
 *	fake_event(1, &event);		with an event
 *
 * Programs are linked with --wrap for the functions of the C library that this
 * replaces.
 */
#ifndef __TD_FAKE_H
#define __TD_FAKE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/task_diag.h>

#include "../libtask_diag.h"

#define FAKE_FAMILY	0x123

/* What fake_start() puts in the header */
#define FAKE_PAGE_SIZE	4711

void fake_reset(void);
void fake_start(void);
void fake_start_old(void);
void fake_answer(void);
void fake_datagram(void);		/* another one of the same answer */
void fake_event_datagram(void);
void fake_from(__u32 port);
void fake_longer(size_t len);
void fake_errno(int err);
void fake_message(__u16 type, __u16 flags, __u8 cmd);
void fake_task(__u32 pid);
void fake_event(__u32 pid, const struct task_diag_event *event);
void fake_put(__u16 attr, const void *data, size_t len);
void fake_put_up_to(__u16 attr, const void *data, const void *end);
void fake_flag(__u16 attr);
void fake_process(__u16 attr, const void *data, size_t len);
void fake_group_error(__u32 attr, int err);
void fake_done(int err, const char *text);
void fake_error(int err, const char *text);
void fake_raw(const void *data, size_t len);
void fake_rich_answer(void);
void fake_rich_events(void);

/* Saves everything queued since fake_reset() in a form for fake_load(). */
size_t fake_save(char *to, size_t size);
void fake_load(const char *from, size_t len);

/* The last request, and the number of requests */
extern char fake_request[65536];
extern size_t fake_request_len;
extern unsigned int fake_requests;

/* The numbers of opened sockets and received datagrams */
extern unsigned int fake_sockets;
extern unsigned int fake_received;

/* errno with which these functions fail, or 0 */
extern int fake_socket_errno;
extern int fake_send_errno;

/* Whether the library gets no memory */
extern bool fake_no_memory;

/* The time-out of the library's last call of poll(), or 0 */
extern int fake_timeout;

/* Reads everything that a task has; returns a sum of it. */
unsigned long read_task(const struct td_task *task);
/* Reads the rest of an answer; returns td_next()'s last value. */
int read_all(struct td_handle *td);

/* The library calls these instead of the C library's functions. */
int __wrap_socket(int domain, int type, int protocol);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t __wrap_recvfrom(int fd, void *buf, size_t size, int flags,
			struct sockaddr *from, socklen_t *from_len);
int __wrap_poll(struct pollfd *fds, nfds_t nr, int timeout);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __real_poll(struct pollfd *fds, nfds_t nr, int timeout);
void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__real_realloc(void *old, size_t size);

#endif /* __TD_FAKE_H */
