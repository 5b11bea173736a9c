# stale-selector: a selector that the guest has written comes back as the one before.
#
# ES is loaded in protected mode: selector 0010, base 0, 4 GiB. In real mode the guest loads it with
# 0: base 0 again. Then it goes back to protected mode, and reads what it has written.

	.include "incidents/unreal.inc"

	.set	FLAT, 0x10

	.code16
	.globl	_start, pe_clear, es_loaded, pe_set
_start:
	cli
	cld
	lgdtl	gdtr
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	mov	$FLAT, %bx
	mov	%bx, %es
	and	$~CR0_PE, %al
pe_clear:
	mov	%eax, %cr0
	xor	%bx, %bx
	mov	%bx, %es
es_loaded:
	or	$CR0_PE, %al
	mov	%eax, %cr0
pe_set:
	xor	%ebp, %ebp
	mov	%es, %bp
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	SHOW16	"es reads as ", %ebp
	SAY16	"\n"
	mov	$VERDICT_GOOD, %al
	EXIT

	PRINT_ROUTINES

	.p2align 3
gdt:	.quad	0
	.quad	0
	.quad	0x00cf93000000ffff	# 10: data, base 0, 4 GiB
gdtr:	.word	. - gdt - 1
	.long	gdt
