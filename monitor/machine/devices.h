/*
 * The devices, all of them behind I/O ports: A20 gate, console, COM1, POST codes, debug
 * exit, host interrupt. Their state is plain data and part of every snapshot. Private to
 * monitor.
 */
#ifndef DESCRY_MACHINE_DEVICES_H
#define DESCRY_MACHINE_DEVICES_H

#include <descry/monitor.h>

#define PORT_POST 0x80u
#define PORT_SYSTEM_CONTROL 0x92u
#define PORT_APM_CONTROL 0xb2u
#define PORT_CONSOLE 0xe9u
#define PORT_HOST_INTERRUPT 0xedu
#define PORT_DEBUG_EXIT 0xf4u
#define PORT_COM1 0x3f8u

#define SYSTEM_CONTROL_RESET 0x01u
#define SYSTEM_CONTROL_A20 0x02u

struct device_state {
	uint32_t exit_value;    /* the last write to the debug exit port */
	uint8_t post;           /* the last POST code */
	uint8_t system_control; /* as port 92h reads; A20 is bit 1 */
	uint8_t com1_lcr;       /* COM1 line control: bit 7 hides the data port */
	uint8_t apm_control;    /* the last byte written to it */
};

struct devices {
	struct device_state state;
	struct descry_vcpu *vcpu; /* whom requests go to; set before the first port access */
	bool show_post;
	bool muted; /* nothing goes to the console */
	void (*console)(void *owner, const char *text, size_t size); /* NULL: dropped */
	void *console_owner;
};

/* As after power-on. */
void devices_reset(struct devices *devices);

uint32_t devices_in(struct devices *devices, uint16_t port, unsigned size);
void devices_out(struct devices *devices, uint16_t port, unsigned size, uint32_t value);

#endif
