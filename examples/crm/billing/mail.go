package billing

import (
	"context"
	"database/sql"

	"github.com/acquiring-go/acquiring/examples/crm/store"
)

// notify tells the shop's address of a payment. It is written in the
// transaction of the posting, so it is told if and only if that is stored.
func (b *Service) notify(ctx context.Context, tx *sql.Tx, shop store.Shop, subject, text string) error {
	if shop.Settings.NotifyEmail == "" {
		return nil
	}
	return b.Store.AddMail(ctx, tx, store.Mail{To: shop.Settings.NotifyEmail, Subject: subject, Text: text})
}
