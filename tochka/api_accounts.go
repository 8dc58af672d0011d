package tochka

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
)

// Customer is a company, or the person himself (клиент банка).
type Customer struct {
	CustomerCode string       `json:"customerCode"` // nine characters
	CustomerType CustomerType `json:"customerType"`
	IsResident   Bool         `json:"isResident"`
	TaxCode      string       `json:"taxCode"` // ИНН
	FullName     string       `json:"fullName"`
	ShortName    string       `json:"shortName"`
	KPP          string       `json:"kpp"`
	OGRN         string       `json:"customerOgrn"`
}

// CustomerType is what a customer is. Only a Business takes payments.
type CustomerType string

// The types of customers.
const (
	CustomerBusiness CustomerType = "Business" // a company: the one whose code is Config.CustomerCode
	CustomerPersonal CustomerType = "Personal" // a natural person: takes no payments
)

// Customers lists what the key sees (GET customers; ReadCustomerData).
func (c *Client) Customers(ctx context.Context) ([]Customer, error) {
	var data struct{ Customer []Customer }
	r := get("customers.list", "open-banking/v1.0/customers")
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Customer, nil
}

// Customer reads one (GET customers/{customerCode}).
func (c *Client) Customer(ctx context.Context, customerCode string) (*Customer, error) {
	var out oneOf[Customer]
	r := get("customers.get", "open-banking/v1.0/customers/", customerCode)
	r.company = customerCode
	if _, err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return out.pick(c, r.op, out.Customer)
}

// oneOf is one object, or a list of one under its own name: the manual shows
// the former, some answers have the latter.
type oneOf[T any] struct {
	whole                        T
	Customer, Account, Statement []T
}

func (o *oneOf[T]) UnmarshalJSON(b []byte) error {
	var lists struct{ Customer, Account, Statement json.RawMessage }
	if err := json.Unmarshal(b, &lists); err != nil {
		return err
	}
	for _, l := range []struct {
		raw  json.RawMessage
		into *[]T
	}{{lists.Customer, &o.Customer}, {lists.Account, &o.Account}, {lists.Statement, &o.Statement}} {
		if len(l.raw) == 0 {
			continue
		}
		if l.raw[0] == '[' {
			return json.Unmarshal(l.raw, l.into)
		}
		var one T
		if l.raw[0] == '{' {
			err := json.Unmarshal(l.raw, &one)
			*l.into = []T{one}
			return err
		}
	}
	return json.Unmarshal(b, &o.whole)
}

// pick is the only one of the list, or the whole where there is no list.
func (o *oneOf[T]) pick(c *Client, op string, list []T) (*T, error) {
	switch {
	case list == nil:
		return &o.whole, nil
	case len(list) == 1:
		return &list[0], nil
	}
	return nil, c.nonsense(op, "the answer is not about one object")
}

// Account is an account (счёт).
type Account struct {
	CustomerCode     string          `json:"customerCode"`
	AccountID        string          `json:"accountId"` // 20 digits, slash, BIC
	Status           AccountStatus   `json:"status"`
	StatusUpdatedAt  Time            `json:"statusUpdateDateTime"`
	Currency         string          `json:"currency"`
	AccountType      CustomerType    `json:"accountType"`
	AccountSubType   string          `json:"accountSubType"` // CurrentAccount, Special, Savings, …
	RegistrationDate Date            `json:"registrationDate"`
	TransitAccount   string          `json:"transitAccount"`
	Details          []AccountDetail `json:"accountDetails"`
}

// AccountStatus is where an account stands.
type AccountStatus string

// The statuses of an account.
const (
	AccountEnabled  AccountStatus = "Enabled"
	AccountDisabled AccountStatus = "Disabled"
	AccountDeleted  AccountStatus = "Deleted"
	AccountProForma AccountStatus = "ProForma"
	AccountPending  AccountStatus = "Pending"
)

// AccountDetail is a number of an account in one scheme.
type AccountDetail struct {
	SchemeName     string `json:"schemeName"` // RU.CBR.BBAN, …
	Identification string `json:"identification"`
	Name           string `json:"name"`
}

// Number and BIC are the two parts of AccountID.
func (a Account) Number() string { n, _, _ := strings.Cut(a.AccountID, "/"); return n }

