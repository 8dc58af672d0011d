package main

import (
	"cmp"
	"image/color"
	"maps"
	"slices"
)

// mostUsed is the palette of the colours that there are most of, the same for
// the same picture.
func mostUsed(counts map[color.RGBA]int, size int) color.Palette {
	order := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(number(a), number(b)))
	})
	palette := make(color.Palette, 0, size)
	for _, c := range order[:min(size, len(order))] {
		palette = append(palette, c)
	}
	return palette
}

func number(c color.RGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }
