package tochkatest

import (
	"slices"
)

// The sandbox's canned data.
const (
	boxCustomerCode = "1234567ab"
	boxCustomer     = boxCustomerCode
	boxAccountID    = "12345810901234567890/" + BIC
	boxMerchantID   = "200000000001097"
	boxOperationID  = "48232c9a-ce82-1593-3cb6-5c85a1ffef8f"
	boxPaidID       = "b26287ee-bdd0-3482-a10d-3c462f5ba6db"
	boxConsumerID   = "ab246f8a-b6b3-4d4a-86ee-8caaf6647c73"
	boxTime         = "2022-10-18T08:28:59+00:00"
	boxMillis       = "2019-01-01T06:06:06.364+00:00"
	boxQR           = "AS000000000000000000000000000001"
	boxDocument     = "1cf95c4f-e794-4407-bac4-0829f19bd2be"
	boxRequest      = "openapi-b96d770e-769f-49ce-9630-890e00d47720"
)

// boxOperations are the ids that the sandbox knows.
var boxOperations = []string{boxOperationID, "74a21bae-53ca-4103-a6a8-5ca1d1fcf100", "e08aa797-3d6d-3834-b8d4-8a90d8fd1244", boxPaidID}

func (c *call) boxYes() (reply, *refusal) {
	return result(true)
}

var boxCompany = object{{"customerCode", boxCustomerCode}, {"customerType", "Business"}, {"isResident", true}, {"taxCode", "660000000000"},
	{"fullName", "Индивидуальный Предприниматель Тест"}, {"shortName", "ИП Тест"}, {"kpp", "668501001"}, {"customerOgrn", "319665800211661"}}

func (c *call) boxCustomers() (reply, *refusal) {
	return ok(object{{"Customer", []object{boxCompany}}})
}

func (c *call) boxCustomer() (reply, *refusal) { return ok(boxCompany) }

var boxAccountObject = object{{"customerCode", boxCustomerCode}, {"accountId", boxAccountID}, {"transitAccount", ""}, {"status", "Enabled"}, {"statusUpdateDateTime", boxMillis},
	{"currency", "RUB"}, {"accountType", "Business"}, {"accountSubType", "CurrentAccount"}, {"registrationDate", "2020-10-20"},
	{"accountDetails", []object{{{"schemeName", "RU.CBR.AccountNumber"}, {"identification", boxAccountID}, {"name", "Основной текущий счёт"}}}}}

func (c *call) boxAccounts() (reply, *refusal) {
	return ok(object{{"Account", []object{boxAccountObject}}})
}

func (c *call) boxAccount() (reply, *refusal) { return ok(boxAccountObject) }

func (c *call) boxBalances() (reply, *refusal) {
	return ok(object{{"Balance", []object{{{"accountId", boxAccountID}, {"creditDebitIndicator", "Credit"}, {"type", "OpeningAvailable"}, {"dateTime", boxMillis}, {"Amount", rub(123456)}}}}})
}

func (c *call) boxCardTransactions() (reply, *refusal) {
	return ok(object{{"Transactions", []object{}}})
}

var boxStatementHead = object{{"accountId", boxAccountID}, {"statementId", "23489"}, {"status", "Ready"}, {"startDateTime", "2019-01-01"}, {"endDateTime", "2019-01-01"}, {"creationDateTime", boxMillis}}

func (c *call) boxStatement() (reply, *refusal) { return ok(object{{"Statement", boxStatementHead}}) }

func (c *call) boxStatements() (reply, *refusal) {
	return ok(object{{"Statement", []object{slices.Clone(boxStatementHead).with("startDateBalance", roubles(123450)).with("endDateBalance", roubles(123450)).with("Transaction", []object{})}}})
}

func (c *call) boxForSign() (reply, *refusal) {
	return ok(object{{"requestId", boxRequest}, {"redirectURL", "https://i.tochka.com/bank/m/payment-preview/" + boxRequest + "?customerCode=" + boxCustomerCode}})
}

