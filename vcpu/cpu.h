/*
 * The CPU from inside: the architectural state, what is derived from it, scratch members,
 * and the shape of an instruction handler. Private to vcpu.
 */
#ifndef DESCRY_CPU_H
#define DESCRY_CPU_H

#include "block.h"
#include "flags.h"
#include "insn.h"
#include "seg_check.h"

#include <descry/vcpu.h>

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

/*
 * One segment as an access sees it. An access of n bytes at off is allowed at once when
 * off + n <= end; whatever this cannot say (expand-down, null, wrong type, a watched
 * segment) has end 0 and goes the long way, where the rules are.
 */
struct seg_fast {
	uint64_t read_end, write_end;
	uint32_t base;
};

/* Host memory behind a linear page, kept until something about the page changes. */
struct page_fast {
	uint32_t read_page, write_page; /* linear page number, or PAGE_NONE */
	uint8_t *host;
};
/* The same slot's page, if it is writable and has code in it. */
struct page_guarded {
	uint32_t page;         /* or PAGE_NONE */
	const uint64_t *lines; /* of code: blocks_lines() */
};

#define JUMP_COUNT 2048u
#define PAGE_FAST_COUNT 512u
#define PAGE_NONE 0xffffffffu

/* A fault on its way from the rule that found it to delivery. */
struct pending_fault {
	uint8_t vector;
	uint16_t error_code;
	uint16_t dr6;     /* #DB: what it reports */
	uint32_t address; /* #PF: what CR2 gets at delivery */
};

/* What DR0 to DR3, DR7 and CR4.DE arm; bit n is DRn. debug_derive() */
struct debug {
	uint32_t address[4], dr7;
	uint8_t execute, data, io;
	uint8_t reserved;
};

/* A segment register's next content, found and checked, not yet in place. */
struct seg_loading {
	struct descry_segment seg;
	uint64_t raw;    /* the descriptor */
	uint64_t table;  /* linear base of its table */
	uint32_t linear; /* of the descriptor */
	uint8_t origin;  /* enum descry_origin */
	uint8_t fields;  /* SEG_FIELD_*: what the load writes, and SEG_MARKS */
};
#define SEG_FIELD_BASE 0x01u
#define SEG_FIELD_LIMIT 0x02u
#define SEG_FIELD_ATTR 0x04u
#define SEG_FIELDS_ALL 0x07u
#define SEG_MARKS 0x08u /* and in the table the accessed bit, or busy */

/* A judgement on a descriptor that allowed the load: seg_load.c. */
struct seg_memo {
	struct seg_loading loading;
	uint32_t key; /* path, CPL, selector; 0: none */
};
#define SEG_MEMO_COUNT 64u

/* A memory operand that has passed every check and waits to be written. */
struct pending_write {
	uint8_t *host; /* NULL: the long way */
	uint32_t linear;
	uint32_t off; /* where it wraps at 64 KiB: from linear, which is then the base */
	bool wraps;
};

struct cpu {
	struct descry_state state; /* first: handlers use its offsets */
	struct lazy_flags flags;

	/* Scratch: results of loads and checks, so that no local's address leaves a handler. */
	uint32_t value;             /* mem_read(), pop */
	struct pending_write rmw;   /* mem_rmw() */
	struct seg_loading loading; /* seg_resolve() */
	uint32_t target;            /* offset in CS where a far transfer goes */
	struct pending_fault fault;
	struct {
		uint64_t retired;
		uint32_t ip;
		uint16_t cs;
	} here; /* the instruction that provenance and events name: cpu_here() */

	/* Where execution is. */
	const struct block *block; /* that is running */
	uint64_t block_begin;      /* state.retired when it began, less what it has skipped */
	uint64_t stop_at;          /* state.retired at which the budget is used up */
	/* The same for going on from block to block; 0 makes every block come back to the loop. */
	_Atomic uint64_t chain_until;
	bool come_back;                       /* cpu_come_back() has been called */
	uint64_t stamp;                       /* of the current code context */
	uint8_t *arena;                       /* where blocks are: block_linked() */
	const struct block *jump[JUMP_COUNT]; /* by linear address: where go_to() looks */

