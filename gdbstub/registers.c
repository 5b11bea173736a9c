#include "register_access.h"

#include "hex.h"

#include <assert.h>
#include <string.h>

#define CORE(name, type, read, write, which)                                                       \
	{                                                                                          \
		name, FEATURE_CORE, 32, type, NULL, read, write, which                             \
	}
#define GPR(name, type, which) CORE(name, type, read_gpr, write_gpr, which)
#define SELECTOR(name, sreg) CORE(name, "int32", read_sel, write_sel, sreg)
#define FPU_STACK(name)                                                                            \
	{                                                                                          \
		name, FEATURE_CORE, 80, "i387_ext", NULL, NULL, NULL, 0                            \
	}
#define FPU(name)                                                                                  \
	{                                                                                          \
		name, FEATURE_CORE, 32, "int", "float", NULL, NULL, 0                              \
	}
#define XMM(name)                                                                                  \
	{                                                                                          \
		name, FEATURE_SSE, 128, "vec128", NULL, NULL, NULL, 0                              \
	}
#define SYSTEM(name, bits, type, read, write, which)                                               \
	{                                                                                          \
		name, FEATURE_SYSTEM, bits, type, "system", read, write, which                     \
	}
#define CONTROL(name, type, member) SYSTEM(name, 32, type, read_state, write_state, member)
#define CACHE(name, type, read, write, sreg)                                                       \
	{                                                                                          \
		name, FEATURE_SEGCACHE, 32, type, "segcache", read, write, sreg                    \
	}

/* The attributes twice: as a number, which conditions can use, and as flags to look at. */
#define SEGMENT(name, sreg)                                                                        \
	CACHE(name "_base", "uint32", read_base, write_base, sreg),                                \
		CACHE(name "_limit", "uint32", read_limit, write_limit, sreg),                     \
		CACHE(name "_attr", "uint32", read_attr, write_attr, sreg),                        \
		CACHE(name "_desc", "seg_attr", read_attr, write_attr, sreg),                      \
		CACHE(name "_state", "seg_state", read_status, NULL, sreg)

/*
 * The program counter that gdb knows is linear, CS.base + IP: it compares it with the
 * addresses of breakpoints and symbols. The offset in CS is `ip`.
 */
/* clang-format off */
const struct gdb_register gdb_registers[] = {
	GPR("eax", "int32", DESCRY_AX),
	GPR("ecx", "int32", DESCRY_CX),
	GPR("edx", "int32", DESCRY_DX),
	GPR("ebx", "int32", DESCRY_BX),
	GPR("esp", "data_ptr", DESCRY_SP),
	GPR("ebp", "data_ptr", DESCRY_BP),
	GPR("esi", "int32", DESCRY_SI),
	GPR("edi", "int32", DESCRY_DI),
	CORE("eip", "code_ptr", read_eip, write_eip, 0),
	CORE("eflags", "i386_eflags", read_state, write_state, MEMBER_EFLAGS),
	SELECTOR("cs", DESCRY_CS),
	SELECTOR("ss", DESCRY_SS),
	SELECTOR("ds", DESCRY_DS),
	SELECTOR("es", DESCRY_ES),
	SELECTOR("fs", DESCRY_FS),
	SELECTOR("gs", DESCRY_GS),
	FPU_STACK("st0"), FPU_STACK("st1"), FPU_STACK("st2"), FPU_STACK("st3"),
	FPU_STACK("st4"), FPU_STACK("st5"), FPU_STACK("st6"), FPU_STACK("st7"),
	FPU("fctrl"), FPU("fstat"), FPU("ftag"), FPU("fiseg"),
	FPU("fioff"), FPU("foseg"), FPU("fooff"), FPU("fop"),

	XMM("xmm0"), XMM("xmm1"), XMM("xmm2"), XMM("xmm3"),
	XMM("xmm4"), XMM("xmm5"), XMM("xmm6"), XMM("xmm7"),
	{ "mxcsr", FEATURE_SSE, 32, "i386_mxcsr", "vector", NULL, NULL, 0 },

	CONTROL("cr0", "cr0_t", MEMBER_CR0),
	CONTROL("cr2", "uint32", MEMBER_CR2),
	CONTROL("cr3", "uint32", MEMBER_CR3),
	CONTROL("cr4", "uint32", MEMBER_CR4),
	SYSTEM("efer", 64, "efer_t", read_efer, NULL, 0),
	SYSTEM("gdtr_base",  32, "uint32", read_gdtr_base,  write_gdtr_base,  0),
	SYSTEM("gdtr_limit", 16, "uint16", read_gdtr_limit, write_gdtr_limit, 0),
	SYSTEM("idtr_base",  32, "uint32", read_idtr_base,  write_idtr_base,  0),
	SYSTEM("idtr_limit", 16, "uint16", read_idtr_limit, write_idtr_limit, 0),
	SYSTEM("ldtr", 16, "uint16",   read_sel,  write_sel, DESCRY_LDTR),
	SYSTEM("tr",   16, "uint16",   read_sel,  write_sel, DESCRY_TR),
	SYSTEM("ip",   32, "uint32",   read_ip,   write_ip,  0),
	SYSTEM("mode", 32, "cpu_mode", read_mode, NULL,      0),

	SEGMENT("cs", DESCRY_CS),
	SEGMENT("ss", DESCRY_SS),
	SEGMENT("ds", DESCRY_DS),
	SEGMENT("es", DESCRY_ES),
	SEGMENT("fs", DESCRY_FS),
	SEGMENT("gs", DESCRY_GS),
	SEGMENT("tr", DESCRY_TR),
	SEGMENT("ldtr", DESCRY_LDTR),
};
/* clang-format on */

const unsigned gdb_register_count = sizeof(gdb_registers) / sizeof(gdb_registers[0]);

unsigned
register_digits(const struct gdb_register *reg)
{
	return reg->bits / 4;
}

size_t
register_put(char *out, const struct descry_vcpu *vcpu, const struct gdb_register *reg)
{
	uint8_t bytes[8];
	uint64_t value;

	if (reg->read == NULL) {
		memset(out, 'x', register_digits(reg));
		return register_digits(reg);
	}
	assert(reg->bits <= 64);
	value = reg->read(vcpu, reg->which);
	for (unsigned i = 0; i < reg->bits / 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	return hex_encode(out, bytes, reg->bits / 8);
}

bool
register_set(struct descry_vcpu *vcpu, const struct gdb_register *reg, uint64_t value)
{
	if (reg->read == NULL)
		return false;
	if (reg->write == NULL)
		return value == reg->read(vcpu, reg->which);
	return reg->write(vcpu, reg->which, value);
}

bool
register_parse(const struct gdb_register *reg, const char *digits, uint64_t *value)
{
	uint8_t bytes[8];

	if (reg->bits > 64 || !hex_decode(bytes, digits, reg->bits / 8))
		return false;
	*value = 0;
	for (unsigned i = 0; i < reg->bits / 8; i++)
		*value |= (uint64_t)bytes[i] << 8 * i;
	return true;
}