func (c *call) boxForSignStatus() (reply, *refusal) {
	return ok(object{{"requestId", boxRequest}, {"status", "WaitingForCreate"}, {"errors", []object{}}})
}

func (c *call) boxRetailers() (reply, *refusal) {
	return ok(object{{"Retailer", []object{{{"status", "REG"}, {"isActive", true}, {"mcc", "5111"}, {"rate", decimal("2")}, {"name", "ООО Альтер"}, {"url", "https://alter.ru"},
		{"merchantId", boxMerchantID}, {"terminalId", "20000032"}, {"paymentModes", modes}, {"cashbox", "businessRu"}}}}})
}

func (c *call) boxLink(id string) string { return "https://merch.example.com/order/?uuid=" + id }

// boxCreate answers what was sent with the sandbox's own ids, whatever it was.
func (c *call) boxCreate() (reply, *refusal) {
	o := object{{"purpose", c.text("purpose")}, {"status", "CREATED"}, {"amount", roubles(c.sum("amount"))}, {"operationId", boxOperationID},
		{"paymentLink", c.boxLink(boxOperationID)}, {"consumerId", boxConsumerID}}
	if c.route.op == OpSubscribe {
		return ok(o.with("recurring", c.flag("recurring")).some("paymentLinkId", c.text("paymentLinkId")))
	}
	o = o.with("merchantId", boxMerchantID)
	if c.doc["preAuthorization"] != nil {
		o = o.with("preAuthorization", c.flag("preAuthorization"))
	}
	ttl, there := c.integer("ttl")
	if !there {
		ttl = 10080
	}
	o = o.with("ttl", ttl).some("paymentLinkId", c.text("paymentLinkId")).with("paymentMode", c.texts("paymentMode"))
	if client := c.nested("Client"); client != nil {
		items := []object{}
		lines, _ := c.doc["Items"].([]any)
		for _, l := range lines {
			line, _ := l.(map[string]any)
			items = append(items, itemObject(line))
		}
		o = o.with("customerCode", boxCustomerCode).with("Client", pick(client, "name", "email", "phone")).with("Items", items)
	}
	return ok(o)
}

// boxOperation is the one paid operation of the sandbox, whose Order is empty.
func (c *call) boxOperation(id string) object {
	return object{{"customerCode", boxCustomerCode}, {"paymentType", "card"}, {"paymentId", "12965545"}, {"createdAt", boxTime}, {"purpose", "Перевод за оказанные услуги"},
		{"amount", roubles(10000)}, {"status", "APPROVED"}, {"operationId", id}, {"paymentLink", c.boxLink(id)}, {"merchantId", boxMerchantID}, {"Order", []object{}}}
}

func (c *call) boxGet() (reply, *refusal) {
	id := c.path["operationId"]
	if !slices.Contains(boxOperations, id) {
		return reply{}, business("Order not found")
	}
	return ok(object{{"Operation", []object{c.boxOperation(id)}}})
}

func (c *call) boxList() (reply, *refusal) {
	return reply{data: object{{"Operation", []object{c.boxOperation(boxPaidID)}}}, page: 1, pages: 1}, nil
}

// boxRefund is the same whatever was asked.
func (c *call) boxRefund() (reply, *refusal) {
	return ok(object{{"isRefund", true}, {"operationId", boxOperationID}, {"amount", roubles(100)}, {"date", "2025-04-08"}, {"orderId", "20"}})
}

func (c *call) boxSubscriptions() (reply, *refusal) {
	return reply{data: object{{"Subscription", []object{}}}, page: 1, pages: 1}, nil
}

var boxLegalObject = object{{"status", "Active"}, {"legalId", "LF0000000001"}, {"createdAt", boxMillis}, {"address", "УЛИЦА ТАТАРСКАЯ Б. ДОМ 11"}, {"city", "Москва"}, {"countryCode", "RU"},
	{"countrySubDivisionCode", "45"}, {"zipCode", "115184"}, {"customerCode", boxCustomerCode}, {"entityType", "АО"}, {"inn", "7706812159"}, {"kpp", "770501001"}, {"name", "АО НСПК"}, {"ogrn", "1147746831352"}}

