/*
 * A monitor for the tests of commands: a boot sector at 7C00h that stores through FS for
 * ever, a GDT at 1000h, and FS as scenario 2 of a rewritten table leaves it: loaded from
 * slot 5, which says something else since. Include after <cmocka.h>.
 */
#ifndef DESCRY_COMMAND_MACHINE_H
#define DESCRY_COMMAND_MACHINE_H

#include "temp_file.h"

#include <descry/command.h>
#include <descry/operation.h>

#include <string.h>

struct command_machine {
	struct descry_monitor *monitor;
	struct descry_world *world;
	struct descry_session *session;
};

#define COMMAND_GDT 0x1000u

static const uint64_t command_gdt[] = {
	0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cf13000000ffff, 0, 0x0040930010001000,
};
static const uint64_t rewritten = 0x0040930020001000;

/* l: mov [fs:0], al; inc al; hlt-free loop: jmp l */
static const char command_code[] = "\x64\xa2\x00\x00"
				   "\xfe\xc0"
				   "\xeb\xf8";

static inline void
command_machine_protect(struct command_machine *m)
{
	struct descry_vcpu *vcpu = descry_monitor_vcpu(m->monitor);
	struct descry_fault fault;

	descry_vcpu_poke(vcpu, COMMAND_GDT, command_gdt, sizeof(command_gdt));
	descry_op_load_gdtr(vcpu, COMMAND_GDT, sizeof(command_gdt) - 1);
	assert_true(descry_op_write_cr0(vcpu, DESCRY_CR0_ET | DESCRY_CR0_PE, &fault));
	assert_true(descry_op_load_segment(vcpu, DESCRY_FS, 0x28, DESCRY_CAUSE_MOV, &fault));
	descry_vcpu_poke(vcpu, COMMAND_GDT + 0x28, &rewritten, sizeof(rewritten));
}

static inline void
command_machine_open(struct command_machine *m)
{
	struct descry_options options = { .ram_mib = 2 };
	uint8_t sector[512] = { [510] = 0x55, [511] = 0xaa };
	char name[TEMP_FILE_NAME];
	struct descry_error err;

	memcpy(sector, command_code, sizeof(command_code));
	memcpy(sector + 0x100, "text\0\xfe\xff\xff\xff", 9);
	temp_file_write(name, sector, sizeof(sector));
	options.image = name;
	assert_int_equal(descry_monitor_create(&options, &m->monitor, &err), DESCRY_OK);
	unlink(name);
	assert_int_equal(descry_world_create(m->monitor, &m->world), DESCRY_OK);
	assert_int_equal(descry_session_create(m->monitor, m->world, &m->session), DESCRY_OK);
}

static inline void
command_machine_close(struct command_machine *m)
{
	descry_session_destroy(m->session);
	descry_world_destroy(m->world);
	descry_monitor_destroy(m->monitor);
}

#endif
