#include <descry/status.h>

#include <stdarg.h>
#include <stdio.h>

const char *
descry_status_text(enum descry_status status)
{
	static const char *const texts[DESCRY_STATUS_COUNT] = {
		[DESCRY_OK] = "ok",
		[DESCRY_NO_MEMORY] = "out of memory",
		[DESCRY_IO_ERROR] = "input/output error",
		[DESCRY_BAD_IMAGE] = "not a usable image",
		[DESCRY_BAD_ARGUMENT] = "bad argument",
		[DESCRY_BAD_ADDRESS] = "bad address",
		[DESCRY_NOT_FOUND] = "not found",
		[DESCRY_NOT_SUPPORTED] = "not supported",
		[DESCRY_FAILED] = "does not hold",
	};

	return texts[status];
}

enum descry_status
descry_fail(struct descry_error *err, enum descry_status status, const char *format, ...)
{
	va_list args;

	err->status = status;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return status;
}
