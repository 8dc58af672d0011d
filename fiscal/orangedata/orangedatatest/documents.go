package orangedatatest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// State is where a document stands.
type State string

// The states.
const (
	Queued   State = "queued"
	Done     State = "done"
	Rejected State = "rejected" // a marking code was refused: 422
	Expired  State = "expired"  // not printed in time: 524
)

// Document is a document in the emulator's books.
type Document struct {
	Kind    string // OpDocuments, OpCorrections, OpCorrection or OpItemCode
	ID      string
	INN     string
	Group   string
	State   State
	Type    int64 // 1 sale, 2 its return, 3 purchase, 4 its return
	Total   money.Amount
	Change  money.Amount
	Content json.RawMessage // as it came
	Created time.Time

	Number      int    // fiscal document number, when done
	FN          string // of the fiscal storage, when done
	Index       int    // within the shift
	Shift       int
	FiscalSign  string
	ProcessedAt time.Time

	content  emulator.Object // names in lower case
	raw      map[string]any  // names as they came
	polls    int
	due      time.Time
	callback string
	apiKey   string
	meta     any
	ignore   bool
	badMark  int // index of the first refused line; -1: none
}

const (
	deviceSN  = "0000000000004242"
	deviceRN  = "0001234567012345"
	fsNumber  = "9999078900004242"
	ofdName   = `ООО "Пример ОФД"`
	localTime = "2006-01-02T15:04:05"

	queueLife = 30 * 24 * time.Hour
)

var moscow = time.FixedZone("MSK", 3*60*60)

// kinds says how the content of each kind is checked.
var kinds = map[string]func(*check, *Document, Group){
	OpDocuments:   (*check).receipt,
	OpCorrections: (*check).correction105,
	OpCorrection:  (*check).correction12,
	OpItemCode:    (*check).itemCode,
}

// Documents are all documents in the order they came.
func (s *Server) Documents() []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Document, 0, len(s.list))
	for _, d := range s.list {
		out = append(out, *d)
	}
	return out
}

// Document finds a document of the default organisation.
func (s *Server) Document(id string) (Document, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.list {
		if d.ID == id && d.INN == DefaultINN {
			return *d, true
		}
	}
	return Document{}, false
}

// Print finishes a document now, whatever the clock says.
func (s *Server) Print(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.list {
		if d.ID != id {
			continue
		}
		if d.State != Queued {
			return fmt.Errorf("orangedatatest: document %q is %s", id, d.State)
		}
		s.print(d)
		return nil
	}
	return fmt.Errorf("orangedatatest: no document %q", id)
}

// Expire gives a document up: its status becomes 524.
func (s *Server) Expire(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.list {
		if d.ID == id && d.State == Queued {
			s.finish(d, Expired)
			return nil
		}
	}
	return fmt.Errorf("orangedatatest: no document %q waits", id)
}

func (s *Server) space(kind, inn, id string) string {
	if !s.opt.perKindIDs {
		kind = ""
	}
	return kind + "\x00" + inn + "\x00" + id
}

