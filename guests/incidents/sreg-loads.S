# sreg-loads: selectors that may not be loaded, and what the CPU says to each.
#
# Ring 0, 32-bit. Each row loads DS or SS once; the handlers of #NP, #SS and #GP note the error
# code and go on behind it. A load that faults leaves the register as it was.

	.include "cpu/cpu.inc"

	.set	ABSENT, 0x30
	.set	EXECUTE_ONLY, 0x38
	.set	READ_ONLY, 0x40
	.set	BEYOND, 0x48
	.set	IN_LDT, 0x0c			# there is no LDT

.macro TRY sreg, selector, text
	movl	$3f, resume
	movl	$no_fault, %ebx
	mov	$\selector, %eax
	mov	%ax, %\sreg
3:	mov	$FLAT, %edx
	mov	%dx, %ds
	mov	%dx, %ss
	SAY	"\sreg := "
	call	print_hex
	SAY	"  \text"
	mov	%ebx, %esi
	call	print
	call	tell_code
.endm

	ENTER_PROTECTED protected
	.globl	first_row, last_row
protected:
	xor	%eax, %eax
	lldt	%ax				# reset leaves a limit of FFFFh in LDTR
first_row:
	TRY	ds, 0x0000, "null                    "
	TRY	ds, 0x0013, "RPL 3, CPL 0, DPL 0     "
	TRY	ss, 0x0000, "null                    "
	TRY	ss, 0x0003, "null, RPL 3             "
	TRY	ss, 0x0013, "RPL 3, CPL 0, DPL 0     "
	TRY	ss, READ_ONLY, "cannot be written       "
	TRY	ss, CODE32, "code                    "
	TRY	ss, ABSENT, "not present             "
	TRY	ds, ABSENT, "not present             "
	TRY	ds, ABSENT + 3, "not present, RPL 3      "
	TRY	ds, EXECUTE_ONLY, "code that cannot be read"
	TRY	ds, TSS, "no segment              "
	TRY	ds, BEYOND, "beyond the table        "
last_row:
	TRY	ds, IN_LDT, "in a table not there    "
	mov	$VERDICT_GOOD, %al
	EXIT

# The error code in EDI, if there was a fault, and the end of the line.
tell_code:
	cmp	$no_fault, %ebx
	je	1f
	mov	%edi, %eax
	call	print_hex
1:	SAY	"\n"
	ret

.macro HANDLER name, text
\name:
	mov	$FLAT, %edx
	mov	%dx, %ds
	pop	%edi				# the error code
	mov	$5f, %ebx
	mov	resume, %edx
	mov	%edx, (%esp)
	iret
5:	.asciz	"\text"
.endm
	HANDLER	not_present, "  #NP "
	HANDLER	stack_fault, "  #SS "
	HANDLER	general_protection, "  #GP "
no_fault:
	.asciz	"  ok"

	PRINT_ROUTINES

	.p2align 2
resume:	.long	0

	BEGIN_GDT
	DESCRIPTOR 0, 0xffff, 0x4013		# 30
	DESCRIPTOR 0, 0xffff, 0x4099		# 38
	DESCRIPTOR 0, 0xffff, 0x4091		# 40
	END_GDT

	.p2align 3
idt:	.fill	11, 8, 0
	GATE	not_present, 0x8e00
	GATE	stack_fault, 0x8e00
	GATE	general_protection, 0x8e00
idtr:	.word	. - idt - 1
	.long	idt
