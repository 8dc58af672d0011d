package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// The screens that pages are looked at on, in CSS pixels.
var (
	Desktop = Screen{Width: 1280, Height: 860, Scale: 1}
	Phone   = Screen{Width: 390, Height: 844, Scale: 2, Touch: true}
)

// Screen is a screen.
type Screen struct {
	Width, Height int64
	Scale         float64 // device pixels in one
	Touch         bool
}

// Tab is a tab with cookies of its own: another person's browser. What goes
// wrong in it ends the test.
type Tab struct {
	t     T
	ctx   context.Context
	close context.CancelFunc

	mu     sync.Mutex
	faults []string // of the console
	fine   []string // what is no fault of them
	asked  []string // by window.confirm
}

// Tab opens one.
func (b *Browser) Tab(t T, screen Screen) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	tab := &Tab{t: t, ctx: ctx, close: cancel, fine: []string{"status of 422"}} // a form that is sent back with its faults
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("a new tab: %v", err)
	}
	console, questions := chromedp.Console(ctx), chromedp.Events(ctx, page.JavascriptDialogOpening)
	go tab.read(console)
	go tab.agree(questions)
	tab.Look(screen)
	return tab
}

// read keeps what the console says is wrong.
func (tab *Tab) read(console iter.Seq2[chromedp.ConsoleMessage, error]) {
	for m, err := range console {
		if err != nil {
			return
		}
		switch m.Type {
		case chromedp.ConsoleWarning, chromedp.ConsoleError, chromedp.ConsoleException:
		default:
			continue
		}
		tab.mu.Lock()
		if !slices.ContainsFunc(tab.fine, func(part string) bool { return strings.Contains(m.Text, part) }) {
			tab.faults = append(tab.faults, m.Text+" "+m.URL)
		}
		tab.mu.Unlock()
	}
}

// agree says yes to window.confirm.
func (tab *Tab) agree(questions iter.Seq2[page.EventJavascriptDialogOpening, error]) {
	for q, err := range questions {
		if err != nil {
			return
		}
		tab.mu.Lock()
		tab.asked = append(tab.asked, q.Message)
		tab.mu.Unlock()
		_, _ = chromedp.Call(tab.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
	}
}

// Faults are the console's errors so far.
func (tab *Tab) Faults() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.faults)
}

// Expect says that what the console says with these words is meant to happen.
func (tab *Tab) Expect(words string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	tab.fine = append(tab.fine, words)
}

// Lose lets no page of these addresses come: the browser is as good as closed
// for them. The pattern is one of the URL pattern standard.
func (tab *Tab) Lose(pattern string) {
	tab.t.Helper()
	tab.do("lose "+pattern, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: pattern, Block: true}}})
		return err
	}))
}

// Asked are the questions that the person was asked, and said yes to.
func (tab *Tab) Asked() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.asked)
}

// Close closes the tab.
func (tab *Tab) Close() { tab.close() }

// do does the actions, with patience.
func (tab *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.fail(what, err)
	}
}

// ask runs a script and gives its value.
func ask[V any](tab *Tab, script string) V {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	for {
		v, err := chromedp.Run(ctx, chromedp.Evaluate[V](script))
		if err == nil {
			return v
		}
		// A page that refreshes itself takes the script's ground away.
		if ctx.Err() != nil || !strings.Contains(err.Error(), "context") && !strings.Contains(err.Error(), "navigated") {
			tab.fail("script "+script, err)
		}
	}
}

// fail ends the test with what the person saw.
func (tab *Tab) fail(what string, err error) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, 10*time.Second)
	defer cancel()
	address, _ := chromedp.Run(ctx, chromedp.Location())
	seen, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if len(seen) > 3000 {
		seen = seen[:3000]
	}
	tab.t.Fatalf("%s: %v\nat %s\nconsole: %q\nthe page says:\n%s", what, err, address, tab.Faults(), seen)
}

// Look changes the screen.
func (tab *Tab) Look(s Screen) {
	tab.t.Helper()
	tab.do("screen", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetDeviceMetricsOverride,
			emulation.SetDeviceMetricsOverrideParams{Width: s.Width, Height: s.Height, DeviceScaleFactor: s.Scale, Mobile: s.Touch})
		return err
	}))
}

// Open goes to an address.
func (tab *Tab) Open(address string) {
	tab.t.Helper()
	tab.do("open "+address, chromedp.Navigate(address))
}

// Go clicks what leads to another page, and waits for that page.
func (tab *Tab) Go(selector string) {
	tab.t.Helper()
	ctx, cancel := context.WithTimeout(tab.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		tab.fail("go by "+selector, err)
	}
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		tab.fail("go by "+selector, err)
	}
}

// Click clicks what stays on the page.
func (tab *Tab) Click(selector string) {
	tab.t.Helper()
	tab.do("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Fill puts a value into a field in place of what was there, as pasting does.
func (tab *Tab) Fill(selector, value string) {
	tab.t.Helper()
	tab.do("fill "+selector, chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Focus(chromedp.CSS(selector)), chromedp.Evaluate[chromedp.Void](`document.activeElement.select()`),
		chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, input.InsertText, input.InsertTextParams{Text: value})
			return err
		}))
	if got := tab.Value(selector); strings.TrimSpace(got) != strings.TrimSpace(value) {
		tab.fail("fill "+selector, fmt.Errorf("the field holds %q", got))
	}
}