func (c call) post(kind string) {
	body, o, org, ok := c.open()
	if !ok {
		return
	}
	id, _ := o["id"].(string)
	key := c.space(kind, org.INN, id)
	c.mu.Lock()
	_, used := c.docs[key]
	used = used || c.opt.burn && c.burnt[key]
	waiting := 0
	for _, d := range c.list {
		if d.State == Queued {
			waiting++
		}
	}
	c.mu.Unlock()
	if id != "" && used {
		c.empty(http.StatusConflict)
		return
	}
	var raw struct {
		Content json.RawMessage `json:"content"` // matched without regard to case
	}
	_ = json.Unmarshal(body, &raw)
	d := &Document{Kind: kind, ID: id, INN: org.INN, State: Queued, Content: raw.Content, badMark: -1}
	faults := c.validate(d, o, org)
	if len(faults) > 0 {
		if id != "" {
			c.mu.Lock()
			c.burnt[key] = true
			c.mu.Unlock()
		}
		c.refuse(faults...)
		return
	}
	if c.opt.queueLimit > 0 && waiting >= c.opt.queueLimit {
		c.w.Header().Set("Retry-After", "5")
		c.json(http.StatusServiceUnavailable, map[string]any{"errors": []string{"Очередь документов переполнена"}})
		return
	}
	c.mu.Lock()
	if _, used := c.docs[key]; used { // by a request beside this one
		c.mu.Unlock()
		c.empty(http.StatusConflict)
		return
	}
	now := c.base.Clock.Now()
	d.Created, d.due = now, now.Add(c.opt.printAfter)
	c.docs[key] = d
	c.list = append(c.list, d)
	c.mu.Unlock()
	c.base.Clock.AfterFunc(c.opt.printAfter, func() { c.wake(d) })
	c.base.Clock.AfterFunc(queueLife, func() {
		c.Server.mu.Lock()
		defer c.Server.mu.Unlock()
		if d.State == Queued {
			c.finish(d, Expired)
		}
	})
	c.empty(http.StatusCreated)
}

// wake prints a document whose time has come; registers that are off are asked
// again later.
func (s *Server) wake(d *Document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.State != Queued {
		return
	}
	if s.off[d.Group] {
		s.base.Clock.AfterFunc(time.Minute, func() { s.wake(d) })
		return
	}
	s.print(d)
}

// print finishes a document; the lock is held.
func (s *Server) print(d *Document) {
	now := s.base.Clock.Now()
	d.ProcessedAt = now
	if d.badMark >= 0 && !d.ignore {
		s.finish(d, Rejected)
		return
	}
	if d.Kind != OpItemCode {
		if s.shiftAt.IsZero() {
			s.shiftAt = now
		}
		if now.Sub(s.shiftAt) > 24*time.Hour {
			s.shift++
			s.index, s.shiftAt = 0, now
		}
		s.document++
		s.index++
		d.Number, d.Index, d.Shift, d.FiscalSign, d.FN = s.document, s.index, s.shift, s.base.IDs.Digits(10), fsNumber
	}
	s.finish(d, Done)
}

