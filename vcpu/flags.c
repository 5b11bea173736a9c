#include "flags.h"

uint32_t
flags_read(const struct lazy_flags *f)
{
	return (flag_cf(f) ? DESCRY_FLAG_CF : 0) | (flag_pf(f) ? DESCRY_FLAG_PF : 0) |
	       (flag_af(f) ? DESCRY_FLAG_AF : 0) | (flag_zf(f) ? DESCRY_FLAG_ZF : 0) |
	       (flag_sf(f) ? DESCRY_FLAG_SF : 0) | (flag_of(f) ? DESCRY_FLAG_OF : 0);
}

void
flags_write(struct lazy_flags *f, uint32_t eflags)
{
	f->zero = !(eflags & DESCRY_FLAG_ZF);
	f->sign = (eflags & DESCRY_FLAG_SF ? 0x80000000u : 0) | !(eflags & DESCRY_FLAG_PF);
	flags_set_cf_of_af(f, eflags & DESCRY_FLAG_CF, eflags & DESCRY_FLAG_OF,
			   eflags & DESCRY_FLAG_AF);
}
