package qr

// Of level M: the codewords of error correction in each block, and the number
// of blocks, by version (table 9 of the standard).
var (
	correction = [41]int{0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26, 26, 28, 28, 28, 28, 28, 28, 28, 28, 28,
		28, 28, 28, 28, 28, 28, 28, 28, 28, 28}
	blocks = [41]int{0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29,
		31, 33, 35, 37, 38, 40, 43, 45, 47, 49}
)

// codewords is how many codewords a version has in all: what the patterns
// leave of its modules.
func codewords(version int) int {
	size := 17 + 4*version
	n := size*size - 3*64 - 2*15 - 1 - 2*(size-16) // finders, format, the dark module, timing
	if a := len(alignments(version)); a > 0 {
		n -= (a*a-3)*25 - (a-2)*2*5 // those on the timing patterns share five modules with them
	}
	if version >= 7 {
		n -= 2 * 18
	}
	return n / 8
}

func dataCodewords(version int) int { return codewords(version) - correction[version]*blocks[version] }

// The field GF(256) of the codewords, by its generator 2 and x⁸+x⁴+x³+x²+1.
var exp, logs = func() (exp [512]byte, logs [256]int) {
	x := 1
	for i := range 255 {
		exp[i], exp[i+255] = byte(x), byte(x)
		logs[x] = i
		if x <<= 1; x > 255 {
			x ^= 0x11d
		}
	}
	return exp, logs
}()

func multiply(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return exp[logs[a]+logs[b]]
}

// generator is the product of (x - 2ⁱ) for i below n, without its leading 1.
func generator(n int) []byte {
	g := make([]byte, n)
	g[n-1] = 1
	for i := range n {
		for j := range g {
			g[j] = multiply(g[j], exp[i])
			if j+1 < n {
				g[j] ^= g[j+1]
			}
		}
	}
	return g
}

// reedSolomon are the n codewords of error correction of a block: what the
// division by the generator leaves.
func reedSolomon(block []byte, n int) []byte {
	g, rest := generator(n), make([]byte, n)
	for _, b := range block {
		factor := b ^ rest[0]
		copy(rest, rest[1:])
		rest[n-1] = 0
		for i := range rest {
			rest[i] ^= multiply(g[i], factor)
		}
	}
	return rest
}

// interleave cuts the data into the version's blocks, adds error correction,
// and takes one codeword of each block in turn. The last blocks may be a
// codeword longer.
func interleave(version int, data []byte) []byte {
	count, extra := blocks[version], correction[version]
	short, long := len(data)/count, len(data)%count
	var blocks, checks [][]byte
	for i := range count {
		n := short
		if i >= count-long {
			n++
		}
		blocks = append(blocks, data[:n])
		checks = append(checks, reedSolomon(data[:n], extra))
		data = data[n:]
	}
	var out []byte
	for i := range short + 1 {
		for _, b := range blocks {
			if i < len(b) {
				out = append(out, b[i])
			}
		}
	}
	for i := range extra {
		for _, c := range checks {
			out = append(out, c[i])
		}
	}
	return out
}
