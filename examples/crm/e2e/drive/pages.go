package drive

import "fmt"

// Page is a page to look at.
type Page struct {
	Name    string // of its picture's file
	Address string
}

// StaffPages are the CRM's pages behind the login, as the demonstration leaves
// them. The tab must be logged in.
func (s *School) StaffPages(tab *Tab) []Page {
	tab.t.Helper()
	pages := []Page{{"dashboard", "/"}, {"clients", "/clients"}, {"client", "/clients/3"}, {"invoices", "/invoices"}, {"invoice-paid", "/invoices/1"}, {"invoice-refunded", "/invoices/3"},
		{"invoice-hold", "/invoices/4"}, {"invoice-waiting", "/invoices/8"}, {"refund", "/attempts/1/refund"}, {"receipt", "/receipts/1"}, {"shops", "/shops"}, {"providers", "/shops/new"}, {"journal", "/journal"}}
	for _, provider := range []string{"sberbank", "sberbank-legacy", "alfabank", "paymaster", "paymaster-classic", "tochka", "paykeeper"} {
		pages = append(pages, Page{"shop-new-" + provider, "/shops/new?provider=" + provider})
	}
	for shop := 1; shop <= 9; shop++ {
		pages = append(pages, Page{fmt.Sprintf("shop-%d", shop), fmt.Sprintf("/shops/%d", shop)})
	}
	for i := range pages {
		pages[i].Address = s.URL + pages[i].Address
	}
	return pages
}

// ClientPages are the pages that a client sees. The tab must be logged in.
func (s *School) ClientPages(tab *Tab) []Page {
	tab.t.Helper()
	pages := []Page{{"login", s.URL + "/login"}}
	tab.Open(s.URL + "/clients/1")
	pages = append(pages, Page{"personal", tab.Value("#client-link")})
	personal := pages[1].Address
	tab.Open(s.URL + "/invoices/8")
	pages = append(pages, Page{"pay", tab.Value("#pay-link")})
	tab.Open(personal)
	return append(pages, Page{"pay-paid", tab.LinkTo("#my-invoices a", "")})
}

// SandboxPages are the sandbox's own pages, and a payment page.
func (s *School) SandboxPages(tab *Tab) []Page {
	tab.t.Helper()
	pages := []Page{{"sandbox-orders", "/"}, {"sandbox-receipts", "/receipts"}, {"sandbox-callbacks", "/callbacks"}, {"sandbox-requests", "/requests"}, {"sandbox-faults", "/faults"}, {"sandbox-connect", "/connect"}}
	for _, provider := range []string{"sberbank", "alfabank", "paymaster", "tochka", "paykeeper", "komtet", "orangedata"} {
		pages = append(pages, Page{"sandbox-connect-" + provider, "/connect/" + provider})
	}
	for i := range pages {
		pages[i].Address = s.Sandbox + pages[i].Address
	}
	for _, one := range []struct{ name, list string }{{"sandbox-order", "/"}, {"sandbox-order-alfabank", "/?p=alfabank"}, {"sandbox-order-tochka", "/?p=tochka"}, {"sandbox-receipt", "/receipts"}, {"sandbox-callback", "/callbacks"}} {
		tab.Open(s.Sandbox + one.list)
		pages = append(pages, Page{one.name, tab.LinkTo("table.rows td:first-child a", "")})
	}
	return pages
}
