package orangedata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// State is where a document stands.
type State uint8

// The states.
const (
	StatePending  State = iota + 1 // 202: in the queue
	StateDone                      // 200: printed, or the code checked
	StateRejected                  // 422: a marking code was refused; final
	StateExpired                   // 524: no register printed it in its time; final
)

// String is "pending", "done", "rejected" or "expired".
func (s State) String() string {
	switch s {
	case StatePending:
		return "pending"
	case StateDone:
		return "done"
	case StateRejected:
		return "rejected"
	case StateExpired:
		return "expired"
	}
	return "unknown"
}

// Status is the answer about a receipt or a correction.
type Status struct {
	State   State
	Printed *Printed        // with StateDone
	Marks   []MarkResult    // with StateRejected: the lines whose codes were refused
	Raw     json.RawMessage // the answer as it came
}

// Err is why the document will not be printed: nil while it is pending and when
// it is done, otherwise an acquiring.ErrDeclined with ErrMarkRefused or
// ErrRegisterOff in it and a Hint.
func (s *Status) Err() error {
	switch s.State {
	case StateRejected:
		return &acquiring.Error{Provider: Provider, Op: "status", Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected, Code: "422",
			Message: marksText(s.Marks), HTTPStatus: 422, Hint: hintMark, Err: &MarkError{Marks: s.Marks}}
	case StateExpired:
		return &acquiring.Error{Provider: Provider, Op: "status", Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected, Code: "524",
			Message: "the document expired before it was printed", HTTPStatus: statusExpired, Hint: hintRegisterOff, Err: ErrRegisterOff}
	}
	return nil
}

// MarkError is ErrMarkRefused with the lines it is about.
type MarkError struct{ Marks []MarkResult }

// Error names the first line.
func (e *MarkError) Error() string { return ErrMarkRefused.Error() }

// Unwrap is ErrMarkRefused.
func (e *MarkError) Unwrap() error { return ErrMarkRefused }

// Printed is what the register made of the document.
type Printed struct {
	ID          string
	DeviceSN    string // factory number of the register (1013)
	DeviceRN    string // registration number (1037)
	FSNumber    string // storage, ФН (1041), 16 digits; from 9999 on test storage
	OFDName     string // (1046)
	OFDWebsite  string
	OFDINN      string // (1017)
	FNSWebsite  string // (1060)
	CompanyINN  string // (1018)
	CompanyName string // (1048)

	DocumentNumber int64  // number of the fiscal document, ФД (1040)
	ShiftNumber    int64  // shift (1038)
	DocumentIndex  int64  // number in the shift (1042)
	ProcessedAt    string // local time of the register, no zone (1012)
	FP             string // fiscal sign, ФПД (1077), at most 10 digits
	// Change is the change given. It is what the service says: its own example
	// does not follow from the payments.
	Change money.Amount

	// Content is the document as the service echoes it, written anew: compare
	// values, never bytes. ContentErr is why it could not be read.
	Content    *Content
	Correction *CorrectionContent // in place of Content, of a correction of FFD 1.05
	ContentErr error

	CallbackURL         string
	Meta                string
	IgnoreItemCodeCheck bool
}

// printedWire has the members as they may come: numbers as strings and back.
// Names are matched in any case, so ofdinn and ofdINN are the same.
type printedWire struct {
	ID                                         text
	DeviceSN, DeviceRN, FSNumber               text
	OFDName, OFDWebsite, OFDINN, FNSWebsite    text
	CompanyINN, CompanyName                    text
	DocumentNumber, ShiftNumber, DocumentIndex integer
	ProcessedAt                                text
	Content                                    json.RawMessage
	Change                                     Rubles
	FP                                         text
	CallbackURL, Meta                          text
	IgnoreItemCodeCheck                        *bool
}

// decodePrinted reads the answer 200. An echo that cannot be read does not
// hide the fiscal data.
func decodePrinted(kind Kind, w *printedWire) *Printed {
	p := &Printed{
		ID: string(w.ID), DeviceSN: string(w.DeviceSN), DeviceRN: string(w.DeviceRN), FSNumber: string(w.FSNumber),
		OFDName: string(w.OFDName), OFDWebsite: string(w.OFDWebsite), OFDINN: string(w.OFDINN), FNSWebsite: string(w.FNSWebsite),
		CompanyINN: string(w.CompanyINN), CompanyName: string(w.CompanyName),
		DocumentNumber: int64(w.DocumentNumber), ShiftNumber: int64(w.ShiftNumber), DocumentIndex: int64(w.DocumentIndex),
		ProcessedAt: string(w.ProcessedAt), FP: string(w.FP), Change: money.Amount(w.Change),
		CallbackURL: string(w.CallbackURL), Meta: string(w.Meta),
		IgnoreItemCodeCheck: w.IgnoreItemCodeCheck != nil && *w.IgnoreItemCodeCheck,
	}
	if raw := bytes.TrimSpace(w.Content); len(raw) > 0 && string(raw) != "null" {
		if kind == KindCorrection {
			p.Correction = new(CorrectionContent)
			if p.ContentErr = json.Unmarshal(raw, p.Correction); p.ContentErr != nil {
				p.Correction = nil
			}
		} else {
			p.Content = new(Content)
			if p.ContentErr = json.Unmarshal(raw, p.Content); p.ContentErr != nil {
				p.Content = nil
			}
		}
	}
	return p
}

// Time is when it was printed, at the clock of the register: in the zone of
// the document if it has one, else in the given one. Zero: not said.
func (p *Printed) Time(zone *time.Location) time.Time {
	if p.Content != nil && p.Content.TimeZone >= 1 && p.Content.TimeZone <= 11 {
		zone = time.FixedZone("", (p.Content.TimeZone+1)*60*60)
	}
	return parseTime(p.ProcessedAt, zone)
}