// Alter changes what is in a hidden field: what no honest page does.
func (tab *Tab) Alter(selector, value string) {
	tab.t.Helper()
	ask[bool](tab, `(document.querySelector(`+quote(selector)+`).value = `+quote(value)+`, true)`)
}

// Choose picks an option of a list by its value.
func (tab *Tab) Choose(selector, value string) {
	tab.t.Helper()
	tab.Wait(selector)
	if !ask[bool](tab, fmt.Sprintf(`(() => { const s = document.querySelector(%s), v = %s;
		if (![...s.options].some(o => o.value === v)) return false;
		s.value = v; s.dispatchEvent(new Event("input", {bubbles: true})); s.dispatchEvent(new Event("change", {bubbles: true})); return true })()`, quote(selector), quote(value))) {
		tab.fail("choose in "+selector, fmt.Errorf("there is no %q", value))
	}
}

// Tick sets a check box or a radio button.
func (tab *Tab) Tick(selector string) {
	tab.t.Helper()
	tab.Wait(selector)
	if !tab.Is(selector + ":checked") {
		tab.Click(selector)
	}
}

// Wait waits until the element is there and seen. A page that refreshes itself
// may bring it.
func (tab *Tab) Wait(selector string) {
	tab.t.Helper()
	tab.do("wait for "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// ComeBack opens an address again and again until it shows the element, so
// many times: news does not refresh the page by itself.
func (tab *Tab) ComeBack(address, selector string, times int) {
	tab.t.Helper()
	deadline := time.Now().Add(Patience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		tab.Open(address)
		n := tab.Count(selector)
		if n >= times {
			return
		}
		if time.Now().After(deadline) {
			tab.fail("wait for "+selector, fmt.Errorf("there are %d of %d", n, times))
		}
		tab.do("pause", chromedp.Sleep(pause))
	}
}

// Is says whether there is such an element.
func (tab *Tab) Is(selector string) bool { tab.t.Helper(); return tab.Count(selector) > 0 }

// Count counts such elements.
func (tab *Tab) Count(selector string) int {
	tab.t.Helper()
	return ask[int](tab, `document.querySelectorAll(`+quote(selector)+`).length`)
}

// Text is what a person reads in an element; the no-break spaces are spaces.
func (tab *Tab) Text(selector string) string {
	tab.t.Helper()
	tab.Wait(selector)
	text := ask[string](tab, `document.querySelector(`+quote(selector)+`).innerText`)
	return strings.TrimSpace(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(text))
}

// Texts is what a person reads in each such element.
func (tab *Tab) Texts(selector string) []string {
	tab.t.Helper()
	return ask[[]string](tab, `[...document.querySelectorAll(`+quote(selector)+`)].map(e => e.innerText.replace(/[\u00a0\u202f]/g, " ").trim())`)
}

// LinkTo is where the link with the words leads.
func (tab *Tab) LinkTo(selector, words string) string {
	tab.t.Helper()
	href := ask[string](tab, `[...document.querySelectorAll(`+quote(selector)+`)].find(a => a.innerText.includes(`+quote(words)+`))?.href || ""`)
	if href == "" {
		tab.fail("a link among "+selector, fmt.Errorf("none says %q", words))
	}
	return href
}

// Facts is the table of names and values in the section with this heading;
// what is to be copied is without its button.
func (tab *Tab) Facts(heading string) map[string]string {
	tab.t.Helper()
	return ask[map[string]string](tab, `(() => { const facts = {};
		const s = [...document.querySelectorAll("section")].find(s => s.querySelector("h2")?.innerText === `+quote(heading)+`);
		for (const tr of s?.querySelectorAll("tr") || []) facts[tr.querySelector("th").innerText] = (tr.querySelector("code") || tr.querySelector("td")).innerText;
		const code = s?.querySelector("pre.code"); if (code) facts["Код"] = code.innerText;
		return facts })()`)
}

// Attr is an attribute; "" for none.
func (tab *Tab) Attr(selector, name string) string {
	tab.t.Helper()
	tab.Wait(selector)
	return ask[string](tab, `document.querySelector(`+quote(selector)+`).getAttribute(`+quote(name)+`) || ""`)
}

// Value is what is in a field.
func (tab *Tab) Value(selector string) string {
	tab.t.Helper()
	tab.Wait(selector)
	return ask[string](tab, `document.querySelector(`+quote(selector)+`).value`)
}

// Address is where the tab is.
func (tab *Tab) Address() string {
	tab.t.Helper()
	return ask[string](tab, `location.href`)
}

// Source is the page's markup.
func (tab *Tab) Source() string {
	tab.t.Helper()
	return ask[string](tab, `document.documentElement.outerHTML`)
}

// Picture is the page as a PNG: the screen, or no more than so many CSS pixels
// of the page from its top.
func (tab *Tab) Picture(height int64) (png []byte) {
	tab.t.Helper()
	size := ask[[]int64](tab, `[innerWidth, document.documentElement.scrollHeight]`)
	beyond := true
	tab.do("picture", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		shot, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond,
			Clip: &page.Viewport{Width: float64(size[0]), Height: float64(min(size[1], height)), Scale: 1}})
		png = shot.Data
		return err
	}))
	return png
}

// quote is a string of JavaScript.
func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
