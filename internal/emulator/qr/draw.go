package qr

// alignments are where the rows and columns of alignment patterns lie; none in
// version 1. The first is at the timing pattern, the last above the finder, and
// the others are an even distance apart, counted from the last one.
func alignments(version int) []int {
	if version == 1 {
		return nil
	}
	n := version/7 + 2
	at := make([]int, n)
	at[0] = 6
	last := 4*version + 10
	step := (last - 6 + (n-1)/2) / (n - 1) // rounded
	step += step & 1                       // to an even one
	if version == 32 {
		step = 26 // the standard's own exception
	}
	for i := n - 1; i > 0; i-- {
		at[i] = last - (n-1-i)*step
	}
	return at
}

// draw makes a code of the codewords, without mask and format.
func draw(version int, codewords []byte) *Code {
	size := 17 + 4*version
	c := &Code{Size: size, Version: version, dark: make([]bool, size*size), fixed: make([]bool, size*size)}
	for i := range size { // timing
		c.fix(6, i, i%2 == 0)
		c.fix(i, 6, i%2 == 0)
	}
	c.finder(3, 3)
	c.finder(size-4, 3)
	c.finder(3, size-4)
	at := alignments(version)
	for _, y := range at {
		for _, x := range at {
			if !(x == 6 && y == 6 || x == 6 && y == size-7 || x == size-7 && y == 6) {
				c.rings(x, y, 2)
			}
		}
	}
	c.format(0) // keeps its place
	if version >= 7 {
		c.version()
	}
	c.place(codewords)
	return c
}

func (c *Code) set(x, y int, dark bool) { c.dark[y*c.Size+x] = dark }

func (c *Code) fix(x, y int, dark bool) {
	c.dark[y*c.Size+x], c.fixed[y*c.Size+x] = dark, true
}

// rings are squares in each other around a dark middle: every other one light.
func (c *Code) rings(x, y, radius int) {
	for dy := -radius; dy <= radius; dy++ {
		for dx := -radius; dx <= radius; dx++ {
			c.fix(x+dx, y+dy, max(abs(dx), abs(dy)) != 1)
		}
	}
}

// finder is a finder pattern with the light frame that parts it from the rest.
func (c *Code) finder(x, y int) {
	for dy := -4; dy <= 4; dy++ {
		for dx := -4; dx <= 4; dx++ {
			ring := max(abs(dx), abs(dy))
			if px, py := x+dx, y+dy; px >= 0 && py >= 0 && px < c.Size && py < c.Size {
				c.fix(px, py, ring != 2 && ring != 4)
			}
		}
	}
}

func abs(n int) int { return max(n, -n) }

// checked puts the remainder of value's division by the generator behind it.
func checked(value, generator, width int) int {
	rest := value << width
	for i := 30; i >= width; i-- {
		if rest>>i&1 == 1 {
			rest ^= generator << (i - width)
		}
	}
	return value<<width | rest
}

// formatBits are the 15 bits that say level M and the mask.
func formatBits(mask int) int {
	const levelM = 0
	return checked(levelM<<3|mask, 0b10100110111, 10) ^ 0b101010000010010
}

// versionBits are the 18 bits that say the version, from 7 on.
func versionBits(version int) int { return checked(version, 0b1111100100101, 12) }

// format writes the format twice: around the first finder, and beside the two
// others.
func (c *Code) format(mask int) {
	word := formatBits(mask)
	for i := range 15 {
		dark := word>>i&1 == 1
		switch { // bit 0 at the top, along the column, then along the row
		case i < 6:
			c.fix(8, i, dark)
		case i < 8:
			c.fix(8, i+1, dark)
		case i == 8:
			c.fix(7, 8, dark)
		default:
			c.fix(14-i, 8, dark)
		}
		if i < 8 {
			c.fix(c.Size-1-i, 8, dark)
		} else {
			c.fix(8, c.Size-15+i, dark)
		}
	}
	c.fix(8, c.Size-8, true)
}

