package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// quiet is the light frame that a code needs around it, in modules.
const quiet = 4

// PNG is the picture of a text: black on white, eight pixels a module, with
// the frame.
func PNG(text string) ([]byte, error) {
	c, err := Encode(text)
	if err != nil {
		return nil, err
	}
	return c.PNG(8)
}

// SVG is the same as a drawing, one unit a module.
func SVG(text string) ([]byte, error) {
	c, err := Encode(text)
	if err != nil {
		return nil, err
	}
	return c.SVG(), nil
}

// PNG draws the code with so many pixels a module.
func (c *Code) PNG(scale int) ([]byte, error) {
	scale = max(scale, 1)
	side := (c.Size + 2*quiet) * scale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if c.Dark(x/scale-quiet, y/scale-quiet) {
				picture.Pix[y*picture.Stride+x] = 1
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// SVG draws the code, one unit a module.
func (c *Code) SVG() []byte {
	var b bytes.Buffer
	side := c.Size + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		side, side, side, side)
	for y := range c.Size {
		for x := 0; x < c.Size; x++ {
			run := 0
			for c.Dark(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes()
}
