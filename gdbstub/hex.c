#include "hex.h"

static const char digits_of[] = "0123456789abcdef";

int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool
hex_number(const char **at, const char *end, uint64_t *value)
{
	const char *digit = *at;
	uint64_t number = 0;

	for (; digit < end && hex_digit(*digit) >= 0; digit++) {
		if (number >> 60 != 0)
			return false;
		number = number << 4 | (unsigned)hex_digit(*digit);
	}
	if (digit == *at)
		return false;
	*at = digit;
	*value = number;
	return true;
}

size_t
hex_encode(char *out, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		out[2 * i] = digits_of[bytes[i] >> 4];
		out[2 * i + 1] = digits_of[bytes[i] & 15];
	}
	return 2 * size;
}

bool
hex_decode(void *out, const char *digits, size_t size)
{
	uint8_t *bytes = out;

	for (size_t i = 0; i < size; i++) {
		const int high = hex_digit(digits[2 * i]);
		const int low = hex_digit(digits[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
