package sberbanktest

import "github.com/acquiring-go/acquiring/internal/emulator/gateway"

// The cards that the bank publishes for tests (specification, section 12).
var newDeck = gateway.Deck{WrongNumber: 14, WrongCVC: 82, Code: "111111", Cards: []gateway.TestCard{
	{PAN: "2202205000012424", CVCs: "669 649", System: "MIR", Expiry: "203505", Flow: gateway.FlowFrictionless, Note: gateway.T("оплата проходит сразу", "pays at once")},
	{PAN: "2202205300068092", CVCs: "583", System: "MIR", Expiry: "202605", Flow: gateway.FlowChallenge, Limit: 10000, Note: gateway.T("спросит код 3-D Secure; на карте 100 ₽", "asks for the 3-D Secure code; holds 100 ₽")},
	{PAN: "4006800900962514", CVCs: "941", System: "VISA", Expiry: "202605", Flow: gateway.FlowPaReq, Note: gateway.T("спросит код 3-D Secure 1", "asks for the 3-D Secure 1 code")},
	{PAN: "5469980100048525", CVCs: "041", System: "MASTERCARD", Expiry: "202605", Flow: gateway.FlowPaReq, Note: gateway.T("спросит код 3-D Secure 1", "asks for the 3-D Secure 1 code")},
	{PAN: "2202206100040083", CVCs: "061", System: "MIR", Expiry: "202605", Flow: gateway.FlowNone, Note: gateway.T("не подключена к 3-D Secure", "not in 3-D Secure")},
	{PAN: "2202206000270541", CVCs: "123", System: "MIR", Expiry: "202805", Flow: gateway.FlowFrictionless, Note: gateway.T("корпоративная", "corporate")},
	{PAN: "2202205000060910", CVCs: "810", System: "MIR", Expiry: "202806", Flow: gateway.FlowFrictionless, Action: 116, Note: gateway.T("недостаточно средств", "not enough money")},
	{PAN: "2202202107593166", CVCs: "123", System: "MIR", Expiry: "202206", Flow: gateway.FlowFrictionless, Action: 101, Note: gateway.T("срок карты истёк", "the card has expired")},
}}

var legacyDeck = gateway.Deck{WrongNumber: 111, WrongCVC: 111, Code: "12345678", Stars: "**", Cards: []gateway.TestCard{
	{PAN: "4111111111111111", CVCs: "123", System: "VISA", Flow: gateway.FlowPaReq, Note: gateway.T("спросит код 3-D Secure", "asks for the 3-D Secure code")},
	{PAN: "5555555555555599", CVCs: "123", System: "MASTERCARD", Flow: gateway.FlowNone, Note: gateway.T("оплата проходит сразу", "pays at once")},
	{PAN: "2200000000000053", CVCs: "123", System: "MIR", Flow: gateway.FlowPaReq, Note: gateway.T("МИР, спросит код 3-D Secure", "MIR, asks for the 3-D Secure code")},
	{PAN: "6011000000000004", CVCs: "123", System: "Undefined", Flow: gateway.FlowAttempt, Note: gateway.T("3-D Secure по попытке", "3-D Secure by attempt")},
	{PAN: "639002000000000003", CVCs: "123", System: "Undefined", Flow: gateway.FlowAttempt, Note: gateway.T("3-D Secure по попытке", "3-D Secure by attempt")},
	{PAN: "5555555555555557", CVCs: "123", System: "MASTERCARD", Action: -2011, Note: gateway.T("эмитент не аутентифицирует", "the issuer cannot authenticate")},
	{PAN: "4444333322221111", CVCs: "123", System: "VISA", Action: -2011, Note: gateway.T("эмитент не аутентифицирует", "the issuer cannot authenticate")},
	{PAN: "4000000000000002", CVCs: "123", System: "VISA", Action: -2016, Note: gateway.T("эмитент не аутентифицирует", "the issuer cannot authenticate")},
	{PAN: "5555555544444442", CVCs: "123", System: "MASTERCARD", Action: -2016, Note: gateway.T("эмитент не аутентифицирует", "the issuer cannot authenticate")},
	{PAN: "4444444444444422", CVCs: "123", System: "VISA", Action: 913, Note: gateway.T("ошибка формата", "message format")},
	{PAN: "4444444411111111", CVCs: "123", System: "VISA", Action: 5, Note: gateway.T("отказ сети", "refused by the network")},
	{PAN: "4444444444446666", CVCs: "123", System: "VISA", Action: -20010, Note: gateway.T("лимиты", "limits")},
	{PAN: "4444444444444455", CVCs: "123", System: "VISA", Action: 902, Note: gateway.T("ограничение по карте", "card restriction")},
	{PAN: "4444444499999999", CVCs: "123", System: "VISA", Action: 151017, Note: gateway.T("ошибка 3-D Secure", "3-D Secure error")},
	{PAN: "4444444444443333", CVCs: "123", System: "VISA", Action: 123, Note: gateway.T("превышено число операций", "too many operations")},
	{PAN: "4408896253205448", CVCs: "123", System: "VISA", Action: 116, Note: gateway.T("недостаточно средств", "not enough money")},
	{PAN: "4012888888881881", CVCs: "123", System: "VISA", Action: 151019, Note: gateway.T("нет ответа процессинга", "no answer of processing")},
	{PAN: "4563960122001999", CVCs: "123", System: "VISA", Action: 151018, Note: gateway.T("таймаут процессинга", "processing timeout")},
}}

func deckOf(legacy bool) *gateway.Deck {
	if legacy {
		return &legacyDeck
	}
	return &newDeck
}
