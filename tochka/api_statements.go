package tochka

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Statement is a statement of an account (выписка). The bank makes it in its
// own time and keeps it for a day.
type Statement struct {
	AccountID    string          `json:"accountId"`
	StatementID  Text            `json:"statementId"`
	Status       StatementStatus `json:"status"`
	From         Date            `json:"startDateTime"`
	To           Date            `json:"endDateTime"`
	CreatedAt    Time            `json:"creationDateTime"`
	StartBalance Sum             `json:"startDateBalance"`
	EndBalance   Sum             `json:"endDateBalance"`
	Transactions []Transaction   `json:"Transaction"`
}

// StatementStatus is how far a statement is.
type StatementStatus string

// The statuses of a statement.
const (
	StatementCreated    StatementStatus = "Created"
	StatementProcessing StatementStatus = "Processing"
	StatementError      StatementStatus = "Error"
	StatementReady      StatementStatus = "Ready"
)

// Transaction is a line of a statement.
type Transaction struct {
	TransactionID   Text            `json:"transactionId"`
	PaymentID       Text            `json:"paymentId"`            // the same as in the webhooks
	Side            string          `json:"creditDebitIndicator"` // Credit: money came
	Status          string          `json:"status"`               // Booked or Pending
	DocumentNumber  Text            `json:"documentNumber"`
	Type            string          `json:"transactionTypeCode"` // Платёжное поручение, …
	Date            Date            `json:"documentProcessDate"`
	Description     string          `json:"description"`
	Amount          Money           `json:"Amount"`
	DebtorParty     Party           `json:"DebtorParty"`
	DebtorAccount   PartyAccount    `json:"DebtorAccount"`
	DebtorAgent     PartyAccount    `json:"DebtorAgent"`
	CreditorParty   Party           `json:"CreditorParty"`
	CreditorAccount PartyAccount    `json:"CreditorAccount"`
	CreditorAgent   PartyAccount    `json:"CreditorAgent"`
	TaxFields       json.RawMessage `json:"TaxFields"`
}

// Party is a side of a transaction.
type Party struct {
	INN  string `json:"inn"`
	Name string `json:"name"`
	KPP  string `json:"kpp"`
}

// PartyAccount is a side's account or bank.
type PartyAccount struct {
	SchemeName            string `json:"schemeName"`
	Identification        string `json:"identification"`
	AccountIdentification string `json:"accountIdentification"`
	Name                  string `json:"name"`
}

// CreateStatement orders a statement (POST statements; ReadStatements).
func (c *Client) CreateStatement(ctx context.Context, account string, from, to Date) (*Statement, error) {
	const op = "statements.create"
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	if from == "" || to == "" || !from.valid() || !to.valid() {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("from", "or to is not YYYY-MM-DD; the bank refuses a time of day"))
	}
	type period struct {
		AccountID string `json:"accountId"`
		From      Date   `json:"startDateTime"`
		To        Date   `json:"endDateTime"`
	}
	body := dataOf[any]{struct{ Statement period }{period{account, from, to}}}
	var out oneOf[Statement]
	if _, err := c.call(ctx, post(op, body, "open-banking/v1.0/statements"), &out); err != nil {
		return nil, err
	}
	return out.pick(c, op, out.Statement)
}

// Statement reads a statement (GET accounts/{accountId}/statements/{statementId}).
func (c *Client) Statement(ctx context.Context, account, statementID string) (*Statement, error) {
	const op = "statements.get"
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	var out oneOf[Statement]
	r := c.withAccount(get(op), "open-banking/v1.0/accounts/", account, "/statements/"+url.PathEscape(statementID))
	if _, err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return out.pick(c, op, out.Statement)
}

// Statements lists the last statements ordered (GET statements); limit 0 is
// the bank's 5.
func (c *Client) Statements(ctx context.Context, limit int) ([]Statement, error) {
	r := get("statements.list", "open-banking/v1.0/statements")
	if limit > 0 {
		r.query = url.Values{"limit": {strconv.Itoa(limit)}}
	}
	var data struct{ Statement []Statement }
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Statement, nil
}

// WaitStatement orders a statement and waits until it is ready. Give a context
// with a deadline.
func (c *Client) WaitStatement(ctx context.Context, account string, from, to Date) (*Statement, error) {
	s, err := c.CreateStatement(ctx, account, from, to)
	if err != nil {
		return nil, err
	}
	for {
		if s, err = c.Statement(ctx, account, string(s.StatementID)); err != nil {
			return nil, err
		}
		switch s.Status {
		case StatementReady:
			return s, nil
		case StatementError:
			return nil, &acquiring.Error{Provider: provider, Op: "statements.get", Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeRejected, Message: "the bank could not make the statement", Hint: "order it again"}
		}
		timer := time.NewTimer(pollEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, &acquiring.Error{Provider: provider, Op: "statements.get", Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown, Message: "the statement was not ready in time", Err: ctx.Err()}
		case <-timer.C:
		}
	}
}
