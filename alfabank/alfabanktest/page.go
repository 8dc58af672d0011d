package alfabanktest

import (
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

const provider = "Альфа-Банк"

// servePage is the payment page.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		gateway.EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	form, err := emulator.ReadPageForm(r)
	if err != nil {
		gateway.EmptyHTML(w, http.StatusBadRequest)
		return
	}
	id := r.URL.Query().Get("mdOrder")
	if id == "" {
		id = r.URL.Query().Get("orderId") // where a link's buyer comes back to
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if o == nil {
		gateway.NoOrder(w, provider)
		return
	}
	s.checkout(o).Serve(w, r, form)
}

// checkout is the order's payment page.
func (s *Server) checkout(o *order) *gateway.Checkout {
	c := &gateway.Checkout{Desk: &s.desk, Order: &o.Order, Provider: provider, Shop: o.merchant.Shop, NoCards: o.sbpOnly() || o.BindingID != "", QRImage: s.base.QRImage,
		Return: func(paid bool) string { return o.Return(paid, s.URL+"/payment/merchants/ecom") },
		SBP:    func() { s.paySBP(o) }}
	if o.merchant.may(SBP) && !o.PreAuth && !o.Has("VERIFY") && o.BindingID == "" {
		c.QR = func() string { return s.issueQR(o).payload }
	}
	if o.ClientID != "" {
		c.Saved = s.wallet.Of(o.shop(), func(b *gateway.Binding) bool {
			return b.ClientID == o.ClientID && b.Active && (o.BindingID == "" || o.BindingID == b.ID)
		})
	}
	return c
}

// serveACS is the page of the customer's bank, and the bank's own fingerprint
// step, which asks nothing.
func (s *Server) serveACS(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/3dsserver/gather" {
		gateway.EmptyHTML(w, http.StatusOK)
		return
	}
	acs := gateway.ACS{Unlock: s.mu.Unlock, Find: func(id string) *gateway.Checkout {
		s.mu.Lock()
		if o := s.challenged(id); o != nil {
			return s.checkout(o)
		}
		s.mu.Unlock()
		return nil
	}}
	acs.Serve(w, r, strings.TrimPrefix(r.URL.Path, "/acs/"))
}