	/* Derived from the state by cpu_derive(). */
	struct seg_fast fast[DESCRY_DATA_SREG_COUNT];
	struct seg_access_rules rules;
	uint16_t access_attr; /* the bits of attr on which accesses depend */
	uint32_t sp_mask;     /* FFFFh or FFFFFFFFh, by SS.B */
	uint32_t cs_base;
	uint32_t a20_mask;            /* of physical addresses: A20, and the pins there are */
	uint32_t window, window_size; /* descry_vcpu_map_window() */
	uint32_t eflags_bits;         /* that exist, and those that are always set */
	uint32_t eflags_ones;
	uint32_t shadow_sregs; /* 1 << sreg: loads that cast a shadow */
	struct debug debug;
	struct page_fast page[PAGE_FAST_COUNT];
	struct page_guarded guarded[PAGE_FAST_COUNT];
	uint16_t kept[PAGE_FAST_COUNT]; /* slots of page[] that have been filled ... */
	uint16_t kept_count;            /* ... unless there are more than fit */
	bool paging;                    /* CR0.PG, PE */
	bool user;                      /* paging, and ordinary accesses are those of CPL 3 */

	struct seg_memo memo[SEG_MEMO_COUNT];

	struct blocks *blocks;
	struct decoder *decoder;

	/* The world outside. */
	struct descry_bus bus;
	struct descry_profile profile;
	const struct descry_control *control; /* of the current run */
	struct descry_exit *exit;             /* of the current run, or no_exit */
	struct descry_micro_log *micro;       /* NULL: nobody records micro-steps */
	struct descry_exit no_exit;
	atomic_bool kick;
	bool leave;                /* exit is filled: leave the loop at this boundary */
	uint8_t op_step;           /* descry_op_set_step() */
	bool switched;             /* a task switch was made: task.h */
	bool accessed;             /* a watched segment was used by this instruction */
	bool loaded;               /* one was loaded: watch_load */
	uint64_t breakpoints_hash; /* of the set that the blocks were made under */

	struct {
		bool on;                    /* in this run */
		char text[240];             /* what was found */
		struct descry_state before; /* the instruction that runs */
		struct descry_segment_provenance provenance[DESCRY_SREG_COUNT]; /* the same */
	} checked;                                                              /* invariant.h */

	struct descry_segment_provenance provenance[DESCRY_SREG_COUNT];
	struct descry_provenance newest_load[DESCRY_SREG_COUNT]; /* of all fields, if unsettled */
	unsigned unsettled;                                      /* 1 << sreg */
	struct descry_event events[DESCRY_EVENT_RING];
	size_t event_count; /* since the run began; the ring holds the newest */
};

struct descry_vcpu {
	struct cpu cpu;
};

/* --- values of 1, 2 or 4 bytes --------------------------------------------------------- */

/*
 * Where the size is not a constant these are comparisons: a copy of variable length is a loop,
 * and the host waits for bytes that it wrote one by one when it reads them at once.
 */
DESCRY_INLINE uint32_t
host_read(const uint8_t *host, unsigned size)
{
	uint32_t value = 0;

	if (size == 4)
		memcpy(&value, host, 4);
	else if (size == 2)
		memcpy(&value, host, 2);
	else
		value = *host;
	return value;
}

DESCRY_INLINE void
host_write(uint8_t *host, unsigned size, uint32_t value)
{
	if (size == 4)
		memcpy(host, &value, 4);
	else if (size == 2)
		memcpy(host, &value, 2);
	else
		*host = (uint8_t)value;
}

/* --- registers ------------------------------------------------------------------------ */

/*
 * A byte register is lowered to its byte offset in the register file (AL 0, AH 1, CL 8 ...),
 * the others to their number; 16 reads as 0.
 */
DESCRY_INLINE uint32_t
reg_read(const struct cpu *c, unsigned reg, unsigned size)
{
	return host_read((const uint8_t *)&c->state + (size == 1 ? reg : reg * 8), size);
}

