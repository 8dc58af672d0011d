package shops

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/sberbank"
)

// ErrNoFiscalData says that the provider prints receipts but does not tell
// their fiscal data.
var ErrNoFiscalData = errors.New("the provider does not tell the fiscal data")

// FiscalData reads what the provider's cash register printed for a payment:
// nil while nothing is printed yet. earlier are the receipts of the same kind
// that the payment had before this one: the provider names them by nothing but
// their order.
func (r *Registry) FiscalData(ctx context.Context, shop store.Shop, id acquiring.PaymentID, kind fiscal.Settlement, total money.Amount, earlier int) (*fiscal.FiscalData, error) {
	all, err := r.documents(ctx, shop, id, kind, total)
	if err != nil || earlier >= len(all) {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b *fiscal.FiscalData) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(len(a.FD), len(b.FD)), strings.Compare(a.FD, b.FD))
	})
	return all[earlier], nil
}

// documents are the printed receipts of a kind.
func (r *Registry) documents(ctx context.Context, shop store.Shop, id acquiring.PaymentID, kind fiscal.Settlement, total money.Amount) (all []*fiscal.FiscalData, err error) {
	bank, err := r.Acquirer(shop)
	if err != nil {
		return nil, err
	}
	back := kind.Return()
	switch c := bank.(type) {
	case *sberbank.Client:
		answer, err := c.GetReceiptStatus(ctx, sberbank.ReceiptQuery{OrderID: string(id)})
		if err != nil {
			return nil, waiting(err)
		}
		for _, s := range answer.Receipts {
			if s.IsRefund() == back && s.Payload.DocumentNumber != "" {
				all = append(all, printed(kind, total, s.Payload.FN, s.Payload.DocumentNumber, s.Payload.DocumentAttribute, s.Payload.RegistrationNumber, s.Payload.URL, s.Payload.Time))
			}
		}
		for _, s := range answer.Legacy {
			if (s.Status.Value >= 3) == back && s.DocumentNumber != "" {
				all = append(all, printed(kind, total, s.FN, s.DocumentNumber, s.DocumentAttribute, s.RegistrationNumber, s.URL, s.Time))
			}
		}
		return all, nil
	case *alfabank.Client:
		answer, err := c.GetReceiptStatus(ctx, alfabank.ReceiptQuery{OrderID: string(id)})
		if err != nil {
			return nil, waiting(err)
		}
		for _, s := range answer.Receipts {
			if (s.Status.Value >= 3) == back && s.DocumentNumber != "" {
				at := s.Time
				if at.IsZero() {
					at = s.OtherTime
				}
				all = append(all, printed(kind, total, s.FN, s.DocumentNumber, s.DocumentAttribute, s.RegistrationNumber, s.URL, at))
			}
		}
		return all, nil
	case *paykeeper.Acquirer:
		payment, err := c.PaymentOf(ctx, id)
		if err != nil {
			return nil, waiting(err)
		}
		receipts, err := c.Client().PaymentReceipts(ctx, payment)
		if err != nil {
			return nil, waiting(err)
		}
		for _, s := range receipts {
			if (s.Type == "refund") == back && s.FD != "" {
				all = append(all, &fiscal.FiscalData{FN: s.FN, FD: s.FD, FP: s.FP, RegNumber: s.RegNumber, Time: s.Time, Total: total, Type: kind})
			}
		}
		return all, nil
	}
	return nil, ErrNoFiscalData
}

// waiting takes "no receipt yet" for no error.
func waiting(err error) error {
	if errors.Is(err, acquiring.ErrNotFound) {
		return nil
	}
	return err
}

func printed(kind fiscal.Settlement, total money.Amount, fn, fd, fp, kkt, url rbs.Text, at rbs.Time) *fiscal.FiscalData {
	d := &fiscal.FiscalData{FN: string(fn), FD: string(fd), FP: string(fp), RegNumber: string(kkt), URL: string(url), Total: total, Type: kind}
	if !at.IsZero() {
		d.Time = at.In(time.FixedZone("MSK", 3*60*60))
	}
	return d
}
