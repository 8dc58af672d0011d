package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// TestClientIsNotToldTheShopsTroubles: what is wrong with the shop's account is
// for the staff; the client hears that he can pay later.
func TestClientIsNotToldTheShopsTroubles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	refused := func(i string, staff string, invoice int64) {
		code, body, _ := newVisitor(t, w.url).send("/p/"+i, "/p/"+i+"/pay", nil)
		require.Equal(t, http.StatusUnprocessableEntity, code)
		text := plain(body)
		require.Contains(t, text, "Сейчас оплатить не получается")
		for _, inner := range []string{"логин", "парол", "ключ", "Ответ:", "код", "адрес", "Чек составлен"} {
			require.NotContains(t, text, inner)
		}
		require.Contains(t, plain(w.staff.get(fmt.Sprintf("/invoices/%d", invoice))), staff)
	}
	shop, client := w.shop("sberbank"), w.client("Анна Котова")
	i := w.invoice(client, shop, "500")
	secrets, err := w.shops.Secrets(shop)
	require.NoError(t, err)
	secrets["password"] = "not-the-password"
	changed := shop
	changed.Secrets, err = w.shops.Seal(shop.ID, secrets)
	require.NoError(t, err)
	require.NoError(t, w.store.SaveShop(t.Context(), w.store.DB, changed))
	refused(i.Short, "Провайдер не принял логин, пароль или ключ", i.ID)
	require.NoError(t, w.store.SaveShop(t.Context(), w.store.DB, shop))
	// The bank is down.
	w.bank.Sberbank.Fail(emulator.Fault{Op: "register.do", Kind: emulator.RateLimit, Times: -1})
	refused(i.Short, "Провайдер просит подождать", i.ID)
	w.bank.Sberbank.ClearFaults()
	// The receipt cannot be made: nobody has told the client's address.
	changed = shop
	changed.Settings.ReceiptBy, changed.Settings.VAT = "acquirer", "vat99"
	require.NoError(t, w.store.SaveShop(t.Context(), w.store.DB, changed))
	refused(i.Short, "Чек составлен неверно", i.ID)
	require.NoError(t, w.store.SaveShop(t.Context(), w.store.DB, shop))
	w.pay(i, shop)
	w.until(i.ID, "paid")
}