// parseTime reads ISO 8601 with or without a zone and a fraction.
func parseTime(s string, zone *time.Location) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t
		}
	}
	return time.Time{}
}

// Total is the total of the document (1020): of the lines, or of a correction
// of FFD 1.05 its totalSum. Cash that was handed over and given back as change
// is not in it. 0 when the echo says nothing.
func (p *Printed) Total() money.Amount {
	switch {
	case p.Correction != nil:
		return money.Amount(p.Correction.TotalSum)
	case p.Content != nil:
		return p.Content.Total()
	}
	return 0
}

// Total is the sum of the lines, each price times quantity rounded half up to
// the kopeck. A line without a quantity is one piece, as the service prints it.
func (c *Content) Total() money.Amount {
	var total money.Amount
	for i := range c.Positions {
		p := &c.Positions[i]
		line := p.quantity().Times(money.Amount(p.Price))
		sum, ok := total.Add(line)
		if !ok {
			return money.Max
		}
		total = sum
	}
	return total
}

func (p *Position) quantity() fiscal.Quantity {
	if p.Quantity == 0 {
		return fiscal.Pieces(1)
	}
	return fiscal.Quantity(p.Quantity)
}

// decodeMarks reads the answer 422: a bare array, or an object with it in
// errors; the papers have both.
func decodeMarks(body []byte) ([]MarkResult, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, nil
	}
	var marks []MarkResult
	if body[0] == '[' {
		err := json.Unmarshal(body, &marks)
		return marks, err
	}
	var object struct{ Errors json.RawMessage }
	if err := json.Unmarshal(body, &object); err != nil {
		return nil, err
	}
	if len(object.Errors) == 0 {
		return nil, errors.New("no errors in it")
	}
	err := json.Unmarshal(object.Errors, &marks)
	return marks, err
}

// MarkResult is what the check said of the code of one line.
type MarkResult struct {
	Position    int         `json:"position"` // the line, from 0
	ItemCode    string      `json:"itemCode"`
	CheckResult CheckResult `json:"checkResult"`
}

// CheckResult is the result of a check of a marking code.
type CheckResult struct {
	FSCheckStatus int `json:"fsCheckStatus"` // (2004) of the storage, 0..255
	// FSCheckStatusCause: 0 checked in the storage, 1 not checkable, 2 no key,
	// 3 impossible: AI 91 and 92 are absent or malformed, 4 other.
	FSCheckStatusCause int `json:"fsCheckStatusCause"`
	FSItemCodeType     int `json:"fsItemCodeType"` // (2100)
	// Result (2106) are bits: 1 checked in the storage, 2 with success, 4
	// checked by the state's system, 8 the planned status is right, 16 the
	// register is autonomous.
	Result int `json:"checkResult"`
	// OISMCheckResultCode is the code of the online check's reply: 0 good,
	// 0x20 and another byte a fault of it, 0xFF no reply in time.
	OISMCheckResultCode int           `json:"oismCheckResultCode"`
	OISMResponse        *OISMResponse `json:"oismResponse,omitempty"`
}

// OISMResponse is the reply of the state's system of marking (ОИСМ).
type OISMResponse struct {
	DateTime          string `json:"dateTime,omitempty"` // (2114)
	ResultCode        int    `json:"resultCode"`         // (2105) 0 good, 1 bad format, 2 bad code
	ItemCodeType      int    `json:"itemCodeType"`       // (2100)
	OISMStatus        int    `json:"oismStatus"`         // (2109) 1 right, 2 wrong, 3 circulation suspended
	ProcessingResults int    `json:"processingResults"`  // (2005)
	ItemID            string `json:"itemId,omitempty"`   // (2101)
}

// Good says whether the thing may be sold: the code was checked in the storage
// and by the state's system, with success, and its status is right.
func (r CheckResult) Good() bool { return r.Result&15 == 15 }

// Why says what is wrong, in words; "" when nothing is.
func (r CheckResult) Why() string {
	if r.Good() {
		return ""
	}
	var why []string
	if r.FSCheckStatusCause == 3 {
		why = append(why, "the code has no AI 91 and 92: its group separators were lost")
	} else if r.Result&1 == 0 {
		why = append(why, "the storage could not check it (cause "+strconv.Itoa(r.FSCheckStatusCause)+")")
	}
	if r.Result&3 == 1 {
		why = append(why, "the storage found it wrong")
	}
	if r.Result&4 == 0 {
		text := "the state's system did not check it"
		if r.OISMCheckResultCode == 0xFF {
			text += " in time"
		} else if r.OISMCheckResultCode != 0 {
			text += fmt.Sprintf(" (reply code %d)", r.OISMCheckResultCode)
		}
		why = append(why, text)
	} else if r.Result&8 == 0 {
		why = append(why, "the state's system does not allow this status for it")
	}
	if o := r.OISMResponse; o != nil {
		switch {
		case o.ResultCode == 1:
			why = append(why, "the state's system found its format wrong")
		case o.ResultCode == 2:
			why = append(why, "the state's system does not know such a code")
		}
		switch o.OISMStatus {
		case 2:
			why = append(why, "it is not in circulation")
		case 3:
			why = append(why, "its circulation is suspended")
		}
	}
	return strings.Join(why, ", ")
}

func marksText(marks []MarkResult) string {
	if len(marks) == 0 {
		return "a marking code was refused; the service does not say which"
	}
	lines := make([]string, len(marks))
	for i, m := range marks {
		lines[i] = "the marking code of items[" + strconv.Itoa(m.Position) + "] was refused: " + m.CheckResult.Why()
	}
	return strings.Join(lines, "; ")
}
