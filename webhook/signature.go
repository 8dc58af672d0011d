package webhook

import (
	"crypto/hmac"
	"hash"
	"sync"

	"github.com/acquiring-go/acquiring"
)

// HMAC signs and checks messages with one key. It is safe for concurrent use:
// keyed states are kept and used again, so that a check neither derives the
// key's pads anew nor allocates.
type HMAC struct {
	size int
	pool sync.Pool // of *keyed
}

// keyed is one state of the hash with the key in it, and room for a sum and
// for what it is compared with.
type keyed struct {
	h    hash.Hash
	sum  []byte
	want []byte
}

// NewHMAC prepares a key for the given hash: sha256.New, md5.New and so on.
// An empty key gives ErrInvalid: whoever knows that it is empty can sign.
func NewHMAC(h func() hash.Hash, key []byte) (*HMAC, error) {
	switch {
	case h == nil:
		return nil, acquiring.Invalid("hash", "is nil; give a constructor such as sha256.New")
	case len(key) == 0:
		return nil, acquiring.Invalid("key", "is empty; a callback checked with an empty key is signed by anybody")
	}
	own := append([]byte(nil), key...)
	m := &HMAC{}
	m.pool.New = func() any {
		mac := hmac.New(h, own)
		mac.Reset() // keeps the marshalled pads, so that later resets are cheap
		return &keyed{h: mac, sum: make([]byte, 0, mac.Size()), want: make([]byte, mac.Size())}
	}
	first := m.pool.Get().(*keyed)
	m.size = first.h.Size()
	m.pool.Put(first)
	return m, nil
}

// Size is the length of a sum in bytes.
func (m *HMAC) Size() int { return m.size }

// Sum appends the code of the message, Size bytes, to dst.
func (m *HMAC) Sum(dst, message []byte) []byte {
	k := m.pool.Get().(*keyed)
	k.of(message)
	dst = append(dst, k.sum...)
	m.pool.Put(k)
	return dst
}

// Verify says whether mac is the code of the message: Size bytes. The time it takes does
// not tell how much of mac is right.
func (m *HMAC) Verify(message, mac []byte) bool {
	if len(mac) != m.size {
		return false
	}
	k := m.pool.Get().(*keyed)
	k.of(message)
	ok := hmac.Equal(k.sum, mac)
	m.pool.Put(k)
	return ok
}

// VerifyHex is Verify for a code written in hexadecimal digits of either case.
// It allocates nothing.
func (m *HMAC) VerifyHex(message []byte, mac string) bool {
	if len(mac) != 2*m.size {
		return false
	}
	k := m.pool.Get().(*keyed)
	ok := unhex(k.want, mac)
	if ok {
		k.of(message)
		ok = hmac.Equal(k.sum, k.want)
	}
	m.pool.Put(k)
	return ok
}

// of leaves the message's code in k.sum.
func (k *keyed) of(message []byte) {
	k.h.Reset()
	_, _ = k.h.Write(message)
	k.sum = k.h.Sum(k.sum[:0])
}

// unhex fills dst from 2*len(dst) hexadecimal digits; false: one of them is none.
func unhex(dst []byte, digits string) bool {
	bad := byte(0)
	for i := range dst {
		if len(digits) < 2 {
			return false
		}
		hi, lo := nibbles[digits[0]], nibbles[digits[1]]
		digits = digits[2:]
		bad |= hi | lo
		dst[i] = hi<<4 | lo
	}
	return bad < 16
}

// nibbles has the value of each hexadecimal digit, and 0xFF for other bytes. A
// table takes the same time for every digit; comparisons are mispredicted.
var nibbles = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xFF
	}
	for i, c := range "0123456789abcdef" {
		t[c] = byte(i)
	}
	for i, c := range "ABCDEF" {
		t[c] = byte(10 + i)
	}
	return t
}()
