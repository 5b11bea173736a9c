# far-jump: a segment load between two writes of CR0, without and with a far jump.
#
# Both ways fetch a 4 GiB segment for FS in protected mode, and then store at fs:20000. Most CPUs
# are content with either. Some machines were seen that load FS by the old mode's rule until the far
# jump.

	.include "incidents/unreal.inc"

	.set	CODE16, 0x08
	.set	BIG, 0x10
	.set	FAR_AWAY, 0x20000

	.code16
	.globl	_start, pe_set, no_jump, no_jump_store, jumped, with_jump
_start:
	cli
	cld
	movl	$general_protection, 0x0d * 4
	lgdtl	gdtr
	mov	$FAR_AWAY, %edi
	mov	%cr0, %ecx
	mov	%ecx, %edx
	or	$CR0_PE, %dl

	mov	%edx, %cr0
pe_set:
	mov	$BIG, %ax
	mov	%ax, %fs
	mov	%ecx, %cr0
no_jump:
	movw	$no_jump_done, resume
	SAY16	"without a far jump: "
no_jump_store:
	movl	$1, %fs:(%edi)
	SAY16	"stored\n"
no_jump_done:

	mov	%edx, %cr0
	ljmp	$CODE16, $jumped
jumped:
	mov	$BIG, %ax
	mov	%ax, %fs
	mov	%ecx, %cr0
	ljmp	$0, $with_jump
with_jump:
	movw	$with_jump_done, resume
	SAY16	"with a far jump:    "
	movl	$2, %fs:(%edi)
	SAY16	"stored\n"
with_jump_done:
	mov	$VERDICT_GOOD, %al
	EXIT

general_protection:
	SAY16	"#GP\n"
	add	$6, %sp
	jmp	*resume

	PRINT_ROUTINES

resume:	.word	0
	.p2align 3
gdt:	.quad	0
	.quad	0x00009b000000ffff	# 08: 16-bit code
	.quad	0x00cf93000000ffff	# 10: data, 4 GiB
gdtr:	.word	. - gdt - 1
	.long	gdt
