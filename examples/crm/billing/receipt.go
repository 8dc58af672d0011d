package billing

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/money"
)

// sale is the receipt of an invoice as the shop's settings have it.
func sale(i store.Invoice, shop store.Shop, c store.Client, order string) fiscal.Receipt {
	name := fiscal.Printable(i.Description, 100)
	line := fiscal.Line{ID: "1", Name: name, Price: i.Amount, Quantity: fiscal.Pieces(1), VAT: fiscal.VAT(shop.Settings.VAT),
		Method: fiscal.PaymentMethod(shop.Settings.PayMethod), Subject: fiscal.Subject(shop.Settings.Subject)}
	contact := fiscal.Contact{Email: c.Email}
	if c.Email == "" {
		contact.Phone = c.Phone
	}
	r := fiscal.NewSale(shops.ReceiptID(shop.ID, order), contact, line)
	r.TaxSystem, r.FFD = fiscal.TaxSystem(shop.Settings.TaxSystem), fiscal.FFD(shop.Settings.FFD)
	return r
}

// Printer says who prints the receipts of an attempt. Where the provider got the
// sale's with the order, it prints them, whatever the shop's settings have become;
// where a cash-register service was to, the shop's service of today does. If it
// has none any more, the receipt fails, and a person sees it.
func Printer(a store.Attempt, shop store.Shop) string {
	by := a.PrintedBy
	if by == "" {
		by = shop.Settings.ReceiptBy
	}
	if by != "acquirer" && shops.RegisterByKey(shop.Settings.ReceiptBy) != nil {
		return shop.Settings.ReceiptBy
	}
	return by
}

// saleOf is the receipt as it was made for the attempt.
func saleOf(a store.Attempt) (r fiscal.Receipt, err error) {
	return r, json.Unmarshal([]byte(a.Receipt), &r)
}

// partOf is the sale's receipt for what was captured of it.
func partOf(a store.Attempt, captured money.Amount) (fiscal.Receipt, error) {
	r, err := saleOf(a)
	if err != nil || captured == r.Total() {
		return r, err
	}
	return r.Normalize(captured)
}

// returnOf is the return receipt (чек возврата) of a sum.
func returnOf(a store.Attempt, id string, returned, sum money.Amount) (fiscal.Receipt, error) {
	r, err := partOf(a, a.Captured)
	if err != nil {
		return r, err
	}
	selection := fiscal.Selection{ID: id, Returned: returned}
	if sum != r.Total() {
		selection.Sum = sum
	}
	return fiscal.Return(r, selection)
}

// countsPieces says whether the provider counts the pieces of a position that
// came back. A part of the price of one piece is then a part of the piece: the
// whole piece would leave nothing for the next refund.
func countsPieces(provider string) bool { return provider == "alfabank" }

// thousandth is the smallest quantity that every register knows.
const thousandth fiscal.Quantity = 1000

// byQuantity makes the only line of a return of sum a part of the piece, with
// the price that gives the sum exactly. used is what came back of the piece
// before; last takes all that is left of it.
func byQuantity(r fiscal.Receipt, total, sum money.Amount, used fiscal.Quantity, last bool) fiscal.Receipt {
	rest := fiscal.Pieces(1) - used
	q := fiscal.Quantity(int64(sum)*1000/int64(total)) * thousandth
	if q = max(min(q, rest-thousandth), thousandth); last {
		q = rest
	}
	line := r.Lines[0]
	line.Quantity, line.Price = q, money.Amount((int64(sum)*int64(fiscal.Pieces(1))+int64(q)/2)/int64(q))
	r.Lines = []fiscal.Line{line}
	return r
}

// receiptOfRefund is the return receipt that goes with the request of a
// refund. earlier are the attempt's refunds.
func receiptOfRefund(provider string, a store.Attempt, id string, left, sum money.Amount, earlier []store.Refund) (fiscal.Receipt, error) {
	r, err := returnOf(a, id, a.Captured-left, sum)
	if err != nil || !countsPieces(provider) || sum == a.Captured || len(r.Lines) != 1 {
		return r, err
	}
	var used fiscal.Quantity
	for _, e := range earlier {
		if e.Status == store.RefundFailed || e.Receipt == "" {
			continue
		}
		var before fiscal.Receipt
		if err := json.Unmarshal([]byte(e.Receipt), &before); err != nil {
			return r, err
		}
		used += before.Lines[0].Quantity
	}
	r = byQuantity(r, a.Captured, sum, used, sum == left)
	return r, r.Validate()
}

// receiptOfSale stores the receipt of what was captured, and queues it where a
// cash-register service prints it.
func (b *Service) receiptOfSale(ctx context.Context, tx *sql.Tx, shop store.Shop, a store.Attempt) error {
	if a.Receipt == "" {
		return nil
	}
	r, err := partOf(a, a.Captured)
	if err != nil {
		return err
	}
	return b.addReceipt(ctx, tx, shop, a, r)
}

func (b *Service) receiptOfReturn(ctx context.Context, tx *sql.Tx, shop store.Shop, a store.Attempt, returned, sum money.Amount) error {
	if a.Receipt == "" || (Printer(a, shop) == "acquirer" && !refundReceipts(shop.Provider)) {
		return nil
	}
	r, err := returnOf(a, fmt.Sprintf("%s-ret%d", shops.ReceiptID(shop.ID, a.OrderID), a.Refunded), returned, sum)
	if err != nil {
		return err
	}
	return b.addReceipt(ctx, tx, shop, a, r)
}

