// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the table of groups, and of the helpers that put attributes
 * into a message
 */
#include <kunit/skbuff.h>
#include <kunit/test.h>
#include <linux/bitops.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/task_diag.h>
#include <net/genetlink.h>
#include <net/netlink.h>
#include "task_diag_attrs.h"

/* --- the table of groups ----------------------------------------------- */

static void each_number_has_one_row(struct kunit *test)
{
	u64 attrs = 0;
	unsigned int i;

	/* Sets of rows are u64. */
	KUNIT_ASSERT_LE(test, task_diag_nr_groups, 64);
	for (i = 0; i < task_diag_nr_groups; i++) {
		const struct task_diag_group *group = &task_diag_groups[i];

		KUNIT_ASSERT_LT_MSG(test, group->attr, 64, "%s", group->name);
		KUNIT_EXPECT_FALSE_MSG(test, attrs & BIT_ULL(group->attr), "%s",
				       group->name);
		attrs |= BIT_ULL(group->attr);
	}
	KUNIT_EXPECT_EQ(test, attrs, GENMASK_ULL(task_diag_nr_groups, 1));
}

static void each_row_has_a_filler_or_what_is_missing(struct kunit *test)
{
	unsigned int i;

	KUNIT_EXPECT_PTR_EQ(test, task_diag_groups[0].fill, NULL);
	KUNIT_EXPECT_PTR_EQ(test, task_diag_groups[0].missing, NULL);
	for (i = 1; i < task_diag_nr_groups; i++) {
		const struct task_diag_group *group = &task_diag_groups[i];

		KUNIT_EXPECT_NE_MSG(test, !!group->fill, !!group->missing, "%s",
				    group->name);
	}
}

static void rows_are_in_the_order_of_phases(struct kunit *test)
{
	unsigned int i;

	/* The core fills BASE by itself, and nothing else in that phase. */
	KUNIT_EXPECT_EQ(test, task_diag_groups[0].attr, TASK_DIAG_BASE);
	KUNIT_EXPECT_EQ(test, task_diag_groups[0].phase, TASK_DIAG_PHASE_RCU);
	for (i = 1; i < task_diag_nr_groups; i++) {
		const struct task_diag_group *group = &task_diag_groups[i];

		KUNIT_EXPECT_NE_MSG(test, group->phase, TASK_DIAG_PHASE_RCU, "%s",
				    group->name);
		KUNIT_EXPECT_GE_MSG(test, group->phase, group[-1].phase, "%s",
				    group->name);
	}
}

static void each_flag_belongs_to_a_group(struct kunit *test)
{
	u32 flags = TASK_DIAG_WITH_PROCESS;
	unsigned int i;

	for (i = 0; i < task_diag_nr_groups; i++)
		flags |= task_diag_groups[i].flags;
	KUNIT_EXPECT_EQ(test, flags, 2 * TASK_DIAG_WITH_PROCESS - 1);
}

/* --- attributes -------------------------------------------------------- */

#define HEADERS	(NLMSG_LENGTH(GENL_HDRLEN) + nla_total_size(sizeof(u32)))

/* A message with the pid alone and room for @room bytes, which are not zero. */
static struct sk_buff *new_message(struct kunit *test, unsigned int room)
{
	struct sk_buff *skb = kunit_zalloc_skb(test, HEADERS + room, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, skb_tailroom(skb) - HEADERS - room);
	skb_put(skb, HEADERS);
	memset(skb_tail_pointer(skb), 0xff, room);
	return skb;
}

static struct nlattr *first_attr(const struct sk_buff *skb)
{
	return (struct nlattr *)(skb->data + HEADERS);
}

static void padding_is_zero(struct kunit *test)
{
	unsigned int len;

	for (len = 0; len <= 8; len++) {
		struct sk_buff *skb = new_message(test, 64);
		void *payload = task_diag_reserve(skb, 1, len);
		struct nlattr *nla = first_attr(skb);

		KUNIT_ASSERT_PTR_EQ(test, payload, nla_data(nla));
		KUNIT_EXPECT_EQ(test, skb->len, HEADERS + nla_total_size(len));
		KUNIT_EXPECT_EQ(test, nla_type(nla), 1);
		KUNIT_EXPECT_EQ(test, nla_len(nla), len);
		KUNIT_EXPECT_FALSE(test, memchr_inv(payload + len, 0, nla_padlen(len)));
	}
}

static void padding_is_zero_of_a_shorter_attribute(struct kunit *test)
{
	unsigned int len;

	for (len = 8; len > 0; len--) {
		struct sk_buff *skb = new_message(test, 64);
		void *payload = task_diag_reserve(skb, 1, 10);

		KUNIT_ASSERT_NOT_NULL(test, payload);
		memset(payload, 0xff, 10);
		task_diag_shorten(skb, HEADERS, len);
		KUNIT_EXPECT_EQ(test, skb->len, HEADERS + nla_total_size(len));
		KUNIT_EXPECT_EQ(test, nla_len(first_attr(skb)), len);
		KUNIT_EXPECT_FALSE(test, memchr_inv(payload + len, 0, nla_padlen(len)));
		task_diag_shorten(skb, HEADERS, 0);
		KUNIT_EXPECT_TRUE(test, task_diag_is_empty(skb));
	}
}

