package sberbanktest

import "github.com/acquiring-go/acquiring/internal/emulator/gateway"

// The requests of the new gateway, field by field (specification sections 5
// and 10, OpenAPI 1.0.7 and the 2026 pages).

const (
	maxAmount = 999999999999
	maxSum    = 4294967200 // of a cart
)

var (
	fAuth = schema{"userName": must(strOf(1, 30, printable)), "password": must(strOf(1, 36, printable))}
	fLang = schema{"language": strOf(2, 2, latinLetters)}

	fOrderID  = must(strOf(36, 36, hexID))
	fNumber   = strOf(1, 36, plainText)
	fBinding  = strOf(36, 36, hexID)
	fAmount   = integer(0, maxAmount)
	fText     = strOf(1, 512, plainText)
	fClient   = strOf(1, 255, printable)
	fMerchant = strOf(1, 30, printable)
	fPhone    = strOf(1, 16, phone)
	fEmail    = strOf(3, 128, email)
	fURL      = strOf(12, 2048, webAddress)
)

var registerSchema = with(fAuth, fLang, schema{
	"orderNumber": must(fNumber), "amount": must(fAmount), "currency": strOf(3, 3, gateway.Digits),
	"returnUrl": must(fURL), "failUrl": fURL, "dynamicCallbackUrl": strOf(12, 512, secureAddress),
	"description": fText, "clientId": fClient, "merchantLogin": fMerchant,
	"sessionTimeoutSecs": integer(0, 999999999), "expirationDate": strOf(19, 19, dateTime),
	"bindingId": fBinding, "features": strOf(1, 255, printable), "phone": fPhone, "email": fEmail,
	"jsonParams": free(), "orderBundle": object(bundleSchema),
})

var twoRefs = schema{"orderId": strOf(36, 36, hexID), "orderNumber": fNumber}

var threeDSURLs = schema{"threeDSMethodNotificationUrl": fURL, "termUrl": fURL}

var recurrentSchema = with(fAuth, fLang, schema{
	"orderNumber": must(fNumber), "bindingId": must(fBinding), "amount": must(fAmount), "currency": strOf(3, 3, gateway.Digits),
	"description": fText, "additionalParameters": free(), "jsonParams": free(), "orderBundle": object(bundleSchema),
})

var mirSchema = with(fAuth, fLang, schema{
	"orderNumber": must(fNumber), "amount": must(fAmount), "paymentToken": must(strOf(1, 1<<16, printable)), "currencyCode": strOf(3, 3, gateway.Digits),
	"description": fText, "preAuth": boolean(), "additionalParameters": free(), "clientId": fClient, "merchant": fMerchant,
	"features": strOf(1, 255, printable), "orderBundle": object(bundleSchema), "phone": fPhone, "email": fEmail,
})

