// Package drive is a person before the CRM and the sandbox: it builds and
// starts the CRM, starts a headless Chromium, and clicks, types and looks in
// it. The browser tests and the screenshots are made with it.
package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"
)

// T is what of a test is used here: the command for screenshots has one too.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// ErrNoChromium says that there is no browser on this machine.
var ErrNoChromium = errors.New("no Chromium: install it, or set CHROMIUM to its path")

// Patience is how long anything on a page is waited for: a machine may be busy.
const Patience = 2 * time.Minute

// FindChromium is the path of a Chromium: the environment's CHROMIUM, or one
// on the PATH.
func FindChromium() (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	if own := os.Getenv("CHROMIUM"); own != "" {
		names = []string{own}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoChromium
}

// Browser is a running Chromium with a profile of its own.
type Browser struct {
	ctx     context.Context
	stop    context.CancelFunc
	profile string
}

// Launch starts a Chromium that talks to this machine only.
func Launch(path string) (*Browser, error) {
	profile, err := os.MkdirTemp("", "crm-chromium-*")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(Patience),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("accept-lang", "ru-RU,ru"), chromedp.Flag("lang", "ru-RU"), chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopBrowser := chromedp.NewContext(allocator)
	b := &Browser{ctx: ctx, profile: profile, stop: func() { stopBrowser(); stopAllocator() }}
	if err := chromedp.Do(ctx); err != nil {
		b.Close()
		return nil, fmt.Errorf("Chromium did not start: %w", err)
	}
	return b, nil
}

// Close ends the browser and removes its profile.
func (b *Browser) Close() {
	b.stop()
	_ = os.RemoveAll(b.profile)
}
