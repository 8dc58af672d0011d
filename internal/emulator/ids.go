package emulator

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"sync"
)

// IDs makes the ids an emulator gives out. The same seed gives the same ids in
// the same order. It is safe for concurrent use. Nothing it makes is secret.
type IDs struct {
	mu   sync.Mutex
	seed uint64
	rnd  *rand.Rand
}

// NewIDs starts from the seed; 0 takes a random one, so that two emulators, or
// two runs against the same database, do not give out the same ids.
func NewIDs(seed uint64) *IDs {
	for seed == 0 {
		var b [8]byte
		_, _ = cryptorand.Read(b[:]) // never fails
		seed = binary.LittleEndian.Uint64(b[:])
	}
	return &IDs{seed: seed, rnd: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))}
}

// Seed is the seed in use: it repeats the run.
func (g *IDs) Seed() uint64 { return g.seed }

const (
	hexDigits = "0123456789abcdef"
	alphabet  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

func (g *IDs) letters(n int, from string) string {
	b := make([]byte, n)
	g.mu.Lock()
	for i := range b {
		b[i] = from[g.rnd.IntN(len(from))]
	}
	g.mu.Unlock()
	return string(b)
}

// UUID is a random (version 4) UUID in lower case.
func (g *IDs) UUID() string {
	var raw [16]byte
	g.mu.Lock()
	binary.LittleEndian.PutUint64(raw[:8], g.rnd.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], g.rnd.Uint64())
	g.mu.Unlock()
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	out := make([]byte, 0, 36)
	for i, b := range raw {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hexDigits[b>>4], hexDigits[b&15])
	}
	return string(out)
}

// Hex is n lower-case hexadecimal digits.
func (g *IDs) Hex(n int) string { return g.letters(n, hexDigits) }

// Digits is n decimal digits, the first of them not 0.
func (g *IDs) Digits(n int) string {
	if n <= 0 {
		return ""
	}
	return g.letters(1, "123456789") + g.letters(n-1, "0123456789")
}

// Letters is n capital letters and digits.
func (g *IDs) Letters(n int) string { return g.letters(n, alphabet) }

// QR is the id of an SBP code (qrcId): 32 capital letters and digits, the
// first two say its kind: AD a dynamic one, AS a static one, AB a subscription.
func (g *IDs) QR(kind string) string { return kind + g.letters(32-len(kind), alphabet) }

// IntN is a number from 0 to n-1.
func (g *IDs) IntN(n int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rnd.IntN(n)
}