// newMethods are the methods of the new gateway by their path after
// /ecomm/gw/partner/api/.
var newMethods = map[string]method{
	"v1/register.do":                     {schema: registerSchema, run: (*call).register, idem: true},
	"v1/registerPreAuth.do":              {schema: with(registerSchema, schema{"autocompletionDate": strOf(19, 19, dateTime)}), run: (*call).registerPreAuth, idem: true},
	"v1/deposit.do":                      {schema: with(fAuth, fLang, schema{"orderId": fOrderID, "amount": must(fAmount), "orderBundle": object(bundleSchema)}), run: (*call).deposit, idem: true},
	"v1/reverse.do":                      {schema: with(fAuth, fLang, schema{"orderId": fOrderID, "amount": fAmount, "jsonParams": free(), "orderBundle": object(bundleSchema)}), run: (*call).reverse, idem: true},
	"v1/refund.do":                       {schema: with(fAuth, fLang, schema{"orderId": fOrderID, "amount": must(fAmount), "jsonParams": free(), "orderBundle": object(bundleSchema)}), run: (*call).refund, idem: true},
	"v1/getOrderStatusExtended.do":       {schema: with(fAuth, fLang, twoRefs), run: (*call).status},
	"v1/decline.do":                      {schema: with(fAuth, fLang, twoRefs, schema{"merchantLogin": fMerchant, "jsonParams": free()}), run: (*call).decline, idem: true},
	"v1/paymentOrder.do":                 {schema: paymentOrderSchema, run: (*call).paymentOrder, idem: true, errorIn: "error"},
	"v1/finish3dsMethod.do":              {schema: with(fAuth, schema{"mdOrder": fOrderID, "threeDSServerTransId": must(str(1, 64)), "threeDSCompInd": must(oneOf("Y", "N"))}), run: (*call).finish3dsMethod, idem: true, errorIn: "error"},
	"v1/finish3dsPayment.do":             {schema: with(fAuth, schema{"mdOrder": fOrderID, "cRes": str(1, 1<<16), "paRes": str(1, 1<<16)}), run: (*call).finish3dsPayment, idem: true},
	"v1/paymentSberPay.do":               {schema: with(fAuth, schema{"orderId": fOrderID, "phone": must(strOf(7, 11, gateway.Digits)), "merchantLogin": fMerchant}), run: (*call).paymentSberPay, idem: true},
	"v1/paymentOrderBySubscription":      {schema: with(fAuth, schema{"orderId": fOrderID, "subscriptionId": must(strOf(32, 32, hexID)), "memberId": strOf(12, 12, gateway.Digits)}), run: (*call).payBySubscription, idem: true},
	"v1/paymentOrderBinding.do":          {schema: with(fAuth, fLang, threeDSURLs, schema{"mdOrder": fOrderID, "bindingId": must(fBinding), "ip": must(strOf(1, 39, printable)), "cvc": strOf(3, 3, gateway.Digits), "email": fEmail, "jsonParams": free()}), run: (*call).payBinding, idem: true},
	"v1/unbindCard.do":                   {schema: with(fAuth, fLang, schema{"bindingId": must(fBinding)}), run: (*call).unbindCard},
	"v1/bindCard.do":                     {schema: with(fAuth, fLang, schema{"bindingId": must(fBinding)}), run: (*call).bindCard},
	"v1/getBindings.do":                  {schema: with(fAuth, fLang, schema{"clientId": must(fClient), "showExpired": boolean(), "showInactive": boolean()}), run: (*call).getBindings},
	"v1/getBindingsByCardOrId.do":        {schema: with(fAuth, fLang, schema{"pan": strOf(13, 19, gateway.Digits), "bindingId": fBinding, "showExpired": boolean(), "showInactive": boolean()}), run: (*call).getBindingsByCard},
	"v1/recurrentPayment.do":             {schema: recurrentSchema, run: (*call).recurrent, idem: true, family: 'B'},
	"v1/mir/paymentDirect.do":            {schema: mirSchema, run: (*call).mobilePay, idem: true, family: 'B'},
	"v1/mir/paymentDirectMirPay.do":      {schema: mirSchema, run: (*call).mobilePay, idem: true, family: 'B'},
	"v1/getLoyaltyBalance":               {schema: with(fAuth, schema{"bindingId": must(fBinding)}), run: (*call).loyaltyBalance},
	"v1/autoCompletion":                  {schema: with(fAuth, fLang, schema{"orderId": fOrderID, "amount": fAmount, "compositeAmount": must(fAmount), "orderBundle": object(bundleSchema)}), run: (*call).deposit, idem: true},
	"v1/autoRefund":                      {schema: with(fAuth, fLang, schema{"orderId": fOrderID, "amount": fAmount, "compositeAmount": must(fAmount), "jsonParams": free(), "orderBundle": object(bundleSchema)}), run: (*call).refund, idem: true},
	"ofd/v1/getReceiptStatus":            {schema: with(fAuth, twoRefs, schema{"receiptId": str(1, 64), "receiptStatus": integer(0, 6)}), run: (*call).receiptStatus, family: 'C'},
	"ofd/v1/retryReceipt":                {schema: with(fAuth, schema{"receiptIds": must(array(1, 100, str(1, 64)))}), run: (*call).retryReceipt, family: 'C'},
	"ofd/v1/doReceipt":                   {schema: with(fAuth, twoRefs, schema{"receiptId": str(1, 64), "phone": fPhone, "email": fEmail, "orderBundle": must(object(bundleSchema))}), run: (*call).doReceipt, family: 'C'},
	"accounts/v1/set-permanent-password": {schema: schema{"login": must(strOf(1, 30, printable)), "tmpPassword": must(strOf(1, 36, printable)), "password": strOf(18, 30, printable)}, run: (*call).setPassword, family: 'D', noAuth: true},
	"accounts/v1/apikey/generate":        {schema: with(fAuth, schema{"description": str(1, 512), "merchantLogin": fMerchant}), run: (*call).apiKey, family: 'D'},
}

