#include "start.h"

#include <string.h>

#define VECTOR_COUNT 256u
#define IVT_LIMIT 0x3ffu
#define START_SP 0x7000u
#define START_DL 0x80u /* the first hard disk */
#define OPCODE_IRET 0xcfu

void
start_fill_vectors(struct memory *memory)
{
	const uint32_t physical = START_VECTOR_CS * 16 + START_VECTOR_IP;
	const uint8_t iret = OPCODE_IRET;

	for (unsigned i = 0; i < VECTOR_COUNT; i++) {
		const uint8_t entry[4] = { START_VECTOR_IP & 0xff, START_VECTOR_IP >> 8,
					   START_VECTOR_CS & 0xff, START_VECTOR_CS >> 8 };

		memory_write(memory, i * sizeof(entry), entry, sizeof(entry));
	}
	if (!memory->rom)
		memory_write(memory, physical, &iret, 1);
}

static void
start_segment(struct descry_vcpu_image *image, enum descry_sreg sreg, uint16_t sel)
{
	const struct descry_provenance from = {
		.ip = image->state.rip,
		.cs = image->state.seg[DESCRY_CS].sel,
		.sel = sel,
		.cause = DESCRY_CAUSE_START,
		.mode = DESCRY_MODE_REAL,
		.origin = DESCRY_ORIGIN_FIXED,
	};

	image->state.seg[sreg] = (struct descry_segment){
		.base = (uint64_t)sel * 16,
		.limit = 0xffff,
		.sel = sel,
		.attr = DESCRY_ATTR_REAL_DATA,
	};
	image->provenance[sreg] = (struct descry_segment_provenance){ from, from, from };
}

void
start_cpu(struct descry_vcpu *vcpu, const struct image_entry *entry)
{
	struct descry_vcpu_image image;
	struct descry_state *state = &image.state;

	descry_vcpu_reset(vcpu);
	descry_vcpu_save(vcpu, &image);
	memset(state->gpr, 0, sizeof(state->gpr));
	state->gpr[DESCRY_SP] = START_SP;
	state->gpr[DESCRY_DX] = START_DL;
	state->rip = entry->ip;
	state->rflags = DESCRY_FLAG_ONE;
	state->cr0 &= ~(uint64_t)(DESCRY_CR0_CD | DESCRY_CR0_NW);
	state->gdtr = (struct descry_table){ 0 };
	state->idtr = (struct descry_table){ .limit = IVT_LIMIT };
	start_segment(&image, DESCRY_CS, entry->cs);
	for (enum descry_sreg sreg = 0; sreg < DESCRY_DATA_SREG_COUNT; sreg++)
		if (sreg != DESCRY_CS)
			start_segment(&image, sreg, 0);
	descry_vcpu_restore(vcpu, &image);
}
