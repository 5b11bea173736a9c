# null-usable: a store through a null ES.
#
# After `mov es, 0` the cache of an Intel part holds base 0, limit FFFFFFFFh and a bit that says
# unusable. The bit alone makes the store a #GP(0). Whoever carries the store out in its place and
# looks at base and limit finds nothing wrong with it.

	.include "cpu/cpu.inc"

	.set	TARGET, 0x9000

	ENTER_PROTECTED protected
	.globl	store, stored
protected:
	xor	%eax, %eax
	mov	%ax, %es
store:
	movl	$0x0badbad0, %es:TARGET
stored:
	SHOW	"no fault; the dword at 9000 is ", TARGET
	SAY	"\n"
	mov	$1, %al
	EXIT

general_protection:
	pop	%ebx
	SHOW	"#GP, error code ", %ebx
	SHOW	"; the dword at 9000 is ", TARGET
	SAY	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	BEGIN_GDT
	END_GDT

	.p2align 3
idt:	.fill	13, 8, 0
	GATE	general_protection, 0x8e00
idtr:	.word	. - idt - 1
	.long	idt