// BIC is the bank's code in AccountID.
func (a Account) BIC() string { _, b, _ := strings.Cut(a.AccountID, "/"); return b }

// Accounts lists the accounts that the key sees (GET accounts;
// ReadAccountsBasic).
func (c *Client) Accounts(ctx context.Context) ([]Account, error) {
	return c.accounts(ctx, "")
}

func (c *Client) accounts(ctx context.Context, company string) ([]Account, error) {
	var data struct{ Account []Account }
	r := get("accounts.list", "open-banking/v1.0/accounts")
	r.company = company
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Account, nil
}

// Account reads one account (GET accounts/{accountId}).
func (c *Client) Account(ctx context.Context, account string) (*Account, error) {
	const op = "accounts.get"
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	var out oneOf[Account]
	if _, err := c.call(ctx, c.withAccount(get(op), "open-banking/v1.0/accounts/", account, ""), &out); err != nil {
		return nil, err
	}
	return out.pick(c, op, out.Account)
}

func checkAccount(op, account string) error {
	if accountID(account) {
		return nil
	}
	return acquiring.InOp(provider, op, acquiring.Invalid("accountId", "is not an account and a BIC with a slash between: 40702810900000001234/044525104"))
}

// Money is a sum with its currency.
type Money struct {
	Amount   Sum    `json:"amount"`
	National *Sum   `json:"amountNat"` // in roubles, in statements
	Currency string `json:"currency"`
}

// Balance is one of an account's balances (остаток).
type Balance struct {
	AccountID string      `json:"accountId"`
	Side      string      `json:"creditDebitIndicator"` // Credit or Debit
	Type      BalanceType `json:"type"`
	At        Time        `json:"dateTime"`
	Amount    Money       `json:"Amount"`
}

// BalanceType is which balance it is.
type BalanceType string

// The balances of an account.
const (
	BalanceOpening   BalanceType = "OpeningAvailable"   // at the beginning of the day
	BalanceAvailable BalanceType = "ClosingAvailable"   // what can be spent
	BalanceBlocked   BalanceType = "Expected"           // blocked
	BalanceOverdraft BalanceType = "OverdraftAvailable" // with the overdraft
)

// Balances are those of all accounts (GET balances; ReadBalances).
func (c *Client) Balances(ctx context.Context) ([]Balance, error) {
	return c.balances(ctx, get("balances.list", "open-banking/v1.0/balances"))
}

// AccountBalances are those of one account (GET accounts/{accountId}/balances).
func (c *Client) AccountBalances(ctx context.Context, account string) ([]Balance, error) {
	const op = "accounts.balances"
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	return c.balances(ctx, c.withAccount(get(op), "open-banking/v1.0/accounts/", account, "/balances"))
}

func (c *Client) balances(ctx context.Context, r request) ([]Balance, error) {
	var data struct{ Balance []Balance }
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Balance, nil
}

// CardTransaction is a payment by the company's own card that is not booked
// yet.
type CardTransaction struct {
	AccountID     string `json:"accountId"`
	PAN           string `json:"pan"` // masked
	At            Time   `json:"dateTime"`
	Amount        Money  `json:"Amount"`
	AccountAmount Money  `json:"AccountAmount"`
	Terminal      struct {
		City     string `json:"city"`
		Location string `json:"location"`
		Owner    string `json:"owner"`
	} `json:"TerminalData"`
}

// AuthorizedCardTransactions are the card payments of an account that are not
// booked yet (GET accounts/{accountId}/authorized-card-transactions).
func (c *Client) AuthorizedCardTransactions(ctx context.Context, account string) ([]CardTransaction, error) {
	const op = "accounts.card_transactions"
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	var data struct{ Transactions []CardTransaction }
	if _, err := c.call(ctx, c.withAccount(get(op), "open-banking/v1.0/accounts/", account, "/authorized-card-transactions"), &data); err != nil {
		return nil, err
	}
	return data.Transactions, nil
}

