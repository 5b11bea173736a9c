# loadall: the 386's LOADALL makes in one instruction what no load could.
#
# In real mode, from a table at ES:EDI: DS with a base beyond 1 MiB and a limit of 4 GiB under the
# selector 1234h, ES with a selector that names nothing, and 32-bit code (CS.D=1) with PE=0. What
# the caches say is what counts (Collins, "The LOADALL Instruction"). The verdict is the
# number of checks that failed.

	.include "guest.inc"
	.set	DATA_AR, 0x00930000	# present, writable, accessed: the access byte in bits 23:16
	.set	CODE32_AR, 0x009b4000	# and D in bit 14

	.code16
	.globl	_start
_start:
	cli
	mov	%cr0, %eax
	mov	%eax, table_cr0
	mov	$table, %edi
	.byte	0x0f, 0x07		# loadall
	hlt				# never reached

	.code32
arrived:				# DS.base is 100000h
	cmp	$0x11223344, %ebx
	jne	1f
	incb	%cs:good		# 1: a register (real mode lets CS be written)
1:	mov	$0xcafe, %ecx
	mov	%ecx, 0x200000		# linear 300000h
	cmp	%ecx, %es:0x300000
	jne	1f
	incb	%cs:good		# 2: the same byte by another base
1:	mov	%ds, %eax
	cmp	$0x1234, %ax
	jne	1f
	incb	%cs:good		# 3: the selector knows nothing of it
1:	mov	%cr0, %eax
	test	$CR0_PE, %al
	jnz	1f
	incb	%cs:good		# 4: real mode all the while
1:	push	%ds			# a load by the rules of real mode
	pop	%ds
	mov	%ds:0x10, %eax		# base 12340h now, the limit as it was
	mov	0x100000, %eax		# far beyond 64 KiB
	incb	%cs:good		# 5: no fault
	xor	%eax, %eax
	mov	%ax, %ds
	mov	$7f, %esi
	cmpb	$5, good
	je	1f
	mov	$8f, %esi
1:	call	print
	mov	$5, %al
	sub	good, %al
	EXIT
7:	.asciz	"loadall: every check is as Collins says\n"
8:	.asciz	"loadall: a check failed\n"

	PRINT_ROUTINES

good:	.byte	0

.macro CACHE attributes, base, limit
	.long	\attributes, \base, \limit
.endm

	.p2align 2
table:
table_cr0:
	.long	0
	.long	2			# EFLAGS
	.long	arrived
	.long	0, 0, 0, 0x7000		# EDI ESI EBP ESP
	.long	0x11223344, 0, 0, 0	# EBX EDX ECX EAX
	.long	0xffff0ff0, 0		# DR6 DR7
	.long	0, 0			# TR LDTR
	.long	0, 0, 0x1234, 0, 0, 0xfff8	# GS FS DS SS CS ES
	CACHE	0x008b0000, 0, 0x67	# TR
	CACHE	0, 0, 0x3ff		# IDTR
	CACHE	0, 0, 0			# GDTR
	CACHE	0x00820000, 0, 0	# LDTR
	CACHE	DATA_AR, 0, 0xffff	# GS
	CACHE	DATA_AR, 0, 0xffff	# FS
	CACHE	DATA_AR, 0x100000, 0xffffffff	# DS
	CACHE	DATA_AR, 0, 0xffff	# SS
	CACHE	CODE32_AR, 0, 0xffffffff	# CS
	CACHE	DATA_AR, 0, 0xffffffff	# ES
	.if	. - table - 0xcc
	.error	"a table of LOADALL has CCh bytes"
	.endif
