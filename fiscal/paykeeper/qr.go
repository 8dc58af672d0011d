package paykeeper

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// CreateQR issues an invoice and asks its payment page for the QR code of СБП.
func (a *Acquirer) CreateQR(ctx context.Context, req acquiring.InvoiceRequest) (*acquiring.QR, error) {
	if len(req.Methods) > 0 && !req.Only(acquiring.MethodSBP) {
		return nil, acquiring.InOp(provider, "CreateQR", acquiring.Invalid("Methods", "must be nil or MethodSBP"))
	}
	req.Methods = []acquiring.Method{acquiring.MethodSBP}
	inv, err := a.CreateInvoice(ctx, req)
	if err != nil {
		return nil, err
	}
	return inv.QR, nil
}

// qr reads the code. The names of the answer's fields are not published: the
// code is known by its address, the picture by its media type.
func (a *Acquirer) qr(ctx context.Context, inv *acquiring.Invoice) (*acquiring.QR, error) {
	const op = "bill"
	page, err := url.Parse(inv.PayURL)
	if err != nil {
		return nil, a.c.fault(op, acquiring.ErrProtocol, "the invoice's address cannot be read")
	}
	q := page.Query()
	q.Set("pstype", a.c.cfg.SBPSystem)
	q.Set("returnFormat", "json")
	page.RawQuery = q.Encode()
	call := rest.Call{Op: op, Path: page.String(), Repeatable: true}
	resp, err := a.c.rest.Do(ctx, call)
	body, err := a.c.answer(call, resp, err, acquiring.ErrUnsupported)
	if err != nil {
		return nil, err
	}
	qr := &acquiring.QR{PaymentID: inv.ID, OrderID: inv.OrderID, ExpiresAt: inv.ExpiresAt, Raw: body}
	var v any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&v); err == nil {
		findQR(v, qr, 0)
	}
	if qr.Payload == "" {
		e := a.c.fault(op, acquiring.ErrProtocol, "the answer holds no code of СБП")
		e.Hint = "check that СБП is switched on in the cabinet, and Config.SBPSystem; the invoice " + string(inv.ID) + " is issued and can be paid on its page"
		return nil, e
	}
	return qr, nil
}

func findQR(v any, qr *acquiring.QR, depth int) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range sortedKeys(v) {
			if depth < 8 {
				findQR(v[name], qr, depth+1)
			}
		}
	case []any:
		for _, e := range v {
			if depth < 8 {
				findQR(e, qr, depth+1)
			}
		}
	case string:
		if u, err := url.Parse(v); qr.Payload == "" && err == nil && u.Scheme == "https" && strings.HasSuffix("."+u.Host, ".nspk.ru") {
			qr.Payload = v
			qr.ID = strings.Trim(u.Path, "/")
		}
		if media, data, ok := strings.Cut(v, ";base64,"); ok && qr.Image == nil && strings.HasPrefix(media, "data:image/") {
			if image, err := base64.StdEncoding.DecodeString(data); err == nil {
				qr.Image, qr.ImageType = image, strings.TrimPrefix(media, "data:")
			}
		}
	}
}