// finish ends a document and queues its callback; the lock is held.
func (s *Server) finish(d *Document, state State) {
	d.State = state
	if state != Done && !s.opt.refusals {
		return
	}
	body := map[string]any{"id": d.ID, "inn": d.INN, "companyINN": d.INN}
	if state == Done {
		body = s.body(d)
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if s.opt.apiKey && d.apiKey != "" {
		header.Set("X-API-Key", d.apiKey)
	}
	s.base.Outbox.Send(emulator.Message{Order: d.ID, Event: string(state), Method: http.MethodPost, URL: d.callback, Header: header, Body: b})
}

func (c call) status(kind, inn, id string) {
	c.mu.Lock()
	org := c.orgs[inn]
	d := c.docs[c.space(kind, inn, id)]
	c.mu.Unlock()
	if org == nil {
		c.refuse("Организация не найдена")
		return
	}
	if !org.owns(c.fingerprint) {
		c.empty(http.StatusUnauthorized)
		return
	}
	if d == nil || d.Kind != kind {
		c.refuse("Документ не найден")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// A clock that stands still would leave every document in the queue, so
	// looking moves it on too.
	if d.State == Queued && !c.base.Clock.Running() && !c.off[d.Group] {
		if d.polls++; d.polls > c.opt.polls {
			c.print(d)
		}
	}
	switch d.State {
	case Queued:
		c.empty(http.StatusAccepted)
	case Expired:
		c.empty(524)
	case Rejected:
		c.json(http.StatusUnprocessableEntity, []any{map[string]any{"position": d.badMark, "itemCode": d.markAt(d.badMark), "checkResult": badMark(d.ProcessedAt)}})
	default:
		c.json(http.StatusOK, c.body(d))
	}
}

// body is the status of a finished document.
func (s *Server) body(d *Document) map[string]any {
	at := d.ProcessedAt.In(moscow).Format(localTime)
	out := map[string]any{"id": d.ID, "deviceSN": deviceSN, "deviceRN": deviceRN, "fsNumber": fsNumber, "processedAt": at,
		"content": d.echo(), "callbackUrl": nil, "meta": d.meta}
	if d.callback != "" {
		out["callbackUrl"] = d.callback
	}
	if d.Kind == OpItemCode {
		result := goodMark(d.ProcessedAt)
		if d.badMark >= 0 {
			result = badMark(d.ProcessedAt)
		}
		out["checkResult"] = result
		return out
	}
	for name, v := range map[string]any{"ofdName": ofdName, "ofdWebsite": "www.ofd.example", "ofdinn": "7801234564", "fnsWebsite": "www.nalog.ru",
		"companyINN": d.INN, "companyName": `ООО "Чайная лавка"`, "documentNumber": d.Number, "shiftNumber": d.Shift, "documentIndex": d.Index,
		"change": json.Number(decimal(d.Change.Short())), "fp": d.FiscalSign, "ignoreItemCodeCheck": d.ignore} {
		out[name] = v
	}
	return out
}

// decimals are the members that the service writes with a point.
var decimals = map[string]bool{"quantity": true, "price": true, "amount": true, "totalsum": true, "taxsum": true, "unittaxsum": true, "excise": true}

// echo is the content as the service writes it again: 50 comes back as 50.0,
// a tax system that was not sent as 0, and each line says the rate that was
// printed.
func (d *Document) echo() any {
	content := rewritten(d.raw).(map[string]any)
	if d.Kind == OpDocuments || d.Kind == OpCorrection {
		for name, v := range content {
			if lines, ok := v.([]any); ok && strings.EqualFold(name, "positions") {
				for i := range lines {
					lines[i].(map[string]any)["taxRate"] = d.printedRate(i)
				}
			}
			if closing, ok := v.(map[string]any); ok && strings.EqualFold(name, "checkClose") {
				if has := lowered(closing); has["taxationsystem"] == nil {
					closing["taxationSystem"] = 0
				}
			}
		}
	}
	return content
}

func (d *Document) lines() []any {
	lines, _ := d.content["positions"].([]any)
	return lines
}

func (d *Document) printedRate(i int) int64 {
	line := emulator.Object(d.lines()[i].(map[string]any))
	n, _ := (&emulator.Check{Lenient: true}).Integer(line, "", "tax", false, nil)
	if old, _ := d.content["usetax20"].(bool); !old && !d.ProcessedAt.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, moscow)) {
		switch n {
		case 1:
			return 11
		case 3:
			return 12
		}
	}
	return n
}

func (d *Document) markAt(i int) string {
	if d.Kind == OpItemCode {
		s, _ := d.content["itemcode"].(string)
		return s
	}
	s, _ := d.lines()[i].(map[string]any)["itemcode"].(string)
	return s
}

func rewritten(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			if n, ok := e.(json.Number); ok && decimals[strings.ToLower(name)] {
				out[name] = json.Number(decimal(n.String()))
				continue
			}
			out[name] = rewritten(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = rewritten(e)
		}
		return out
	}
	return v
}

func decimal(n string) string {
	if strings.ContainsAny(n, ".eE") {
		return n
	}
	return n + ".0"
}

// lowered is the document with all names in lower case: the service reads them
// without regard to it.
func lowered(v map[string]any) emulator.Object {
	out := make(emulator.Object, len(v))
	for name, e := range v {
		out[strings.ToLower(name)] = loweredValue(e)
	}
	return out
}

func loweredValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return map[string]any(lowered(v))
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = loweredValue(e)
		}
		return out
	}
	return v
}

