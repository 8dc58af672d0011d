package e2e

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/e2e/drive"
)

// credentials are what the sandbox's page of a provider shows, by the
// cabinet's names, for one of its protocols. "Код" is the lines to copy.
func (p *person) credentials(provider, protocol string) map[string]string {
	p.t.Helper()
	p.Open(p.school.Sandbox + "/connect/" + provider)
	found := p.Facts(protocol)
	require.NotEmpty(p.t, found, "%s, %s", provider, protocol)
	return found
}

// card is a test card as the payment page offers it.
type card struct{ pan, valid, cvc string }

// cardThat finds a test card by what comes of it.
func (p *person) cardThat(does string) card {
	p.t.Helper()
	numbers, words := p.Texts("td.num"), p.Texts("td.num + td")
	for i := range words {
		if strings.Contains(words[i], does) {
			number, rest, _ := strings.Cut(numbers[i], "\n")
			valid, cvc, _ := strings.Cut(rest, " · ")
			return card{number, valid, cvc}
		}
	}
	require.Fail(p.t, "no such card", "%s: %q", does, words)
	return card{}
}

// types fills the card's form in on the provider's page and sends it, and
// answers the bank's question.
func (p *person) types(c card) {
	p.t.Helper()
	p.Fill("#pan", c.pan)
	p.Fill("#valid", c.valid)
	p.Fill("#cvc", c.cvc)
	p.Fill("#holder", "MARIA VORONOVA")
	p.Go("form:has(#pan) button[value=pay]")
	if p.Is("#code") {
		code := p.Text("label[for=code]")
		p.Fill("#code", strings.TrimSuffix(code[strings.LastIndex(code, "(")+1:], ")"))
		p.Go("button[value=code]")
	}
}

// pays opens the link of an invoice, goes to the provider and pays with a
// card. He ends where the provider sends him.
func (p *person) pays(link, does string) {
	p.t.Helper()
	p.Open(link)
	p.Go("#pay")
	require.True(p.t, strings.HasPrefix(p.Address(), p.school.Sandbox+"/"), p.Address())
	p.types(p.cardThat(does))
}

// returns follows the provider back to the school, and sees what came of it.
func (p *person) returns(status string) {
	p.t.Helper()
	if strings.HasPrefix(p.Address(), p.school.Sandbox) {
		p.Go("main a.button")
	}
	p.Wait("#result[data-status=" + status + "]")
}

// payer is a client with his phone.
func payer(staff *person) *person {
	staff.t.Helper()
	return visitor(staff.t, staff.school, drive.Phone)
}
