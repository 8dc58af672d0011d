package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// A provider sends its notification twice, and somebody else forges one.
func ExampleHandler() {
	bank := newBank("school") // in your program: sberbank.New(…) and so on
	bank.set("7f1a", "A-7", acquiring.StatusPaid, money.RUB(1499, 90))

	handler := webhook.Handler(bank, func(ctx context.Context, e webhook.Event) error {
		if e.Payment.Status == acquiring.StatusPaid {
			fmt.Println("credit order", e.Payment.OrderID, "with", e.Payment.Captured)
		}
		return nil // anything else makes the provider send again
	}, quiet)

	answer := func(r *http.Request) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	answer(bank.notify("id", "7f1a", "order", "A-7", "status", "paid"))
	answer(bank.notify("id", "7f1a", "order", "A-7", "status", "paid"))
	answer(httptest.NewRequest(http.MethodPost, "/", strings.NewReader("id=7f1a&status=paid&sign=00")))
	// Output:
	// credit order A-7 with 1499.90
	// 200 OK
	// 200 OK
	// 403 Forbidden
}

// Many shops behind one address: the shop's name is in the path.
func ExampleHandlerFor() {
	shops := map[string]acquiring.Acquirer{"school": newBank("school"), "pool": newBank("pool")}
	shops["school"].(*bank).set("1", "A-1", acquiring.StatusPaid, money.RUB(100, 0))

	mux := http.NewServeMux()
	mux.Handle("POST /hooks/{shop}", webhook.HandlerFor(func(r *http.Request) (acquiring.Acquirer, error) {
		if a, ok := shops[r.PathValue("shop")]; ok {
			return a, nil
		}
		return nil, errors.New("no such shop")
	}, func(ctx context.Context, e webhook.Event) error {
		fmt.Println(e.Key)
		return nil
	}, quiet))

	for _, shop := range []string{"school", "pool", "bank"} {
		r := shops["school"].(*bank).notify("id", "1", "status", "paid")
		r.URL.Path = "/hooks/" + shop
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(shop, w.Code)
	}
	// Output:
	// bank/school/1/paid
	// school 200
	// pool 403
	// bank 404
}

// An order of another sum, or one that was sold meanwhile, is refused before
// the customer pays.
func ExampleQuestion() {
	bank := newBank("school")
	orders := map[string]money.Amount{"A-7": money.RUB(1499, 90)}
	handler := webhook.Handler(bank, func(context.Context, webhook.Event) error { return nil }, quiet,
		webhook.Question(func(ctx context.Context, e webhook.Event) error {
			if orders[e.Callback.OrderID] != e.Callback.Amount {
				return webhook.Refuse("another sum")
			}
			return nil
		}))
	for _, kopecks := range []string{"149990", "100"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, bank.notify("kind", "question", "order", "A-7", "amount", kopecks))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 YES
	// 200 NO
}

// The payment whose callback never came is found by the Poller; a callback
// that comes after all finds it processed.
func ExamplePoller() {
	bank := newBank("school")
	bank.set("7f1a", "A-7", acquiring.StatusPaid, money.RUB(1499, 90))

	inbox := webhook.NewMemoryInbox(0) // one for both
	credited := make(chan struct{})
	process := func(ctx context.Context, e webhook.Event) error {
		fmt.Println(e.Source, "credits", e.Payment.Captured)
		close(credited)
		return nil
	}
	poller := &webhook.Poller{
		Inbox:   inbox,
		Process: process,
		Pending: func(ctx context.Context) iter.Seq2[webhook.Pending, error] {
			// In your program: SELECT … FROM orders WHERE status = 'pending'.
			return func(yield func(webhook.Pending, error) bool) {
				yield(webhook.Pending{Acquirer: bank, ID: "7f1a", Status: acquiring.StatusPending, Since: time.Now().Add(-time.Hour)}, nil)
			}
		},
		Observe: func(context.Context, webhook.Observation) {},
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := poller.Run(ctx); err != nil {
			fmt.Println(err)
		}
	})
	<-credited
	stop()
	running.Wait()

	w := httptest.NewRecorder()
	webhook.Handler(bank, process, webhook.WithInbox(inbox), quiet).ServeHTTP(w, bank.notify("id", "7f1a", "status", "paid"))
	fmt.Println("the callback is answered", w.Code, w.Body)
	// Output:
	// poller credits 1499.90
	// the callback is answered 200 OK
}
