package alfabanktest

import "github.com/acquiring-go/acquiring/internal/emulator/gateway"

// The card that pays without a question.
const plainCard = "4000001111111118"

// deck is the cards of the test stand (specification, section 11).
var deck = gateway.Deck{WrongNumber: 111, WrongCVC: 82, Code: "12345678", Stars: "**", Cards: []gateway.TestCard{
	{PAN: plainCard, CVCs: "123", System: "VISA", Expiry: "203012", Flow: gateway.FlowNone, Note: gateway.T("оплата без 3-D Secure", "pays without 3-D Secure")},
	{PAN: "5555555555555599", CVCs: "123", System: "MASTERCARD", Expiry: "203412", Flow: gateway.FlowChallenge, Note: gateway.T("спросит код 3-D Secure 2", "asks for the 3-D Secure 2 code")},
	{PAN: "4111111111111111", CVCs: "123", System: "VISA", Expiry: "202612", Flow: gateway.FlowFrictionless, Note: gateway.T("3-D Secure 2 без вопроса", "3-D Secure 2 without a question")},
	{PAN: "5168494895055780", CVCs: "123", System: "MASTERCARD", Flow: gateway.FlowFrictionless, Action: -2011, Note: gateway.T("3-D Secure 2 откажет", "3-D Secure 2 refuses")},
	{PAN: "5000001111111115", CVCs: "123", System: "MASTERCARD", Expiry: "203012", Flow: gateway.FlowPaReq, Note: gateway.T("спросит код 3-D Secure 1", "asks for the 3-D Secure 1 code")},
	{PAN: "4444555511113333", CVCs: "123", System: "VISA", AnyExpiry: true, Flow: gateway.FlowNone, Note: gateway.T("оплата без 3-D Secure, любой срок", "pays without 3-D Secure, whatever its date")},
}}