var paymentOrderSchema = with(fAuth, fLang, threeDSURLs, schema{
	"MDORDER": fOrderID, "$PAN": must(strOf(13, 19, gateway.Digits)), "$CVC": strOf(3, 3, gateway.Digits), "YYYY": must(strOf(4, 4, gateway.Digits)), "MM": must(strOf(2, 2, gateway.Digits)),
	"TEXT": strOf(1, 64, plainText), "ip": strOf(1, 39, printable), "email": fEmail, "bindingNotNeeded": boolean(), "jsonParams": free(),
})

// bundleSchema is orderBundle: the cart and the receipt.
var bundleSchema = schema{
	"ffdVersion": oneOf("1.05", "1.1", "1.2"), "receiptType": oneOf("SELL", "SELL_REFUND", "sell", "sell_refund"),
	"orderCreationDate": &rule{kind: kAny}, "ismOptional": boolean(),
	"company": object(schema{"email": must(strOf(3, 64, email)), "inn": must(strOf(10, 12, gateway.Digits)), "paymentAddress": must(strOf(1, 256, printable)),
		"sno": must(oneOf("osn", "usn_income", "usn_income_outcome", "esn", "patent"))}),
	"customerDetails": object(schema{"fullName": fText, "inn": strOf(10, 12, gateway.Digits), "address": fText, "birthdate": strOf(10, 10, dotted), "citizenship": str(1, 16),
		"documentType": oneOf("21", "22", "26", "27", "28", "31", "32", "33", "34", "35", "36", "37", "38", "40"), "documentNo": str(1, 64),
		"passport": str(1, 64), "email": fEmail, "phone": fPhone, "contact": fText,
		"deliveryInfo": object(schema{"deliveryType": fText, "country": str(2, 3), "city": fText, "postAddress": fText})}),
	"cartItems": must(object(schema{"items": must(array(1, 10000, object(itemSchema)))})),
	"payments":  array(1, 10, object(schema{"type": must(integer(1, 4)), "sum": must(integer(0, maxSum))})),
	"total":     integer(0, maxSum), "cashier": strOf(1, 64, plainText), "cashierInn": strOf(10, 12, gateway.Digits),
	"additionalUserProps":  object(schema{"name": must(str(1, 64)), "value": must(str(1, 256))}),
	"additionalCheckProps": strOf(1, 16, plainText),
	"operatingCheckProps":  object(schema{"name": must(oneOf("0")), "value": must(str(1, 64)), "timestamp": must(strOf(19, 20, dotted))}),
	"sectoralCheckProps":   array(0, 6, object(sectoralSchema)),
	"installments":         object(schema{"productType": must(oneOf("CREDIT", "INSTALLMENT")), "productID": str(1, 64), "rightTerms": array(0, 99, integer(0, 999))}),
}

var sectoralSchema = schema{"federalId": must(strOf(3, 3, gateway.Digits)), "date": must(strOf(10, 10, dotted)), "number": must(str(1, 32)), "value": must(str(1, 256))}

