// Package qr draws QR codes (ISO/IEC 18004, model 2): bytes as they are, error
// correction of level M (a code of which 15 % are spoiled can be read), the
// smallest version that holds the text, the mask with the least penalty. That
// is what links and the texts on receipts need; it is no general encoder.
package qr

import (
	"errors"
	"fmt"
)

// MaxLength is how many bytes the largest code holds.
const MaxLength = 2331

// ErrTooLong is the error of a text above MaxLength.
var ErrTooLong = errors.New("qr: the text is too long for a QR code")

// Code is a QR code.
type Code struct {
	// Size is the number of modules of a side, without the quiet zone.
	Size int
	// Version is 1 to 40: Size is 17 and four for each.
	Version int
	// Mask is the pattern in use, 0 to 7.
	Mask int

	dark  []bool
	fixed []bool // modules that are no data: patterns, format, version
}

// Encode makes the code of a text.
func Encode(text string) (*Code, error) {
	version := 1
	for version <= 40 && len(text) > capacity(version) {
		version++
	}
	if version > 40 {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(text), MaxLength)
	}
	c := draw(version, interleave(version, data(version, text)))
	best := -1
	for mask := range masks {
		c.apply(mask)
		if p := c.penalty(); best < 0 || p < best {
			best, c.Mask = p, mask
		}
		c.apply(mask) // a second time takes it off again
	}
	c.apply(c.Mask)
	c.format(c.Mask)
	return c, nil
}

// Dark says whether the module in that column and row is dark; outside of the
// code all are light.
func (c *Code) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < c.Size && y < c.Size && c.dark[y*c.Size+x]
}

// data are the codewords of the text: mode, length, bytes, padding.
func data(version int, text string) []byte {
	var b bits
	b.add(0b0100, 4)
	b.add(len(text), lengthBits(version))
	for i := range len(text) {
		b.add(int(text[i]), 8)
	}
	whole := dataCodewords(version)
	b.add(0, min(4, whole*8-b.n))
	b.add(0, -b.n&7)
	for pad := 0xec; len(b.bytes) < whole; pad ^= 0xec ^ 0x11 {
		b.add(pad, 8)
	}
	return b.bytes
}

// bits gathers numbers of any width.
type bits struct {
	bytes []byte
	n     int
}

func (b *bits) add(value, width int) {
	for i := width - 1; i >= 0; i-- {
		if b.n%8 == 0 {
			b.bytes = append(b.bytes, 0)
		}
		b.bytes[b.n/8] |= byte(value>>i&1) << (7 - b.n%8)
		b.n++
	}
}

func lengthBits(version int) int {
	if version < 10 {
		return 8
	}
	return 16
}

// capacity is how many bytes of text a version holds.
func capacity(version int) int { return (dataCodewords(version)*8 - 4 - lengthBits(version)) / 8 }
