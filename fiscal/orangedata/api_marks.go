package orangedata

import (
	"context"
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

// CreateItemCode asks a register, and through it the state's system, about one
// marking code without printing anything (POST /api/v2/itemcode/). The answer
// comes by ItemCodeStatus. Errors as CreateDocument's.
func (c *Client) CreateItemCode(ctx context.Context, req ItemCodeRequest) error {
	const op = "itemcode"
	switch n := utf8.RuneCountInString(req.Content.ItemCode); {
	case n == 0 || n > 223:
		return acquiring.InOp(Provider, op, acquiring.Invalid("content.itemCode", "is empty or longer than 223 characters"))
	case req.Content.PlannedStatus == 0:
		return acquiring.InOp(Provider, op, acquiring.Invalid("content.plannedStatus", "is not set"))
	case req.IgnoreItemCodeCheck != nil:
		return acquiring.InOp(Provider, op, acquiring.Invalid("ignoreItemCodeCheck", "is no member of a check"))
	}
	return post(ctx, c, op, kindItemCode, req)
}

// ItemCodeStatus is the answer about a marking code.
type ItemCodeStatus struct {
	State       State // StatePending, StateDone or StateExpired
	ID          string
	DeviceSN    string
	DeviceRN    string
	FSNumber    string
	ProcessedAt string // local time of the register, no zone
	Content     ItemCodeContent
	CheckResult CheckResult // with StateDone only
	Raw         json.RawMessage
}

// ItemCodeStatus says what the check of a code found (GET
// /api/v2/itemcode/{inn}/status/{id}). With StateDone CheckResult.Good is the
// verdict; before that, and after StateExpired, there is none.
func (c *Client) ItemCodeStatus(ctx context.Context, id string) (*ItemCodeStatus, error) {
	const op = "itemcode/status"
	if err := checkID(id); err != nil {
		return nil, acquiring.InOp(Provider, op, err)
	}
	call, resp, err := c.read(ctx, op, statusPath(c.conf.INN, kindItemCode, id))
	if err != nil {
		return nil, err
	}
	s := &ItemCodeStatus{ID: id, Raw: rawJSON(resp.Body)}
	switch resp.Status {
	case http.StatusAccepted:
		if isPage(resp) {
			return nil, c.refused(call, resp, nil)
		}
		s.State = StatePending
	case statusExpired:
		s.State = StateExpired
	case http.StatusOK:
		var w struct {
			ID, DeviceSN, DeviceRN, FSNumber, ProcessedAt text
			Content                                       ItemCodeContent
			CheckResult                                   *CheckResult
		}
		if err := c.rest.DecodeJSON(call, resp, &w); err != nil {
			return nil, err
		}
		if w.CheckResult == nil || (w.ID != "" && string(w.ID) != id) {
			return nil, c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer has no result, or is about another code")
		}
		s.State, s.CheckResult, s.Content = StateDone, *w.CheckResult, w.Content
		s.DeviceSN, s.DeviceRN, s.FSNumber, s.ProcessedAt = string(w.DeviceSN), string(w.DeviceRN), string(w.FSNumber), string(w.ProcessedAt)
	default:
		return nil, c.refused(call, resp, nil)
	}
	return s, nil
}

// PermissiveRequest asks about marking codes in the permissive mode
// (разрешительный режим) of 2024 to 2026.
type PermissiveRequest struct {
	Codes []PermissiveCode `json:"codes"`
	// ClientInfo is the cash software that asks; all of it is required.
	ClientInfo PermissiveClient `json:"clientInfo"`
}

// PermissiveCode is one code.
type PermissiveCode struct {
	CIS   []byte `json:"cis"`            // the code as scanned; base64 on the wire
	Group int    `json:"pg,omitzero"`    // product group (товарная группа)
	Price Rubles `json:"price,omitzero"` // of the piece
}

// PermissiveClient is the cash software.
type PermissiveClient struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	ID      string `json:"id"`
	Token   string `json:"token"` // checksum of the software
}

