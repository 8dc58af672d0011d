package tochkatest

// Names of the methods, for Fault.Op, Trouble.Op and Exchange.Op. Those of the
// addresses outside the API are OpToken, OpAuthorize, OpIntrospect and OpPage.
const (
	OpToken      = "connect.token"
	OpAuthorize  = "connect.authorize"
	OpIntrospect = "connect.introspect"
	OpPage       = "page"

	OpConsentCreate = "consent.create"
	OpConsents      = "consents"
	OpConsent       = "consent"
	OpConsentChild  = "consent.child"

	OpCustomers        = "customers"
	OpCustomer         = "customer"
	OpAccounts         = "accounts"
	OpAccount          = "account"
	OpBalances         = "balances"
	OpAccountBalances  = "account.balances"
	OpCardTransactions = "account.card-transactions"
	OpStatementCreate  = "statement.create"
	OpStatements       = "statements"
	OpStatement        = "statement"
	OpForSign          = "for-sign"
	OpForSignList      = "for-sign.list"
	OpForSignStatus    = "for-sign.status"

	OpRetailers = "retailers"
	OpCreate    = "payments.create" // with and without receipt
	OpGet       = "payments.get"
	OpList      = "payments.list"
	OpCapture   = "payments.capture"
	OpRefund    = "payments.refund"
	OpRegistry  = "registry"

	OpSubscribe          = "subscriptions.create" // with and without receipt
	OpSubscriptions      = "subscriptions.list"
	OpCharge             = "subscriptions.charge"
	OpSubscriptionStatus = "subscriptions.status"
	OpSubscriptionCancel = "subscriptions.cancel"

	OpWebhookCreate = "webhook.create"
	OpWebhookEdit   = "webhook.edit"
	OpWebhookGet    = "webhook.get"
	OpWebhookDelete = "webhook.delete"
	OpWebhookTest   = "webhook.test_send"

	OpSBPCustomer     = "sbp.customer"
	OpLegalRegister   = "sbp.legal-entity.register"
	OpLegal           = "sbp.legal-entity"
	OpLegalStatus     = "sbp.legal-entity.status"
	OpSBPAccounts     = "sbp.account"
	OpMerchantCreate  = "sbp.merchant.create"
	OpMerchants       = "sbp.merchants"
	OpMerchant        = "sbp.merchant"
	OpMerchantStatus  = "sbp.merchant.status"
	OpQRCreate        = "sbp.qr.create"
	OpQR              = "sbp.qr"
	OpQRs             = "sbp.qr.list"
	OpQRStatus        = "sbp.qr.payment-status"
	OpSBPPayments     = "sbp.payments"
	OpSBPRefund       = "sbp.refund"
	OpSBPRefundStatus = "sbp.refund.status"
	OpCashboxCreate   = "sbp.cashbox.create"
	OpCashboxList     = "sbp.cashbox.list"
	OpCashbox         = "sbp.cashbox"
	OpCashboxActivate = "sbp.cashbox.activate"
	OpCashboxStop     = "sbp.cashbox.deactivate"
	OpCashboxAccount  = "sbp.cashbox.account"
	OpCashboxStatus   = "sbp.cashbox.status"
	OpCashboxOp       = "sbp.cashbox.operation"
	OpB2BCreate       = "sbp.b2b.create"
	OpB2B             = "sbp.b2b"

	OpBillCreate    = "bill.create"
	OpBillDelete    = "bill.delete"
	OpBillEmail     = "bill.email"
	OpBillFile      = "bill.file"
	OpBillStatus    = "bill.payment-status"
	OpClosingCreate = "closing.create"
	OpClosingDelete = "closing.delete"
	OpClosingEmail  = "closing.email"
	OpClosingFile   = "closing.file"
)

