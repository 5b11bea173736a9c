/*
 * Writing random code into a cluster, one item after the other: an instruction, or a few
 * that belong together. Where a jump goes is decided when all instructions are there.
 */
#ifndef ENGINE_WRITER_H
#define ENGINE_WRITER_H

#include "form.h"
#include "program.h"

/* A place in the code that wants the address of an instruction. */
struct fixup {
	unsigned like;  /* 1 + the number of another: the same instruction as that one; or 0 */
	unsigned edge;  /* 1 + the number of an edge: an instruction before that; or 0 */
	uint32_t start; /* once decided */
	uint32_t at;    /* offset of the field in its cluster's segment */
	uint8_t size;
	bool relative;    /* to the byte behind the field */
	int32_t plus;     /* absolute: added to the offset */
	unsigned near_to; /* the number of the instruction that wants it */
	const struct cluster *from, *to;
};
#define FIXUP_MAX 800u

struct writer {
	struct program *program;
	struct cluster *cluster;
	struct random *random;
	uint32_t at; /* offset of the next byte */
	unsigned fixup_count;
	struct fixup fixup[FIXUP_MAX];
};

/* Bytes beyond the memory are dropped: nothing can fetch them. */
void writer_put(struct writer *w, uint64_t value, unsigned size);
void writer_bytes(struct writer *w, const void *bytes, unsigned size);

/* An instruction begins here. */
void writer_start(struct writer *w);

/* 2 or 4: what this code has without a prefix. */
static inline unsigned
writer_size(const struct writer *w)
{
	return w->cluster->code32 ? 4 : 2;
}

/* A field of so many bytes that gets the offset of some instruction of a cluster. */
void writer_target(struct writer *w, unsigned size, const struct cluster *to, int32_t plus);

/* The same instruction as the last one that was asked for. */
void writer_target_again(struct writer *w, unsigned size, int32_t plus);

/* An instruction before an edge. */
void writer_target_edge(struct writer *w, unsigned size, unsigned edge);

/* The same for a branch within the cluster, relative to the byte behind the field. */
void writer_branch(struct writer *w, unsigned size);

/* Decides all of them. */
void writer_resolve(struct writer *w);

/* item.c: a random item. */
void item_write(struct writer *w);

/* A jump into another cluster, so that execution does not fall out of the end. */
void item_leave(struct writer *w);

/* operand.c: a random instruction of a row. */
void operand_instruction(struct writer *w, const struct form *form);

/* An offset that an access may have: mostly inside the data, at times at an edge or wild. */
uint32_t operand_offset(struct random *r);

#endif
