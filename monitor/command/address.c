#include "command/argument.h"

#include "command/session.h"

#include <descry/number.h>

#include <string.h>

#define ADDRESS_MAX 0xffffffffu /* of a CPU with 32-bit addresses */

/* The colon that ends a prefix; one inside brackets belongs to an expression. */
static const char *
find_colon(const char *text)
{
	const size_t prefix = strcspn(text, ":[(");

	return text[prefix] == ':' ? text + prefix : NULL;
}

/* SEG:OFF as the CPU would form it if it loaded SEG now. */
static enum descry_status
parse_far(struct descry_session *session, const char *text, const char *colon,
	  struct descry_address *out, struct descry_error *err)
{
	const struct descry_vcpu *vcpu = descry_monitor_vcpu(session->monitor);
	uint64_t sel, offset, raw, linear;
	uint64_t base;

	if (!descry_number_parse_hex(text, (size_t)(colon - text), &sel) || sel > UINT16_MAX)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "'%.80s': before the colon stands a segment register, phys, "
				   "linear or a selector in hexadecimal",
				   text);
	if (!descry_number_parse_hex(colon + 1, strlen(colon + 1), &offset) || offset > ADDRESS_MAX)
		return descry_fail(err, DESCRY_BAD_ARGUMENT,
				   "'%.80s': SEG:OFF are two hexadecimal numbers", text);
	base = sel * 16;
	if (descry_vcpu_mode(vcpu) == DESCRY_MODE_PROTECTED) {
		if (!descry_read_descriptor(vcpu, (uint16_t)sel, &raw, &linear))
			return descry_fail(err, DESCRY_BAD_ADDRESS,
					   "'%.80s': selector %04llx names no descriptor", text,
					   (unsigned long long)sel);
		base = descry_descriptor_segment(vcpu, (uint16_t)sel, raw).base;
	}
	*out = (struct descry_address){ .offset = (uint32_t)(base + offset) };
	return DESCRY_OK;
}

static bool
is_prefix(const char *word, const char *text, size_t size)
{
	return strlen(word) == size && memcmp(word, text, size) == 0;
}

static enum descry_status
parse_offset(struct descry_session *session, const char *text, struct descry_address *out,
	     struct descry_error *err)
{
	if (expression_number(text, session->monitor, &out->offset, err) != DESCRY_OK)
		return err->status;
	if (out->offset > ADDRESS_MAX)
		return descry_fail(err, DESCRY_BAD_ADDRESS,
				   "'%.80s': address 0x%llx is above 4 GiB", text,
				   (unsigned long long)out->offset);
	return DESCRY_OK;
}

enum descry_status
address_parse(struct descry_session *session, const char *text, struct descry_address *out,
	      struct descry_error *err)
{
	const char *colon = find_colon(text);
	size_t prefix;

	*out = (struct descry_address){ .space = DESCRY_SPACE_LINEAR };
	if (strcmp(text, ".") == 0) {
		if (!session->has_next)
			return descry_fail(err, DESCRY_BAD_ARGUMENT,
					   "nothing has been shown yet to go on after: give an "
					   "address");
		*out = session->next;
		return DESCRY_OK;
	}
	if (colon == NULL)
		return parse_offset(session, text, out, err);

	prefix = (size_t)(colon - text);
	if (sreg_find(text, prefix, &out->sreg) && out->sreg < DESCRY_DATA_SREG_COUNT)
		out->space = DESCRY_SPACE_SEGMENT;
	else if (is_prefix("phys", text, prefix))
		out->space = DESCRY_SPACE_PHYSICAL;
	else if (!is_prefix("linear", text, prefix))
		return parse_far(session, text, colon, out, err);
	return parse_offset(session, colon + 1, out, err);
}
