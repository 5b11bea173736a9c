# limit-verdicts: accesses at the edges of segments, and what the CPU says to each.
#
# Real mode. DS and SS end at FFFFh; ES was loaded with 4 GiB in protected mode. Each row is tried
# once; the handlers of vectors 12 and 13 note who was called and go on behind it.

	.include "incidents/unreal.inc"

.macro TRY text, insn:vararg
	movw	$3f, resume
	movw	$no_fault, verdict
	\insn
3:	SAY16	"\text"
	call	tell
.endm

	.code16
	.globl	_start, first_row, wrapping_row
_start:
	cli
	cld
	movl	$stack_fault, 0x0c * 4
	movl	$general_protection, 0x0d * 4
	lgdtl	gdtr
	LOAD_PROTECTED es, BIG
	xor	%ax, %ax
	mov	%ax, %es
	mov	$0xffff, %bx
	mov	$0xfffd, %di
	mov	$0xffff, %bp
	mov	$0x10000, %edx
	mov	$0xfffffffe, %esi

	TRY	"byte  ds:ffff      ", mov (%bx), %al
first_row:
	TRY	"word  ds:ffff      ", mov (%bx), %ax
	TRY	"dword ds:fffd      ", mov (%di), %eax
	TRY	"word  ss:ffff      ", mov (%bp), %ax
	TRY	"byte  ds:10000     ", mov (%edx), %al
wrapping_row:
	TRY	"dword ds:fffffffe  ", mov (%esi), %eax
	TRY	"byte  es:10000     ", mov %es:(%edx), %al
	TRY	"dword es:fffffffe  ", mov %es:(%esi), %eax
	mov	$VERDICT_GOOD, %al
	EXIT

tell:
	push	%si
	mov	verdict, %si
	call	print
	pop	%si
	ret

stack_fault:
	movw	$says_ss, verdict
	jmp	go_on
general_protection:
	movw	$says_gp, verdict
go_on:
	add	$6, %sp				# FLAGS, CS, IP
	jmp	*resume

	PRINT_ROUTINES

resume:	.word	0
verdict:
	.word	0
no_fault:
	.asciz	"ok\n"
says_ss:
	.asciz	"#SS\n"
says_gp:
	.asciz	"#GP\n"

	.p2align 3
gdt:	.quad	0
	.set	BIG, . - gdt
	.quad	0x00cf93000000ffff
gdtr:	.word	. - gdt - 1
	.long	gdt
