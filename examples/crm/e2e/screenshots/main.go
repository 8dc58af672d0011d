// Command screenshots makes pictures of the CRM's and the sandbox's main pages,
// on a desk and on a phone:
//
//	go run -C examples/crm/e2e ./screenshots -out /tmp/pictures
//
// It needs a Chromium (CHROMIUM, or one on the PATH).
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/acquiring-go/acquiring/examples/crm/e2e/drive"
)

func main() {
	out := flag.String("out", "screenshots", "folder for the pictures")
	only := flag.String("only", "", "regular expression of the names; empty: all")
	crm := flag.String("crm", "..", "the CRM's source")
	flag.Parse()
	if err := run(*crm, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

// photographer makes the pictures; what goes wrong in the browser ends the
// program through a panic of its own type, so that all is closed.
type photographer struct {
	out  string
	only *regexp.Regexp
}

type failure string

// Helper is of drive.T.
func (*photographer) Helper() {}

// Logf is of drive.T.
func (*photographer) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// Fatalf is of drive.T.
func (*photographer) Fatalf(format string, args ...any) { panic(failure(fmt.Sprintf(format, args...))) }

func run(crm, out, only string) (err error) {
	p := &photographer{out: out}
	if p.only, err = regexp.Compile(only); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	chromium, err := drive.FindChromium()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "crm-screenshots-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program, err := drive.Build(crm, folder)
	if err != nil {
		return err
	}
	school, err := drive.Start(program, folder)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = school.Stop(ctx)
	}()
	browser, err := drive.Launch(chromium)
	if err != nil {
		return err
	}
	defer browser.Close()
	defer func() {
		if f, ok := recover().(failure); ok {
			err = fmt.Errorf("%s", string(f))
		}
	}()
	return p.all(school, browser)
}

// all makes every picture.
func (p *photographer) all(school *drive.School, browser *drive.Browser) error {
	tab := browser.Tab(p, drive.Desktop)
	tab.Open(school.URL + "/login")
	tab.Fill("#login", drive.Login)
	tab.Fill("#password", drive.Password)
	tab.Go("#login-submit")
	tab.ComeBack(school.URL+"/invoices", "[data-test=invoice]", 9)
	tab.ComeBack(school.URL+"/invoices/1", "[data-test=receipt][data-state=printed]", 1)
	pages := append(append(school.StaffPages(tab), school.ClientPages(tab)...), school.SandboxPages(tab)...)
	payment := p.payment(tab, school)
	for name, screen := range map[string]drive.Screen{"desktop": drive.Desktop, "phone": drive.Phone} {
		tab.Look(screen)
		for _, page := range append(pages, payment) {
			if file := page.Name + "-" + name + ".png"; p.only.MatchString(file) {
				tab.Open(page.Address)
				if err := save(filepath.Join(p.out, file), tab.Picture(2*screen.Height)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// payment is a provider's payment page.
func (p *photographer) payment(tab *drive.Tab, school *drive.School) drive.Page {
	tab.Open(school.URL + "/invoices/8")
	tab.Open(tab.Value("#pay-link"))
	tab.Go("#pay")
	return drive.Page{Name: "bank", Address: tab.Address()}
}

// save writes the picture with a palette of the 256 colours that it has most
// of: pages are flat, and the file is a third of what it was.
func save(path string, picture []byte) error {
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(file, flat(full)); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

// flat gives the picture a palette.
func flat(full image.Image) *image.Paletted {
	bounds := full.Bounds()
	counts := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[rgba(full, x, y)]++
		}
	}
	palette := mostUsed(counts, 256)
	nearest := map[color.RGBA]uint8{}
	out := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := rgba(full, x, y)
			index, known := nearest[c]
			if !known {
				index = uint8(palette.Index(c))
				nearest[c] = index
			}
			out.SetColorIndex(x, y, index)
		}
	}
	return out
}

func rgba(full image.Image, x, y int) color.RGBA {
	r, g, b, _ := full.At(x, y).RGBA()
	return color.RGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: 255}
}