// PermissiveResult is the answer.
type PermissiveResult struct {
	// StatusCode is 200, or 203 in an emergency: sale is allowed and there is
	// no attribute.
	StatusCode        int
	StatusDescription string
	Responses         []PermissiveResponse
	Raw               json.RawMessage
}

// PermissiveResponse is the answer about some of the codes.
type PermissiveResponse struct {
	RequestID string // reqId
	RequestAt string // reqTimestamp
	// Tag1265 is the value of the line's industry attribute, which for the
	// permissive mode has FOIV "030", date "21.11.2023" and number "1944".
	Tag1265          string
	IsCheckedOffline bool
	Codes            []PermissiveVerdict
}

// PermissiveVerdict is the answer about one code.
type PermissiveVerdict struct {
	GTIN          string
	GroupIDs      []int
	SaleAllowed   bool
	ReasonCode    int
	ReasonMessage string
}

// CheckPermissive asks whether marked things may be sold (POST
// /api/v2/piot/codes/check). The call is not in the published protocol: its
// form was seen in one shop module of 2026, so expect it to differ.
func (c *Client) CheckPermissive(ctx context.Context, req PermissiveRequest) (*PermissiveResult, error) {
	const op = "piot/codes/check"
	if len(req.Codes) == 0 {
		return nil, acquiring.InOp(Provider, op, acquiring.Invalid("codes", "is empty"))
	}
	if i := req.ClientInfo; i.Name == "" || i.Version == "" || i.ID == "" || i.Token == "" {
		return nil, acquiring.InOp(Provider, op, acquiring.Invalid("clientInfo", "lacks name, version, id or token"))
	}
	for _, code := range req.Codes {
		if money.Amount(code.Price) < 0 {
			return nil, acquiring.InOp(Provider, op, acquiring.Invalid("codes.price", "is negative"))
		}
	}
	body, err := json.Marshal(struct {
		INN     string            `json:"inn"`
		Group   string            `json:"group"`
		Key     string            `json:"key"`
		Content PermissiveRequest `json:"content"`
	}{c.conf.INN, c.conf.Group, c.conf.KeyName, req})
	if err != nil {
		return nil, acquiring.InOp(Provider, op, acquiring.Invalid("request", "cannot be written as JSON"))
	}
	call := rest.Call{Op: op, Path: "/api/v2/piot/codes/check", Body: body}
	resp, err := c.send(ctx, call, http.StatusOK, http.StatusNonAuthoritativeInfo)
	if err != nil {
		return nil, err
	}
	var w struct {
		StatusCode        integer
		StatusDescription text
		Result            struct {
			CodesResponse []struct {
				ReqID, ReqTimestamp text
				Tag1265             text
				IsCheckedOffline    bool
				Codes               []struct {
					GTIN        text
					GroupIDs    []int
					CheckResult struct {
						IsSaleAllowed bool
						Reason        struct {
							Code        integer
							Description text
						}
					}
				}
			}
		}
	}
	if err := c.rest.DecodeJSON(call, resp, &w); err != nil {
		return nil, err
	}
	out := &PermissiveResult{StatusCode: int(w.StatusCode), StatusDescription: string(w.StatusDescription), Raw: rawJSON(resp.Body)}
	if out.StatusCode == 0 {
		return nil, c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer has no statusCode")
	}
	for _, r := range w.Result.CodesResponse {
		resp := PermissiveResponse{RequestID: string(r.ReqID), RequestAt: string(r.ReqTimestamp), Tag1265: string(r.Tag1265), IsCheckedOffline: r.IsCheckedOffline}
		for _, code := range r.Codes {
			resp.Codes = append(resp.Codes, PermissiveVerdict{GTIN: string(code.GTIN), GroupIDs: code.GroupIDs, SaleAllowed: code.CheckResult.IsSaleAllowed,
				ReasonCode: int(code.CheckResult.Reason.Code), ReasonMessage: string(code.CheckResult.Reason.Description)})
		}
		out.Responses = append(out.Responses, resp)
	}
	return out, nil
}
