package qr

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFormatAndVersionBits: the sequences of the standard's tables C.1 (its
// 00 is level M) and D.1.
func TestFormatAndVersionBits(t *testing.T) {
	format := []int{0x5412, 0x5125, 0x5e7c, 0x5b4b, 0x45f9, 0x40ce, 0x4f97, 0x4aa0}
	for mask, want := range format {
		assert.Equal(t, want, formatBits(mask), "mask %d", mask)
	}
	assert.Equal(t, 0b100000011001110, formatBits(5), "the example of annex C")
	version := []int{0x07c94, 0x085bc, 0x09a99, 0x0a4d3, 0x0bbf6, 0x0c762, 0x0d847, 0x0e60d, 0x0f928, 0x10b78, 0x1145d, 0x12a17, 0x13532, 0x149a6,
		0x15683, 0x168c9, 0x177ec, 0x18ec4, 0x191e1, 0x1afab, 0x1b08e, 0x1cc1a, 0x1d33f, 0x1ed75, 0x1f250, 0x209d5, 0x216f0, 0x228ba, 0x2379f,
		0x24b0b, 0x2542e, 0x26a64, 0x27541, 0x28c69}
	for i, want := range version {
		assert.Equal(t, want, versionBits(7+i), "version %d", 7+i)
	}
	assert.Equal(t, 0b000111110010010100, versionBits(7), "the example of annex D")
}

// TestCapacity: bytes at level M by the standard's table 7.
func TestCapacity(t *testing.T) {
	want := []int{14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666, 711, 779, 857, 911, 997, 1059, 1125,
		1190, 1264, 1370, 1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, MaxLength}
	for i, n := range want {
		assert.Equal(t, n, capacity(i+1), "version %d", i+1)
	}
}

// TestAlignments: the rows of the standard's table E.1.
func TestAlignments(t *testing.T) {
	for version, want := range map[int][]int{2: {6, 18}, 3: {6, 22}, 6: {6, 34}, 7: {6, 22, 38}, 8: {6, 24, 42}, 9: {6, 26, 46}, 10: {6, 28, 50}, 11: {6, 30, 54},
		12: {6, 32, 58}, 13: {6, 34, 62}, 14: {6, 26, 46, 66}, 15: {6, 26, 48, 70}, 16: {6, 26, 50, 74}, 17: {6, 30, 54, 78}, 18: {6, 30, 56, 82},
		19: {6, 30, 58, 86}, 20: {6, 34, 62, 90}, 21: {6, 28, 50, 72, 94}, 22: {6, 26, 50, 74, 98}, 23: {6, 30, 54, 78, 102}, 24: {6, 28, 54, 80, 106},
		25: {6, 32, 58, 84, 110}, 26: {6, 30, 58, 86, 114}, 27: {6, 34, 62, 90, 118}, 28: {6, 26, 50, 74, 98, 122}, 29: {6, 30, 54, 78, 102, 126},
		30: {6, 26, 52, 78, 104, 130}, 31: {6, 30, 56, 82, 108, 134}, 32: {6, 34, 60, 86, 112, 138}, 33: {6, 30, 58, 86, 114, 142}, 34: {6, 34, 62, 90, 118, 146},
		35: {6, 30, 54, 78, 102, 126, 150}, 36: {6, 24, 50, 76, 102, 128, 154}, 37: {6, 28, 54, 80, 106, 132, 158}, 38: {6, 32, 58, 84, 110, 136, 162},
		39: {6, 26, 54, 82, 110, 138, 166}, 40: {6, 30, 58, 86, 114, 142, 170}} {
		assert.Equal(t, want, alignments(version), "version %d", version)
	}
	assert.Empty(t, alignments(1))
}

// TestErrorCorrection: the worked example of the standard's annex I, 01234567
// in version 1-M.
func TestErrorCorrection(t *testing.T) {
	block, err := hex.DecodeString("10200c566180ec11ec11ec11ec11ec11")
	require.NoError(t, err)
	assert.Equal(t, "a524d4c1ed36c7872c55", hex.EncodeToString(reedSolomon(block, 10)))
}

// TestGenerators: generator polynomials of the standard's annex A, as powers
// of 2.
func TestGenerators(t *testing.T) {
	for n, powers := range map[int][]int{7: {87, 229, 146, 149, 238, 102, 21}, 10: {251, 67, 46, 61, 118, 70, 64, 94, 32, 45},
		16: {120, 104, 107, 109, 102, 161, 76, 3, 91, 191, 147, 169, 182, 194, 225, 120}} {
		for i, b := range generator(n) {
			assert.Equal(t, powers[i], logs[b], "degree %d, coefficient %d", n, i)
		}
	}
}

