package fiscal

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// ErrQR is the kind of error that ParseQR gives.
var ErrQR = errors.New("not the QR code of a receipt")

// QR is the text of the QR code on the printed receipt, by which the tax
// service's app checks it: t=20261121T1405&s=1599.00&fn=…&i=…&fp=…&n=1. The
// time is written as Time has it, so Time must be at the register's clock; the
// sum is the receipt's total, whatever was handed over. It is "" while a part
// of it is missing.
func (f FiscalData) QR() string {
	if f.Time.IsZero() || f.FN == "" || f.FD == "" || f.FP == "" || !f.Type.Valid() || f.Total < 0 {
		return ""
	}
	return "t=" + f.Time.Format("20060102T1504") + "&s=" + f.Total.String() +
		"&fn=" + f.FN + "&i=" + f.FD + "&fp=" + f.FP + "&n=" + fmt.Sprintf("%d", uint8(f.Type))
}

// ParseQR reads the text of a receipt's QR code: FN, FD, FP, Time, Total and
// Type. The parts may come in any order, the time with seconds or without, the
// sum with any number of its decimals; each part must be there once. The QR
// code does not say at what clock the time is: it comes back as if at Moscow's.
// Anything else gives [ErrQR].
func ParseQR(text string) (FiscalData, error) {
	var f FiscalData
	bad := func(why string) (FiscalData, error) {
		return FiscalData{}, fmt.Errorf("fiscal: %.100q: %s: %w", text, why, ErrQR)
	}
	seen := 0
	for _, part := range strings.Split(strings.TrimSpace(text), "&") {
		name, value, _ := strings.Cut(part, "=")
		var err error
		at := 0
		switch name {
		case "t":
			at = 1
			f.Time, err = parseQRTime(value)
		case "s":
			at = 2
			f.Total, err = money.Parse(value)
			if err == nil && (f.Total < 0 || strings.ContainsAny(value, "+- ")) {
				err = money.ErrSyntax
			}
		case "fn":
			at, f.FN = 4, value
		case "i":
			at, f.FD = 8, value
		case "fp":
			at, f.FP = 16, value
		case "n":
			at = 32
			if len(value) == 1 {
				f.Type = Settlement(value[0] - '0')
			}
			if !f.Type.Valid() {
				return bad("n is not 1 to 4")
			}
		default:
			continue // what later versions may add
		}
		if err != nil {
			return bad(name + " cannot be read")
		}
		if seen&at != 0 {
			return bad(name + " comes twice")
		}
		seen |= at
	}
	switch {
	case seen != 63:
		return bad("a part is missing")
	case !digits(f.FN) || len(f.FN) > 16:
		return bad("fn is not a number of at most 16 digits")
	case !digits(f.FD) || len(f.FD) > 10:
		return bad("i is not a number of at most 10 digits")
	case !digits(f.FP) || len(f.FP) > 10:
		return bad("fp is not a number of at most 10 digits")
	}
	return f, nil
}

func parseQRTime(s string) (time.Time, error) {
	layout := "20060102T1504"
	if len(s) == len("20060102T150405") {
		layout = "20060102T150405"
	}
	if len(s) != len(layout) {
		return time.Time{}, ErrQR
	}
	return time.ParseInLocation(layout, s, moscow)
}

// IsTest says whether the document lies in a test storage (ФН from 9999): it
// is no receipt for the tax service.
func (f FiscalData) IsTest() bool { return strings.HasPrefix(f.FN, "9999") }

// CheckLink is where the buyer sees or checks the printed receipt: its page at
// the operator of fiscal data, or else the tax service's site that the register
// printed (1060), where FN, FD, FP and the sum are typed in; "" if neither is
// known. The tax service itself has no public address for one receipt: its app
// reads the QR code.
func (f FiscalData) CheckLink() string {
	if f.URL != "" || f.FNSSite == "" {
		return f.URL
	}
	if strings.Contains(f.FNSSite, "://") {
		return f.FNSSite
	}
	return "https://" + f.FNSSite
}