/* A 32-bit write clears the upper half of the 64-bit register. */
DESCRY_INLINE void
reg_write(struct cpu *c, unsigned reg, unsigned size, uint32_t value)
{
	if (size == 4)
		c->state.gpr[reg] = value;
	else
		host_write((uint8_t *)&c->state + (size == 1 ? reg : reg * 8), size, value);
}

#define REG_AH 1u /* byte register numbers, as lowered */
#define REG_AL 0u
#define REG_CL 8u

/* Offset of the memory operand; 16-bit addressing wraps by the mask. */
DESCRY_INLINE uint32_t
ea(const struct cpu *c, const struct insn *in)
{
	return (in->disp + reg_read(c, in->base, 4) + (reg_read(c, in->index, 4) << in->scale)) &
	       in->ea_mask;
}

DESCRY_INLINE bool
in_protected_mode(const struct cpu *c)
{
	return c->state.cr0 & DESCRY_CR0_PE;
}

/* PE=1, VM=0: a selector names a descriptor. In V86, PE is set and it does not. */
DESCRY_INLINE bool
uses_descriptors(const struct cpu *c)
{
	return in_protected_mode(c) && !(c->state.rflags & DESCRY_FLAG_VM);
}

DESCRY_INLINE bool
in_v86(const struct cpu *c)
{
	return DESCRY_UNLIKELY(c->state.rflags & DESCRY_FLAG_VM) && in_protected_mode(c);
}

static inline bool
knob_is(const struct cpu *c, enum descry_knob knob, uint32_t value)
{
	return c->profile.knob[knob] == value;
}

/* After any change of CR0, a segment, A20 or the watched segments. */
void cpu_derive(struct cpu *c);
void cpu_derive_eflags(struct cpu *c); /* which bits there are, by CR0.PE */
void cpu_derive_segment(struct cpu *c, enum descry_sreg sreg);

void cpu_derive_alignment(struct cpu *c); /* whether it counts: CR0.AM, EFLAGS.AC, CPL */

/* After any change of CPL: whose accesses and fetches are these? Matters to paging and alignment.
 */
void cpu_derive_privilege(struct cpu *c);

/* Forget host pointers to pages (not the blocks, and not the TLB, which is state). */
void cpu_forget_pages(struct cpu *c);
void cpu_forget_page(struct cpu *c, uint32_t linear);

/* There is code in this physical page now: stores into it take the long way. */
void cpu_guard_page(struct cpu *c, uint32_t physical);

/* The loop has something to look at: no block goes on to another before it has. */
static inline void
cpu_come_back(struct cpu *c)
{
	c->come_back = true;
	atomic_store_explicit(&c->chain_until, 0, memory_order_relaxed);
}

/* Is this kind of event wanted? If so, a new one to be filled in. */
struct descry_event *cpu_record(struct cpu *c, enum descry_event_kind kind);
static inline bool
cpu_records(const struct cpu *c, enum descry_event_kind kind)
{
	return DESCRY_UNLIKELY(c->control && c->control->events & DESCRY_EVENT_BIT(kind));
}

/* --- the ways out of a handler -------------------------------------------------------- */

/*
 * Go on with an instruction: one line decides between a sibling call and a plain loop, and
 * every handler serves both. A function that ends in next() or go_to() must not pass the
 * address of a local out of line, or the call is no longer a jump.
 */
DESCRY_INLINE const struct insn *
enter(struct cpu *c, const struct insn *in)
{
#if defined(__OPTIMIZE__) && !defined(DESCRY_PLAIN_LOOP)
	return in->exec(c, in);
#else
	(void)c;
	return in;
#endif
}

DESCRY_INLINE const struct insn *
next(struct cpu *c, const struct insn *in)
{
	return enter(c, in + 1);
}

/* Offset in CS of this instruction, and of the one behind it. */
DESCRY_INLINE uint32_t
insn_ip(const struct cpu *c, const struct insn *in)
{
	return c->block->ip + in->offset;
}

