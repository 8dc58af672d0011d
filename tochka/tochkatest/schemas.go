package tochkatest

// What the bank's OpenAPI document says of the bodies of requests.

var (
	modes     = []string{"sbp", "card", "tinkoff", "dolyame"}
	statuses  = []string{"CREATED", "APPROVED", "ON-REFUND", "REFUNDED", "EXPIRED", "REFUNDED_PARTIALLY", "AUTHORIZED", "WAIT_FULL_PAYMENT"}
	vatTypes  = []string{"none", "vat0", "vat5", "vat7", "vat10", "vat22", "vat105", "vat107", "vat110", "vat122"}
	measures  = []string{"г.", "кг.", "т.", "см.", "дм.", "м.", "см2.", "дм2.", "м2.", "мл.", "л.", "м3", "кВт.ч.", "Гкал.", "дн.", "ч.", "мин.", "сек.", "Кб.", "Мб.", "Гб.", "Тб.", "шт."}
	unitCodes = []string{"шт.", "тыс.шт.", "компл.", "пар.", "усл.ед.", "упак.", "услуга.", "пач.", "мин.", "ч.", "сут.", "г.", "кг.", "л.", "м.", "м2.", "м3.", "км.", "га.", "кВт.", "кВт.ч."}
	ndsKinds  = []string{"nds_0", "nds_5", "nds_7", "nds_10", "nds_22", "without_nds"}
	hookTypes = []string{"incomingPayment", "outgoingPayment", "incomingSbpPayment", "acquiringInternetPayment", "incomingSbpB2BPayment"}
)

func data(fields ...field) []field { return []field{nested("Data*", fields...)} }