// table is the whole API.
func table() []route {
	q := func(f ...field) []field { return f }
	day := func(name string) field { return formatted(name, "date") }
	customer := text("customerCode*", 9, 9)
	pages := []field{whole("page", 1, 0), whole("perPage", 1, 0)}
	acq, operate, sbpRead, sbpEdit := []string{"ReadAcquiringData"}, []string{"MakeAcquiringOperation"}, []string{"ReadSBPData"}, []string{"EditSBPData"}
	hooks, docs, accounts := []string{"ManageWebhookData"}, []string{"ManageInvoiceData"}, []string{"ReadAccountsBasic", "ReadAccountsDetail"}
	sign := []string{"CreatePaymentForSign"}
	const (
		acquiring, open, sbp, invoice = "acquiring/v1.0/", "open-banking/v1.0/", "sbp/v1.0/", "invoice/v1.0/"
		cashbox                       = sbp + "cashbox-qr-code"
	)
	return []route{
		{method: "POST", pattern: "consent/v1.0/consents", op: OpConsentCreate, body: consentSchema, client: true, run: (*call).createConsent},
		{method: "GET", pattern: "consent/v1.0/consents", op: OpConsents, client: true, run: (*call).listConsents},
		{method: "GET", pattern: "consent/v1.0/consents/{consentId}", op: OpConsent, client: true, run: (*call).getConsent},
		{method: "GET", pattern: "consent/v1.0/consents/{consentId}/child", op: OpConsentChild, client: true, run: (*call).childConsents},

		{method: "GET", pattern: open + "customers", op: OpCustomers, permissions: []string{"ReadCustomerData"}, run: (*call).customers, sandbox: (*call).boxCustomers},
		{method: "GET", pattern: open + "customers/{customerCode}", op: OpCustomer, permissions: []string{"ReadCustomerData"}, run: (*call).customer, sandbox: (*call).boxCustomer},
		{method: "GET", pattern: open + "accounts", op: OpAccounts, permissions: accounts, run: (*call).accounts, sandbox: (*call).boxAccounts},
		{method: "GET", pattern: open + "accounts/{accountId}", op: OpAccount, permissions: accounts, run: (*call).account, sandbox: (*call).boxAccount},
		{method: "GET", pattern: open + "balances", op: OpBalances, permissions: []string{"ReadBalances"}, run: (*call).balances, sandbox: (*call).boxBalances},
		{method: "GET", pattern: open + "accounts/{accountId}/balances", op: OpAccountBalances, permissions: []string{"ReadBalances"}, run: (*call).accountBalances, sandbox: (*call).boxBalances},
		{method: "GET", pattern: open + "accounts/{accountId}/authorized-card-transactions", op: OpCardTransactions, permissions: []string{"ReadBalances"}, run: (*call).cardTransactions, sandbox: (*call).boxCardTransactions},
		{method: "POST", pattern: open + "statements", op: OpStatementCreate, permissions: []string{"ReadStatements"}, body: statementSchema, run: (*call).createStatement, sandbox: (*call).boxStatement},
		{method: "GET", pattern: open + "statements", op: OpStatements, permissions: []string{"ReadStatements"}, query: q(whole("limit", 1, 0)), run: (*call).statements, sandbox: (*call).boxStatements},
		{method: "GET", pattern: open + "accounts/{accountId}/statements/{statementId}", op: OpStatement, permissions: []string{"ReadStatements"}, run: (*call).statement, sandbox: (*call).boxStatements},
		{method: "POST", pattern: "payment/v1.0/for-sign", op: OpForSign, permissions: sign, body: forSignSchema, run: (*call).forSign, sandbox: (*call).boxForSign},
		{method: "GET", pattern: "payment/v1.0/for-sign", op: OpForSignList, permissions: sign, query: q(customer), run: (*call).forSignList},
		{method: "GET", pattern: "payment/v1.0/status/{requestId}", op: OpForSignStatus, permissions: []string{"CreatePaymentForSign", "CreatePaymentOrder"}, run: (*call).forSignStatus, sandbox: (*call).boxForSignStatus},

		{method: "GET", pattern: acquiring + "retailers", op: OpRetailers, permissions: acq, query: q(customer), run: (*call).retailers, sandbox: (*call).boxRetailers},
		{method: "POST", pattern: acquiring + "payments", op: OpCreate, permissions: operate, body: linkSchema, run: (*call).createPayment, sandbox: (*call).boxCreate},
		{method: "POST", pattern: acquiring + "payments_with_receipt", op: OpCreate, permissions: operate, body: receiptSchema, run: (*call).createWithReceipt, sandbox: (*call).boxCreate},
		{method: "GET", pattern: acquiring + "payments", op: OpList, permissions: acq, query: append(q(customer, day("fromDate"), day("toDate"), text("status", 0, 0, statuses...)), pages...), run: (*call).listPayments, sandbox: (*call).boxList},
		{method: "GET", pattern: acquiring + "payments/{operationId}", op: OpGet, permissions: acq, run: (*call).getPayment, sandbox: (*call).boxGet},
		{method: "POST", pattern: acquiring + "payments/{operationId}/capture", op: OpCapture, permissions: operate, run: (*call).capture, sandbox: (*call).boxYes},
		{method: "POST", pattern: acquiring + "payments/{operationId}/refund", op: OpRefund, permissions: operate, body: amountSchema, run: (*call).refundPayment, sandbox: (*call).boxRefund},
		{method: "GET", pattern: acquiring + "registry", op: OpRegistry, permissions: acq, query: q(customer, text("merchantId*", 15, 15), day("date*"), text("paymentId", 0, 0)), run: (*call).registry},

		{method: "POST", pattern: acquiring + "subscriptions", op: OpSubscribe, permissions: operate, body: subscriptionSchema, run: (*call).subscribe, sandbox: (*call).boxCreate},
		{method: "POST", pattern: acquiring + "subscriptions_with_receipt", op: OpSubscribe, permissions: operate, body: subscriptionReceiptSchema, run: (*call).subscribeWithReceipt, sandbox: (*call).boxCreate},
		{method: "GET", pattern: acquiring + "subscriptions", op: OpSubscriptions, permissions: acq, query: append(q(customer, flag("recurring")), pages...), run: (*call).listSubscriptions, sandbox: (*call).boxSubscriptions},
		{method: "POST", pattern: acquiring + "subscriptions/{operationId}/charge", op: OpCharge, permissions: operate, body: amountSchema, run: (*call).charge},
		{method: "GET", pattern: acquiring + "subscriptions/{operationId}/status", op: OpSubscriptionStatus, permissions: acq, run: (*call).subscriptionStatus},
		{method: "POST", pattern: acquiring + "subscriptions/{operationId}/status", op: OpSubscriptionCancel, permissions: operate, body: cancelSchema, run: (*call).cancelSubscription},

		{method: "PUT", pattern: "webhook/v1.0/{clientId}", op: OpWebhookCreate, permissions: hooks, body: hookSchema, unlocked: true, run: (*call).putWebhook},
		{method: "POST", pattern: "webhook/v1.0/{clientId}", op: OpWebhookEdit, permissions: hooks, body: hookSchema, unlocked: true, run: (*call).editWebhook},
		{method: "GET", pattern: "webhook/v1.0/{clientId}", op: OpWebhookGet, permissions: hooks, run: (*call).getWebhook},
		{method: "DELETE", pattern: "webhook/v1.0/{clientId}", op: OpWebhookDelete, permissions: hooks, run: (*call).deleteWebhook},
		{method: "POST", pattern: "webhook/v1.0/{clientId}/test_send", op: OpWebhookTest, permissions: hooks, body: testSendSchema, unlocked: true, run: (*call).testWebhook},

		{method: "GET", pattern: sbp + "customer/{customerCode}/{bankCode}", op: OpSBPCustomer, permissions: sbpRead, run: (*call).sbpCustomer, sandbox: (*call).boxSBPCustomer},
		{method: "POST", pattern: sbp + "register-sbp-legal-entity", op: OpLegalRegister, permissions: sbpEdit, body: registerLegalSchema, run: (*call).registerLegal, sandbox: (*call).boxLegalID},
		{method: "GET", pattern: sbp + "legal-entity/{legalId}", op: OpLegal, permissions: sbpRead, run: (*call).legal, sandbox: (*call).boxLegal},
		{method: "POST", pattern: sbp + "legal-entity/{legalId}", op: OpLegalStatus, permissions: sbpEdit, body: stateSchema, run: (*call).legalStatus, sandbox: (*call).boxYes},
		{method: "GET", pattern: sbp + "account/{legalId}", op: OpSBPAccounts, permissions: sbpRead, run: (*call).sbpAccounts, sandbox: (*call).boxSBPAccounts},
		{method: "POST", pattern: sbp + "merchant/legal-entity/{legalId}", op: OpMerchantCreate, permissions: sbpEdit, body: merchantSchema, run: (*call).createMerchant, sandbox: (*call).boxMerchantID},
		{method: "GET", pattern: sbp + "merchant/legal-entity/{legalId}", op: OpMerchants, permissions: sbpRead, run: (*call).merchants, sandbox: (*call).boxMerchants},
		{method: "GET", pattern: sbp + "merchant/{merchantId}", op: OpMerchant, permissions: sbpRead, run: (*call).merchant, sandbox: (*call).boxMerchant},
		{method: "PUT", pattern: sbp + "merchant/{merchantId}", op: OpMerchantStatus, permissions: sbpEdit, body: stateSchema, run: (*call).merchantStatus, sandbox: (*call).boxYes},
		{method: "POST", pattern: sbp + "qr-code/merchant/{merchantId}/{accountId}", op: OpQRCreate, permissions: sbpEdit, body: qrSchema, run: (*call).createQR, sandbox: (*call).boxQRCreated},
		{method: "GET", pattern: sbp + "qr-code/legal-entity/{legalId}", op: OpQRs, permissions: sbpRead, run: (*call).listQR, sandbox: (*call).boxQRs},
		{method: "GET", pattern: sbp + "qr-code/{qrcId}", op: OpQR, permissions: sbpRead, run: (*call).getQR, sandbox: (*call).boxQR},
		{method: "GET", pattern: sbp + "qr-codes/{qrcIds}/payment-status", op: OpQRStatus, permissions: sbpRead, run: (*call).qrStatus, sandbox: (*call).boxQRStatus},
		{method: "GET", pattern: sbp + "get-sbp-payments", op: OpSBPPayments, permissions: sbpRead, query: append(q(customer, text("qrcId", 0, 0), day("fromDate"), day("toDate")), pages...), run: (*call).sbpPayments, sandbox: (*call).boxSBPPayments},
		{method: "POST", pattern: sbp + "refund", op: OpSBPRefund, permissions: sbpEdit, body: sbpRefundSchema, run: (*call).sbpRefund, sandbox: (*call).boxSBPRefund},
		{method: "GET", pattern: sbp + "refund/{requestId}", op: OpSBPRefundStatus, permissions: sbpRead, run: (*call).sbpRefundStatus, sandbox: (*call).boxSBPRefund},

		{method: "POST", pattern: cashbox, op: OpCashboxCreate, permissions: sbpEdit, body: cashboxSchema, run: (*call).createCashbox},
		{method: "GET", pattern: cashbox + "/merchant/{merchantId}/{accountId}", op: OpCashboxList, permissions: sbpRead, run: (*call).listCashbox},
		{method: "POST", pattern: cashbox + "/{qrcId}", op: OpCashbox, permissions: sbpRead, body: cashboxReadSchema, optional: true, run: (*call).getCashbox},
		{method: "POST", pattern: cashbox + "/{qrcId}/activate", op: OpCashboxActivate, permissions: sbpEdit, body: cashboxActivateSchema, run: (*call).activateCashbox},
		{method: "POST", pattern: cashbox + "/{qrcId}/deactivate", op: OpCashboxStop, permissions: sbpEdit, run: (*call).deactivateCashbox},
		{method: "POST", pattern: cashbox + "/{qrcId}/account", op: OpCashboxAccount, permissions: sbpEdit, body: cashboxAccountSchema, run: (*call).cashboxAccount},
		{method: "GET", pattern: cashbox + "/{qrcId}/status", op: OpCashboxStatus, permissions: sbpRead, run: (*call).cashboxStatus},
		{method: "GET", pattern: cashbox + "/{qrcId}/operation", op: OpCashboxOp, permissions: sbpRead, query: q(text("paramsId*", 0, 0)), run: (*call).cashboxOperation},
		{method: "POST", pattern: sbp + "b2b-qr-code/merchant/{merchantId}/{accountId}", op: OpB2BCreate, permissions: sbpEdit, body: b2bSchema, run: (*call).createB2B},
		{method: "GET", pattern: sbp + "b2b-qr-code/{qrcId}", op: OpB2B, permissions: sbpRead, query: q(whole("width", 200, 0), whole("height", 200, 0)), run: (*call).getB2B},

		{method: "POST", pattern: invoice + "bills", op: OpBillCreate, permissions: docs, body: billSchema, run: (*call).createBill, sandbox: (*call).boxDocument},
		{method: "DELETE", pattern: invoice + "bills/{customerCode}/{documentId}", op: OpBillDelete, permissions: docs, run: (*call).deleteDocument, sandbox: (*call).boxYes},
		{method: "POST", pattern: invoice + "bills/{customerCode}/{documentId}/email", op: OpBillEmail, permissions: docs, body: emailSchema, run: (*call).emailDocument, sandbox: (*call).boxYes},
		{method: "GET", pattern: invoice + "bills/{customerCode}/{documentId}/file", op: OpBillFile, permissions: docs, run: (*call).documentFile, sandbox: (*call).boxFile},
		{method: "GET", pattern: invoice + "bills/{customerCode}/{documentId}/payment-status", op: OpBillStatus, permissions: docs, run: (*call).billStatus, sandbox: (*call).boxBillStatus},
		{method: "POST", pattern: invoice + "closing-documents", op: OpClosingCreate, permissions: docs, body: closingSchema, run: (*call).createClosing, sandbox: (*call).boxDocument},
		{method: "DELETE", pattern: invoice + "closing-documents/{customerCode}/{documentId}", op: OpClosingDelete, permissions: docs, run: (*call).deleteDocument, sandbox: (*call).boxYes},
		{method: "POST", pattern: invoice + "closing-documents/{customerCode}/{documentId}/email", op: OpClosingEmail, permissions: docs, body: emailSchema, run: (*call).emailDocument, sandbox: (*call).boxYes},
		{method: "GET", pattern: invoice + "closing-documents/{customerCode}/{documentId}/file", op: OpClosingFile, permissions: docs, run: (*call).documentFile, sandbox: (*call).boxFile},
	}
}
