# null-base: what a null selector leaves in the cache of FS.
#
# A task has a thread area behind FS. The next one has none, so the kernel loads a null selector. On
# an Intel part the base is gone; on an older AMD part base and limit stay where they are. The
# second time the kernel washes the register with a flat segment first.

	.include "cpu/cpu.inc"

	.set	THREAD_AREA, 0x30

	ENTER_PROTECTED protected
	.globl	first_switch, switched, second_switch, washed
protected:
	mov	$THREAD_AREA, %ax
	mov	%ax, %fs
first_switch:
	xor	%eax, %eax
	mov	%ax, %fs
switched:
	mov	$THREAD_AREA, %ax
	mov	%ax, %fs
second_switch:
	mov	$FLAT, %ax
	mov	%ax, %fs
	xor	%eax, %eax
	mov	%ax, %fs
washed:
	mov	$VERDICT_GOOD, %al
	EXIT

	BEGIN_GDT
	DESCRIPTOR 0x500000, 0xfff, 0x4093	# 30
	END_GDT

idtr:	.word	0
	.long	0