// version writes the version twice: left of the upper right finder, and above
// the lower left one.
func (c *Code) version() {
	word := versionBits(c.Version)
	for i := range 18 {
		dark := word>>i&1 == 1
		c.fix(c.Size-11+i%3, i/3, dark)
		c.fix(i/3, c.Size-11+i%3, dark)
	}
}

// place writes the codewords in the standard's order: two columns wide, from
// the right, up and down in turn, past the timing column.
func (c *Code) place(codewords []byte) {
	next := 0
	up := true
	for right := c.Size - 1; right > 0; right -= 2 {
		if right == 6 {
			right--
		}
		for i := range c.Size {
			y := i
			if up {
				y = c.Size - 1 - i
			}
			for _, x := range [2]int{right, right - 1} {
				if c.fixed[y*c.Size+x] || next >= 8*len(codewords) { // what is left over stays light
					continue
				}
				c.set(x, y, codewords[next/8]>>(7-next%8)&1 == 1)
				next++
			}
		}
		up = !up
	}
}

// masks say which data modules a mask turns over.
var masks = [8]func(x, y int) bool{
	func(x, y int) bool { return (x+y)%2 == 0 },
	func(x, y int) bool { return y%2 == 0 },
	func(x, y int) bool { return x%3 == 0 },
	func(x, y int) bool { return (x+y)%3 == 0 },
	func(x, y int) bool { return (x/3+y/2)%2 == 0 },
	func(x, y int) bool { return x*y%2+x*y%3 == 0 },
	func(x, y int) bool { return (x*y%2+x*y%3)%2 == 0 },
	func(x, y int) bool { return ((x+y)%2+x*y%3)%2 == 0 },
}

// apply turns over the data modules of a mask and writes its format.
func (c *Code) apply(mask int) {
	for y := range c.Size {
		for x := range c.Size {
			if i := y*c.Size + x; !c.fixed[i] && masks[mask](x, y) {
				c.dark[i] = !c.dark[i]
			}
		}
	}
	c.format(mask)
}

// penalty is how hard the code is to read by the standard's four rules.
func (c *Code) penalty() int {
	total, dark := 0, 0
	for i := range c.Size {
		total += c.line(func(j int) bool { return c.dark[i*c.Size+j] })
		total += c.line(func(j int) bool { return c.dark[j*c.Size+i] })
	}
	for y := range c.Size {
		for x := range c.Size {
			d := c.dark[y*c.Size+x]
			if d {
				dark++
			}
			if x > 0 && y > 0 && d == c.dark[y*c.Size+x-1] && d == c.dark[(y-1)*c.Size+x] && d == c.dark[(y-1)*c.Size+x-1] {
				total += 3
			}
		}
	}
	all := c.Size * c.Size
	return total + 10*(abs(20*dark-10*all)/all) // for every 5 % away from a half
}

// line is the penalty of a row or column: runs of five and more, and dark and
// light as 1:1:3:1:1, which a reader may take for a finder pattern, with four
// of light on one side. The frame around the code is light.
func (c *Code) line(at func(int) bool) int {
	runs := make([]int, 1, c.Size+2) // in turn light and dark
	runs[0] = c.Size
	dark := false
	for j := range c.Size {
		if at(j) == dark {
			runs[len(runs)-1]++
			continue
		}
		dark = !dark
		runs = append(runs, 1)
	}
	if dark {
		runs = append(runs, 0)
	}
	runs[len(runs)-1] += c.Size
	total := 0
	for i, run := range runs {
		if i == 0 || i == len(runs)-1 {
			run -= c.Size
		}
		if run >= 5 {
			total += run - 2
		}
		if one := run / 3; i%2 == 1 && run%3 == 0 && i >= 3 && i+3 < len(runs) && runs[i-2] == one && runs[i-1] == one && runs[i+1] == one &&
			runs[i+2] == one && (runs[i-3] >= 4*one || runs[i+3] >= 4*one) {
			total += 40
		}
	}
	return total
}
