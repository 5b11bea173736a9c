#include <descry/number.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define HINT_DIGITS 16u /* more than that are no 64-bit number */

static unsigned
digit_value(char c)
{
	if (isdigit((unsigned char)c))
		return (unsigned)(c - '0');
	if (isalpha((unsigned char)c))
		return (unsigned)(tolower((unsigned char)c) - 'a') + 10;
	return UINT32_MAX;
}

static bool
has_prefix(const char *text, size_t size, char letter)
{
	return size > 1 && text[0] == '0' && tolower((unsigned char)text[1]) == letter;
}

static bool
has_suffix(const char *text, size_t size)
{
	return size > 1 && tolower((unsigned char)text[size - 1]) == 'h';
}

/* Strips what says the radix. The suffix decides only without 0x: 0b1h is hexadecimal. */
static unsigned
strip_radix(const char **text, size_t *size)
{
	if (has_prefix(*text, *size, 'x')) {
		*text += 2;
		*size -= 2;
		return 16;
	}
	if (has_suffix(*text, *size)) {
		--*size;
		return 16;
	}
	if (has_prefix(*text, *size, 'b')) {
		*text += 2;
		*size -= 2;
		return 2;
	}
	return 10;
}

/* NULL, or what is wrong. */
static const char *
parse_digits(const char *text, size_t size, unsigned radix, uint64_t *out)
{
	uint64_t number = 0;

	if (size == 0)
		return "this number has no digits";
	for (size_t i = 0; i < size; i++) {
		const unsigned digit = digit_value(text[i]);

		if (digit >= radix)
			return "not a number";
		if (number > (UINT64_MAX - digit) / radix)
			return "this number is wider than 64 bits";
		number = number * radix + digit;
	}
	*out = number;
	return NULL;
}

const char *
descry_number_hint(const char *text, size_t size, char hint[DESCRY_NUMBER_WHY])
{
	hint[0] = '\0';
	for (size_t i = 0; i < size; i++) {
		if (digit_value(text[i]) >= 16)
			return hint;
	}
	for (; size > 1 && text[0] == '0'; size--)
		text++;
	if (size > 0 && size <= HINT_DIGITS)
		snprintf(hint, DESCRY_NUMBER_WHY, "hexadecimal is 0x%.*s or %s%.*sh", (int)size,
			 text, isdigit((unsigned char)text[0]) ? "" : "0", (int)size, text);
	return hint;
}

bool
descry_number_parse(const char *text, size_t size, uint64_t *out, char why[DESCRY_NUMBER_WHY])
{
	const char *digits = text;
	size_t count = size;
	const unsigned radix = strip_radix(&digits, &count);
	const char *wrong = parse_digits(digits, count, radix, out);
	char hint[DESCRY_NUMBER_WHY];

	if (wrong == NULL && radix == 10 && count > 1 && digits[0] == '0')
		wrong = "a decimal number does not begin with 0";
	if (wrong == NULL)
		return true;
	descry_number_hint(text, size, hint);
	snprintf(why, DESCRY_NUMBER_WHY, "%s%s%.50s", wrong, *hint != '\0' ? ": " : "", hint);
	return false;
}

bool
descry_number_parse_hex(const char *text, size_t size, uint64_t *out)
{
	if (has_prefix(text, size, 'x') || has_suffix(text, size))
		strip_radix(&text, &size);
	return parse_digits(text, size, 16, out) == NULL;
}