static void full_message_has_room_for_more(struct kunit *test)
{
	unsigned int room;

	for (room = 0; room < 32; room++) {
		struct sk_buff *skb = new_message(test, room);
		unsigned int longest = task_diag_room(skb);

		KUNIT_EXPECT_NULL(test, task_diag_reserve(skb, 1, longest + 1));
		KUNIT_EXPECT_TRUE(test, task_diag_is_empty(skb));
		if (!longest)
			continue;
		KUNIT_EXPECT_NOT_NULL(test, task_diag_reserve(skb, 1, longest));
		KUNIT_EXPECT_EQ(test, nla_put_flag(skb, TASK_DIAG_MORE), 0);
	}
}

static void list_is_whole_or_not_there(struct kunit *test)
{
	const u32 list[] = { 1, 2, 3 };
	const unsigned int each = nla_total_size(sizeof(u32));
	const unsigned int spare = nla_total_size(0);
	struct sk_buff *skb = new_message(test, 3 * each + spare - 1);

	KUNIT_EXPECT_EQ(test, task_diag_put_list(skb, 1, list, sizeof(u32), 3), -EMSGSIZE);
	KUNIT_EXPECT_TRUE(test, task_diag_is_empty(skb));

	skb = new_message(test, 3 * each + spare);
	KUNIT_EXPECT_EQ(test, task_diag_put_list(skb, 1, list, sizeof(u32), 3), 0);
	KUNIT_EXPECT_EQ(test, skb->len, HEADERS + 3 * each);
}

/* A value in front of which each part has where in the value it belongs. */
struct head {
	u32 len;
	u32 off;
};

static void long_value_comes_in_parts(struct kunit *test)
{
	struct head head = { .len = 1000, .off = 0xffff };
	char *data = kunit_kmalloc(test, head.len, GFP_KERNEL);
	char *joined = kunit_kzalloc(test, head.len, GFP_KERNEL);
	struct task_diag_value value = {
		.head = &head,
		.head_len = sizeof(head),
		.off_at = offsetof(struct head, off),
		.data = data,
		.len = head.len,
	};
	struct task_diag_task t = {};
	unsigned int i, at = 0;
	int err = -EMSGSIZE;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_NOT_NULL(test, joined);
	for (i = 0; i < head.len; i++)
		data[i] = i;
	for (i = 0; err == -EMSGSIZE && i < head.len; i++) {
		struct sk_buff *skb = new_message(test, 128);
		const struct head *part;
		unsigned int len;

		err = i ? task_diag_put_kept(skb, &t, 1) :
			  task_diag_put_whole(skb, &t, 1, &value);
		part = nla_data(first_attr(skb));
		len = nla_len(first_attr(skb)) - sizeof(*part);
		KUNIT_EXPECT_EQ(test, part->len, head.len);
		KUNIT_EXPECT_EQ(test, part->off, at);
		KUNIT_ASSERT_LE(test, at + len, head.len);
		memcpy(joined + at, part + 1, len);
		at += len;
	}
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, at, head.len);
	KUNIT_EXPECT_MEMEQ(test, joined, data, head.len);
	task_diag_forget(&t);
	KUNIT_EXPECT_NULL(test, t.kept.head);
}

static void value_that_fits_an_empty_message_is_not_split(struct kunit *test)
{
	struct task_diag_value value = { .data = "0123456789abcdef", .len = 16 };
	struct task_diag_task t = {};
	struct sk_buff *skb = new_message(test, 28);

	KUNIT_ASSERT_EQ(test, task_diag_put(skb, 2, "0123", 4), 0);
	KUNIT_EXPECT_EQ(test, task_diag_put_whole(skb, &t, 1, &value), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, skb->len, HEADERS + nla_total_size(4));
	KUNIT_EXPECT_NULL(test, t.kept.head);

	skb = new_message(test, 28);
	KUNIT_EXPECT_EQ(test, task_diag_put_whole(skb, &t, 1, &value), 0);
	KUNIT_EXPECT_MEMEQ(test, nla_data(first_attr(skb)), value.data, value.len);
}

static struct kunit_case task_diag_cases[] = {
	KUNIT_CASE(each_number_has_one_row),
	KUNIT_CASE(each_row_has_a_filler_or_what_is_missing),
	KUNIT_CASE(rows_are_in_the_order_of_phases),
	KUNIT_CASE(each_flag_belongs_to_a_group),
	KUNIT_CASE(padding_is_zero),
	KUNIT_CASE(padding_is_zero_of_a_shorter_attribute),
	KUNIT_CASE(full_message_has_room_for_more),
	KUNIT_CASE(list_is_whole_or_not_there),
	KUNIT_CASE(long_value_comes_in_parts),
	KUNIT_CASE(value_that_fits_an_empty_message_is_not_split),
	{}
};

static struct kunit_suite task_diag_suite = {
	.name = "task_diag",
	.test_cases = task_diag_cases,
};

kunit_test_suite(task_diag_suite);
