# loadall-286: a real-mode block move above 1 MiB, out and back, on a 286.
#
# LOADALL takes all caches from a table at 800h, so a segment may begin above 1 MiB while its
# selector is that of a real-mode one. First ES does, and REP MOVSW writes there; then DS does, and
# REP MOVSW reads it back. The next load of the selector makes an ordinary segment of it.

	.include "guest.inc"

	.set	EXTENDED, 0x110000
	.set	WORDS, 8
	.set	table, 0x800
	.set	ES_BASE, table + 0x36 + 2	# bits 23:16
	.set	DS_BASE, table + 0x48 + 2
	.set	TABLE_IP, table + 0x1a

	.arch	i286, nojumps
	.code16
	.globl	_start, go_up, written, come_back, copied
_start:
	cli
	cld
	mov	$image, %si
	mov	$table, %di
	mov	$image_end - image, %cx
	rep movsb
go_up:						# ES above 1 MiB
	.byte	0x0f, 0x05
written_to:
	rep movsw				# SI, DI and CX are in the table, too
written:
	xor	%ax, %ax
	mov	%ax, %es
	movb	$0, ES_BASE
	movb	$EXTENDED >> 16, DS_BASE
	movw	$0, table + 0x28		# SI
	movw	$buffer, table + 0x26		# DI
	movw	$read_from, TABLE_IP
come_back:					# DS above 1 MiB
	.byte	0x0f, 0x05
read_from:
	rep movsw
copied:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	$text, %si
	mov	$buffer, %di
	mov	$WORDS, %cx
	repe cmpsw
	jne	different
	mov	$text, %si
	call	print
	mov	$VERDICT_GOOD, %al
	EXIT
different:
	mov	$1, %al
	EXIT

print:
	lodsb
	test	%al, %al
	jz	1f
	out	%al, $PORT_CONSOLE
	jmp	print
1:	ret

# Base, attributes, limit.
.macro CACHE base, attr=0x93, limit=0xffff
	.word	(\base) & 0xffff
	.byte	(\base) >> 16, \attr
	.word	\limit
.endm

image:	.fill	3, 2, 0
	.word	0xfff0				# MSW
	.fill	7, 2, 0
	.word	0, 2, written_to		# TR FLAGS IP
	.word	0, 0, 0, 0, 0			# LDTR DS SS CS ES
	.word	0, text, 0, 0x7000		# DI SI BP SP
	.word	0, 0, WORDS, 0			# BX DX CX AX
	CACHE	EXTENDED			# ES
	CACHE	0				# CS
	CACHE	0				# SS
	CACHE	0				# DS
	CACHE	0				# GDTR
	CACHE	0, 0x82				# LDTR
	CACHE	0, 0, 0x3ff			# IDTR
	CACHE	0, 0x83				# TR
image_end:

text:	.asciz	"up and down at\n"
buffer:	.fill	WORDS, 2, 0