func matrix(c *Code) string {
	var b strings.Builder
	for y := range c.Size {
		for x := range c.Size {
			if c.Dark(x, y) {
				b.WriteByte('#')
			} else {
				b.WriteByte('.')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestKnownMatrices: what another encoder (libqrencode 4.1) draws of the same
// text at the same level, module by module.
func TestKnownMatrices(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		text, want, _ := strings.Cut(string(content), "\n")
		c, err := Encode(text)
		require.NoError(t, err)
		assert.Equal(t, want, matrix(c), name)
	}
}

// TestEveryVersion: the version grows with the text, the patterns are where
// they belong, and no module is left to chance.
func TestEveryVersion(t *testing.T) {
	for version := 1; version <= 40; version++ {
		c, err := Encode(strings.Repeat("x", capacity(version)))
		require.NoError(t, err)
		assert.Equal(t, version, c.Version)
		assert.Equal(t, 17+4*version, c.Size)
		free := 0
		for _, f := range c.fixed {
			if !f {
				free++
			}
		}
		assert.Equal(t, codewords(version), free/8, "version %d", version)
		assert.True(t, c.Dark(8, c.Size-8), "the dark module")
		assert.False(t, c.Dark(-1, 0))
		assert.False(t, c.Dark(c.Size, 0))
	}
	_, err := Encode(strings.Repeat("x", MaxLength+1))
	assert.True(t, errors.Is(err, ErrTooLong))
	_, err = PNG(strings.Repeat("x", MaxLength+1))
	assert.True(t, errors.Is(err, ErrTooLong))
	_, err = SVG(strings.Repeat("x", MaxLength+1))
	assert.True(t, errors.Is(err, ErrTooLong))
}

// TestPictures: both pictures show the code, and the frame around it.
func TestPictures(t *testing.T) {
	const text = "https://qr.nspk.ru/AD10006M8KH234K782OQM0L13JI31LQD?type=02&bank=100000000009&sum=200&cur=RUB&crc=C63A"
	c, err := Encode(text)
	require.NoError(t, err)
	raw, err := PNG(text)
	require.NoError(t, err)
	p, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	require.Equal(t, 8*(c.Size+8), p.Bounds().Dx())
	for y := -4; y < c.Size+4; y++ {
		for x := -4; x < c.Size+4; x++ {
			r, _, _, _ := p.At(8*(x+4)+3, 8*(y+4)+3).RGBA()
			require.Equal(t, c.Dark(x, y), r == 0)
		}
	}
	svg, err := SVG(text)
	require.NoError(t, err)
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	one, err := c.PNG(0)
	require.NoError(t, err)
	p, err = png.Decode(bytes.NewReader(one))
	require.NoError(t, err)
	assert.Equal(t, c.Size+8, p.Bounds().Dy())
}

// TestScans: a decoder that is none of ours reads every version, and codes
// that were spoiled. zbarimg is in Debian's package zbar-tools.
func TestScans(t *testing.T) {
	zbarimg, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("zbarimg is not installed (Debian: apt-get install zbar-tools)")
	}
	scan := func(picture []byte) string {
		file := filepath.Join(t.TempDir(), "code.png")
		require.NoError(t, os.WriteFile(file, picture, 0o600))
		out, err := exec.Command(zbarimg, "--quiet", "--raw", "--oneshot", "-Sdisable", "-Sqrcode.enable", file).Output()
		require.NoError(t, err)
		return strings.TrimSuffix(string(out), "\n")
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	letters := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#&=+%"
	for version := 1; version <= 40; version++ {
		text := make([]byte, capacity(version)-rnd.IntN(3))
		for i := range text {
			text[i] = letters[rnd.IntN(len(letters))]
		}
		picture, err := PNG(string(text))
		require.NoError(t, err)
		require.Equal(t, string(text), scan(picture), "version %d", version)
	}
	for _, text := range []string{"t=20261121T1405&s=1599.00&fn=9999078900004312&i=4501&fp=1234567890&n=1", "Счёт № 7 на 1 500,50 ₽"} {
		c, err := Encode(text)
		require.NoError(t, err)
		for range c.Size * c.Size / 50 { // a fiftieth of the modules at most
			x, y := rnd.IntN(c.Size), rnd.IntN(c.Size)
			if !c.fixed[y*c.Size+x] {
				c.set(x, y, !c.Dark(x, y))
			}
		}
		picture, err := c.PNG(4)
		require.NoError(t, err)
		require.Equal(t, text, scan(picture))
	}
}
