package tochka

import (
	"fmt"

	"github.com/acquiring-go/acquiring"
)

// Permission is one permission of a consent or a JWT key (разрешение).
type Permission string

// The permissions that the bank takes.
const (
	ReadCustomerData        Permission = "ReadCustomerData" // companies; needed to learn customerCode
	ReadAccountsBasic       Permission = "ReadAccountsBasic"
	ReadAccountsDetail      Permission = "ReadAccountsDetail"
	ReadBalances            Permission = "ReadBalances"
	ReadStatements          Permission = "ReadStatements"
	ReadTransactionsBasic   Permission = "ReadTransactionsBasic"
	ReadTransactionsCredits Permission = "ReadTransactionsCredits"
	ReadTransactionsDebits  Permission = "ReadTransactionsDebits"
	ReadTransactionsDetail  Permission = "ReadTransactionsDetail"
	ReadSBPData             Permission = "ReadSBPData"
	EditSBPData             Permission = "EditSBPData" // QR codes, SBP refunds
	CreatePaymentForSign    Permission = "CreatePaymentForSign"
	CreatePaymentOrder      Permission = "CreatePaymentOrder"
	ReadAcquiringData       Permission = "ReadAcquiringData"
	MakeAcquiringOperation  Permission = "MakeAcquiringOperation" // payment links, refunds, charges
	ManageInvoiceData       Permission = "ManageInvoiceData"
	ManageWebhookData       Permission = "ManageWebhookData"
	MakeCustomer            Permission = "MakeCustomer"    // for the bank's partners
	ManageGuarantee         Permission = "ManageGuarantee" // for the bank's partners
)

// Permissions are all names that the bank takes in a consent. One name that it
// does not know refuses the whole consent.
func Permissions() []Permission {
	return []Permission{ReadAccountsBasic, ReadAccountsDetail, ReadBalances, ReadStatements, ReadTransactionsBasic, ReadTransactionsCredits,
		ReadTransactionsDebits, ReadTransactionsDetail, ReadCustomerData, ReadSBPData, EditSBPData, CreatePaymentForSign, CreatePaymentOrder,
		ReadAcquiringData, MakeAcquiringOperation, ManageInvoiceData, ManageWebhookData, MakeCustomer, ManageGuarantee}
}

// DefaultPermissions are what taking payments needs: companies, accounts, retail
// points, payment links, SBP codes and webhooks.
func DefaultPermissions() []Permission {
	return []Permission{ReadCustomerData, ReadAccountsBasic, ReadAcquiringData, MakeAcquiringOperation, ReadSBPData, EditSBPData, ManageWebhookData}
}

// DefaultScopes are the scopes that [OAuth] asks for unless its Config names
// others: all that this package has methods for.
func DefaultScopes() []string {
	return []string{"accounts", "balances", "customers", "statements", "sbp", "payments", "acquiring"}
}

// Valid says whether the bank takes the name in a consent.
func (p Permission) Valid() bool {
	for _, known := range Permissions() {
		if p == known {
			return true
		}
	}
	return false
}

// checkPermissions names the first that the bank would refuse.
func checkPermissions(field string, list []Permission) error {
	for _, p := range list {
		if !p.Valid() {
			return acquiring.Invalid(field, fmt.Sprintf("has %q, which the bank does not know: one such name refuses the whole consent", p))
		}
	}
	return nil
}
