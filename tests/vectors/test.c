/*
 * The file format, little-endian and packed: a header of 16 bytes, then records that begin
 * with their own length. The README beside the data describes every field.
 */
#include "test.h"

#include <assert.h>
#include <string.h>

#define HEADER_SIZE 16u
#define RECORD_FIXED 84u
#define ROOM_FOR_CHANGES 32u

/* FS and GS are not in the file: any two values that nothing else has. */
#define SOME_FS 0x1357u
#define SOME_GS 0x2468u

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

bool
test_open(struct test_reader *reader, const uint8_t *bytes, size_t size, const char **why)
{
	static const uint8_t magic[] = { 'S', 'S', 'T', '2', '8', '6', 0, 1 };

	*why = "this is not a file of SST286 vectors, version 1";
	if (size < HEADER_SIZE || memcmp(bytes, magic, sizeof magic) != 0)
		return false;

	*why = NULL;
	reader->at = bytes + HEADER_SIZE;
	reader->end = bytes + size;
	reader->left = get32(bytes + 8);
	return true;
}

/* A byte of memory: the value in bits 31:24, the address below. */
static void
read_memory(struct test_memory *memory, const uint8_t *p, size_t count)
{
	memory->count = count;
	for (size_t i = 0; i < count; i++, p += 4) {
		memory->byte[i].address = get32(p) & 0xffffffu;
		memory->byte[i].value = p[3];
	}
}

static void
read_ports(struct test_ports *ports, const uint8_t *p, size_t count)
{
	ports->count = 0;
	for (size_t i = 0; i < count; i++, p += 6) {
		for (unsigned byte = 0; byte < p[4]; byte++) {
			struct test_port_byte *access = &ports->access[ports->count++];

			access->port = (uint16_t)(get16(p) + byte);
			access->is_out = p[5] != 0;
			access->value = p[2 + byte];
		}
	}
}

static void
read_registers(uint16_t reg[REG_COUNT], const uint8_t *p)
{
	for (unsigned i = 0; i < REG_IN_FILE; i++)
		reg[i] = get16(p + (size_t)2 * i);
	reg[REG_FLAGS] = (uint16_t)((reg[REG_FLAGS] & 0x0fffu) | 2u);
	reg[REG_FS] = SOME_FS;
	reg[REG_GS] = SOME_GS;
}

/* The fields at fixed offsets. */
static void
read_fixed(struct test *test, const uint8_t *r)
{
	memcpy(test->file, r + 2, 8);
	test->file[8] = '\0';
	test->index = get16(r + 10);
	test->interrupts = r[12] != 0;
	test->vector = r[13];
	test->flags_at = get32(r + 14);
	test->flags_mask = get16(r + 18) & 0x0fffu;
	test->insn_size = r[20];
	test->differs = r[23];
	read_registers(test->before, r + 24);
	read_registers(test->after, r + 52);
}

/* Do the lists of a record fill it to the byte, and fit into a test? */
static bool
sizes_agree(const uint8_t *r, size_t size)
{
	const size_t before = get16(r + 80), after = get16(r + 82), ports = r[22];
	const size_t needed = RECORD_FIXED + 4 * (before + after) + 6 * ports + r[20] + r[21];

	return needed == size && before <= TEST_BYTES_MAX - ROOM_FOR_CHANGES &&
	       after <= TEST_BYTES_MAX - ROOM_FOR_CHANGES && 2 * ports <= TEST_BYTES_MAX &&
	       r[20] > 0 && r[20] <= sizeof((struct test *)NULL)->insn;
}

bool
test_next(struct test_reader *reader, struct test *test, const char **why)
{
	const uint8_t *r = reader->at;
	const size_t rest = (size_t)(reader->end - r);

	*why = NULL;
	if (reader->left == 0)
		return false;

	*why = "the file ends, or a record has a wrong length, before its last test";
	if (rest < RECORD_FIXED || get16(r) > rest || get16(r) < RECORD_FIXED ||
	    !sizes_agree(r, get16(r)))
		return false;
	*why = NULL;

	const size_t before = get16(r + 80), after = get16(r + 82);
	const uint8_t *ports = r + RECORD_FIXED + 4 * (before + after);
	const uint8_t *insn = ports + 6u * r[22];

	read_fixed(test, r);
	read_memory(&test->memory_before, r + RECORD_FIXED, before);
	read_memory(&test->memory_after, r + RECORD_FIXED + 4 * before, after);
	read_ports(&test->ports, ports, r[22]);
	memcpy(test->insn, insn, test->insn_size);
	memcpy(test->text, insn + test->insn_size, r[21]);
	test->text[r[21]] = '\0';

	reader->at += get16(r);
	reader->left--;
	return true;
}

const struct test_byte *
test_find(const struct test_memory *memory, uint32_t address)
{
	for (size_t i = 0; i < memory->count; i++)
		if (memory->byte[i].address == address)
			return &memory->byte[i];
	return NULL;
}

void
test_set(struct test_memory *memory, uint32_t address, uint8_t value)
{
	for (size_t i = 0; i < memory->count; i++) {
		if (memory->byte[i].address == address) {
			memory->byte[i].value = value;
			return;
		}
	}
	assert(memory->count < TEST_BYTES_MAX);
	memory->byte[memory->count++] = (struct test_byte){ address, value };
}

void
test_set_word(struct test_memory *memory, uint32_t address, uint16_t value)
{
	test_set(memory, address, (uint8_t)value);
	test_set(memory, address + 1, (uint8_t)(value >> 8));
}
