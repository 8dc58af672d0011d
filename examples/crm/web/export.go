package web

import (
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/money"
)

// export gives a table as CSV for a spreadsheet: UTF-8 with a byte order mark,
// semicolons between the columns, decimal commas.
func (s *Site) export(w http.ResponseWriter, r *http.Request) error {
	var rows [][]string
	what := r.PathValue("what")
	switch what {
	case "postings.csv":
		to := day(r.FormValue("to"))
		if !to.IsZero() {
			to = to.AddDate(0, 0, 1)
		}
		list, err := s.Store.Postings(r.Context(), s.Store.DB, store.PostingFilter{From: day(r.FormValue("from")), To: to})
		if err != nil {
			return err
		}
		rows = append(rows, []string{"Дата", "Клиент", "Вид", "Сумма, ₽", "Касса", "Тип платежа", "Статья", "Счёт", "Примечание", "Кто"})
		for _, p := range list {
			rows = append(rows, []string{stamp(p.CreatedAt, "02.01.2006 15:04:05"), p.ClientName, kindText(p.Kind), decimal(p.Amount), p.CashDeskName, p.PayTypeName, p.ArticleName, optional(p.InvoiceID), p.Note, p.Author})
		}
	case "invoices.csv":
		list, err := s.Store.Invoices(r.Context(), s.Store.DB, store.InvoiceFilter{})
		if err != nil {
			return err
		}
		rows = append(rows, []string{"Счёт", "Создан", "Клиент", "Магазин", "Назначение", "Сумма, ₽", "Статус", "Получено, ₽", "Возвращено, ₽", "Оплачен"})
		for _, i := range list {
			rows = append(rows, []string{optional(i.ID), stamp(i.CreatedAt, "02.01.2006 15:04:05"), i.ClientName, i.ShopName, i.Description, decimal(i.Amount), billing.StatusText(i.Status), decimal(i.Captured), decimal(i.Refunded), dateOr(i.PaidAt)})
		}
	default:
		return store.ErrNotFound
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+what+`"`)
	return writeCSV(w, rows)
}

func writeCSV(w io.Writer, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	c.Comma, c.UseCRLF = ';', true
	for _, row := range rows {
		for i, cell := range row {
			row[i] = harmless(cell)
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// harmless keeps a spreadsheet from taking a client's text for a formula. Sums
// may begin with a minus: they are digits and a comma.
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n|%", rune(cell[0])) {
		return cell
	}
	if strings.Trim(cell, "-0123456789,") == "" {
		return cell
	}
	return "'" + cell
}

func decimal(a money.Amount) string { return strings.Replace(a.String(), ".", ",", 1) }

func optional(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

func dateOr(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t, "02.01.2006 15:04:05")
}

func kindText(kind string) string {
	return map[string]string{store.PostedPayment: "Оплата", store.PostedRefund: "Возврат", store.PostedCharge: "Списание"}[kind]
}
