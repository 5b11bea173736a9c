/*
 * Reading and writing one register of the CPU, as the rows of the register table name it.
 * Writes are raw: no table is read, and nothing is checked but that the value fits and
 * that the CPU can run with it.
 * Private to gdbstub.
 */
#ifndef DESCRY_GDB_REGISTER_ACCESS_H
#define DESCRY_GDB_REGISTER_ACCESS_H

#include "registers.h"

/* The numbers that $mode has: members of cpu_mode in the target description. */
enum cpu_mode { MODE_REAL16, MODE_V86, MODE_PROT16, MODE_PROT32, MODE_COMPAT, MODE_LONG64 };

/* Which member of struct descry_state read_state and write_state mean. */
enum state_member { MEMBER_CR0, MEMBER_CR2, MEMBER_CR3, MEMBER_CR4, MEMBER_EFLAGS, MEMBER_COUNT };

register_read_fn read_gpr, read_state, read_eip, read_ip, read_efer, read_mode;
register_read_fn read_gdtr_base, read_gdtr_limit, read_idtr_base, read_idtr_limit;
register_read_fn read_sel, read_base, read_limit, read_attr, read_status;

register_write_fn write_gpr, write_state, write_eip, write_ip;
register_write_fn write_gdtr_base, write_gdtr_limit, write_idtr_base, write_idtr_limit;
register_write_fn write_sel, write_base, write_limit, write_attr;

#endif
