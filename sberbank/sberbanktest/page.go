package sberbanktest

import (
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

const provider = "Сбербанк"

// servePage is the payment page of either gateway, and the gateway's own
// 3-D Secure page.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("orderId")
	if id == "" {
		id = r.URL.Query().Get("mdOrder")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		gateway.EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	form, err := emulator.ReadPageForm(r)
	if err != nil {
		gateway.EmptyHTML(w, http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[id]
	if s.forms[id] != nil {
		o = s.forms[id]
	} else if o != nil && o.formID != id {
		o = nil
	}
	if o == nil {
		gateway.NoOrder(w, provider)
		return
	}
	s.checkout(o).Serve(w, r, form)
}

// checkout is the order's payment page.
func (s *Server) checkout(o *order) *gateway.Checkout {
	c := &gateway.Checkout{Desk: &s.desk, Order: &o.Order, Provider: provider, Shop: o.merchant.Shop, NoCards: o.qrOnly(), QRImage: s.base.QRImage,
		Return: func(paid bool) string { return s.returnTo(o, paid) },
		Refused: func() *gateway.Text {
			if no := s.unlocked(o); no != nil {
				return &no.Text
			}
			return nil
		},
		SBP: func() { s.paySBP(o) }}
	if !o.Has("VERIFY") && !o.PreAuth && !o.merchant.NoSBP {
		c.QR = func() string {
			s.issueQR(o)
			return o.qrPayload
		}
	}
	if o.ClientID != "" && !o.qrOnly() {
		c.Saved = s.wallet.Of(o.shop(), func(b *gateway.Binding) bool { return b.ClientID == o.ClientID && b.Active })
	}
	return c
}

// serveACS is the page of the customer's bank.
func (s *Server) serveACS(w http.ResponseWriter, r *http.Request) {
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

func (s *Server) challenged(id string) *order {
	for i := len(s.all) - 1; i >= 0; i-- {
		if o := s.all[i]; o.Challenge != nil && o.Challenge.ID == id && o.Status == gateway.AtACS {
			return o
		}
	}
	return nil
}