var phonesRule = array(1, 5, strOf(1, 19, phone))

var itemSchema = schema{
	"positionId": must(strOf(1, 12, gateway.Digits)), "itemCode": must(str(1, 100)), "name": must(strOf(1, 128, plainText)),
	"quantity":        must(object(schema{"value": must(&rule{kind: kNumber}), "measure": str(1, 20)})),
	"measurementUnit": str(1, 16), "itemPrice": must(integer(0, maxSum)), "itemAmount": must(integer(0, maxSum)), "itemCurrency": &rule{kind: kAny},
	"tax":              object(schema{"taxType": must(integer(0, 13))}),
	"paymentMethod":    oneOf("full_prepayment", "prepayment", "advance", "full_payment", "partial_payment", "credit", "credit_payment"),
	"paymentObject":    oneOf(append(paymentObjectWords[:], paymentObjectNumbers[:]...)...),
	"discount":         object(schema{"discountType": str(1, 20), "discountValue": str(1, 20)}),
	"agentInterest":    object(schema{"interestType": str(1, 20), "interestValue": str(1, 20)}),
	"itemDetails":      object(schema{"itemDetailsParams": array(0, 99, object(schema{"name": must(str(1, 255)), "value": must(str(0, 2000))}))}),
	"nomenclatureCode": str(1, 256), "markCode": object(schema{"gs1m": str(1, 400), "fur": str(1, 400), "gs10": str(1, 400), "ean8": str(1, 400), "ean13": str(1, 400),
		"itf14": str(1, 400), "short": str(1, 400), "unknown": str(1, 400)}),
	"markQuantity":       object(schema{"markQuantityNumerator": must(strOf(1, 12, gateway.Digits)), "markQuantityDenominator": must(strOf(1, 12, gateway.Digits))}),
	"markProcessingMode": oneOf("0"), "excise": str(1, 20), "countryCode": strOf(3, 3, gateway.Digits), "declarationNumber": str(1, 32),
	"agentInfo": object(schema{"type": must(oneOf("bank_paying_agent", "bank_paying_subagent", "paying_agent", "paying_subagent", "attorney", "commission_agent", "another")),
		"payingAgent":             object(schema{"operation": strOf(1, 24, plainText), "phones": phonesRule}),
		"receivePaymentsOperator": object(schema{"phones": phonesRule}),
		"moneyTransferOperator":   object(schema{"phones": phonesRule, "name": str(1, 64), "address": strOf(1, 256, plainText), "inn": str(12, 12)})}),
	"supplierInfo":      object(schema{"phones": phonesRule, "name": str(1, 64), "inn": str(12, 12)}),
	"sectoralItemProps": array(0, 6, object(sectoralSchema)), "userData": strOf(1, 64, plainText),
}

var paymentObjectWords = [...]string{"commodity", "excise", "job", "service", "gambling_bet", "lottery", "intellectual_activity", "payment", "agent_commission", "award",
	"another", "property_right", "non-operating_gain", "insurance_premium", "sales_tax", "deposit", "expense", "pension_insurance_ip", "pension_insurance",
	"medical_insurance_ip", "medical_insurance", "social_insurance", "casino_payment"}

var paymentObjectNumbers = [...]string{"1", "2", "3", "4", "5", "7", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27", "31", "32", "33"}

var measures = map[string]bool{"0": true, "10": true, "11": true, "12": true, "20": true, "21": true, "22": true, "30": true, "31": true, "32": true, "40": true, "41": true,
	"42": true, "50": true, "51": true, "70": true, "71": true, "72": true, "73": true, "80": true, "81": true, "82": true, "83": true, "255": true}

// dotted begins dd.mm.yyyy.
func dotted(s string) bool {
	return len(s) >= 10 && gateway.Digits(s[0:2]) && s[2] == '.' && gateway.Digits(s[3:5]) && s[5] == '.' && gateway.Digits(s[6:10])
}
