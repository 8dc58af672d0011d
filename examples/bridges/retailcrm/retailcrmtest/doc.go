// Package retailcrmtest is an account of RetailCRM on your own machine, as a
// payment module sees it: the API version 5 that the module calls, and what
// the CRM and its manager do by themselves.
//
//	crm := retailcrmtest.NewServer()
//	defer crm.Close()
//	account, err := crm.Connect(module.URL + "/simple/connect") // "one-step connection" (подключение в один клик)
//	order := crm.AddOrder(retailcrmtest.Order{…})
//	payment, err := crm.AddPayment(order.Number, "acquiring", shop, money.RUB(1299, 50))
//	invoice, err := crm.CreateLink(payment.ID)                  // the manager's button
//	…                                                           // the customer pays at invoice.Link
//	payment, _ = crm.Payment(payment.ID)                        // Status is "paid" once the module said so, and not before
//
// It is strict where the CRM is: the key stands in the header X-API-KEY and
// has permissions, the body is a form with one field that holds JSON, fields
// are required, ten requests a second are the limit. And it is as loose as the
// CRM is known to be: amounts come to the module as numbers or as text,
// "errors" is now an object, now an array, the address of the account ends
// with a slash.
//
// What the CRM does to the module goes through the calls Connect, Register,
// Activity, CreateLink, Approve, Cancel, Refund, Status and, for requests that
// are wrong on purpose, Send. A call without an answer is repeated as often as
// WithRepeats says, with the same form. Deliveries has all of them.
//
// Where nobody says what the CRM does, the emulator chooses, and an option
// chooses otherwise: the statuses of an invoice beyond the known five are
// refused (WithStatuses), an invoice may go back (WithForwardOnly), a wrong
// key is 403 (WithWrongKeyStatus), too many requests are 503
// (WithLimitStatus), the zone of times is Moscow's (WithZone).
package retailcrmtest