func (b *Service) addReceipt(ctx context.Context, tx *sql.Tx, shop store.Shop, a store.Attempt, r fiscal.Receipt) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	row := store.Receipt{AttemptID: a.ID, ReceiptID: r.ID, PrintedBy: Printer(a, shop), Type: int(r.Type), Total: r.Total(), Body: string(body)}
	added, err := b.Store.AddReceipt(ctx, tx, row)
	if err != nil || !added || shops.RegisterByKey(row.PrintedBy) == nil {
		return err
	}
	return b.Receipts.Enqueue(ctx, tx, registerName, r)
}

// printed hears from the queue, in its transaction, what became of a receipt.
func (b *Service) printed(ctx context.Context, tx *sql.Tx, item queue.Item) error {
	row, err := b.Store.ReceiptByNumber(ctx, tx, item.Receipt.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := b.Store.Attempt(ctx, tx, row.AttemptID)
	if err != nil {
		return err
	}
	event, text := "receipt.printed", "Чек напечатан: "+Rubles(row.Total)
	switch item.State {
	case queue.Printed:
		row.State, row.Trouble, row.PrintedAt = store.ReceiptPrinted, "", b.Store.Now()
		if item.Document != nil && item.Document.Fiscal != nil {
			data, err := json.Marshal(item.Document.Fiscal)
			if err != nil {
				return err
			}
			row.Fiscal = string(data)
		}
	case queue.Failed:
		event, text = "receipt.failed", "Чек не напечатан: "+item.LastError
		row.State, row.Trouble = store.ReceiptFailed, item.LastError
	default:
		event, text = "receipt.late", "Чек ждёт печати слишком долго: "+item.LastError
		row.Trouble = item.LastError
	}
	if err := b.Store.SaveReceipt(ctx, tx, row); err != nil {
		return err
	}
	return b.journal(ctx, tx, BySystem, event, a.InvoiceID, text, "", row.ReceiptID)
}

// RetryReceipt goes on with a receipt that failed, after its cause is gone.
func (b *Service) RetryReceipt(ctx context.Context, id int64, actor string) error {
	row, err := b.Store.Receipt(ctx, b.Store.DB, id)
	if err != nil {
		return err
	}
	a, err := b.Store.Attempt(ctx, b.Store.DB, row.AttemptID)
	if err != nil {
		return err
	}
	// The row moves first: the queue may have printed it before Retry returns.
	err = b.Store.InTx(ctx, func(tx *sql.Tx) error {
		again, err := b.Store.AgainReceipt(ctx, tx, id)
		if err != nil {
			return err
		}
		if !again {
			return problem("Этот чек уже печатается или напечатан")
		}
		return b.journal(ctx, tx, actor, "receipt.retry", a.InvoiceID, "Печать чека повторена", "", row.ReceiptID)
	})
	if err != nil || row.PrintedBy == "acquirer" {
		return err
	}
	if cause := b.Receipts.Retry(ctx, registerName, row.ReceiptID); cause != nil {
		if err := b.Store.FailReceipt(context.WithoutCancel(ctx), b.Store.DB, id, row.Trouble); err != nil {
			return err
		}
		t := shops.Russian(cause, nil)
		return &Problem{Text: t.Text, Detail: t.Detail}
	}
	return nil
}

// asks is how often an acquirer is asked for the fiscal data of a receipt, at
// growing intervals: some hours in all.
const asks = 24

// AskReceipts asks the acquirers for the receipts that are due.
func (b *Service) AskReceipts(ctx context.Context) error {
	rows, err := b.Store.ReceiptsToAsk(ctx, b.Store.DB, 20)
	if err != nil {
		return err
	}
	for _, row := range rows {
		a, err := b.Store.Attempt(ctx, b.Store.DB, row.AttemptID)
		if err != nil {
			return err
		}
		shop, err := b.Store.Shop(ctx, b.Store.DB, a.ShopID)
		if err != nil {
			return err
		}
		all, err := b.Store.Receipts(ctx, b.Store.DB, a.ID)
		if err != nil {
			return err
		}
		earlier := 0
		for _, other := range all {
			if other.ID < row.ID && other.Type == row.Type {
				earlier++
			}
		}
		data, err := b.Shops.FiscalData(ctx, shop, a.PaymentID, fiscal.Settlement(row.Type), row.Total, earlier)
		row.Asked++
		row.AskAt = b.Store.Now().Add(min(time.Duration(row.Asked*row.Asked)*2*time.Second, 30*time.Minute))
		switch {
		case err == nil && data != nil:
			text, err := json.Marshal(data)
			if err != nil {
				return err
			}
			row.State, row.Fiscal, row.Trouble, row.PrintedAt = store.ReceiptPrinted, string(text), "", b.Store.Now()
		case errors.Is(err, shops.ErrNoFiscalData):
			row.State, row.PrintedAt = store.ReceiptPrinted, b.Store.Now()
			row.Trouble = "Чек печатает провайдер и отправляет клиенту; фискальных данных через API он не даёт."
		case row.Asked >= asks:
			row.State, row.Trouble = store.ReceiptFailed, "Провайдер так и не сообщил о печати чека. Проверьте кассу в его кабинете."
		case err != nil:
			row.Trouble = shops.Russian(err, nil).Text
		}
		err = b.Store.InTx(ctx, func(tx *sql.Tx) error {
			if err := b.Store.SaveReceipt(ctx, tx, row); err != nil {
				return err
			}
			if row.State != store.ReceiptPrinted {
				return nil
			}
			return b.journal(ctx, tx, BySystem, "receipt.printed", a.InvoiceID, "Чек напечатан провайдером: "+Rubles(row.Total), "", row.ReceiptID)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
