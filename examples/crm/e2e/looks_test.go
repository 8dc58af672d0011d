package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/e2e/drive"
)

// TestLooks looks at every page on a desk and on a phone: nothing wider than
// the screen, nothing over anything, no word left in English, nothing that a
// template or a script failed at.
func TestLooks(t *testing.T) {
	begin(t)
	school := another(t) // with nothing in it but the demonstration
	settled(t, school)
	for name, screen := range map[string]drive.Screen{"desktop": drive.Desktop, "phone": drive.Phone} {
		for kind, list := range map[string]func(*drive.School, *drive.Tab) []drive.Page{
			"staff": (*drive.School).StaffPages, "clients": (*drive.School).ClientPages, "sandbox": (*drive.School).SandboxPages} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				p := staff(t, school)
				pages := list(school, p.Tab)
				p.Look(screen)
				var words []string
				if kind == "sandbox" {
					words = drive.Protocols
				}
				for _, page := range pages {
					p.Open(page.Address)
					for _, fault := range p.Looks(words...) {
						assert.Fail(t, fault, "%s, %s", page.Name, page.Address)
					}
				}
			})
		}
	}
}

// TestPaymentPageLooks looks at the pages of the emulated banks, where a client
// goes on his way.
func TestPaymentPageLooks(t *testing.T) {
	begin(t)
	p := staff(t, shared)
	shop, client := p.shop("Карты и СБП – Сбербанк"), p.newClient("Клиент с глазами")
	_, link := p.invoice(client, shop, "1234,56")
	c := payer(p)
	c.Open(link)
	look := func(where string) {
		for _, screen := range []drive.Screen{drive.Desktop, drive.Phone} {
			c.Look(screen)
			assert.Empty(t, c.Looks(), where)
		}
	}
	look("before")
	c.Go("#pay")
	look("the bank's page")
	c.types(c.cardThat("оплата проходит сразу"))
	c.returns("paid")
	look("after")
	p.Expect("status of 404")
	p.see("/there-is-no-such-page")
	require.Contains(t, p.Text("#error"), "Такой страницы нет")
	assert.Empty(t, p.Looks(), "nothing is there")
}
