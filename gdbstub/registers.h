/*
 * The registers that gdb sees, as one table: their order, names, widths and types make the
 * target description, the packets g and G, and the numbers of p and P. Private to gdbstub.
 */
#ifndef DESCRY_GDB_REGISTERS_H
#define DESCRY_GDB_REGISTERS_H

#include <descry/vcpu.h>

enum register_feature {
	FEATURE_CORE,     /* org.gnu.gdb.i386.core: gdb insists on all of it, in this order */
	FEATURE_SSE,      /* org.gnu.gdb.i386.sse */
	FEATURE_SYSTEM,   /* org.descry.x86.system */
	FEATURE_SEGCACHE, /* org.descry.x86.segcache */
	FEATURE_COUNT
};

typedef uint64_t register_read_fn(const struct descry_vcpu *vcpu, unsigned which);

/* False: refused, and nothing has changed. */
typedef bool register_write_fn(struct descry_vcpu *vcpu, unsigned which, uint64_t value);

struct gdb_register {
	const char *name;
	enum register_feature feature;
	unsigned bits;
	const char *type;
	const char *group;        /* NULL: by its type */
	register_read_fn *read;   /* NULL: the CPU has none; gdb shows <unavailable> */
	register_write_fn *write; /* NULL: can be read only */
	unsigned which;           /* for read and write: enum descry_gpr, descry_sreg, ... */
};

extern const struct gdb_register gdb_registers[];
extern const unsigned gdb_register_count;

/* By these numbers a stop reply saves gdb a question. */
#define REGISTER_ESP 4u
#define REGISTER_EIP 8u

/* Hexadecimal digits that a register takes in a packet. */
unsigned register_digits(const struct gdb_register *reg);

/* Writes register_digits() of them, little-endian; 'x' where there is no value. */
size_t register_put(char *out, const struct descry_vcpu *vcpu, const struct gdb_register *reg);

/* False: refused. A register that can be read only takes the value that it has. */
DESCRY_MUST_CHECK bool register_set(struct descry_vcpu *vcpu, const struct gdb_register *reg,
				    uint64_t value);

/* register_digits() digits as a value; false: they are none. */
DESCRY_MUST_CHECK bool register_parse(const struct gdb_register *reg, const char *digits,
				      uint64_t *value);

#endif
