package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Listing is what getLastOrdersForMerchants.do asks for.
type Listing struct {
	From, To     time.Time
	Page, Size   int
	ByCreation   bool // by the date of creation; otherwise of payment
	states       []int
	UnknownState string // the first state that nobody knows; "": all are known
}

// ReadListing reads the request's fields; ownSize is that of a request that
// names none, 0: it must. An error: one of the fields is missing or wrong.
func ReadListing(field func(string) string, ownSize int) (Listing, error) {
	l := Listing{ByCreation: field("searchByCreatedDate") == "true"}
	var errs [4]error
	l.Size = ownSize
	if field("size") != "" || ownSize == 0 {
		l.Size, errs[0] = strconv.Atoi(field("size"))
	}
	l.From, errs[1] = time.ParseInLocation("20060102150405", field("from"), Moscow)
	l.To, errs[2] = time.ParseInLocation("20060102150405", field("to"), Moscow)
	l.Page, errs[3] = strconv.Atoi(OrZero(field("page")))
	for _, err := range errs {
		if err != nil {
			return l, fmt.Errorf("size, page, from and to (yyyyMMddHHmmss): %w", err)
		}
	}
	if l.Size <= 0 || l.Page < 0 || field("transactionStates") == "" {
		return l, fmt.Errorf("size, from, to and transactionStates are needed")
	}
	for name := range strings.SplitSeq(field("transactionStates"), ",") {
		st, ok := TransactionStates[strings.TrimSpace(name)]
		if !ok && l.UnknownState == "" {
			l.UnknownState = name
		}
		l.states = append(l.states, st...)
	}
	return l, nil
}

// Holds says whether the order is in the list. Its dates are to the second, and
// the second that To names is in it.
func (l *Listing) Holds(o *Order) bool {
	at := o.Created
	if !l.ByCreation && !o.AuthAt.IsZero() {
		at = o.AuthAt
	}
	return !at.Before(l.From) && at.Before(l.To.Add(time.Second)) && slices.Contains(l.states, o.Status)
}

// Shows says whether the n-th order of the list, from 0, is on the page.
func (l *Listing) Shows(n int) bool { return n >= l.Page*l.Size && n < (l.Page+1)*l.Size }

// CallbackCard is what the banks' own CMS modules set of the callbacks, by
// POST …/mportal/mvc/public/merchant/update/{login without -api}.
type CallbackCard struct {
	Enabled    bool   `json:"callbacks_enabled"`
	Type       string `json:"callback_type"`        // STATIC, DYNAMIC
	Addresses  string `json:"callback_addresses"`   //
	Method     string `json:"callback_http_method"` // GET, POST
	Operations string `json:"callback_operations"`  // separated by commas
}

// Wanted are the operations to be announced.
func (c CallbackCard) Wanted() []string {
	if !c.Enabled {
		return []string{}
	}
	return strings.Split(c.Operations, ",")
}

// ServeMportal answers that call; path begins after the cabinet's own name.
// update looks at the credentials and sets the rest; false: they are wrong.
func ServeMportal(w http.ResponseWriter, r *http.Request, path string, update func(user, password string, c CallbackCard) bool) {
	login, ok := strings.CutPrefix(path, "/mvc/public/merchant/update/")
	switch {
	case !ok:
		EmptyHTML(w, http.StatusNotFound)
		return
	case r.Method != http.MethodPost:
		EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	user, password, _ := r.BasicAuth()
	var in CallbackCard
	err := json.NewDecoder(r.Body).Decode(&in)
	answer := func(status int, body string) { WriteBody(w, status, "application/json", []byte(body)) }
	switch {
	case strings.TrimSuffix(user, "-api") != login:
		answer(http.StatusUnauthorized, `{"status":"FAIL","error":"Access denied"}`)
	case err != nil || (in.Type != "STATIC" && in.Type != "DYNAMIC") || (in.Method != "GET" && in.Method != "POST"):
		answer(http.StatusBadRequest, `{"status":"FAIL","error":"Error, value of the request parameter"}`)
	case !update(user, password, in):
		answer(http.StatusUnauthorized, `{"status":"FAIL","error":"Access denied"}`)
	default:
		answer(http.StatusOK, `{"status":"SUCCESS"}`)
	}
}

// QRLink is the link of a dynamic SBP code (НСПК), with its check code.
func QRLink(id, bank string, amount money.Amount) string {
	return WithCRC("https://qr.nspk.ru/" + id + "?type=02&bank=" + bank + "&sum=" + strconv.FormatInt(int64(amount), 10) + "&cur=RUB")
}

// WithCRC appends the check code of an SBP link (CRC-16/CCITT).
func WithCRC(link string) string {
	crc := uint16(0xffff)
	for i := range len(link) {
		crc ^= uint16(link[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return link + fmt.Sprintf("&crc=%04X", crc)
}
