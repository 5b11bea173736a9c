# smm: an SMI in the middle of protected mode, its save map, and RSM.
#
# FS is loaded from a slot that is then rewritten: its cache differs from its descriptor. The
# handler looks at the registers that SMI entry leaves it and at the slot of FS in the save map
# of a P6, and raises the limit there. RSM reads no table: FS comes back with the base it was
# loaded with and with the limit that the handler has put into the map.

	.include "cpu/cpu.inc"

	.set	PORT_SMI, 0xb2
	.set	SMBASE, 0x30000
	.set	SAVED_FS, 0x8000 + 0x7f38	# selector and attributes, limit, base
	.set	seen, 0x9000

	ENTER_PROTECTED protected
protected:
	movl	$0x11111111, 0x300000
	movl	$0x22222222, 0x302000
	movl	$0x44444444, 0x400000
	mov	$DATA, %ax
	mov	%ax, %fs
	movb	$0x40, data_slot + 4		# the base: 400000h now
	mov	$handler, %esi
	mov	$SMBASE + 0x8000, %edi
	mov	$handler_end - handler, %ecx
	rep movsb
	SHOW	"before the SMI: fs:0 ", %fs:0
	out	%al, $PORT_SMI
resumed:
	SHOW	"\nin the handler: cs ", seen
	SHOW	"\n  ss             ", seen + 4
	SHOW	"\n  cr0            ", seen + 8
	SHOW	"\n  eflags         ", seen + 12
	SHOW	"\n  map: fs        ", seen + 16
	SHOW	"\n       limit     ", seen + 20
	SHOW	"\n       base      ", seen + 24
	mov	%cr0, %eax
	SHOW	"\nafter RSM: cr0   ", %eax
	mov	%fs, %eax
	SHOW	"\n  fs             ", %eax
	SHOW	"\n  fs:0           ", %fs:0
	SHOW	"\n  fs:2000        ", %fs:0x2000
	mov	$DATA, %ax
	mov	%ax, %fs
	SHOW	"\n  fs:0, reloaded ", %fs:0
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	.code16
handler:
	mov	%cs, %ax
	movzwl	%ax, %eax
	mov	%eax, seen
	mov	%ss, %ax
	movzwl	%ax, %eax
	mov	%eax, seen + 4
	mov	%cr0, %eax
	mov	%eax, seen + 8
	mov	$0x7000, %esp
	pushfl
	popl	seen + 12
	mov	%cs:SAVED_FS, %eax
	mov	%eax, seen + 16
	mov	%cs:SAVED_FS + 4, %eax
	mov	%eax, seen + 20
	mov	%cs:SAVED_FS + 8, %eax
	mov	%eax, seen + 24
	movl	$0xffffffff, %cs:SAVED_FS + 4
	rsm
handler_end:
	.code32

	PRINT_ROUTINES

	.set	DATA, 0x30
	BEGIN_GDT
data_slot:
	DESCRIPTOR 0x300000, 0xfff, 0x4093	# 30
	END_GDT

idtr:	.word	0
	.long	0