func join(groups ...[]field) []field {
	var all []field
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

var supplier = nested("Supplier",
	matching("phone*", 11, 15, `^\+?\d+$`), text("name*", 0, 0), matching("taxCode*", 10, 12, `^\d+$`))

var receiptFields = []field{
	text("taxSystemCode", 0, 0, "osn", "usn_income", "usn_income_outcome", "esn", "patent"),
	nested("Client*", text("name", 0, 0), formatted("email*", "email"), text("phone", 0, 0)),
	list("Items*", 1, nested("",
		text("vatType", 0, 0, vatTypes...), text("name*", 1, 256), amount("amount*"), named(field{kind: kNumber, positive: true}, "quantity*"),
		text("paymentMethod", 0, 0, "full_payment", "full_prepayment"), text("paymentObject", 0, 0, "goods", "service", "work"),
		text("measure", 0, 0, measures...), supplier)),
	supplier,
}

var (
	orderFields = []field{
		text("customerCode*", 9, 9), amount("amount*"), text("purpose*", 1, 140), formatted("redirectUrl", "uri"), formatted("failRedirectUrl", "uri"),
		flag("saveCard"), text("consumerId", 0, 0), text("paymentLinkId", 1, 45),
	}
	linkFields = join(orderFields, []field{list("paymentMode*", 1, text("", 0, 0, modes...)), text("merchantId", 15, 15), flag("preAuthorization"), whole("ttl", 1, 44640)})

	subscriptionFields = join(orderFields, []field{text("merchantId", 0, 0), flag("recurring"), nested("Options",
		named(field{kind: kInteger, positive: true}, "trancheCount"), text("period", 0, 0, "Day", "Month", "Year"), named(field{kind: kInteger, positive: true}, "daysInPeriod"))})

	linkSchema                = data(linkFields...)
	receiptSchema             = data(join(linkFields, receiptFields)...)
	subscriptionSchema        = data(subscriptionFields...)
	subscriptionReceiptSchema = data(join(subscriptionFields, receiptFields)...)
	amountSchema              = data(amount("amount*"))
	cancelSchema              = data(text("status*", 0, 0, "Cancelled"))

	consentSchema = []field{nested("Data*", text("status", 0, 0, "AwaitingAuthorisation"), formatted("creationDateTime", "date-time"),
		formatted("statusUpdateDateTime", "date-time"), list("permissions*", 0, text("", 0, 0, permissions...)), formatted("expirationDateTime", "date-time")), nested("Risks")}

	hookSchema     = []field{list("webhooksList*", 0, text("", 0, 0, hookTypes...)), formatted("url*", "uri")}
	testSendSchema = []field{text("webhookType*", 0, 0, hookTypes...)}
)

// documents

var secondSide = nested("SecondSide*", text("accountId", 0, 0), text("legalAddress", 0, 0), text("kpp", 0, 0), text("bankName", 0, 0),
	text("bankCorrAccount", 0, 0), text("taxCode*", 0, 0), text("type*", 0, 0, "ip", "company"), text("secondSideName", 0, 0))

var documentFields = []field{
	list("Positions*", 1, nested("",
		text("positionName*", 0, 0), text("unitCode*", 0, 0, unitCodes...), text("ndsKind*", 0, 0, ndsKinds...), sum("price*"),
		named(field{kind: kNumber, positive: true, below: 10_000_000}, "quantity*"), sum("totalAmount*"), sum("totalNds"))),
	formatted("date", "date"), sum("totalAmount*"), sum("totalNds"), text("number*", 0, 0), text("basedOn", 0, 0),
}

var shipmentDocuments = list("shipmentDocuments", 1, nested("", text("name*", 0, 0), formatted("date*", "date"), text("number*", 0, 0)))

// closingKinds are the documents of which a closing document is one.
var closingKinds = map[string][]field{
	"Act": documentFields, "PackingList": documentFields, "Invoicef": join(documentFields, []field{shipmentDocuments}),
	"Upd": join(documentFields, []field{shipmentDocuments, text("function*", 0, 0, "dop", "schfdop")}),
}

var (
	billSchema = data(text("accountId*", 0, 0), text("customerCode*", 0, 0), secondSide,
		nested("Content*", nested("Invoice*", join(documentFields, []field{text("comment", 0, 0), formatted("paymentExpiryDate", "date")})...)))
	closingSchema = data(text("accountId*", 0, 0), text("customerCode*", 0, 0), secondSide, text("documentId", 0, 0),
		nested("Content*", nested("Act", closingKinds["Act"]...), nested("PackingList", closingKinds["PackingList"]...),
			nested("Invoicef", closingKinds["Invoicef"]...), nested("Upd", closingKinds["Upd"]...)))
	emailSchema     = data(formatted("email*", "email"))
	statementSchema = data(nested("Statement*", text("accountId*", 0, 40), formatted("startDateTime*", "date"), formatted("endDateTime*", "date")))

	forSignFields = []field{
		text("accountCode*", 20, 20), text("bankCode*", 9, 9), text("payerINN", 0, 0), text("payerKPP", 0, 0), text("counterpartyBankBic*", 9, 9),
		text("counterpartyAccountNumber*", 20, 20), text("counterpartyINN", 10, 12), text("counterpartyKPP", 0, 9), text("counterpartyName*", 0, 0),
		text("counterpartyBankCorrAccount", 20, 20), named(field{kind: kNumber, cents: true}, "paymentAmount*"), formatted("paymentDate*", "date"),
		named(field{kind: kInteger, positive: true, below: 1_000_000}, "paymentNumber"), text("paymentPriority", 1, 1), text("paymentPurpose*", 1, 210),
		text("codePurpose", 0, 1), text("supplierBillId", 0, 0), text("taxInfoDocumentDate", 0, 0), text("taxInfoDocumentNumber", 1, 15),
		text("taxInfoKBK", 0, 0), text("taxInfoOKATO", 0, 0), text("taxInfoPeriod", 0, 0), text("taxInfoReasonCode", 1, 2), text("taxInfoStatus", 2, 2),
		text("budgetPaymentCode", 1, 1), formatted("email", "email"),
	}
	forSignSchema = data(forSignFields...)
)

// SBP

func imageParams(most int64) field {
	return nested("imageParams", whole("width*", 200, most), whole("height*", 200, most), text("mediaType", 0, 0, "image/png", "image/svg+xml"))
}

var (
	stateSchema         = data(text("status*", 0, 0, "Active", "Suspended"))
	registerLegalSchema = data(text("customerCode*", 0, 9), text("bankCode*", 9, 9))
	merchantSchema      = data(text("address*", 0, 140), text("city*", 0, 140), text("countryCode*", 0, 2), text("countrySubDivisionCode*", 0, 2),
		text("zipCode*", 0, 6), text("brandName*", 0, 35), text("capabilities*", 0, 0, "001", "010", "011", "100", "101", "110", "111"),
		text("contactPhoneNumber", 0, 13), text("mcc*", 0, 4), text("scenario", 0, 0, "C2B", "B2B"), text("salesMode", 0, 0, "REMOTE", "FACE_TO_FACE"))
	// Its ttl has no bounds in the document; those of the guide are checked
	// beside the type of the code.
	qrSchema = data(named(field{kind: kInteger, atLeast0: true}, "amount"), text("currency", 0, 0), text("paymentPurpose*", 0, 140), text("qrcType*", 0, 0, "01", "02"),
		imageParams(2000), text("sourceName", 0, 0), named(field{kind: kInteger}, "ttl"), formatted("redirectUrl", "uri"))
	b2bSchema = data(whole("amount*", 1, 100_000_000), text("paymentPurpose*", 0, 140), text("sourceName*", 0, 50), flag("takeTax*"),
		named(field{kind: kInteger}, "totalTaxAmount"), whole("ttl", 1, 129600), formatted("redirectUrl", "uri"), text("uip", 0, 35))
	cashboxSchema         = data(text("merchantId*", 0, 12), text("accountId*", 0, 0), formatted("redirectUrl", "uri"), imageParams(0))
	cashboxReadSchema     = data(imageParams(0))
	cashboxAccountSchema  = data(text("accountId*", 0, 0))
	cashboxActivateSchema = data(named(field{kind: kInteger, positive: true, below: 1_000_000_000_000}, "amount*"), text("currency", 0, 0), text("paymentPurpose", 0, 140), whole("ttl", 5, 20))
	sbpRefundSchema       = data(text("bankCode*", 0, 9), text("accountCode*", 0, 20), text("amount*", 0, 0), text("currency", 0, 0), text("qrcId*", 0, 0),
		text("purpose", 0, 140), text("refTransactionId", 0, 0), text("trxId", 0, 0))
)
