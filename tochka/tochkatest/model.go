package tochkatest

import (
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// BIC is that of the bank (bankCode).
const BIC = "044525104"

// The emulated shop that Config belongs to, unless options say otherwise.
const (
	DefaultCustomerCode = "300777001"
	DefaultMerchantID   = "200000000004321"
	DefaultAccountID    = "40702810900000001234/" + BIC
	DefaultClientID     = "d3b07384d113edec49eaa6238ad5ff00"
	DefaultAppID        = "crm_app"
	DefaultAppSecret    = "crm-app-emulated-secret-91f4"
	DefaultRedirectURL  = "https://127.0.0.1:8443/callback"
)

// SandboxToken opens the sandbox; so does the older "working_token".
const SandboxToken = "sandbox.jwt.token"

// Company is a company, or a person, whom the bank's user sees (клиент).
type Company struct {
	CustomerCode string // nine characters
	Personal     bool   // customerType Personal: not for acquiring
	NonResident  bool
	TaxCode      string // ИНН
	KPP          string
	OGRN         string
	FullName     string
	ShortName    string
	Accounts     []Account
	Retailers    []Retailer
}

// Account is an account of a company (счёт).
type Account struct {
	ID      string // 20 digits, a slash, the BIC
	Balance money.Amount
	Blocked money.Amount // by card payments not yet booked
	Opened  time.Time
}

// Retailer is a retail point for internet acquiring (торговая точка).
type Retailer struct {
	MerchantID   string // 15 digits; "" in the first statuses
	TerminalID   string
	Name         string
	URL          string
	MCC          string
	Rate         string // the commission in percent: "2.6"
	Status       string // REG, NEW and the others; "": REG
	Inactive     bool
	PaymentModes []string // sbp, card, tinkoff, dolyame; nil: no link can be made
	Cashbox      string   // the cash register's partner; "": none
}

// usable says whether links can be made for it.
func (r Retailer) usable() bool { return r.Status == "REG" && !r.Inactive && r.MerchantID != "" }

// Key is a JWT key (JWT-ключ) of the internet bank.
type Key struct {
	ClientID    string    // "": made
	Token       string    // "": made
	Permissions []string  // nil: all
	Customers   []string  // codes of its companies; nil: all
	Expires     time.Time // zero: never
}

// App is an OAuth 2.0 application registered in the internet bank.
type App struct {
	ClientID     string
	ClientSecret string
	Name         string
	RedirectURL  string // must be met letter for letter
}

// Permissions are all names that a consent takes.
func Permissions() []string { return slices.Clone(permissions) }

var permissions = strings.Fields(`ReadAccountsBasic ReadAccountsDetail ReadBalances ReadStatements ReadTransactionsBasic
	ReadTransactionsCredits ReadTransactionsDebits ReadTransactionsDetail ReadCustomerData ReadSBPData EditSBPData
	CreatePaymentForSign CreatePaymentOrder ReadAcquiringData MakeAcquiringOperation ManageInvoiceData ManageWebhookData
	MakeCustomer ManageGuarantee`)

// permissionWords are what the authorise page says of each.
var permissionWords = map[string]string{
	"ReadAccountsBasic": "Список счетов", "ReadAccountsDetail": "Подробности счетов", "ReadBalances": "Балансы счетов",
	"ReadStatements": "Выписки", "ReadTransactionsBasic": "Операции по счетам", "ReadTransactionsCredits": "Поступления",
	"ReadTransactionsDebits": "Списания", "ReadTransactionsDetail": "Подробности операций", "ReadCustomerData": "Данные о компаниях",
	"ReadSBPData": "Данные СБП", "EditSBPData": "Работа с СБП: коды и возвраты", "CreatePaymentForSign": "Платежи на подпись",
	"CreatePaymentOrder": "Платёжные поручения", "ReadAcquiringData": "Данные интернет-эквайринга",
	"MakeAcquiringOperation": "Платёжные ссылки и возвраты", "ManageInvoiceData": "Счета и закрывающие документы",
	"ManageWebhookData": "Вебхуки", "MakeCustomer": "Партнёрам: клиенты", "ManageGuarantee": "Партнёрам: гарантии",
}

// defaultCompanies are a school with a working retail point and one that is
// being registered, and its owner as a person.
func (s *settings) defaultCompanies() []Company {
	point := Retailer{MerchantID: DefaultMerchantID, TerminalID: "20000432", Name: "Школа на Тверской", URL: "https://school.example.com", MCC: "8299",
		Rate: "2.6", PaymentModes: []string{"card", "sbp", "tinkoff", "dolyame"}, Cashbox: "businessRu"}
	if s.noCashbox {
		point.Cashbox = ""
	}
	if s.noSBP {
		point.PaymentModes = []string{"card", "tinkoff", "dolyame"}
	}
	return []Company{
		{CustomerCode: DefaultCustomerCode, TaxCode: "7701234567", KPP: "770101001", OGRN: "1157746000000", FullName: `ООО "Языковая школа"`, ShortName: `ООО "Школа"`,
			Accounts: []Account{{ID: DefaultAccountID, Balance: money.RUB(250000, 0), Opened: time.Date(2024, 2, 1, 6, 6, 6, 364e6, time.UTC)}},
			Retailers: []Retailer{point,
				{Status: "NEW", Inactive: true, MCC: "8299", Rate: "2.6", Name: "Филиал"}}},
		{CustomerCode: "300777000", Personal: true, FullName: "Иванов Иван Иванович"},
	}
}

// complete fills in what a company was left without.
func (c Company) complete() Company {
	c.Retailers, c.Accounts = slices.Clone(c.Retailers), slices.Clone(c.Accounts)
	if c.FullName == "" {
		c.FullName = "ООО " + c.CustomerCode
	}
	for i := range c.Retailers {
		r := &c.Retailers[i]
		if r.Status == "" {
			r.Status = "REG"
		}
		if r.Rate == "" {
			r.Rate = "2.6"
		}
		if r.MCC == "" {
			r.MCC = "8299"
		}
		if r.Name == "" {
			r.Name = c.FullName
		}
	}
	for i := range c.Accounts {
		if c.Accounts[i].Opened.IsZero() {
			c.Accounts[i].Opened = time.Date(2024, 2, 1, 6, 6, 6, 364e6, time.UTC)
		}
	}
	return c
}

func (c *Company) account(id string) *Account {
	for i := range c.Accounts {
		if c.Accounts[i].ID == id {
			return &c.Accounts[i]
		}
	}
	return nil
}

func (c *Company) retailer(merchantID string) *Retailer {
	for i := range c.Retailers {
		if c.Retailers[i].MerchantID == merchantID {
			return &c.Retailers[i]
		}
	}
	return nil
}
