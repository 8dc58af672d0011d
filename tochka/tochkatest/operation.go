package tochkatest

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// operation is a payment link (платёжная ссылка) or a subscription with the
// money events under it.
type operation struct {
	id, link string // operationId, paymentLinkId
	customer string
	merchant string
	amount   money.Amount
	purpose  string
	modes    []string
	redirect string
	fail     string
	consumer string
	hold     bool // preAuthorization
	holdSent bool // it was in the request
	ttl      int
	created  time.Time
	expires  time.Time
	opened   time.Time // the page, last; zero: never
	status   string

	saveCard  bool
	receipt   object // taxSystemCode, Client, Items, Supplier; nil: none
	email     string
	taxSystem string

	paid        time.Time
	paymentType string
	paymentID   string
	transaction string
	qrc         string
	payer       string
	card        *card // saved
	entries     []entry
	lapses      time.Time // of a hold
	pending     *entry    // the refund under way
	executes    time.Time // when it is done

	sub *subscription // nil: a link
}

// entry is an element of Order.
type entry struct {
	id     string
	kind   string // approval, authorized, refund
	amount money.Amount
	at     time.Time
}

// card is a card that was saved.
type card struct{ token, brand, masked string }

// Receipt is a fiscal receipt that the partner's cash register printed. The
// bank shows it to nobody; it is here for tests.
type Receipt struct {
	OperationID string
	OrderID     string // Order[].orderId that it is for
	Refund      bool
	Email       string
	TaxSystem   string
	Items       []byte // as the bank has them, JSON
	Total       money.Amount
	Time        time.Time
}

// Receipts are all receipts as they were printed.
func (s *Server) Receipts() []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.receipts)
}

// find finds an operation by its id or by the shop's number; the lock is held.
func (s *Server) find(id string) *operation {
	if op := s.operations[id]; op != nil {
		return op
	}
	for _, c := range s.companies {
		if op := s.links[c.CustomerCode+" "+id]; op != nil {
			return op
		}
	}
	return nil
}

// open enters a new operation; the lock is held.
func (s *Server) open(op *operation) {
	s.operations[op.id] = op
	s.opIDs = append(s.opIDs, op.id)
	s.links[op.customer+" "+op.link] = op
	s.base.Books.Open(emulator.Order{ID: op.id, Number: op.link, Amount: op.amount, Currency: "RUB", State: op.status, Created: op.created,
		Link: s.linkOf(op), TwoStage: op.hold})
}

func (s *Server) become(op *operation, status string) {
	op.status = status
	s.base.Books.State(op.id, status)
}

// move enters a move of money in the books, which must agree.
func (s *Server) move(id string, kind emulator.MoveKind, a money.Amount, key string) {
	if err := s.base.Books.Move(id, emulator.Move{Time: s.base.Clock.Now(), Kind: kind, Amount: a, Key: key}); err != nil {
		panic("tochkatest: " + err.Error())
	}
}

// age lets time pass for an operation: links expire, holds lapse, refunds are
// executed. Nobody is told. The lock is held.
func (s *Server) age(op *operation) {
	now := s.base.Clock.Now()
	switch {
	case op.status == "CREATED" && !now.Before(op.expires):
		s.become(op, "EXPIRED")
	case op.status == "AUTHORIZED" && !now.Before(op.lapses):
		s.move(op.id, emulator.Released, op.amount, "")
		s.become(op, s.opt.lapsedStatus)
	case op.pending != nil && !now.Before(op.executes):
		s.execute(op)
	}
}

func (op *operation) total(kind string) money.Amount {
	var sum money.Amount
	for _, e := range op.entries {
		if e.kind == kind {
			sum += e.amount
		}
	}
	return sum
}

// paidSum and refundedSum are what came in and what went back, or is on its
// way back.
func (op *operation) paidSum() money.Amount { return op.total("approval") }

func (op *operation) refundedSum() money.Amount {
	sum := op.total("refund")
	if op.pending != nil && !slices.ContainsFunc(op.entries, func(e entry) bool { return e.id == op.pending.id }) {
		sum += op.pending.amount
	}
	return sum
}

func (s *Server) entry(kind string, a money.Amount) entry {
	return entry{id: s.base.IDs.Digits(8), kind: kind, amount: a, at: s.base.Clock.Now()}
}

// approve takes money: a payment, a capture or a charge. The lock is held.
func (s *Server) approve(op *operation, a money.Amount, held bool) {
	e := s.entry("approval", a)
	op.entries = append(op.entries, e)
	if !held {
		s.move(op.id, emulator.Authorized, a, e.id)
	}
	s.move(op.id, emulator.Captured, a, e.id)
	s.become(op, "APPROVED")
	s.print(op, e, false)
	s.tell(op, "APPROVED", a)
}

