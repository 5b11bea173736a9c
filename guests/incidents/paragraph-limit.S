# paragraph-limit: a descriptor whose limit is in the wrong unit.
#
# The BIOS data area has 256 bytes at 400h. Its limit was once given to the kernel's function in
# paragraphs and is in bytes now, but this caller still divides by 16. The number of text
# columns, at 4Ah, lies beyond 16 bytes.

	.include "cpu/cpu.inc"

	.set	BIOS_DATA, 0x30
	.set	COLUMNS, 0x4a
	.set	SIZE, 256
	.set	LIMIT, SIZE / 16		# the mistake

	ENTER_PROTECTED protected
	.globl	read_columns, columns_read
protected:
	movb	$80, 0x400 + COLUMNS
	mov	$BIOS_DATA, %eax
	mov	%ax, %fs
	lsl	%eax, %ebx
	SHOW	"LSL says ", %ebx
	SAY	"\n"
read_columns:
	movzbl	%fs:COLUMNS, %ecx
columns_read:
	SHOW	"columns: ", %ecx
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT
	DESCRIPTOR 0x400, LIMIT, 0x0093		# 30
	END_GDT

idtr:	.word	0				# as early in a boot: a fault is the end
	.long	0