DESCRY_INLINE uint32_t
insn_next_ip(const struct cpu *c, const struct insn *in)
{
	return c->block->ip + in->offset + in->length;
}

/* The value of state.retired while this instruction executes. */
DESCRY_INLINE uint64_t
insn_retired(const struct cpu *c, const struct insn *in)
{
	return c->block_begin + in->place;
}

/* Names the instruction for provenance and events. */
DESCRY_INLINE void
cpu_here(struct cpu *c, const struct insn *in)
{
	c->here.retired = insn_retired(c, in);
	c->here.ip = insn_ip(c, in);
	c->here.cs = c->state.seg[DESCRY_CS].sel;
}

/* The same for the boundary at which the CPU stands. */
static inline void
cpu_here_stopped(struct cpu *c)
{
	c->here.retired = c->state.retired;
	c->here.ip = (uint32_t)c->state.rip;
	c->here.cs = c->state.seg[DESCRY_CS].sel;
}

/* Out of the block, back to the loop. */
DESCRY_INLINE const struct insn *
leave_at(struct cpu *c, uint64_t retired, uint32_t ip)
{
	c->state.retired = retired;
	c->state.rip = ip;
	return NULL;
}

/* The instruction is done; execution goes on at ip, in another block. */
DESCRY_INLINE const struct insn *
leave_to(struct cpu *c, const struct insn *in, uint32_t ip)
{
	return leave_at(c, insn_retired(c, in) + 1, ip);
}

DESCRY_INLINE const struct block *
block_linked(const struct cpu *c, uint32_t link)
{
	return (const struct block *)(const void *)(c->arena + link);
}

/* May execution go on with this block, from state.retired on? */
DESCRY_INLINE bool
may_chain(struct cpu *c, const struct block *to, uint64_t retired)
{
	return DESCRY_LIKELY(to->stamp == c->stamp &&
			     retired + to->count <=
				     atomic_load_explicit(&c->chain_until, memory_order_relaxed));
}

DESCRY_INLINE const struct insn *
enter_block(struct cpu *c, const struct block *to, uint64_t retired)
{
	c->block = to;
	c->block_begin = retired;
	return enter(c, to->insns);
}

/* From one block to another: if it is known and fits the budget; else back to the loop. */
DESCRY_INLINE const struct insn *
chain(struct cpu *c, uint64_t retired, uint32_t ip)
{
	const uint32_t linear = c->cs_base + ip;
	const struct block *to = c->jump[linear & (JUMP_COUNT - 1)];

	if (DESCRY_LIKELY(to->linear == linear) && may_chain(c, to, retired))
		return enter_block(c, to, retired);
	return leave_at(c, retired, ip);
}

/* The instruction is done and has cast no shadow; execution goes on at ip, in CS as it is now. */
DESCRY_INLINE const struct insn *
go_to(struct cpu *c, const struct insn *in, uint32_t ip)
{
	return chain(c, insn_retired(c, in) + 1, ip);
}

/* The instruction is done, and the following one must be looked up anew. */
DESCRY_INLINE const struct insn *
leave_after(struct cpu *c, const struct insn *in)
{
	return leave_to(c, in, insn_next_ip(c, in));
}

/* A check has refused and nothing has changed: c->fault, or c->leave, says what comes next. */
DESCRY_INLINE const struct insn *
fault(struct cpu *c, const struct insn *in)
{
	return leave_at(c, insn_retired(c, in), insn_ip(c, in));
}

/* Sets c->fault; returns false so that a refusal is one line. */
static inline bool
raise(struct cpu *c, unsigned vector, unsigned error_code)
{
	c->fault.vector = (uint8_t)vector;
	c->fault.error_code = (uint16_t)error_code;
	return false;
}

static inline bool
raise_verdict(struct cpu *c, struct seg_verdict verdict)
{
	return raise(c, verdict.vector, verdict.error_code);
}

/*
 * The instruction is known and its rule is not written yet. Stops the run before it;
 * c->fault stays empty. Returns false, as a refusal does.
 */
bool not_modelled(struct cpu *c, const char *what);

#endif