// print is the partner's cash register, after the money came.
func (s *Server) print(op *operation, e entry, refund bool) {
	if op.receipt == nil {
		return
	}
	r := s.companyOf(op.customer).retailer(op.merchant)
	if r == nil || r.Cashbox == "" {
		return
	}
	s.receipts = append(s.receipts, Receipt{OperationID: op.id, OrderID: e.id, Refund: refund, Email: op.email, TaxSystem: op.taxSystem,
		Items: encode(nil, op.receipt.get("Items"), false), Total: e.amount, Time: e.at})
}

// get is a member's value; nil: it is not there.
func (o object) get(name string) any {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

func (s *Server) companyOf(code string) *Company {
	for _, c := range s.companies {
		if c.CustomerCode == code {
			return c
		}
	}
	return &Company{}
}

// pay is the customer's money coming in for an unpaid link. The lock is held.
func (s *Server) pay(op *operation, mode string, pan string, save bool) {
	now := s.base.Clock.Now()
	op.paid, op.paymentType = now, mode
	op.paymentID = s.base.IDs.Digits(8)
	switch mode {
	case "sbp", "digitalRuble":
		op.paymentID = "A" + s.base.IDs.Letters(31)
		op.transaction, op.qrc, op.payer = s.base.IDs.UUID(), s.base.IDs.QR("AS"), "Мария Петровна С."
	case "card":
		if save && !s.opt.noSavedCards {
			c := card{token: s.base.IDs.UUID(), brand: brand(pan), masked: masked(pan)}
			op.card = &c
			s.consumers[op.consumer] = append(s.consumers[op.consumer], c)
		}
	}
	if op.hold && mode == "card" {
		s.move(op.id, emulator.Authorized, op.amount, "")
		op.entries = append(op.entries, s.entry("authorized", op.amount))
		op.lapses = now.Add(s.opt.holdTerm)
		s.become(op, "AUTHORIZED")
		s.tell(op, "AUTHORIZED", op.amount)
		return
	}
	if mode == "dolyame" && s.opt.dolyameWaits {
		s.become(op, "WAIT_FULL_PAYMENT")
		return
	}
	s.approve(op, op.amount, false)
	if op.sub != nil {
		s.start(op)
	}
}

func masked(pan string) string {
	if len(pan) < 10 {
		return ""
	}
	return pan[:6] + "******" + pan[len(pan)-4:]
}

func brand(pan string) string {
	switch {
	case strings.HasPrefix(pan, "4"):
		return "Visa"
	case strings.HasPrefix(pan, "5"):
		return "MasterCard"
	}
	return "Mir"
}

// payable finds an operation that can still be paid; the lock is held.
func (s *Server) payable(id string) (*operation, error) {
	op := s.find(id)
	if op == nil {
		return nil, fmt.Errorf("tochkatest: no operation %q", id)
	}
	if s.age(op); op.status != "CREATED" {
		return nil, fmt.Errorf("tochkatest: operation %q is %s", id, op.status)
	}
	return op, nil
}

// Pay is the customer paying: by card where the link has cards, otherwise by
// what it has. A card is saved where the shop offered it. With a qrcId it is
// the SBP code that is paid. The id is the bank's, or the shop's number.
func (s *Server) Pay(id string) error { return s.PayBy(id, "") }

// PayBy is the customer paying in that way: "card", "sbp", "tinkoff",
// "dolyame", or "digitalRuble" where the link has SBP.
func (s *Server) PayBy(id, mode string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.sbp.codes[id]; q != nil {
		if mode != "" && mode != "sbp" && mode != "digitalRuble" {
			return fmt.Errorf("tochkatest: a code of SBP is not paid by %s", mode)
		}
		return s.payQR(q, 0)
	}
	op, err := s.payable(id)
	if err != nil {
		return err
	}
	switch {
	case mode == "" && slices.Contains(op.modes, "card"):
		mode = "card"
	case mode == "":
		mode = op.modes[0]
	case mode == "digitalRuble" && slices.Contains(op.modes, "sbp"):
	case !slices.Contains(op.modes, mode):
		return fmt.Errorf("tochkatest: operation %q cannot be paid by %s", id, mode)
	}
	s.pay(op, mode, cards[0].PAN, op.saveCard || op.sub != nil)
	return nil
}

// Decline is an attempt that the bank refuses: the link stays as it is, and
// nobody is told. A code of SBP becomes Rejected.
func (s *Server) Decline(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.sbp.codes[id]; q != nil {
		return s.declineQR(q)
	}
	op, err := s.payable(id)
	if err != nil {
		return err
	}
	s.note("declined: " + op.id)
	return nil
}

// Expire lets the time of an unpaid link run out, or the hold lapse.
func (s *Server) Expire(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.base.Clock.Now()
	if q := s.sbp.codes[id]; q != nil {
		if q.expires.IsZero() {
			return fmt.Errorf("tochkatest: code %q does not expire", id)
		}
		q.expires = now
		return nil
	}
	op := s.find(id)
	switch {
	case op == nil:
		return fmt.Errorf("tochkatest: no operation %q", id)
	case op.status == "CREATED":
		op.expires = now
	case op.status == "AUTHORIZED":
		op.lapses = now
	default:
		return fmt.Errorf("tochkatest: operation %q is %s", id, op.status)
	}
	s.age(op)
	return nil
}

// Settle executes what was only accepted: a refund to a card, a payment by
// Dolyame, an SBP refund by its request id; "": all of it.
func (s *Server) Settle(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" {
		for _, id := range s.opIDs {
			s.finish(s.operations[id])
		}
		for _, r := range s.sbp.refunds {
			s.finishRefund(r, "Accepted")
		}
		return nil
	}
	if r := s.sbp.refunds[id]; r != nil {
		s.finishRefund(r, "Accepted")
		return nil
	}
	op := s.find(id)
	if op == nil {
		return fmt.Errorf("tochkatest: no operation %q", id)
	}
	if !s.finish(op) {
		return fmt.Errorf("tochkatest: operation %q waits for nothing", id)
	}
	return nil
}