func goodMark(at time.Time) map[string]any {
	return map[string]any{"fsCheckStatus": 3, "fsCheckStatusCause": 0, "fsItemCodeType": 1, "checkResult": 15, "oismCheckResultCode": 0,
		"oismResponse": map[string]any{"dateTime": at.In(moscow).Format(localTime), "resultCode": 0, "itemCodeType": 1, "oismStatus": 1, "processingResults": 15, "itemId": "0104600439931256"}}
}

func badMark(at time.Time) map[string]any {
	return map[string]any{"fsCheckStatus": 2, "fsCheckStatusCause": 3, "fsItemCodeType": 4, "checkResult": 1, "oismCheckResultCode": 0,
		"oismResponse": map[string]any{"dateTime": at.In(moscow).Format(localTime), "resultCode": 2, "itemCodeType": 1, "oismStatus": 2, "processingResults": 1, "itemId": "04600439931256"}}
}

// markGood says whether a code has what can be checked: the key and signature
// (AI 91 and 92) or the short check code (AI 93).
func markGood(code string) bool {
	return strings.Contains(code, "\x1d93") || strings.Contains(code, "\x1d91") && strings.Contains(code, "\x1d92")
}

// ReceiptPages are the pages that buyers' links show, below /{inn}/{id}. The
// service has them on a host of its own, where nobody asks for a certificate:
// mount them, and give their address as Config.ReceiptURL.
func (s *Server) ReceiptPages() http.Handler { return http.HandlerFunc(s.receiptPage) }

// receiptPage is the page that the buyer's link shows.
func (s *Server) receiptPage(w http.ResponseWriter, r *http.Request) {
	p := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(p) != 2 {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.list {
		if d.INN == p[0] && d.ID == p[1] && d.Kind != OpItemCode {
			s.receiptOf(d).Write(w, `ООО "Чайная лавка"`)
			return
		}
	}
	http.NotFound(w, r)
}

// receiptOf is the document for its page; the lock is held.
func (s *Server) receiptOf(d *Document) emulator.Receipt {
	page := emulator.Receipt{ID: d.ID, Refund: d.Type == 2, State: emulator.ReceiptWaiting, Total: d.Total, Created: d.Created}
	for i := range d.lines() {
		line := emulator.Object(d.lines()[i].(map[string]any))
		check := &emulator.Check{Lenient: true}
		e := emulator.ReceiptLine{Name: check.Text(line, "", "text", false), Price: check.Sum(line, "", "price", false), Quantity: "1"}
		quantity := check.Number(line, "", "quantity", false)
		if quantity == nil {
			quantity = big.NewRat(1, 1)
		} else {
			e.Quantity = fmt.Sprint(line["quantity"])
		}
		e.Sum = lineTotal(e.Price, quantity)
		if d.State == Done {
			if vat, ok := fiscal.VATOf(int(d.printedRate(i))); ok {
				e.VATName = vat.Name()
			}
		}
		page.Lines = append(page.Lines, e)
	}
	switch d.State {
	case Done:
		page.State, page.Printed, page.FN, page.FD, page.FP, page.RegNumber = emulator.ReceiptPrinted, d.ProcessedAt, d.FN, itoa(d.Number), d.FiscalSign, deviceRN
	case Rejected:
		page.State, page.Fault = emulator.ReceiptFailed, "код маркировки не прошёл проверку"
	case Expired:
		page.State, page.Fault = emulator.ReceiptFailed, "документ не напечатан вовремя"
	}
	return page
}

// lineTotal is the price times the quantity, rounded half up to the kopeck.
func lineTotal(price money.Amount, quantity *big.Rat) money.Amount {
	t := new(big.Rat).Mul(new(big.Rat).SetInt64(int64(price)), quantity)
	return money.Amount(emulator.HalfUp(t).Int64())
}

func itoa(n int) string { return strconv.Itoa(n) }

// wholeAt says whether r has at most so many decimals.
func wholeAt(r *big.Rat, decimals int64) bool {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(decimals), nil)
	return new(big.Rat).Mul(r, new(big.Rat).SetInt(scale)).IsInt()
}
