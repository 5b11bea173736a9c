# A loop that stores beside its own code: TARGET is a free place in the page of the loop, but not in
# one of its 64-byte lines, and the twin of this guest stores into a page without code. Boot
# sectors do it all the time, and a store beside code must not cost the code. N rounds of 40000h.
	.include "common.inc"
RM_INIT
PM_ENTER
	mov	$N, %ebp
2:	xor	%eax, %eax
	mov	$0x40000, %ecx
3:	mov	%eax, TARGET
	add	$4, %eax
	dec	%ecx
	jnz	3b
	dec	%ebp
	jnz	2b
FINI
GDT
	.org	510
	.word	0xaa55