// TransferRequest is an outgoing payment that a person signs in the internet
// bank (платёж на подпись).
type TransferRequest struct {
	AccountCode             string `json:"accountCode"` // 20 digits
	BankCode                string `json:"bankCode"`    // nine digits
	PayerINN                string `json:"payerINN,omitempty"`
	PayerKPP                string `json:"payerKPP,omitempty"`
	CounterpartyBankBIC     string `json:"counterpartyBankBic"`
	CounterpartyAccount     string `json:"counterpartyAccountNumber"`
	CounterpartyINN         string `json:"counterpartyINN,omitempty"`
	CounterpartyKPP         string `json:"counterpartyKPP,omitempty"`
	CounterpartyName        string `json:"counterpartyName"`
	CounterpartyCorrAccount string `json:"counterpartyBankCorrAccount,omitempty"`
	Amount                  Sum    `json:"paymentAmount"`
	Date                    Date   `json:"paymentDate"`               // not after today in Moscow
	Number                  int    `json:"paymentNumber,omitempty"`   // 1 to 999999
	Priority                string `json:"paymentPriority,omitempty"` // "5"
	Purpose                 string `json:"paymentPurpose"`            // at most 210 characters, no em dash
	CodePurpose             string `json:"codePurpose,omitempty"`
	SupplierBillID          string `json:"supplierBillId,omitempty"`
	BudgetPaymentCode       string `json:"budgetPaymentCode,omitempty"`
	Email                   string `json:"email,omitempty"`
	TaxDocumentDate         string `json:"taxInfoDocumentDate,omitempty"`
	TaxDocumentNumber       string `json:"taxInfoDocumentNumber,omitempty"`
	TaxKBK                  string `json:"taxInfoKBK,omitempty"`
	TaxOKATO                string `json:"taxInfoOKATO,omitempty"`
	TaxPeriod               string `json:"taxInfoPeriod,omitempty"`
	TaxReasonCode           string `json:"taxInfoReasonCode,omitempty"`
	TaxStatus               string `json:"taxInfoStatus,omitempty"`
}

// TransferCreated is where a transfer is to be signed.
type TransferCreated struct {
	RequestID   string `json:"requestId"`
	RedirectURL string `json:"redirectURL"`
}

// CreateTransfer prepares an outgoing payment for signing (POST for-sign;
// CreatePaymentForSign).
func (c *Client) CreateTransfer(ctx context.Context, r TransferRequest) (*TransferCreated, error) {
	const op = "payments.for_sign"
	if strings.ContainsRune(r.Purpose, '—') {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Purpose", "has an em dash, which the bank refuses"))
	}
	var out TransferCreated
	if _, err := c.call(ctx, post(op, dataOf[TransferRequest]{r}, "payment/v1.0/for-sign"), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// Transfer is a payment that waits to be signed.
type Transfer struct {
	AccountCode         string `json:"accountCode"`
	BankCode            string `json:"bankCode"`
	CounterpartyBankBIC string `json:"counterpartyBankBic"`
	CounterpartyAccount string `json:"counterpartyAccountNumber"`
	CounterpartyINN     string `json:"counterpartyINN"`
	CounterpartyKPP     string `json:"counterpartyKPP"`
	CounterpartyName    string `json:"counterpartyName"`
	Amount              Sum    `json:"paymentAmount"`
	Date                Date   `json:"paymentDate"`
	Number              Text   `json:"paymentNumber"`
	Purpose             string `json:"paymentPurpose"`
	PayerINN            string `json:"payerINN"`
	PayerKPP            string `json:"payerKPP"`
	Priority            Text   `json:"paymentPriority"`
}

// Transfers lists the payments that wait to be signed (GET for-sign).
func (c *Client) Transfers(ctx context.Context) ([]Transfer, error) {
	const op = "payments.for_sign.list"
	company, err := c.company(op)
	if err != nil {
		return nil, err
	}
	r := get(op, "payment/v1.0/for-sign")
	r.query = url.Values{"customerCode": {company}}
	var data struct{ Payment []Transfer }
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.Payment, nil
}

// TransferStatus is what became of a prepared payment.
type TransferStatus struct {
	RequestID string            `json:"requestId"`
	Status    string            `json:"status"` // WaitingForCreate, Created, Paid, Canceled, Rejected
	Errors    []json.RawMessage `json:"errors"`
}

// TransferStatus reads what became of a prepared payment (GET
// status/{requestId}).
func (c *Client) TransferStatus(ctx context.Context, requestID string) (*TransferStatus, error) {
	var out TransferStatus
	if _, err := c.call(ctx, get("payments.for_sign.status", "payment/v1.0/status/", requestID), &out); err != nil {
		return nil, err
	}
	return &out, nil
}
