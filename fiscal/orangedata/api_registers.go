package orangedata

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// Device is one register of a group (ККТ).
type Device struct {
	DeviceSN string // factory number
	FSNumber string // storage, ФН; from 9999 on test storage
	OFDName  string // "": not said
	// OFDAddress is the address of the operator of fiscal data, host:port.
	OFDAddress string
	// UnsentDocuments are printed and not yet at the operator. The storage
	// locks when the first of them is 30 days old: raise the alarm after one.
	UnsentDocuments int
	FirstUnsentAt   time.Time // zero: none
	Documents       int       // in the storage
	ExpiresAt       time.Time // of the storage; zero: not said
}

// Devices gives the registers of a group and how they are (GET
// /api/v2/devices/status/{inn}/{group}); "" is the group of the Config. An
// unknown group gives acquiring.ErrNotFound.
func (c *Client) Devices(ctx context.Context, group string) ([]Device, error) {
	const op = "devices/status"
	if group == "" {
		group = c.conf.Group
	}
	if group == "." || group == ".." || strings.ContainsAny(group, `/\`) {
		return nil, acquiring.InOp(Provider, op, acquiring.Invalid("group", "cannot be part of an address"))
	}
	call, resp, err := c.read(ctx, op, "/api/v2/devices/status/"+url.PathEscape(c.conf.INN)+"/"+url.PathEscape(group))
	if err != nil {
		return nil, err
	}
	if resp.Status != http.StatusOK {
		return nil, c.refused(call, resp, nil)
	}
	var w struct {
		Devices []struct {
			DeviceSN, FSNumber, OFDName, OFDAddress   text
			UnsentDocumentsCount, FSDocumentsCount    integer
			FirstUnsentDocumentDate, FSExpirationDate text
		}
	}
	if err := c.rest.DecodeJSON(call, resp, &w); err != nil {
		return nil, err
	}
	devices := make([]Device, len(w.Devices))
	for i, d := range w.Devices {
		devices[i] = Device{DeviceSN: string(d.DeviceSN), FSNumber: string(d.FSNumber), OFDName: string(d.OFDName), OFDAddress: string(d.OFDAddress),
			UnsentDocuments: int(d.UnsentDocumentsCount), FirstUnsentAt: parseTime(string(d.FirstUnsentDocumentDate), c.zone),
			Documents: int(d.FSDocumentsCount), ExpiresAt: parseTime(string(d.FSExpirationDate), c.zone)}
	}
	return devices, nil
}

// Check says whether the certificate, the signing key, its name, the
// organisation and the group belong together (POST /api/v2/check/). It prints
// nothing (acquiring.Checker). The error has ErrCertificate or ErrRequestKey in
// it.
func (c *Client) Check(ctx context.Context) error {
	body, err := json.Marshal(struct {
		INN   string `json:"inn"`
		Group string `json:"group"`
		Key   string `json:"key"`
	}{c.conf.INN, c.conf.Group, c.conf.KeyName})
	if err != nil {
		return acquiring.InOp(Provider, "check", acquiring.Invalid("Config", "cannot be written as JSON"))
	}
	_, err = c.send(ctx, rest.Call{Op: "check", Path: "/api/v2/check/", Body: body}, http.StatusOK)
	return err
}

// Ping says whether the service answers and the certificate is let in (GET
// /api/v2/, «Nebula.Api v2»). Nothing is signed: a wrong key shows in Check.
func (c *Client) Ping(ctx context.Context) error {
	call, resp, err := c.read(ctx, "ping", "/api/v2/")
	if err != nil {
		return err
	}
	if resp.Status != http.StatusOK {
		return c.refused(call, resp, nil)
	}
	if !strings.Contains(string(resp.Body), "Nebula") {
		return c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "something other than the service answers: "+c.rest.Excerpt(resp.Body))
	}
	return nil
}
