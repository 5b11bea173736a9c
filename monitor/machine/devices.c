#include "devices.h"

#include <stdio.h>

#define COM1_LCR_DLAB 0x80u
#define COM1_LSR_IDLE 0x60u /* transmitter and holding register empty, nothing received */

/*
 * One row is a run of ports with the same handlers. A handler sees one byte at a time,
 * as an 8-bit device behind a wider access does; a wide row gets the access whole when
 * it begins at its first port.
 */
struct port_row {
	uint16_t first, last;
	bool wide;
	uint32_t (*in)(struct devices *devices, uint16_t port);
	void (*out)(struct devices *devices, uint16_t port, uint32_t value);
};

static void
console_text(struct devices *devices, const char *text, size_t size)
{
	if (devices->console && !devices->muted)
		devices->console(devices->console_owner, text, size);
}

static void
console_byte(struct devices *devices, uint32_t value)
{
	const char byte = (char)(uint8_t)value;

	console_text(devices, &byte, 1);
}

static uint32_t
post_in(struct devices *devices, uint16_t port)
{
	(void)port;
	return devices->state.post;
}

static void
post_out(struct devices *devices, uint16_t port, uint32_t value)
{
	char text[16];

	(void)port;
	devices->state.post = (uint8_t)value;
	if (devices->show_post) {
		const int size = snprintf(text, sizeof(text), "[POST %02X]\n", (uint8_t)value);

		console_text(devices, text, (size_t)size);
	}
}

static uint32_t
system_control_in(struct devices *devices, uint16_t port)
{
	(void)port;
	return devices->state.system_control;
}

/* Bit 0 resets the CPU alone; memory and devices stay, and so does the A20 gate. */
static void
system_control_out(struct devices *devices, uint16_t port, uint32_t value)
{
	(void)port;
	devices->state.system_control = value & SYSTEM_CONTROL_A20;
	descry_vcpu_mask_a20(devices->vcpu, !(value & SYSTEM_CONTROL_A20));
	if (value & SYSTEM_CONTROL_RESET)
		descry_vcpu_init(devices->vcpu);
}

/* Reads its own address: this is how guests find the console. */
static uint32_t
console_in(struct devices *devices, uint16_t port)
{
	(void)devices;
	return port;
}

static void
console_out(struct devices *devices, uint16_t port, uint32_t value)
{
	(void)port;
	console_byte(devices, value);
}

static uint32_t
apm_control_in(struct devices *devices, uint16_t port)
{
	(void)port;
	return devices->state.apm_control;
}

/* As in Intel's chipsets: a command byte, and an SMI for a handler that reads it. */
static void
apm_control_out(struct devices *devices, uint16_t port, uint32_t value)
{
	(void)port;
	devices->state.apm_control = (uint8_t)value;
	descry_vcpu_smi(devices->vcpu);
}

static void
host_interrupt_out(struct devices *devices, uint16_t port, uint32_t value)
{
	(void)port;
	(void)value;
	descry_vcpu_request(devices->vcpu, DESCRY_REQUEST_HOST_INTERRUPT);
}

static void
debug_exit_out(struct devices *devices, uint16_t port, uint32_t value)
{
	(void)port;
	devices->state.exit_value = value;
	descry_vcpu_request(devices->vcpu, DESCRY_REQUEST_GUEST_EXIT);
}

/* While the divisor latch is open, the data port holds half of the divisor. */
static void
com1_data_out(struct devices *devices, uint16_t port, uint32_t value)
{
	(void)port;
	if (!(devices->state.com1_lcr & COM1_LCR_DLAB))
		console_byte(devices, value);
}

static uint32_t
com1_data_in(struct devices *devices, uint16_t port)
{
	(void)devices;
	(void)port;
	return 0;
}

static uint32_t
com1_lcr_in(struct devices *devices, uint16_t port)
{
	(void)port;
	return devices->state.com1_lcr;
}

static void
com1_lcr_out(struct devices *devices, uint16_t port, uint32_t value)
{
	(void)port;
	devices->state.com1_lcr = (uint8_t)value;
}

static uint32_t
com1_lsr_in(struct devices *devices, uint16_t port)
{
	(void)devices;
	(void)port;
	return COM1_LSR_IDLE;
}

/* clang-format off */
static const struct port_row ports[] = {
	/* first               last                 wide   in                 out */
	{ PORT_POST,           PORT_POST,           false, post_in,           post_out },
	{ PORT_SYSTEM_CONTROL, PORT_SYSTEM_CONTROL, false, system_control_in, system_control_out },
	{ PORT_APM_CONTROL,    PORT_APM_CONTROL,    false, apm_control_in,    apm_control_out },
	{ PORT_CONSOLE,        PORT_CONSOLE,        false, console_in,        console_out },
	{ PORT_HOST_INTERRUPT, PORT_HOST_INTERRUPT, false, NULL,              host_interrupt_out },
	{ PORT_DEBUG_EXIT,     PORT_DEBUG_EXIT,     true,  NULL,              debug_exit_out },
	{ PORT_COM1,           PORT_COM1,           false, com1_data_in,      com1_data_out },
	{ PORT_COM1 + 3,       PORT_COM1 + 3,       false, com1_lcr_in,       com1_lcr_out },
	{ PORT_COM1 + 5,       PORT_COM1 + 5,       false, com1_lsr_in,       NULL },
};
/* clang-format on */

static const struct port_row *
find_row(uint16_t port)
{
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (port >= ports[i].first && port <= ports[i].last)
			return &ports[i];
	return NULL;
}

void
devices_reset(struct devices *devices)
{
	devices->state = (struct device_state){ .system_control = SYSTEM_CONTROL_A20 };
}

uint32_t
devices_in(struct devices *devices, uint16_t port, unsigned size)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++) {
		const uint16_t at = (uint16_t)(port + i);
		const struct port_row *row = find_row(at);
		const uint32_t byte = row && row->in ? row->in(devices, at) : 0xff;

		value |= (byte & 0xff) << (i * 8);
	}
	return value;
}

void
devices_out(struct devices *devices, uint16_t port, unsigned size, uint32_t value)
{
	const struct port_row *whole = find_row(port);

	if (whole && whole->wide && port == whole->first) {
		whole->out(devices, port, size < 4 ? value & ((1u << size * 8) - 1) : value);
		return;
	}
	for (unsigned i = 0; i < size; i++) {
		const uint16_t at = (uint16_t)(port + i);
		const struct port_row *row = find_row(at);

		if (row && row->out)
			row->out(devices, at, value >> (i * 8) & 0xff);
	}
}
