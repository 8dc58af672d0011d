package bridge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// paymentMethods are the CRM's names of the payment method (1214).
var paymentMethods = map[string]fiscal.PaymentMethod{"": fiscal.FullPrepayment, "full_prepayment": fiscal.FullPrepayment, "prepayment": fiscal.Prepayment,
	"advance": fiscal.Advance, "full_payment": fiscal.FullPayment, "partial_payment": fiscal.PartialPayment, "credit": fiscal.Credit,
	"credit_payment": fiscal.CreditPayment}

// paymentObjects are its names of what is sold (1212).
var paymentObjects = map[string]fiscal.Subject{"": fiscal.Goods, "commodity": fiscal.Goods, "excise": fiscal.Excisable, "job": fiscal.Work, "service": fiscal.Service,
	"gambling_bet": fiscal.GamblingBet, "gambling_prize": fiscal.GamblingPrize, "lottery": fiscal.LotteryTicket, "lottery_prize": fiscal.LotteryPrize,
	"intellectual_activity": fiscal.IntellectualProperty, "payment": fiscal.Payment, "agent_commission": fiscal.AgentFee, "composite": fiscal.Payout,
	"another": fiscal.Other, "property_right": fiscal.PropertyRight, "non_operating_gain": fiscal.NonOperatingIncome,
	"insurance_premium": fiscal.OtherContributions, "sales_tax": fiscal.TradeLevy, "resort_fee": fiscal.TouristTax}

// units are the units of quantity by the short names that people type.
var units = func() map[string]fiscal.Unit {
	m := map[string]fiscal.Unit{"": fiscal.Piece, "шт": fiscal.Piece, "штука": fiscal.Piece, "pc": fiscal.Piece, "pcs": fiscal.Piece, "kg": fiscal.Kilogram, "g": fiscal.Gram, "l": fiscal.Litre, "m": fiscal.Metre}
	for u := fiscal.Piece; u < fiscal.OtherUnit; u++ {
		if u.Valid() {
			m[strings.ToLower(u.Name())] = u
		}
	}
	return m
}()

// receipt makes the receipt of an invoice for the sum that is paid: what the
// order's discount or delivery makes the lines differ by is spread over them.
// nil: the shop prints none.
func (b *Bridge) receipt(s *shop, r crm.CreateRequest, paid money.Amount) (*fiscal.Receipt, error) {
	if s.Receipts != "acquirer" {
		return nil, nil
	}
	if len(r.Items) == 0 {
		return nil, refusal("Магазин печатает чеки, а в счёте нет позиций")
	}
	contact := fiscal.Contact{Email: string(r.Customer.Email)}
	if phone, err := fiscal.Phone(string(r.Customer.Phone)); err == nil {
		contact.Phone = phone
	}
	if contact.Email == "" && contact.Phone == "" {
		return nil, refusal("Для чека нужен e-mail или телефон покупателя")
	}
	var faults crm.Faults
	var lines []fiscal.Line
	for i, item := range r.Items {
		line, err := b.line(item)
		if err != nil {
			faults = append(faults, fmt.Sprintf("items[%d]: %v", i, err))
			continue
		}
		line.ID = strconv.Itoa(i + 1) // a refund names its lines by it
		lines = append(lines, line)
	}
	if len(faults) > 0 {
		return nil, faults
	}
	out := fiscal.NewSale("", contact, lines...)
	out.TaxSystem, out.Seller = taxSystems[s.TaxSystem], fiscal.Seller{Email: s.Email, INN: s.INN, Place: s.Place}
	if r.Customer.Legal() {
		out.Buyer = &fiscal.Buyer{Name: string(r.Customer.LegalName), INN: string(r.Customer.INN)}
	}
	out, err := out.Normalize(paid, fiscal.NoZero())
	if err == nil {
		err = out.Validate()
	}
	if err != nil {
		return nil, russianFaults(err)
	}
	return &out, nil
}

// line is a line of the CRM's order.
func (b *Bridge) line(item crm.Item) (fiscal.Line, error) {
	price, err := item.PriceKopecks()
	if err != nil {
		return fiscal.Line{}, errors.New("цена не читается")
	}
	quantity, err := fiscal.ParseQuantity(string(item.Quantity))
	if err != nil || quantity <= 0 {
		return fiscal.Line{}, errors.New("количество не читается")
	}
	vat, ok := b.vat[strings.ToLower(string(item.VAT))]
	if !ok {
		return fiscal.Line{}, fmt.Errorf("ставка НДС %q неизвестна: добавьте её в настройку vat", item.VAT)
	}
	method, ok := paymentMethods[string(item.PaymentMethod)]
	if !ok {
		return fiscal.Line{}, fmt.Errorf("признак способа расчёта %q неизвестен", item.PaymentMethod)
	}
	subject, ok := paymentObjects[string(item.PaymentObject)]
	if !ok {
		return fiscal.Line{}, fmt.Errorf("признак предмета расчёта %q неизвестен", item.PaymentObject)
	}
	name := strings.TrimSuffix(strings.ToLower(string(item.MeasurementUnit)), ".")
	unit, ok := units[name]
	if !ok {
		unit = fiscal.OtherUnit
	}
	line := fiscal.Line{Name: fiscal.Printable(string(item.Name), fiscal.MaxName), Price: price, Quantity: quantity, VAT: vat, Method: method, Subject: subject,
		Unit: unit, UnitName: fiscal.Printable(string(item.MeasurementUnit), 16)}
	if item.MarkingCode != "" && method.HandOver() {
		mark, err := fiscal.ParseMark(string(item.MarkingCode))
		if err != nil {
			return fiscal.Line{}, errors.New("код маркировки не читается")
		}
		line.Mark = &mark
		switch subject {
		case fiscal.Goods:
			line.Subject = fiscal.GoodsCoded
		case fiscal.Excisable:
			line.Subject = fiscal.ExciseCoded
		}
	}
	return line, nil
}

// russianFaults are the faults of a receipt in the manager's language.
func russianFaults(err error) error {
	var faults fiscal.Faults
	if !errors.As(err, &faults) {
		return err
	}
	var out crm.Faults
	for _, f := range faults {
		out = append(out, "чек, "+f.Path+": "+f.Russian)
	}
	return out
}

// refusal is an error in words for the manager.
func refusal(text string) error {
	return &acquiring.Error{Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Message: text}
}