var boxMerchantObject = object{{"status", "Active"}, {"createdAt", boxMillis}, {"address", "УЛИЦА ТАТАРСКАЯ Б. ДОМ 11"}, {"city", "Москва"}, {"countryCode", "RU"}, {"countrySubDivisionCode", "45"},
	{"zipCode", "115184"}, {"merchantId", "MF0000000001"}, {"legalId", "LF0000000001"}, {"brandName", "Кофейня у Артема"}, {"capabilities", "001"}, {"contactPhoneNumber", "79991234567"}, {"mcc", "4121"},
	{"additionalContacts", []object{}}}

var boxAccountList = []object{{{"accountId", boxAccountID}, {"status", "Active"}, {"createdAt", boxMillis}, {"legalId", "LF0000000001"}}}

func (c *call) boxSBPCustomer() (reply, *refusal) {
	return ok(slices.Clone(boxLegalObject).with("bankCode", BIC).with("MerchantList", []object{boxMerchantObject}).with("AccountList", boxAccountList))
}

func (c *call) boxLegalID() (reply, *refusal) { return ok(object{{"legalId", "LF0000000001"}}) }

func (c *call) boxLegal() (reply, *refusal) { return ok(boxLegalObject) }

func (c *call) boxSBPAccounts() (reply, *refusal) {
	return ok(object{{"AccountList", boxAccountList}})
}

func (c *call) boxMerchantID() (reply, *refusal) { return ok(object{{"merchantId", "MF0000000001"}}) }

func (c *call) boxMerchants() (reply, *refusal) {
	return ok(object{{"MerchantList", []object{boxMerchantObject}}})
}

func (c *call) boxMerchant() (reply, *refusal) { return ok(boxMerchantObject) }

const boxPayload = "https://qr.nspk.ru/AS1000670LSS7DN18SJQDNP4B05KLJL2"

func (c *call) boxQRCreated() (reply, *refusal) {
	return ok(object{{"payload", boxPayload}, {"qrcId", boxQR}})
}

var boxQRObject = object{{"status", "Active"}, {"payload", boxPayload}, {"accountId", boxAccountID}, {"createdAt", boxMillis}, {"merchantId", "MF0000000001"}, {"legalId", "LF0000000001"},
	{"qrcId", boxQR}, {"amount", 0}, {"ttl", "60"}, {"paymentPurpose", samplePurpose}, {"commissionPercent", 0}, {"currency", "RUB"}, {"qrcType", "01"}, {"templateVersion", "01"}, {"sourceName", "tochka.com"}}

func (c *call) boxQR() (reply, *refusal) { return ok(boxQRObject) }

func (c *call) boxQRs() (reply, *refusal) {
	return ok(object{{"qrCodeList", []object{boxQRObject}}})
}

func (c *call) boxQRStatus() (reply, *refusal) {
	return ok(object{{"paymentList", []object{{{"qrcId", boxQR}, {"code", "RQ00000"}, {"status", "InProgress"}, {"message", "Запрос обработан успешно"}}}}})
}

func (c *call) boxSBPPayments() (reply, *refusal) {
	return ok(object{{"Payments", []object{{{"qrcId", boxQR}, {"status", "InProgress"}, {"message", "Запрос обработан успешно"}, {"refTransactionId", "56746525-2768-5023-97aa-21a09c49d4d0"}}}}})
}

func (c *call) boxSBPRefund() (reply, *refusal) {
	return ok(object{{"requestId", boxRequest}, {"status", "Confirmed"}})
}

func (c *call) boxDocument() (reply, *refusal) { return ok(object{{"documentId", boxDocument}}) }

func (c *call) boxFile() (reply, *refusal) { return reply{file: pdf("Sandbox")}, nil }

func (c *call) boxBillStatus() (reply, *refusal) {
	return ok(object{{"paymentStatus", "payment_paid"}})
}
