# loadall-286: LOADALL gives DS the base 100000h under selector 0000 (profile 286), and a host interrupt
# falls into that. The table is at 800h, where a 286 looks for it.

	.include "guest.inc"

	.set	TABLE, 0x800

	.code16
	.globl	_start
_start:
	cld
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	$table, %si
	mov	$TABLE, %di
	mov	$51, %cx
	rep movsw
	.byte	0x0f, 0x05		# LOADALL
	hlt
loaded:
	out	%al, $PORT_HOST_INTERRUPT
	movb	$1, 0			# through DS, to 100000h
	mov	$VERDICT_GOOD, %al
	EXIT

# Base 23:0, access byte, limit.
.macro CACHE base, access, limit
	.word	(\base) & 0xffff
	.byte	(\base) >> 16, \access
	.word	\limit
.endm

table:	.word	0, 0, 0			# 800: not used
	.word	0xfff0			# 806: MSW
	.word	0, 0, 0, 0, 0, 0, 0	# 808: not used
	.word	0			# 816: TR
	.word	2			# 818: FLAGS
	.word	loaded			# 81A: IP
	.word	0			# 81C: LDTR
	.word	0, 0, 0, 0		# 81E: DS SS CS ES
	.word	0, 0, 0, 0x7000		# 826: DI SI BP SP
	.word	0, 0, 0, 0		# 82E: BX DX CX AX
	CACHE	0, 0x93, 0xffff		# 836: ES
	CACHE	0, 0x93, 0xffff		# 83C: CS
	CACHE	0, 0x93, 0xffff		# 842: SS
	CACHE	0x100000, 0x93, 0xffff	# 848: DS
	CACHE	0, 0, 0			# 84E: GDTR
	CACHE	0, 0x82, 0		# 854: LDTR
	CACHE	0, 0, 0x3ff		# 85A: IDTR
	CACHE	0, 0x83, 0x2b		# 860: TR
