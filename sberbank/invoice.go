package sberbank

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/rbs"
)

// orderNumberLimit is how long an order number may be.
func (c *Client) orderNumberLimit() int {
	if c.conf.Protocol == ProtocolLegacy {
		return 32
	}
	return 36
}

// sbpLife is the longest life of an order that is paid by SBP.
const sbpLife = 90 * 24 * time.Hour

// legacyParams is how many characters jsonParams may have at the legacy gateway.
const legacyParams = 1024

// checkInvoice is what the gateway refuses, found out before anything is sent.
func (c *Client) checkInvoice(r acquiring.InvoiceRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	limit, urlLimit := c.orderNumberLimit(), 2048
	if c.conf.Protocol == ProtocolLegacy {
		urlLimit = 512
	}
	switch {
	case utf8.RuneCountInString(r.OrderID) > limit:
		return acquiring.Invalid("OrderID", fmt.Sprintf("has more than %d characters, which this gateway takes; the suffix of acquiring.Attempt counts", limit))
	case !identifier(r.OrderID, limit):
		return acquiring.Invalid("OrderID", "has other characters than printable ASCII, Cyrillic letters and №, or a semicolon; letters, digits, - _ and . are safe")
	case r.Amount > rbs.MaxAmount:
		return acquiring.Invalid("Amount", fmt.Sprintf("is more than %s, which the bank takes", rbs.MaxAmount))
	case r.CurrencyOrRUB() != "RUB":
		return acquiring.Invalid("Currency", "is not RUB, the only one that Sberbank takes")
	case r.Language != "" && r.Language != "ru" && r.Language != "en":
		return acquiring.Invalid("Language", `is neither "ru" nor "en"`)
	case len(r.Customer.ID) > 255 || !rbs.Printable(r.Customer.ID):
		return acquiring.Invalid("Customer.ID", "has more than 255 characters, or other than printable ASCII")
	case r.Customer.Email != "" && !rbs.EmailFits(r.Customer.Email, 128):
		return acquiring.Invalid("Customer.Email", "is not an address of 3 to 128 printable ASCII characters")
	case r.Customer.Phone != "" && !rbs.PhoneFits(r.Customer.Phone):
		return acquiring.Invalid("Customer.Phone", "is not 7 to 15 digits: +79161234567")
	case r.TTL > 0 && r.TTL < time.Second || r.TTL > 999_999_999*time.Second:
		return acquiring.Invalid("TTL", "is less than a second or more than the bank takes")
	case r.Only(acquiring.MethodSBP) && c.conf.Protocol == ProtocolJSON && r.TTL > sbpLife:
		return acquiring.Invalid("TTL", "is more than 90 days, which is as long as a code of SBP lives")
	case r.CallbackURL != "" && (len(r.CallbackURL) > 512 || !rbs.Printable(r.CallbackURL)):
		return acquiring.Invalid("CallbackURL", "has more than 512 characters, or other than printable ASCII")
	case r.CallbackURL != "" && c.conf.Environment == acquiring.Production && !strings.HasPrefix(r.CallbackURL, "https://"):
		return acquiring.Invalid("CallbackURL", "is not https, which the bank demands")
	}
	for _, u := range []struct{ field, value string }{{"ReturnURL", r.ReturnURL}, {"FailURL", r.FailURL}} {
		switch {
		case u.value == "" && u.field == "ReturnURL":
			return acquiring.Invalid(u.field, "is empty; the bank demands an address to return the customer to")
		case u.value != "" && (len(u.value) < 12 || len(u.value) > urlLimit || !rbs.Printable(u.value)):
			return acquiring.Invalid(u.field, fmt.Sprintf("does not have 12 to %d printable ASCII characters; write a Cyrillic host in punycode", urlLimit))
		}
	}
	return nil
}

