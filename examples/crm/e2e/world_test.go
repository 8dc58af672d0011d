// Package e2e holds the tests of the CRM as people meet it: the program over
// its sandbox, in a headless Chromium. They are skipped where there is none.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/e2e/drive"
)

// What all tests share; nil and "" where there is no browser.
var (
	browser *drive.Browser
	program string
	shared  *drive.School
	missing error
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

// together is how many tests go at once: they wait for pages and banks more
// than they work.
const together = "5"

func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", together); err != nil {
		return failed(err)
	}
	path, err := drive.FindChromium()
	if missing = err; err != nil {
		return m.Run()
	}
	folder, err := os.MkdirTemp("", "crm-e2e-*")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if program, err = drive.Build("..", folder); err != nil {
		return failed(err)
	}
	if browser, err = drive.Launch(path); err != nil {
		return failed(err)
	}
	defer browser.Close()
	if shared, err = drive.Start(program, folder); err != nil {
		return failed(err)
	}
	code := m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := shared.Stop(ctx); err != nil {
		return failed(fmt.Errorf("the CRM did not end well: %w\n%s", err, shared.Logs()))
	}
	if logs := shared.Logs(); code != 0 && logs != "" {
		fmt.Fprintln(os.Stderr, "The CRM's log:\n"+logs)
	}
	return code
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// person is somebody with a browser of his own.
type person struct {
	*drive.Tab
	t      *testing.T
	school *drive.School
}

// begin lets the test run beside the others, if there is a browser, when the
// shared demonstration is whole.
func begin(t *testing.T) {
	t.Helper()
	if missing != nil {
		t.Skip(missing)
	}
	t.Parallel()
	whole.Do(func() { settled(t, shared) })
}

var whole sync.Once

// settled waits until the demonstration's history is made: it ends with its
// ninth invoice.
func settled(t *testing.T, school *drive.School) {
	t.Helper()
	staff(t, school).ComeBack(school.URL+"/invoices", "[data-test=invoice]", 9)
}

// another starts a CRM that the test has for itself.
func another(t *testing.T) *drive.School {
	t.Helper()
	s, err := drive.Start(program, t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, s.Stop(ctx))
		if t.Failed() {
			t.Log(s.Logs())
		}
	})
	return s
}

// visitor is a person who is nobody yet. What the console says ends the test.
func visitor(t *testing.T, school *drive.School, screen drive.Screen) *person {
	t.Helper()
	tab := browser.Tab(t, screen)
	t.Cleanup(func() {
		require.Empty(t, tab.Faults(), "the console")
		tab.Close()
	})
	return &person{Tab: tab, t: t, school: school}
}

// staff is a person at the counter, logged in.
func staff(t *testing.T, school *drive.School) *person {
	t.Helper()
	p := visitor(t, school, drive.Desktop)
	p.login(drive.Login, drive.Password)
	p.Wait("#nav-dashboard")
	return p
}

// see opens a page of the CRM.
func (p *person) see(path string) { p.t.Helper(); p.Open(p.school.URL + path) }

func (p *person) login(login, password string) {
	p.t.Helper()
	p.see("/login")
	p.Fill("#login", login)
	p.Fill("#password", password)
	p.Go("#login-submit")
}

// number is the last number of the address: /clients/12.
func (p *person) number() int {
	p.t.Helper()
	u, err := url.Parse(p.Address())
	require.NoError(p.t, err)
	n, err := strconv.Atoi(u.Path[strings.LastIndex(u.Path, "/")+1:])
	require.NoError(p.t, err, u.Path)
	return n
}

// newClient adds a client and gives his number.
func (p *person) newClient(name string) int {
	p.t.Helper()
	p.see("/clients")
	p.Fill("#c-name", name)
	p.Fill("#c-phone", "+7 916 765-43-21")
	p.Fill("#c-email", "client@mail.example")
	p.Go("#add-client")
	require.Equal(p.t, name, p.Text("h1"))
	return p.number()
}

// invoice issues one, and gives its number and its link.
func (p *person) invoice(client, shop int, amount string) (number int, link string) {
	p.t.Helper()
	p.see(fmt.Sprintf("/clients/%d", client))
	p.Fill("#i-amount", amount)
	p.Choose("#i-shop", strconv.Itoa(shop))
	p.Fill("#i-description", "Английский, месяц")
	p.Go("#issue-invoice")
	return p.number(), p.Value("#pay-link")
}

// until comes back to an invoice until it has the status.
func (p *person) until(invoice int, status string) {
	p.t.Helper()
	p.ComeBack(fmt.Sprintf("%s/invoices/%d", p.school.URL, invoice), fmt.Sprintf(".head [data-test=status][data-status=%s]", status), 1)
}

// balance is what the client's page shows, in kopecks.
func (p *person) balance(client int) string {
	p.t.Helper()
	p.see(fmt.Sprintf("/clients/%d", client))
	return p.Attr("#balance", "data-kopecks")
}

// shop is the number of a demonstration's shop by its name.
func (p *person) shop(name string) int {
	p.t.Helper()
	p.see("/shops")
	link := p.LinkTo("#shops a", name)
	n, err := strconv.Atoi(link[strings.LastIndex(link, "/")+1:])
	require.NoError(p.t, err)
	return n
}
