package paykeeper

import (
	"context"
	"encoding/json"

	"github.com/acquiring-go/acquiring"
)

// The calls of chapter 5 (модификация настроек) change the cabinet itself.
// Their parameters are described in the cabinet only, so they pass as they
// are; the token is added.

// SetOrganizationSetting changes a setting: POST /change/organization/setting/.
func (c *Client) SetOrganizationSetting(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	return c.admin(ctx, "organization/setting", "/change/organization/setting/", params)
}

// SetFormField changes a field of the payment form: POST
// /change/organization/formfield/.
func (c *Client) SetFormField(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	return c.admin(ctx, "organization/formfield", "/change/organization/formfield/", params)
}

// AddReportEmail adds an address for reports: POST
// /change/organization/addreportemail/.
func (c *Client) AddReportEmail(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	return c.admin(ctx, "organization/addreportemail", "/change/organization/addreportemail/", params)
}

// DeleteReportEmail removes one: POST /change/organization/deletereportemail/.
func (c *Client) DeleteReportEmail(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	return c.admin(ctx, "organization/deletereportemail", "/change/organization/deletereportemail/", params)
}

// AddUser adds a user of the cabinet: POST /change/user/add/.
func (c *Client) AddUser(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	return c.admin(ctx, "user/add", "/change/user/add/", params)
}

// UpdateUser changes one: POST /change/user/update/.
func (c *Client) UpdateUser(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	return c.admin(ctx, "user/update", "/change/user/update/", params)
}

// DeleteUser removes one: POST /change/user/delete/.
func (c *Client) DeleteUser(ctx context.Context, params map[string]string) (json.RawMessage, error) {
	return c.admin(ctx, "user/delete", "/change/user/delete/", params)
}

func (c *Client) admin(ctx context.Context, op, path string, params map[string]string) (json.RawMessage, error) {
	form, err := fields{}.extra(params)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, path, form, acquiring.ErrInvalid)
	if err != nil {
		return nil, err
	}
	if _, err := c.succeeded(op, body); err != nil {
		return nil, err
	}
	return body, nil
}
