/*
 * One hardware vector: the state before one instruction and the state after it, captured
 * from a real CPU. A test is a value: it is read from the file, then changed where a later
 * CPU is known to differ, then run.
 */
#ifndef SST_TEST_H
#define SST_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first fourteen are in the order of the file; the 286 has no FS and GS. */
enum test_register {
	REG_AX,
	REG_BX,
	REG_CX,
	REG_DX,
	REG_CS,
	REG_SS,
	REG_DS,
	REG_ES,
	REG_SP,
	REG_BP,
	REG_SI,
	REG_DI,
	REG_IP,
	REG_FLAGS,
	REG_IN_FILE,
	REG_FS = REG_IN_FILE,
	REG_GS,
	REG_COUNT
};

struct test_byte {
	uint32_t address; /* physical */
	uint8_t value;
};

#define TEST_BYTES_MAX 1024u

struct test_memory {
	struct test_byte byte[TEST_BYTES_MAX];
	size_t count;
};

/* A word access is two bytes at neighbouring ports: the 286 splits one at an odd port. */
struct test_port_byte {
	uint16_t port;
	uint8_t value; /* OUT */
	bool is_out;
};

struct test_ports {
	struct test_port_byte access[TEST_BYTES_MAX];
	size_t count;
};

/* Where a 386 differs from the 286 that was measured. */
#define DIFFERS_LOCK 0x01u
#define DIFFERS_LONG 0x02u
#define DIFFERS_STRING 0x04u
#define DIFFERS_SREG 0x08u
#define DIFFERS_FPU 0x10u
#define DIFFERS_STACK 0x20u

struct test {
	char file[9]; /* the opcode: "00", "F7.6" */
	unsigned index;
	char text[256];
	uint8_t insn[16]; /* the closing HLT included */
	size_t insn_size;
	unsigned differs;

	bool interrupts; /* ends in an interrupt or a fault */
	uint8_t vector;
	uint32_t flags_at;   /* the FLAGS word that it pushed */
	uint16_t flags_mask; /* the defined flags; holds for that word too */

	uint16_t before[REG_COUNT], after[REG_COUNT];
	struct test_memory memory_before, memory_after; /* after: only what has changed */
	struct test_ports ports;
};

/* Walks a file that is in memory whole. */
struct test_reader {
	const uint8_t *at, *end;
	uint32_t left;
};

/* False, with the reason, when these bytes are no such file. */
bool test_open(struct test_reader *reader, const uint8_t *bytes, size_t size, const char **why);

/* The next test. False at the end, and with *why not NULL when the file is damaged. */
bool test_next(struct test_reader *reader, struct test *test, const char **why);

/* The byte in a list, or NULL. */
const struct test_byte *test_find(const struct test_memory *memory, uint32_t address);

/* Replaces or adds a byte; the list has room for what expect_386() adds. */
void test_set(struct test_memory *memory, uint32_t address, uint8_t value);
void test_set_word(struct test_memory *memory, uint32_t address, uint16_t value);

#endif
