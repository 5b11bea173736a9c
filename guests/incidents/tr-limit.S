# tr-limit: an I/O bitmap that lies beyond the limit of TR.
#
# Ring 3 may read port 61h: the bitmap behind its TSS says so. Before, the host interrupts the
# guest: look at the host's own TR then. The kernel answers a #GP of ring 3 by loading TR again, and
# lets it try once more.

	.include "cpu/cpu.inc"

	.set	tss, 0x9000
	.set	IO_MAP, 0x68			# 32 bytes, clear: ports 0 to FFh are allowed
	.set	kernel_stack, 0x6800
	.set	user_stack, 0x6000

	ENTER_PROTECTED protected
	.globl	host_interrupt, read_port, port_read, repair
protected:
	movl	$kernel_stack, tss + 4
	movl	$FLAT, tss + 8
	movl	$IO_MAP << 16, tss + 0x64
	movb	$0xff, tss + IO_MAP + 32
	mov	$TSS, %ax
	ltr	%ax
host_interrupt:
	out	%al, $PORT_HOST_INTERRUPT
	xor	%edi, %edi			# repairs
	push	$USER_DATA
	push	$user_stack
	push	$2
	push	$USER_CODE
	push	$read_port
	iret

read_port:
	in	$0x61, %al
port_read:
	int	$0x30

repair:						# #GP: LTR wants a TSS that is not busy
	mov	$FLAT, %ax
	mov	%ax, %ds
	inc	%edi
	andb	$~2, gdt + TSS + 5
	mov	$TSS, %ax
	ltr	%ax
	add	$4, %esp
	iret

report:
	mov	$FLAT, %ax
	mov	%ax, %ds
	SHOW	"port 61h is read; TR was loaded again so many times: ", %edi
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT tss, IO_MAP + 32
	END_GDT

	.p2align 3
idt:	.fill	13, 8, 0
	GATE	repair, 0x8e00
	.fill	0x30 - 14, 8, 0
	GATE	report, 0xee00
idtr:	.word	. - idt - 1
	.long	idt