func (s *Server) finish(op *operation) bool {
	switch {
	case op.pending != nil:
		s.execute(op)
	case op.status == "WAIT_FULL_PAYMENT":
		s.approve(op, op.amount, false)
	default:
		return false
	}
	return true
}

// Pretend makes an operation show a status that it has not: one that is
// undocumented, or new.
func (s *Server) Pretend(id, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := s.find(id)
	if op == nil {
		return fmt.Errorf("tochkatest: no operation %q", id)
	}
	s.become(op, status)
	return nil
}

// refund gives money back, or says why not. The lock is held.
func (s *Server) refund(op *operation, a money.Amount) (e entry, refused string) {
	left := op.paidSum() - op.refundedSum()
	switch {
	case op.sub != nil:
		return entry{}, "Возврат по подписке выполняется в интернет-банке"
	case op.paymentType == "digitalRuble":
		return entry{}, "Возврат цифровых рублей выполняется в интернет-банке"
	case op.pending != nil || op.status == "ON-REFUND":
		return entry{}, "Возврат уже выполняется"
	case op.status == "REFUNDED_PARTIALLY" && s.opt.singleRefund, op.status != "APPROVED" && op.status != "REFUNDED_PARTIALLY":
		return entry{}, "Ошибка валидации: возврат в статусе " + op.status + " невозможен"
	case a > left:
		return entry{}, "Ошибка валидации: сумма возврата больше оплаченной"
	case s.opt.refundEnrolled && a > left-s.commission(op, op.paidSum()):
		return entry{}, "Ошибка валидации: сумма возврата больше поступившей на счёт"
	}
	e = s.entry("refund", a)
	s.move(op.id, emulator.Refunded, a, e.id)
	op.pending = &e
	if !s.opt.lateRefundEntry {
		op.entries = append(op.entries, e)
	}
	s.become(op, "ON-REFUND")
	op.executes = s.base.Clock.Now()
	if op.paymentType != "sbp" {
		op.executes = op.executes.Add(s.opt.cardRefunds)
	}
	s.age(op)
	return e, ""
}

// execute finishes the refund under way. The lock is held.
func (s *Server) execute(op *operation) {
	e := *op.pending
	op.pending = nil
	if s.opt.lateRefundEntry {
		op.entries = append(op.entries, e)
	}
	status := "REFUNDED_PARTIALLY"
	if op.refundedSum() == op.paidSum() {
		status = "REFUNDED"
	}
	s.become(op, status)
	if s.opt.refundReceipts && e.amount == op.paidSum() {
		s.print(op, e, true)
	}
}

// commission is what the bank keeps of a payment: the retail point's rate for
// a card, 0.4 % for the rest.
func (s *Server) commission(op *operation, a money.Amount) money.Amount {
	rate := big.NewRat(4, 10)
	if op.paymentType == "card" {
		if r := s.companyOf(op.customer).retailer(op.merchant); r != nil {
			rate, _ = new(big.Rat).SetString(r.Rate)
		}
	}
	if rate == nil {
		return 0
	}
	part := new(big.Rat).Mul(big.NewRat(int64(a), 100), rate)
	return money.Amount(emulator.HalfUp(part).Int64())
}

// number is the order number of an operation that came without one: a running
// one, of the company.
func (s *Server) number(customer string) string {
	for {
		s.nextLink[customer]++
		n := strconv.Itoa(s.nextLink[customer])
		if s.links[customer+" "+n] == nil {
			return n
		}
	}
}