// registration makes the bank's request of an invoice.
func (c *Client) registration(r acquiring.InvoiceRequest) (RegisterRequest, error) {
	req := RegisterRequest{
		OrderNumber: r.OrderID, Amount: r.Amount, Currency: "643", ReturnURL: r.ReturnURL, FailURL: r.FailURL,
		DynamicCallbackURL: r.CallbackURL, Description: c.description(r.Description), Language: r.Language,
		Email: r.Customer.Email, Phone: r.Customer.Phone,
		SessionTimeout: int64((r.TTL + time.Second - 1) / time.Second),
	}
	// With a clientId the gateway saves the card, whether or not it was asked.
	if r.SaveCard || r.Extra["bindingId"] != "" {
		req.ClientID = r.Customer.ID
	}
	if err := c.addParams(&req, r); err != nil {
		return req, err
	}
	if r.Receipt != nil {
		if err := c.addReceipt(&req, r.Receipt); err != nil {
			return req, err
		}
	}
	return req, nil
}

// addParams puts Metadata and Extra where they belong: what begins with
// "jsonParams." into jsonParams, the rest beside the request's fields.
func (c *Client) addParams(req *RegisterRequest, r acquiring.InvoiceRequest) error {
	var params Params
	if n := len(r.Metadata) + len(r.Extra); n > 0 || r.Only(acquiring.MethodSBP) {
		params = make(Params, n)
	}
	for name, value := range r.Metadata {
		switch {
		case name == "" || len(name) > 20 || !rbs.Printable(name) || gatewayParam(name):
			return acquiring.Invalid("Metadata["+name+"]", "has a name that is empty, longer than 20 characters, not printable ASCII, or the gateway's own")
		case utf8.RuneCountInString(value) > 1024 || !utf8.ValidString(value):
			return acquiring.Invalid("Metadata["+name+"]", "has more than 1024 characters, or is not UTF-8")
		}
		params[name] = value
	}
	for name, value := range r.Extra {
		key, inParams := strings.CutPrefix(name, "jsonParams.")
		switch {
		case !inParams:
			if req.Extra == nil {
				req.Extra = make(map[string]string, len(r.Extra))
			}
			req.Extra[name] = value
		case booleanParam(key) && (value == "true" || value == "false"):
			params[key] = value == "true"
		default:
			params[key] = value
		}
	}
	if r.Only(acquiring.MethodSBP) && c.conf.Protocol == ProtocolJSON {
		for name, value := range map[string]string{"qrType": "DYNAMIC_QR_SBP", "sbp.scenario": "C2B"} {
			if _, own := params[name]; !own { // Extra may ask for a subscription
				params[name] = value
			}
		}
	}
	if len(params) > 99 {
		return acquiring.Invalid("Metadata", "and Extra have more than 99 parameters together")
	}
	if len(params) == 0 {
		return nil
	}
	if c.conf.Protocol == ProtocolLegacy {
		if text, err := rbs.CompactJSON(params); err == nil && utf8.RuneCount(text) > legacyParams {
			return acquiring.Invalid("Metadata", fmt.Sprintf("and Extra have more than %d characters together as JSON, which is what the legacy gateway takes", legacyParams))
		}
	}
	req.JSONParams = params
	return nil
}

// addReceipt puts the cart in, and the buyer's contact where the bank looks
// for it: beside the cart.
func (c *Client) addReceipt(req *RegisterRequest, receipt *fiscal.Receipt) error {
	if contact := receipt.Contact; contact.Email != "" {
		req.Email = contact.Email
	}
	if contact := receipt.Contact; contact.Phone != "" {
		req.Phone = contact.Phone
	}
	if req.Email == "" && req.Phone == "" {
		return acquiring.Invalid("Receipt.Contact", "is empty; the receipt needs the buyer's e-mail or telephone")
	}
	if c.conf.Protocol == ProtocolJSON {
		bundle, err := c.orderBundle(receipt, fiscal.Sale, nil)
		req.OrderBundle = bundle
		return err
	}
	legacy, err := c.legacyReceipt(receipt, fiscal.Sale, nil)
	if err != nil {
		return err
	}
	req.LegacyBundle, req.TaxSystem, req.AdditionalOFDParams = legacy.bundle, legacy.taxSystem, legacy.ofdParams
	return nil
}
